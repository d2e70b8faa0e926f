//! Files of the magnetic store as objects, read block by block; the blocks last read are kept in memory.

use super::files::{MAGNETIC_DIR, MagneticFiles};
use crate::{
    model::limits::{MAGNETIC_BLOCK_BYTES, MAGNETIC_CACHE_BYTES, MAGNETIC_PART_BYTES},
    store::disk::DiskReader,
};
use bytes::Bytes;
use futures::TryStreamExt;
use hashbrown::HashMap;
use object_store::{Error, ObjectStore, ObjectStoreExt, Result as ObjectResult, WriteMultipart, path::Path};
use std::{
    io,
    sync::{
        Arc, Mutex, PoisonError,
        mpsc::{RecvError, sync_channel},
    },
};
use tokio::runtime::{Builder, Runtime};

/// How the files' names end; whatever else lies beside them is no file of the magnetic store.
const SUFFIX: &str = ".parquet";

/// Files in an object store.
#[derive(Debug)]
pub(crate) struct ObjectFiles {
    requests: Arc<Requests>,
    /// What the keys of all files begin with.
    prefix: String,
}

impl ObjectFiles {
    /// The files with this prefix, which ends with `/` unless it is empty.
    ///
    /// # Errors
    /// When no thread can be started.
    pub(crate) fn new(store: Arc<dyn ObjectStore>, prefix: String) -> io::Result<Self> {
        Ok(Self { requests: Arc::new(Requests::new(store)?), prefix })
    }

    /// An object beside the files, `None` when it is not there.
    ///
    /// # Errors
    /// Those of the store.
    pub(crate) fn note(&self, name: &str) -> io::Result<Option<Vec<u8>>> {
        let (store, key) = (Arc::clone(&self.requests.store), path(&format!("{}{name}", self.prefix))?);
        let read = self.requests.wait(async move { store.get(&key).await?.bytes().await });
        match read {
            Ok(bytes) => Ok(Some(bytes.to_vec())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Writes an object beside the files.
    ///
    /// # Errors
    /// Those of the store.
    pub(crate) fn put_note(&self, name: &str, bytes: Vec<u8>) -> io::Result<()> {
        self.put_object(path(&format!("{}{name}", self.prefix))?, bytes)
    }

    fn put_object(&self, key: Path, bytes: Vec<u8>) -> io::Result<()> {
        let store = Arc::clone(&self.requests.store);
        self.requests.wait(async move {
            if bytes.len() <= MAGNETIC_PART_BYTES {
                return store.put(&key, bytes.into()).await.map(drop);
            }
            let mut upload = WriteMultipart::new_with_chunk_size(store.put_multipart(&key).await?, MAGNETIC_PART_BYTES);
            upload.put(bytes.into());
            upload.finish().await.map(drop)
        })
    }

    fn key(&self, file: &str) -> io::Result<Path> {
        let below = file.strip_prefix(MAGNETIC_DIR).and_then(|file| file.strip_prefix('/')).unwrap_or(file);
        path(&format!("{}{below}", self.prefix))
    }
}

fn path(key: &str) -> io::Result<Path> {
    Path::parse(key).map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))
}

impl MagneticFiles for ObjectFiles {
    fn put(&self, path: &str, bytes: Vec<u8>) -> io::Result<()> {
        self.put_object(self.key(path)?, bytes)
    }

    fn reader(&self, path: &str, length: Option<u64>) -> io::Result<Arc<dyn DiskReader>> {
        let key = self.key(path)?;
        let length = match length {
            Some(length) => length,
            None => {
                let (store, key) = (Arc::clone(&self.requests.store), key.clone());
                self.requests.wait(async move { store.head(&key).await })?.size
            }
        };
        Ok(Arc::new(ObjectReader { requests: Arc::clone(&self.requests), key, length }))
    }

    fn delete(&self, path: &str) -> io::Result<()> {
        let (store, key) = (Arc::clone(&self.requests.store), self.key(path)?);
        self.requests.blocks().forget(&key);
        self.requests.wait(async move {
            match store.delete(&key).await {
                Err(Error::NotFound { .. }) => Ok(()),
                deleted => deleted,
            }
        })
    }

    fn list(&self) -> io::Result<Vec<String>> {
        let store = Arc::clone(&self.requests.store);
        let below = path(self.prefix.trim_end_matches('/'))?;
        let listed = self.requests.wait(async move {
            let below = Some(&below).filter(|below| !below.as_ref().is_empty());
            store.list(below).map_ok(|object| String::from(object.location)).try_collect::<Vec<_>>().await
        })?;
        let file = |key: &String| Some(format!("{MAGNETIC_DIR}/{}", key.strip_prefix(&self.prefix)?));
        Ok(listed.iter().filter(|key| key.ends_with(SUFFIX)).filter_map(file).collect())
    }
}

/// Requests to a store, made on a thread of their own while the caller's waits.
#[derive(Debug)]
struct Requests {
    store: Arc<dyn ObjectStore>,
    blocks: Mutex<Blocks>,
    /// `None` only while this is dropped.
    runtime: Option<Runtime>,
}

impl Requests {
    fn new(store: Arc<dyn ObjectStore>) -> io::Result<Self> {
        let mut runtime = Builder::new_multi_thread();
        let runtime = runtime.worker_threads(1).thread_name("timebrook-magnetic").enable_all().build()?;
        Ok(Self { store, blocks: Mutex::default(), runtime: Some(runtime) })
    }

    /// What a request answers. Holds the thread, whatever thread it is.
    fn wait<T: Send + 'static>(
        &self,
        request: impl Future<Output = ObjectResult<T>> + Send + 'static,
    ) -> io::Result<T> {
        let runtime = self.runtime.as_ref().ok_or(io::ErrorKind::NotConnected)?;
        let (done, outcome) = sync_channel(1);
        runtime.spawn(async move { done.send(request.await) });
        Ok(outcome.recv().map_err(|RecvError| io::Error::other("the request was not carried out"))??)
    }

    fn blocks(&self) -> std::sync::MutexGuard<'_, Blocks> {
        self.blocks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn range(&self, key: &Path, range: std::ops::Range<u64>) -> io::Result<Bytes> {
        let (store, key, wanted) = (Arc::clone(&self.store), key.clone(), range.end - range.start);
        let bytes = self.wait(async move { store.get_range(&key, range).await })?;
        if bytes.len() as u64 == wanted { Ok(bytes) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
    }
}

impl Drop for Requests {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// The blocks last read, of all files.
#[derive(Debug, Default)]
struct Blocks {
    /// By file and number; with the moment of the last use.
    held: HashMap<(Path, u64), (Bytes, u64)>,
    uses: u64,
}

impl Blocks {
    fn get(&mut self, block: &(Path, u64)) -> Option<Bytes> {
        self.uses += 1;
        let (bytes, used) = self.held.get_mut(block)?;
        *used = self.uses;
        Some(bytes.clone())
    }

    fn keep(&mut self, block: (Path, u64), bytes: Bytes) {
        if self.held.len() * MAGNETIC_BLOCK_BYTES >= MAGNETIC_CACHE_BYTES
            && let Some(oldest) = self.held.iter().min_by_key(|(_, (_, used))| *used).map(|(block, _)| block.clone())
        {
            self.held.remove(&oldest);
        }
        self.uses += 1;
        self.held.insert(block, (bytes, self.uses));
    }

    fn forget(&mut self, key: &Path) {
        self.held.retain(|(file, _), _| file != key);
    }
}

/// A file that is read in parts.
#[derive(Debug)]
struct ObjectReader {
    requests: Arc<Requests>,
    key: Path,
    length: u64,
}

impl ObjectReader {
    fn block(&self, number: u64) -> io::Result<Bytes> {
        let block = (self.key.clone(), number);
        if let Some(bytes) = self.requests.blocks().get(&block) {
            return Ok(bytes);
        }
        let start = number * MAGNETIC_BLOCK_BYTES as u64;
        let bytes = self.requests.range(&self.key, start..(start + MAGNETIC_BLOCK_BYTES as u64).min(self.length))?;
        self.requests.blocks().keep(block, bytes.clone());
        Ok(bytes)
    }
}

impl DiskReader for ObjectReader {
    fn length(&self) -> u64 {
        self.length
    }

    fn read_at(&self, offset: u64, bytes: &mut [u8]) -> io::Result<()> {
        let end = offset.checked_add(bytes.len() as u64).filter(|end| *end <= self.length);
        let end = end.ok_or(io::ErrorKind::UnexpectedEof)?;
        // A long read is one request, and not worth keeping.
        if bytes.len() > 4 * MAGNETIC_BLOCK_BYTES {
            bytes.copy_from_slice(&self.requests.range(&self.key, offset..end)?);
            return Ok(());
        }
        let (mut at, mut rest) = (offset, bytes);
        while !rest.is_empty() {
            let block = self.block(at / MAGNETIC_BLOCK_BYTES as u64)?;
            let held = block.get((at % MAGNETIC_BLOCK_BYTES as u64) as usize..).unwrap_or_default();
            let (now, later) = rest.split_at_mut(rest.len().min(held.len()));
            now.copy_from_slice(held.get(..now.len()).ok_or(io::ErrorKind::UnexpectedEof)?);
            if now.is_empty() {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            at += now.len() as u64;
            rest = later;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use object_store::memory::InMemory;

    fn opened(prefix: &str) -> ObjectFiles {
        ObjectFiles::new(Arc::new(InMemory::new()), prefix.to_owned()).unwrap()
    }

    #[test]
    fn files_are_put_listed_read_and_deleted() {
        for prefix in ["", "a/b/"] {
            let files = opened(prefix);
            let paths = ["magnetic/1/r/db/t/day=2020-01-01/1.parquet", "magnetic/1/r/db/%2E/day=2020-01-02/2.parquet"];
            for path in paths {
                files.put(path, path.as_bytes().to_vec()).unwrap();
            }
            files.put_note("owner", b"me".to_vec()).unwrap();
            let mut listed = files.list().unwrap();
            listed.sort_unstable();
            assert_eq!(listed, [paths[1], paths[0]]);
            assert_eq!(files.note("owner").unwrap().as_deref(), Some(&b"me"[..]));
            assert_eq!(files.note("other").unwrap(), None);
            let reader = files.reader(paths[0], None).unwrap();
            let mut bytes = vec![0; paths[0].len()];
            reader.read_at(0, &mut bytes).unwrap();
            assert_eq!(bytes, paths[0].as_bytes());
            files.delete(paths[0]).unwrap();
            files.delete(paths[0]).unwrap();
            assert_eq!(files.list().unwrap(), [paths[1]]);
            assert_eq!(files.reader(paths[0], None).unwrap_err().kind(), io::ErrorKind::NotFound);
            assert!(reader.read_at(0, &mut bytes).is_err());
        }
    }

    #[test]
    fn any_part_of_a_file_can_be_read() {
        let files = opened("p/");
        let length = 6 * MAGNETIC_BLOCK_BYTES + 100;
        let whole: Vec<u8> = (0..length).map(|i| (i / 7 % 251) as u8).collect();
        files.put("magnetic/f.parquet", whole.clone()).unwrap();
        let reader = files.reader("magnetic/f.parquet", Some(length as u64)).unwrap();
        let block = MAGNETIC_BLOCK_BYTES;
        let parts = [
            0..0,
            0..1,
            5..block,
            block - 1..block + 1,
            2 * block..3 * block,
            block / 2..5 * block,
            length - 1..length,
        ];
        for part in parts.into_iter().chain(std::iter::once(0..length)) {
            let mut bytes = vec![0; part.len()];
            reader.read_at(part.start as u64, &mut bytes).unwrap();
            assert!(bytes == whole[part.clone()], "{part:?}");
        }
        for (offset, length) in [(length as u64, 1), (u64::MAX, 2), (0, length + 1)] {
            assert_eq!(reader.read_at(offset, &mut vec![0; length]).unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
        }
    }

    #[test]
    fn the_blocks_last_used_are_kept() {
        let mut blocks = Blocks::default();
        let count = (MAGNETIC_CACHE_BYTES / MAGNETIC_BLOCK_BYTES) as u64;
        let key = Path::from("f");
        for number in 0..=count {
            assert!(number == 0 || blocks.get(&(key.clone(), 0)).is_some(), "{number}");
            blocks.keep((key.clone(), number), Bytes::new());
        }
        assert!(blocks.get(&(key.clone(), 1)).is_none());
        assert_eq!(blocks.held.len() as u64, count);
        blocks.forget(&key);
        assert!(blocks.held.is_empty());
    }
}
