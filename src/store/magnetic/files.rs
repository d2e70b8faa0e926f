//! Where the files of the magnetic store are: in the data directory, in an object store, or in memory.

use crate::store::disk::{Disk, DiskReader, HeldBytes};
use bytes::Bytes;
use hashbrown::HashMap;
use std::{
    fmt, io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// The directory of the magnetic store, with which every path of a file begins:
/// `magnetic/<account>/<region>/<database>/<table>/day=YYYY-MM-DD/….parquet`.
pub(crate) const MAGNETIC_DIR: &str = "magnetic";

/// The files of the magnetic store. Each is written at once and never changed.
pub(crate) trait MagneticFiles: fmt::Debug + Send + Sync {
    /// Writes a new file; when this returns, the file and its name are durable.
    ///
    /// # Errors
    /// Those of the file system or of the object store, as everywhere here. What was written of the file is gone, or is
    /// nobody's.
    fn put(&self, path: &str, bytes: Vec<u8>) -> io::Result<()>;
    /// A file to be read in parts; its length need not be asked for when it is known. Of a file that is deleted meanwhile,
    /// reading may fail.
    ///
    /// # Errors
    /// As above.
    fn reader(&self, path: &str, length: Option<u64>) -> io::Result<Arc<dyn DiskReader>>;
    /// Deletes a file.
    ///
    /// # Errors
    /// As above.
    fn delete(&self, path: &str) -> io::Result<()>;
    /// Bytes of memory that a file of this length takes up.
    fn bytes_in_memory(&self, _length: u64) -> usize {
        0
    }
    /// Tells that nobody will read a file any more.
    fn released(&self, _path: &str) {}
    /// The paths of all files, in no order.
    ///
    /// # Errors
    /// As above.
    fn list(&self) -> io::Result<Vec<String>>;
}

/// Files in the data directory.
#[derive(Debug)]
pub(crate) struct LocalFiles(Arc<dyn Disk>);

impl LocalFiles {
    /// The files of a data directory.
    ///
    /// # Errors
    /// When the directory of the files cannot be made.
    pub(crate) fn open(disk: Arc<dyn Disk>) -> io::Result<Self> {
        disk.create_dir(MAGNETIC_DIR)?;
        Ok(Self(disk))
    }

    /// Makes a directory and those above it, durably.
    fn create_dirs(&self, dir: &str) -> io::Result<()> {
        for (end, _) in dir.match_indices('/').chain([(dir.len(), "")]).skip(1) {
            let (above, _) = dir[..end].rsplit_once('/').unwrap_or_default();
            self.0.create_dir(&dir[..end])?;
            self.0.sync_dir(above)?;
        }
        Ok(())
    }
}

impl MagneticFiles for LocalFiles {
    fn put(&self, path: &str, bytes: Vec<u8>) -> io::Result<()> {
        let (dir, _) = path.rsplit_once('/').unwrap_or_default();
        self.create_dirs(dir)?;
        let put = || {
            let mut file = self.0.create(path)?;
            file.append(&bytes)?;
            file.sync()?;
            self.0.sync_dir(dir)
        };
        // What a full disk took of it would take up room for nothing.
        put().inspect_err(|_| {
            if let Err(error) = self.0.delete(path) {
                tracing::warn!(%path, %error, "a file that is not needed cannot be deleted");
            }
        })
    }

    fn reader(&self, path: &str, _length: Option<u64>) -> io::Result<Arc<dyn DiskReader>> {
        self.0.reader(path)
    }

    fn delete(&self, path: &str) -> io::Result<()> {
        self.0.delete(path)
    }

    fn list(&self) -> io::Result<Vec<String>> {
        self.0.list_below(MAGNETIC_DIR)
    }
}

/// Files in memory, packed as they would be on a disk. They are there as long as somebody may read them.
#[derive(Debug, Default)]
pub(crate) struct MemoryFiles(Mutex<HashMap<String, Bytes>>);

impl MemoryFiles {
    fn files(&self) -> MutexGuard<'_, HashMap<String, Bytes>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl MagneticFiles for MemoryFiles {
    fn put(&self, path: &str, bytes: Vec<u8>) -> io::Result<()> {
        self.files().insert(path.to_owned(), bytes.into());
        Ok(())
    }

    fn reader(&self, path: &str, _length: Option<u64>) -> io::Result<Arc<dyn DiskReader>> {
        let bytes = self.files().get(path).cloned().ok_or(io::ErrorKind::NotFound)?;
        Ok(Arc::new(HeldBytes(bytes)))
    }

    fn delete(&self, path: &str) -> io::Result<()> {
        self.files().remove(path);
        Ok(())
    }

    fn bytes_in_memory(&self, length: u64) -> usize {
        usize::try_from(length).unwrap_or(usize::MAX)
    }

    fn released(&self, path: &str) {
        self.files().remove(path);
    }

    fn list(&self) -> io::Result<Vec<String>> {
        Ok(self.files().keys().cloned().collect())
    }
}
