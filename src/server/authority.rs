//! The server's own certificate authority: made once, kept where the server keeps its data, trusted by clients that
//! are told to.

use crate::clock::Clock;
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, date_time_ymd,
};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use std::{
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
    time::Duration,
};

/// Holds the private key and the certificate; 0600.
const KEY_FILE: &str = "ca-key.pem";
/// A copy of the certificate, for clients to trust.
const CERTIFICATE_FILE: &str = "ca.pem";
const DAY_SECONDS: u64 = 24 * 3_600;
/// Long enough never to matter to a development machine.
const AUTHORITY_DAYS: u64 = 3_650;
/// Some platforms refuse server certificates of more than 398 days.
const SERVER_DAYS: u64 = 397;

/// Why the authority cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum AuthorityError {
    /// A file cannot be read or written.
    #[error("{path}: {source}")]
    File {
        /// The file or directory.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file does not hold what this server wrote.
    #[error("{path} is damaged ({source}); remove it to have a new certificate authority made")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Why.
        source: rcgen::Error,
    },
    /// A certificate or key cannot be made.
    #[error("certificate: {0}")]
    Certificate(#[from] rcgen::Error),
}

/// A certificate authority with its private key.
pub(crate) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    certificate_pem: String,
    clock: Clock,
}

/// A server certificate chain and its private key.
pub(crate) struct ServerCertificate {
    pub(crate) chain: Vec<CertificateDer<'static>>,
    pub(crate) key: PrivateKeyDer<'static>,
}

impl Authority {
    /// A new authority that is kept nowhere.
    pub(crate) fn in_memory(clock: Clock) -> Result<Self, AuthorityError> {
        Ok(Self::from_pem(&new_pem(&clock)?, clock)?)
    }

    /// The authority kept in `dir`, made there first when there is none.
    pub(crate) fn kept_in(dir: &Path, clock: Clock) -> Result<Self, AuthorityError> {
        let key_file = dir.join(KEY_FILE);
        let at = |path: &Path| {
            let path = path.to_owned();
            move |source| AuthorityError::File { path, source }
        };
        fs::create_dir_all(dir).map_err(at(dir))?;
        if !key_file.try_exists().map_err(at(&key_file))? {
            write_first(&key_file, 0o600, &new_pem(&clock)?).map_err(at(&key_file))?;
        }
        // Read back even what was just written: another server sharing the directory may have been first.
        let pem = fs::read_to_string(&key_file).map_err(at(&key_file))?;
        let authority =
            Self::from_pem(&pem, clock).map_err(|source| AuthorityError::Damaged { path: key_file.clone(), source })?;
        let certificate_file = dir.join(CERTIFICATE_FILE);
        if fs::read_to_string(&certificate_file).ok().as_deref() != Some(authority.certificate_pem()) {
            write_over(&certificate_file, 0o644, authority.certificate_pem()).map_err(at(&certificate_file))?;
        }
        Ok(authority)
    }

    /// `pem` holds the private key, then the certificate.
    fn from_pem(pem: &str, clock: Clock) -> Result<Self, rcgen::Error> {
        const CERTIFICATE_START: &str = "-----BEGIN CERTIFICATE-----";
        let start = pem.find(CERTIFICATE_START).ok_or(rcgen::Error::CouldNotParseCertificate)?;
        let (key_pem, certificate_pem) = pem.split_at(start);
        let key = KeyPair::from_pem(key_pem)?;
        let issuer = Issuer::from_ca_cert_pem(certificate_pem, key)?;
        Ok(Self { issuer, certificate_pem: certificate_pem.to_owned(), clock })
    }

    /// The certificate for clients to trust, in PEM.
    pub(crate) fn certificate_pem(&self) -> &str {
        &self.certificate_pem
    }

    /// A new certificate for a server of these names (host names and IP addresses).
    pub(crate) fn issue(&self, names: Vec<String>) -> Result<ServerCertificate, AuthorityError> {
        let key = KeyPair::generate()?;
        let mut params = CertificateParams::new(names)?;
        params.distinguished_name = distinguished_name("Timebrook");
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        // Strict clients (Python from 3.13) refuse certificates that do not name their authority's key.
        params.use_authority_key_identifier_extension = true;
        set_validity(&mut params, &self.clock, SERVER_DAYS);
        let certificate = params.signed_by(&key, &self.issuer)?;
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        Ok(ServerCertificate { chain: vec![certificate.der().clone()], key })
    }
}

/// The key and the certificate of a new authority, in PEM.
fn new_pem(clock: &Clock) -> Result<String, rcgen::Error> {
    let key = KeyPair::generate()?;
    let mut params = CertificateParams::default();
    params.distinguished_name = distinguished_name("Timebrook certificate authority");
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    set_validity(&mut params, clock, AUTHORITY_DAYS);
    let certificate = params.self_signed(&key)?;
    Ok(format!("{}{}", key.serialize_pem(), certificate.pem()))
}

fn distinguished_name(common_name: &str) -> DistinguishedName {
    let mut name = DistinguishedName::new();
    name.push(DnType::CommonName, common_name);
    name
}

/// Valid from yesterday, so that a client whose clock is behind accepts it too.
fn set_validity(params: &mut CertificateParams, clock: &Clock, days: u64) {
    let now_seconds = u64::try_from(clock.now_ns() / 1_000_000_000).unwrap_or(0);
    let yesterday = date_time_ymd(1970, 1, 1) + Duration::from_secs(now_seconds.saturating_sub(DAY_SECONDS));
    params.not_before = yesterday;
    params.not_after = yesterday + Duration::from_secs(days * DAY_SECONDS);
}

/// Writes a file that must not be overwritten: who comes second leaves the first one's in place.
fn write_first(path: &Path, mode: u32, text: &str) -> io::Result<()> {
    let temporary = write_temporary(path, mode, text)?;
    let linked = fs::hard_link(&temporary, path);
    let outcome = match linked {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        // Some file systems have no hard links.
        Err(_) => fs::rename(&temporary, path),
    };
    let _ = fs::remove_file(&temporary);
    outcome
}

/// Writes a file at once, whatever was there.
fn write_over(path: &Path, mode: u32, text: &str) -> io::Result<()> {
    fs::rename(write_temporary(path, mode, text)?, path)
}

fn write_temporary(path: &Path, mode: u32, text: &str) -> io::Result<PathBuf> {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{}", std::process::id()));
    let temporary = PathBuf::from(name);
    let _ = fs::remove_file(&temporary);
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, mode);
    let mut file = options.open(&temporary)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    Ok(temporary)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clock() -> Clock {
        Clock::manual(1_700_000_000_000_000_000)
    }

    #[test]
    fn an_authority_is_made_once_and_kept() {
        let dir = tempfile::tempdir().unwrap();
        let first = Authority::kept_in(&dir.path().join("ca"), clock()).unwrap();
        let second = Authority::kept_in(&dir.path().join("ca"), clock()).unwrap();
        assert_eq!(first.certificate_pem(), second.certificate_pem());
        let copy = fs::read_to_string(dir.path().join("ca/ca.pem")).unwrap();
        assert_eq!(copy, first.certificate_pem());
        assert!(!copy.contains("PRIVATE KEY"));
        let names: Vec<_> = fs::read_dir(dir.path().join("ca")).unwrap().map(|e| e.unwrap().file_name()).collect();
        assert_eq!(names.len(), 2, "no temporary file is left: {names:?}");
    }

    #[cfg(unix)]
    #[test]
    fn the_private_key_is_for_its_owner_only() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        Authority::kept_in(dir.path(), clock()).unwrap();
        let mode = fs::metadata(dir.path().join(KEY_FILE)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn a_damaged_file_is_an_error_that_names_it() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join(KEY_FILE), "no key").unwrap();
        let error = Authority::kept_in(dir.path(), clock()).err().unwrap().to_string();
        assert!(error.contains(KEY_FILE), "{error}");
    }

    #[test]
    fn who_comes_second_leaves_the_first_file() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        write_first(&path, 0o600, "first").unwrap();
        write_first(&path, 0o600, "second").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "first");
    }

    #[test]
    fn two_authorities_in_memory_differ() {
        let (a, b) = (Authority::in_memory(clock()).unwrap(), Authority::in_memory(clock()).unwrap());
        assert_ne!(a.certificate_pem(), b.certificate_pem());
        assert_eq!(a.issue(vec!["localhost".into(), "127.0.0.1".into(), "::1".into()]).unwrap().chain.len(), 1);
    }
}
