//! A disk in memory that can lose power.
//!
//! It knows of every file what is durable and what is only written. A power cut keeps the durable bytes, and of what
//! was written after them some beginning, perhaps damaged at its end: the torn last write. Files that were created,
//! renamed or deleted without a sync of their directory are as before, or as after: both happen on real disks.

use super::{Disk, DiskFile, DiskReader, HeldBytes};
use std::{
    collections::BTreeMap,
    io,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
};

/// Zeros are written ahead of a log in pieces of this size.
const LOG_RESERVE_BYTES: usize = 128;

/// A disk in memory. Cloning it shares it, as opening a directory again does.
#[derive(Clone, Debug, Default)]
pub struct SimulatedDisk(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    released: Condvar,
}

impl Cut {
    /// Every kind.
    pub const ALL: [Self; 6] = [Self::Forgets, Self::Deletes, Self::Empties, Self::Tears, Self::Jumps, Self::Keeps];
}

/// What a power cut leaves of what was not synced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// Nothing of it.
    Forgets,
    /// Names that were deleted or renamed are gone; what was created is not there, neither under a new name nor any.
    Deletes,
    /// Created, renamed and deleted names, but no bytes.
    Empties,
    /// Created, renamed and deleted names, and half of the bytes, the last one damaged.
    Tears,
    /// Created, renamed and deleted names, and the last half of the bytes, but not the first.
    Jumps,
    /// Everything: all of it had just reached the disk.
    Keeps,
}

#[derive(Debug, Default)]
struct State {
    /// Files by number; several names may stand for one while a rename is not durable.
    files: Vec<Contents>,
    names: BTreeMap<String, usize>,
    durable_names: BTreeMap<String, usize>,
    operations: usize,
    cut_at: Option<usize>,
    is_off: bool,
    /// Bytes that may still be appended.
    room: Option<usize>,
    /// Syncs of files wait.
    is_held: bool,
}

#[derive(Clone, Debug, Default)]
struct Contents {
    bytes: Vec<u8>,
    durable: Vec<u8>,
}

impl SimulatedDisk {
    /// The power goes at the `operation`-th operation from the start, which is not done any more, and nor is any later.
    pub fn cut_power_at(&self, operation: usize) {
        self.state().cut_at = Some(operation);
    }

    /// How many operations there were.
    #[must_use]
    pub fn operations(&self) -> usize {
        self.state().operations
    }

    /// The power goes, and comes back: what is durable is there, and of the rest what `cut` says.
    pub fn cycle_power(&self, cut: Cut) {
        let mut state = self.state();
        match cut {
            Cut::Forgets => state.names = state.durable_names.clone(),
            Cut::Deletes => {
                let mut durable = std::mem::take(&mut state.durable_names);
                durable.retain(|path, _| state.names.contains_key(path));
                state.names = durable;
            }
            Cut::Empties | Cut::Tears | Cut::Jumps | Cut::Keeps => {}
        }
        state.durable_names = state.names.clone();
        for file in &mut state.files {
            file.lose_power(cut);
        }
        (state.is_off, state.cut_at) = (false, None);
    }

    /// Lets no more than `bytes` be appended, all files together; `None` lifts the limit.
    pub fn set_room(&self, bytes: Option<usize>) {
        self.state().room = bytes;
    }

    /// Makes syncs of files wait until they are released, or no longer.
    pub fn hold_syncs(&self, is_held: bool) {
        self.state().is_held = is_held;
        self.0.released.notify_all();
    }

    /// Overwrites a byte, as a failing disk does.
    ///
    /// # Panics
    /// When there is no such byte.
    pub fn damage(&self, path: &str, offset: usize) {
        let mut state = self.state();
        let file = state.names[path];
        state.files[file].bytes[offset] ^= 0xff;
        state.files[file].durable = state.files[file].bytes.clone();
    }

    /// A disk with the same files, all durable, that shares nothing with this one.
    #[must_use]
    pub fn copy(&self) -> Self {
        let state = self.state();
        let files = state.files.iter().map(|file| Contents { bytes: file.bytes.clone(), durable: file.bytes.clone() });
        let state = State {
            files: files.collect(),
            names: state.names.clone(),
            durable_names: state.names.clone(),
            ..State::default()
        };
        Self(Arc::new(Shared { state: Mutex::new(state), released: Condvar::new() }))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts an operation; an error when the power is gone.
    fn operate(&self) -> io::Result<MutexGuard<'_, State>> {
        let mut state = self.state();
        if state.cut_at == Some(state.operations) {
            state.is_off = true;
        }
        state.operations += 1;
        if state.is_off { Err(io::Error::other("the power is off")) } else { Ok(state) }
    }
}

impl Contents {
    fn lose_power(&mut self, cut: Cut) {
        match cut {
            Cut::Forgets | Cut::Deletes | Cut::Empties => self.bytes.clone_from(&self.durable),
            Cut::Tears => self.tear(),
            Cut::Jumps => self.jump(),
            Cut::Keeps => {}
        }
        self.durable.clone_from(&self.bytes);
    }
}

impl Contents {
    /// Keeps the first half of what was written since the last sync, its last byte damaged.
    fn tear(&mut self) {
        let Some((first, last)) = self.new_bytes() else { return };
        let torn = first + (last - first) / 2;
        let kept = &self.bytes[..torn + 1];
        let mut bytes = [kept, self.durable.get(torn + 1..).unwrap_or_default()].concat();
        bytes[torn] ^= 0xff;
        self.bytes = bytes;
    }

    /// Keeps the last half of what was written since the last sync.
    fn jump(&mut self) {
        let Some((first, last)) = self.new_bytes() else { return };
        for i in first..=first + (last - first) / 2 {
            self.bytes[i] = self.durable.get(i).copied().unwrap_or(0);
        }
    }

    /// The first and the last byte that are not durable.
    fn new_bytes(&self) -> Option<(usize, usize)> {
        let is_new = |i: &usize| self.durable.get(*i).copied().unwrap_or(0) != self.bytes[*i];
        Some(((0..self.bytes.len()).find(is_new)?, (0..self.bytes.len()).rfind(is_new)?))
    }
}

fn not_found(path: &str) -> io::Error {
    io::Error::new(io::ErrorKind::NotFound, format!("{path} is not there"))
}

impl State {
    fn file(&self, path: &str) -> io::Result<usize> {
        self.names.get(path).copied().ok_or_else(|| not_found(path))
    }
}

/// Whether a file is in a directory itself.
fn is_in(path: &str, dir: &str) -> bool {
    path.strip_prefix(dir).and_then(|rest| rest.strip_prefix('/')).is_some_and(|name| !name.contains('/'))
}

impl Disk for SimulatedDisk {
    fn create_dir(&self, _dir: &str) -> io::Result<()> {
        self.operate().map(drop)
    }

    fn list(&self, dir: &str) -> io::Result<Vec<String>> {
        let state = self.state();
        Ok(state.names.keys().filter(|path| is_in(path, dir)).map(|path| path[dir.len() + 1..].to_owned()).collect())
    }

    fn read(&self, path: &str) -> io::Result<Vec<u8>> {
        let state = self.state();
        Ok(state.files[state.file(path)?].bytes.clone())
    }

    fn reader(&self, path: &str) -> io::Result<Arc<dyn DiskReader>> {
        Ok(Arc::new(HeldBytes(self.read(path)?.into())))
    }

    fn list_below(&self, dir: &str) -> io::Result<Vec<String>> {
        let is_below = |path: &&String| path.strip_prefix(dir).is_some_and(|rest| rest.starts_with('/'));
        Ok(self.state().names.keys().filter(is_below).cloned().collect())
    }

    fn create(&self, path: &str) -> io::Result<Box<dyn DiskFile>> {
        let mut state = self.operate()?;
        let file = match state.names.get(path) {
            Some(&file) => {
                state.files[file].bytes.clear();
                file
            }
            None => {
                state.files.push(Contents::default());
                let file = state.files.len() - 1;
                state.names.insert(path.to_owned(), file);
                file
            }
        };
        Ok(Box::new(SimulatedFile { disk: self.clone(), file, log_end: None }))
    }

    fn create_log(&self, path: &str) -> io::Result<Box<dyn DiskFile>> {
        self.create(path)?;
        let file = self.state().file(path)?;
        Ok(Box::new(SimulatedFile { disk: self.clone(), file, log_end: Some(0) }))
    }

    fn reuse_log(&self, path: &str) -> io::Result<Box<dyn DiskFile>> {
        let file = self.operate()?.file(path)?;
        Ok(Box::new(SimulatedFile { disk: self.clone(), file, log_end: Some(0) }))
    }

    fn open(&self, path: &str) -> io::Result<Box<dyn DiskFile>> {
        let file = self.operate()?.file(path)?;
        Ok(Box::new(SimulatedFile { disk: self.clone(), file, log_end: None }))
    }

    fn truncate(&self, path: &str, length: u64) -> io::Result<()> {
        let mut state = self.operate()?;
        let file = state.file(path)?;
        let contents = &mut state.files[file];
        contents.bytes.truncate(usize::try_from(length).unwrap_or(usize::MAX));
        contents.durable.clone_from(&contents.bytes);
        Ok(())
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let mut state = self.operate()?;
        let file = state.file(from)?;
        state.names.remove(from);
        state.names.insert(to.to_owned(), file);
        Ok(())
    }

    fn delete(&self, path: &str) -> io::Result<()> {
        let mut state = self.operate()?;
        state.file(path)?;
        state.names.remove(path);
        Ok(())
    }

    fn sync_dir(&self, dir: &str) -> io::Result<()> {
        let mut state = self.operate()?;
        state.durable_names.retain(|path, _| !is_in(path, dir));
        let names: Vec<_> = state.names.iter().filter(|(path, _)| is_in(path, dir)).collect();
        let names: Vec<_> = names.into_iter().map(|(path, file)| (path.clone(), *file)).collect();
        state.durable_names.extend(names);
        Ok(())
    }
}

#[derive(Debug)]
struct SimulatedFile {
    disk: SimulatedDisk,
    file: usize,
    /// Of a log: where its zeros begin.
    log_end: Option<usize>,
}

impl DiskFile for SimulatedFile {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        let mut state = self.disk.operate()?;
        let fits = state.room.unwrap_or(usize::MAX).min(bytes.len());
        state.room = state.room.map(|room| room - fits);
        let held = &mut state.files[self.file].bytes;
        match &mut self.log_end {
            None => held.extend_from_slice(&bytes[..fits]),
            Some(end) => {
                let new_end = *end + fits;
                held.resize(held.len().max(new_end.next_multiple_of(LOG_RESERVE_BYTES)), 0);
                held[*end..new_end].copy_from_slice(&bytes[..fits]);
                *end = new_end;
            }
        }
        if fits < bytes.len() { Err(io::Error::new(io::ErrorKind::StorageFull, "the disk is full")) } else { Ok(()) }
    }

    fn sync(&mut self) -> io::Result<()> {
        let mut state = self.disk.operate()?;
        while state.is_held {
            state = self.disk.0.released.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        let contents = &mut state.files[self.file];
        contents.durable.clone_from(&contents.bytes);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Writes and syncs `a`, then writes more, renames a file and makes another, none of it synced.
    fn check(cut: Cut, expect: &[(&str, &[u8])]) {
        let disk = SimulatedDisk::default();
        let mut file = disk.create("d/a").unwrap();
        file.append(b"safe").unwrap();
        file.sync().unwrap();
        disk.create("d/old").unwrap();
        disk.sync_dir("d").unwrap();
        file.append(b"lost").unwrap();
        disk.rename("d/old", "d/new").unwrap();
        disk.create("d/b").unwrap();
        disk.cycle_power(cut);
        let found: Vec<_> = disk.list("d").unwrap().into_iter().map(|name| (format!("d/{name}"), name)).collect();
        let found: Vec<_> = found.into_iter().map(|(path, name)| (name, disk.read(&path).unwrap())).collect();
        let expect: Vec<_> = expect.iter().map(|(name, bytes)| ((*name).to_owned(), bytes.to_vec())).collect();
        assert_eq!(found, expect);
    }

    #[test]
    fn a_power_cut_takes_what_was_not_synced() {
        check(Cut::Forgets, &[("a", b"safe"), ("old", b"")]);
        check(Cut::Deletes, &[("a", b"safe")]);
        check(Cut::Empties, &[("a", b"safe"), ("b", b""), ("new", b"")]);
        check(Cut::Tears, &[("a", b"safel\x90"), ("b", b""), ("new", b"")]);
        check(Cut::Jumps, &[("a", b"safe\0\0st"), ("b", b""), ("new", b"")]);
        check(Cut::Keeps, &[("a", b"safelost"), ("b", b""), ("new", b"")]);
    }

    #[test]
    fn a_log_that_is_used_again_keeps_what_is_not_written_over() {
        let check = |cut: Cut, expect: &[u8]| {
            let disk = SimulatedDisk::default();
            let mut log = disk.create_log("d/log").unwrap();
            log.append(&[1; 8]).unwrap();
            log.sync().unwrap();
            disk.sync_dir("d").unwrap();
            disk.reuse_log("d/log").unwrap().append(&[2; 6]).unwrap();
            disk.cycle_power(cut);
            let bytes = disk.read("d/log").unwrap();
            assert_eq!((&bytes[..8], bytes.len()), (expect, LOG_RESERVE_BYTES), "{cut:?}");
        };
        check(Cut::Forgets, &[1, 1, 1, 1, 1, 1, 1, 1]);
        check(Cut::Tears, &[2, 2, 0xfd, 1, 1, 1, 1, 1]);
        check(Cut::Jumps, &[1, 1, 1, 2, 2, 2, 1, 1]);
        check(Cut::Keeps, &[2, 2, 2, 2, 2, 2, 1, 1]);
    }

    #[test]
    fn nothing_is_done_without_power() {
        let disk = SimulatedDisk::default();
        disk.cut_power_at(1);
        let mut file = disk.create("d/a").unwrap();
        assert!(file.append(b"x").is_err());
        assert!(file.sync().is_err());
        disk.cycle_power(Cut::Keeps);
        assert_eq!(disk.read("d/a").unwrap(), b"");
    }

    #[test]
    fn a_full_disk_takes_what_fits() {
        let disk = SimulatedDisk::default();
        let mut file = disk.create("d/a").unwrap();
        disk.set_room(Some(3));
        assert_eq!(file.append(b"hello").unwrap_err().kind(), io::ErrorKind::StorageFull);
        disk.set_room(None);
        file.append(b"!").unwrap();
        assert_eq!(disk.read("d/a").unwrap(), b"hel!");
    }
}
