//! Which object store holds the magnetic store of which data directory. Each names the other: a data directory is never
//! opened without its files, and two never share files, which each would take for leftovers of its own.

use super::EngineError;
use crate::store::{
    codec::{Reader, put_str},
    disk::Disk,
    error::io_error,
    magnetic::{
        files::{LocalFiles, MAGNETIC_DIR, MagneticFiles},
        objects::ObjectFiles,
    },
    whole_file::{FileKind, read_file, write_file},
};
use object_store::ObjectStore;
use std::sync::Arc;

/// The file that says where the magnetic store is. It is not there when that is in the data directory.
const LOCATION: &str = "location/magnetic";
const LOCATION_FILE: FileKind = FileKind { magic: b"TBROKLOC", version: 1 };
/// It is written under this name first.
const NEW_LOCATION: &str = "location/new";
const LOCATION_DIR: &str = "location";
/// The object beside the files that names the data directory to which they belong.
const OWNER: &str = "timebrook-owner";

/// A place for the magnetic store outside the data directory.
#[derive(Clone, Debug)]
pub struct MagneticLocation {
    /// As the user names it: `s3://bucket/prefix`.
    pub url: String,
    /// The bucket.
    pub store: Arc<dyn ObjectStore>,
    /// What the keys begin with: ends with `/` unless it is empty.
    pub prefix: String,
    /// A name for the data directory, in case that it has none yet: unlike that of any other.
    pub owner: String,
}

/// The magnetic store of a data directory, which is to be at `wanted`, or in the directory itself.
///
/// # Errors
/// [`EngineError::Location`] when it is elsewhere, or is another directory's; [`EngineError::Storage`].
pub(super) fn open(
    disk: &Arc<dyn Disk>,
    wanted: Option<MagneticLocation>,
) -> Result<Arc<dyn MagneticFiles>, EngineError> {
    let known = read(&**disk)?;
    let Some(MagneticLocation { url, store, prefix, owner }) = wanted else {
        return match known {
            None => Ok(Arc::new(LocalFiles::open(Arc::clone(disk)).map_err(io_error(MAGNETIC_DIR))?)),
            Some((url, _)) => Err(refused(format!("the magnetic store of this data directory is at {url}"))),
        };
    };
    let failed = |error: std::io::Error| EngineError::Storage(format!("{url}: {error}"));
    let files = ObjectFiles::new(store, prefix).map_err(failed)?;
    let found = files.note(OWNER).map_err(failed)?;
    let owner = match known {
        Some((at, _)) if at != url => {
            return Err(refused(format!("the magnetic store of this data directory is at {at}, not at {url}")));
        }
        Some((_, owner)) => owner,
        None => {
            if !disk.list_below(MAGNETIC_DIR).map_err(io_error(MAGNETIC_DIR))?.is_empty() {
                return Err(refused("the magnetic store of this data directory is in the directory itself".to_owned()));
            }
            if found.is_some() || !files.list().map_err(failed)?.is_empty() {
                return Err(refused(format!("{url} holds the magnetic store of another data directory")));
            }
            write(&**disk, &url, &owner)?;
            owner
        }
    };
    match found {
        Some(found) if found != owner.as_bytes() => {
            return Err(refused(format!("{url} holds the magnetic store of another data directory")));
        }
        Some(_) => {}
        None => files.put_note(OWNER, owner.into_bytes()).map_err(failed)?,
    }
    Ok(Arc::new(files))
}

fn refused(why: String) -> EngineError {
    EngineError::Location(why)
}

/// Where the magnetic store is, and the name of the data directory.
fn read(disk: &dyn Disk) -> Result<Option<(String, String)>, EngineError> {
    let names = disk.list_below(LOCATION_DIR).map_err(io_error(LOCATION_DIR))?;
    if !names.iter().any(|name| name == LOCATION) {
        return Ok(None);
    }
    let read = read_file(disk, LOCATION, LOCATION_FILE, |body| {
        let mut reader = Reader::new(body);
        Ok((reader.str()?.to_owned(), reader.str()?.to_owned()))
    })?;
    Ok(Some(read))
}

fn write(disk: &dyn Disk, url: &str, owner: &str) -> Result<(), EngineError> {
    disk.create_dir(LOCATION_DIR).map_err(io_error(LOCATION_DIR))?;
    let mut body = Vec::new();
    put_str(&mut body, url);
    put_str(&mut body, owner);
    write_file(disk, NEW_LOCATION, LOCATION_FILE, &body)?;
    disk.rename(NEW_LOCATION, LOCATION).map_err(io_error(LOCATION))?;
    Ok(disk.sync_dir(LOCATION_DIR).map_err(io_error(LOCATION_DIR))?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::disk::simulated::SimulatedDisk;
    use object_store::memory::InMemory;

    fn opened(
        disk: &SimulatedDisk,
        at: Option<(&Arc<InMemory>, &str, &str)>,
    ) -> Result<Arc<dyn MagneticFiles>, String> {
        let disk: Arc<dyn Disk> = Arc::new(disk.clone());
        let wanted = at.map(|(store, prefix, owner)| MagneticLocation {
            url: format!("s3://bucket/{prefix}"),
            store: Arc::clone(store) as Arc<dyn ObjectStore>,
            prefix: prefix.to_owned(),
            owner: owner.to_owned(),
        });
        open(&disk, wanted).map_err(|error| error.to_string())
    }

    #[test]
    fn a_directory_and_its_place_belong_together() {
        let (store, disk) = (Arc::new(InMemory::new()), SimulatedDisk::default());
        let files = opened(&disk, Some((&store, "p/", "one"))).unwrap();
        files.put("magnetic/1.parquet", vec![1]).unwrap();
        // Its name is drawn only once.
        let again = opened(&disk, Some((&store, "p/", "two"))).unwrap();
        assert_eq!(again.list().unwrap(), ["magnetic/1.parquet"]);
        let refused = |disk: &SimulatedDisk, at| opened(disk, at).unwrap_err();
        assert_eq!(refused(&disk, None), "the magnetic store of this data directory is at s3://bucket/p/");
        let elsewhere = refused(&disk, Some((&store, "q/", "one")));
        assert_eq!(elsewhere, "the magnetic store of this data directory is at s3://bucket/p/, not at s3://bucket/q/");
        let other = SimulatedDisk::default();
        let taken = "s3://bucket/p/ holds the magnetic store of another data directory";
        assert_eq!(refused(&other, Some((&store, "p/", "three"))), taken);
        assert_eq!(again.list().unwrap(), ["magnetic/1.parquet"]);
        opened(&other, Some((&store, "q/", "three"))).unwrap();
        let local = SimulatedDisk::default();
        opened(&local, None).unwrap().put("magnetic/t/1.parquet", vec![1]).unwrap();
        let inside = refused(&local, Some((&store, "r/", "four")));
        assert_eq!(inside, "the magnetic store of this data directory is in the directory itself");
    }

    /// The directory names its place before the place names it.
    #[test]
    fn a_claim_that_was_cut_short_is_made_again() {
        let (store, disk) = (Arc::new(InMemory::new()), SimulatedDisk::default());
        write(&disk, "s3://bucket/p/", "one").unwrap();
        opened(&disk, Some((&store, "p/", "two"))).unwrap();
        let owner = ObjectFiles::new(store, "p/".to_owned()).unwrap().note(OWNER).unwrap();
        assert_eq!(owner.as_deref(), Some(&b"one"[..]));
    }
}
