//! Where buckets are, and the client of each.

use super::{Client, ObjectError};
use futures::TryStreamExt;
use object_store::{Error, ObjectStore, RetryConfig, aws::AmazonS3Builder, local::LocalFileSystem, memory::InMemory};
use std::{
    collections::BTreeMap,
    io,
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

/// Bytes of the longest name of a bucket. # guide of S3: bucketnamingrules.html, as it was before 2018
const NAME_BYTES_MAX: usize = 255;
/// Clients that are kept at once; beyond that they are made anew.
const CLIENTS_MAX: usize = 1_000;
/// How often a request to a store elsewhere is repeated, and for how long.
const RETRIES_MAX: usize = 4;
const RETRY_SECONDS_MAX: u64 = 30;

/// The buckets of one backing.
#[derive(Debug)]
pub(super) struct Buckets {
    backing: Backing,
    /// By name. In memory this is where the buckets are; otherwise it spares making clients again.
    clients: Mutex<BTreeMap<String, Client>>,
}

#[derive(Debug)]
enum Backing {
    Memory,
    Folder(PathBuf),
    Endpoint(String),
}

impl Buckets {
    pub(super) fn in_memory() -> Self {
        Self { backing: Backing::Memory, clients: Mutex::default() }
    }

    pub(super) fn in_folder(root: PathBuf) -> Result<Self, ObjectError> {
        std::fs::create_dir_all(&root).map_err(folder_failed)?;
        Ok(Self { backing: Backing::Folder(root), clients: Mutex::default() })
    }

    pub(super) fn at_endpoint(endpoint: String) -> Self {
        Self { backing: Backing::Endpoint(endpoint), clients: Mutex::default() }
    }

    pub(super) fn endpoint(&self) -> Option<&str> {
        match &self.backing {
            Backing::Endpoint(endpoint) => Some(endpoint),
            Backing::Memory | Backing::Folder(_) => None,
        }
    }

    /// The client of a bucket. That a bucket elsewhere exists is not known before it is used.
    pub(super) fn client(&self, bucket: &str) -> Result<Client, ObjectError> {
        check_name(bucket)?;
        let missing = || ObjectError::NoBucket { bucket: bucket.to_owned() };
        match &self.backing {
            Backing::Memory => self.lock().get(bucket).cloned().ok_or_else(missing),
            Backing::Folder(root) if !root.join(bucket).is_dir() => Err(missing()),
            Backing::Folder(_) | Backing::Endpoint(_) => self.kept_or_made(bucket),
        }
    }

    /// The client of a bucket, which is made when it is kept here and missing.
    pub(super) fn client_or_new(&self, bucket: &str) -> Result<Client, ObjectError> {
        check_name(bucket)?;
        self.hidden(bucket)
    }

    /// The client of a bucket of our own, whose name no user can say.
    pub(super) fn hidden(&self, bucket: &str) -> Result<Client, ObjectError> {
        if let Backing::Folder(root) = &self.backing {
            std::fs::create_dir_all(root.join(bucket)).map_err(folder_failed)?;
        }
        self.kept_or_made(bucket)
    }

    /// Whether a bucket exists.
    pub(super) async fn exists(&self, bucket: &str) -> Result<bool, ObjectError> {
        let client = match self.client(bucket) {
            Ok(client) => client,
            Err(ObjectError::NoBucket { .. }) => return Ok(false),
            Err(error) => return Err(error),
        };
        if self.endpoint().is_none() {
            return Ok(true);
        }
        match client.list(None).try_next().await {
            Ok(_) => Ok(true),
            Err(Error::NotFound { .. }) => Ok(false),
            Err(error) => Err(ObjectError::Store(error)),
        }
    }

    /// Removes an empty bucket that is kept here.
    pub(super) fn remove(&self, bucket: &str) -> Result<(), ObjectError> {
        check_name(bucket)?;
        if let Backing::Folder(root) = &self.backing {
            // Empty folders in it are no objects.
            std::fs::remove_dir_all(root.join(bucket)).map_err(folder_failed)?;
        }
        self.lock().remove(bucket);
        Ok(())
    }

    /// The names of the buckets that are kept here, ascending.
    pub(super) fn names(&self) -> Result<Vec<String>, ObjectError> {
        let mut names = match &self.backing {
            Backing::Memory => self.lock().keys().cloned().collect(),
            Backing::Endpoint(_) => Vec::new(),
            Backing::Folder(root) => {
                let mut names = Vec::new();
                for entry in std::fs::read_dir(root).map_err(folder_failed)? {
                    let entry = entry.map_err(folder_failed)?;
                    if entry.path().is_dir() {
                        names.extend(entry.file_name().into_string());
                    }
                }
                names
            }
        };
        names.retain(|name| is_name(name));
        names.sort();
        Ok(names)
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Client>> {
        self.clients.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn kept_or_made(&self, bucket: &str) -> Result<Client, ObjectError> {
        let mut clients = self.lock();
        if let Some(client) = clients.get(bucket) {
            return Ok(Arc::clone(client));
        }
        let client: Client = match &self.backing {
            Backing::Memory => Arc::new(InMemory::new()),
            Backing::Folder(root) => {
                let store = LocalFileSystem::new_with_prefix(root.join(bucket)).map_err(ObjectError::Store)?;
                Arc::new(store.with_automatic_cleanup(true))
            }
            Backing::Endpoint(endpoint) => Arc::new(remote(endpoint, bucket)?),
        };
        if clients.len() >= CLIENTS_MAX && !matches!(self.backing, Backing::Memory) {
            clients.clear();
        }
        clients.insert(bucket.to_owned(), Arc::clone(&client));
        Ok(client)
    }
}

/// A client of a bucket elsewhere. What the environment says of endpoints is for the clients of this server.
fn remote(endpoint: &str, bucket: &str) -> Result<impl ObjectStore, ObjectError> {
    let retry = RetryConfig {
        max_retries: RETRIES_MAX,
        retry_timeout: Duration::from_secs(RETRY_SECONDS_MAX),
        ..RetryConfig::default()
    };
    AmazonS3Builder::from_env()
        .with_endpoint(endpoint)
        .with_allow_http(true)
        .with_virtual_hosted_style_request(false)
        .with_bucket_name(bucket)
        .with_retry(retry)
        .build()
        .map_err(ObjectError::Store)
}

/// Whether a text can be the name of a bucket: what S3 allows and ever allowed, and nothing that means something in a
/// path.
pub(super) fn is_name(bucket: &str) -> bool {
    let is_fine = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    (1..=NAME_BYTES_MAX).contains(&bucket.len()) && !bucket.starts_with('.') && bucket.bytes().all(is_fine)
}

fn check_name(bucket: &str) -> Result<(), ObjectError> {
    let invalid = || ObjectError::Name { bucket: bucket.to_owned(), key: String::new() };
    if is_name(bucket) { Ok(()) } else { Err(invalid()) }
}

fn folder_failed(source: io::Error) -> ObjectError {
    ObjectError::Store(Error::Generic { store: "folder", source: source.into() })
}
