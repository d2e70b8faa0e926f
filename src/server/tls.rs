//! HTTPS: which certificate answers which client.

use super::authority::{Authority, AuthorityError, ServerCertificate};
use crate::{
    clock::Clock,
    model::{limits::TLS_NAMES_MAX, retention::DAY_NS},
};
use rustls::{
    ServerConfig,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};
use std::{
    collections::HashMap,
    net::IpAddr,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

/// Certificates are made anew long before they expire.
const CERTIFICATE_AGE_NS_MAX: i64 = 30 * DAY_NS;

/// Why HTTPS cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The server's own authority.
    #[error(transparent)]
    Authority(#[from] AuthorityError),
    /// A file given with --tls-cert or --tls-key.
    #[error("{path}: {source}")]
    File {
        /// The file.
        path: PathBuf,
        /// Why it cannot be used.
        source: rustls::pki_types::pem::Error,
    },
    /// A certificate and key that do not go together.
    #[error("certificate: {0}")]
    Certificate(#[from] rustls::Error),
}

/// Where the certificates come from.
pub(crate) enum Certificates {
    /// One's own, the same for every client.
    Given(Arc<ServerConfig>),
    /// Made for the name each client asks for, by the server's own authority.
    Issued(IssuedCertificates),
}

impl Certificates {
    /// A chain and key from PEM files.
    pub(crate) fn from_files(certificate: &Path, key: &Path) -> Result<Self, TlsError> {
        let at = |path: &Path| {
            let path = path.to_owned();
            move |source| TlsError::File { path, source }
        };
        let chain = CertificateDer::pem_file_iter(certificate)
            .and_then(Iterator::collect::<Result<Vec<_>, _>>)
            .map_err(at(certificate))?;
        let key = PrivateKeyDer::from_pem_file(key).map_err(at(key))?;
        Ok(Self::Given(server_config(ServerCertificate { chain, key })?))
    }

    /// The authority kept in `dir`, or one that lives as long as the server.
    pub(crate) fn own(dir: Option<PathBuf>, clock: Clock) -> Result<Self, TlsError> {
        let authority = match dir {
            // At once, so that a directory that cannot be used is known when the server starts.
            Some(dir) => Some(Arc::new(Authority::kept_in(&dir, clock.clone())?)),
            // When first needed: most servers are only ever spoken to in plain HTTP.
            None => None,
        };
        Ok(Self::Issued(IssuedCertificates { authority: Mutex::new(authority), configs: Mutex::default(), clock }))
    }

    /// The configuration for a client that asked for `name`, or for none at `address`.
    pub(crate) fn config(&self, name: Option<&str>, address: Option<IpAddr>) -> Result<Arc<ServerConfig>, TlsError> {
        match self {
            Self::Given(config) => Ok(config.clone()),
            Self::Issued(issued) => issued.config(name, address),
        }
    }

    /// The authority's certificate in PEM; `None` when the certificate was given.
    pub(crate) fn authority_pem(&self) -> Result<Option<String>, TlsError> {
        match self {
            Self::Given(_) => Ok(None),
            Self::Issued(issued) => Ok(Some(issued.authority()?.certificate_pem().to_owned())),
        }
    }
}

/// Certificates by the server's own authority, kept per name.
pub(crate) struct IssuedCertificates {
    authority: Mutex<Option<Arc<Authority>>>,
    configs: Mutex<HashMap<String, (i64, Arc<ServerConfig>)>>,
    clock: Clock,
}

impl IssuedCertificates {
    fn authority(&self) -> Result<Arc<Authority>, TlsError> {
        let mut authority = self.authority.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(made) = &*authority {
            return Ok(made.clone());
        }
        Ok(authority.insert(Arc::new(Authority::in_memory(self.clock.clone())?)).clone())
    }

    fn config(&self, name: Option<&str>, address: Option<IpAddr>) -> Result<Arc<ServerConfig>, TlsError> {
        let authority = self.authority()?;
        let now_ns = self.clock.now_ns();
        let asked = match (name, address) {
            (Some(name), _) => name.to_ascii_lowercase(),
            (None, Some(address)) => address.to_canonical().to_string(),
            (None, None) => "localhost".to_owned(),
        };
        let mut configs = self.configs.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((made_ns, config)) = configs.get(&asked)
            && now_ns.saturating_sub(*made_ns) < CERTIFICATE_AGE_NS_MAX
        {
            return Ok(config.clone());
        }
        // A container's own address is not the one its clients know: those of this machine are always in.
        let mut names = vec!["localhost".to_owned(), "127.0.0.1".to_owned(), "::1".to_owned()];
        if !names.contains(&asked) {
            names.push(asked.clone());
        }
        let config = server_config(authority.issue(names)?)?;
        if configs.len() >= TLS_NAMES_MAX {
            configs.clear();
        }
        configs.insert(asked, (now_ns, config.clone()));
        Ok(config)
    }
}

fn server_config(certificate: ServerCertificate) -> Result<Arc<ServerConfig>, TlsError> {
    // Named, because a program that embeds this server may have chosen another provider for itself.
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(certificate.chain, certificate.key)?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn own() -> Certificates {
        Certificates::own(None, Clock::manual(1_700_000_000_000_000_000)).unwrap()
    }

    #[test]
    fn one_certificate_per_name() {
        let certificates = own();
        let a = certificates.config(Some("a.example"), None).unwrap();
        assert!(Arc::ptr_eq(&a, &certificates.config(Some("A.EXAMPLE"), None).unwrap()));
        assert!(!Arc::ptr_eq(&a, &certificates.config(Some("b.example"), None).unwrap()));
        assert!(!Arc::ptr_eq(&a, &certificates.config(None, Some("10.1.2.3".parse().unwrap())).unwrap()));
    }

    #[test]
    fn names_are_bounded() {
        let certificates = own();
        for i in 0..TLS_NAMES_MAX + 2 {
            certificates.config(Some(&format!("host{i}.example")), None).unwrap();
        }
        let Certificates::Issued(issued) = &certificates else { panic!("own certificates are issued") };
        assert!(issued.configs.lock().unwrap().len() <= TLS_NAMES_MAX);
    }

    #[test]
    fn a_certificate_is_made_anew_before_it_expires() {
        let clock = Clock::manual(1_700_000_000_000_000_000);
        let certificates = Certificates::own(None, clock.clone()).unwrap();
        let first = certificates.config(Some("localhost"), None).unwrap();
        clock.advance(std::time::Duration::from_secs(29 * 24 * 3_600));
        assert!(Arc::ptr_eq(&first, &certificates.config(Some("localhost"), None).unwrap()));
        clock.advance(std::time::Duration::from_secs(2 * 24 * 3_600));
        assert!(!Arc::ptr_eq(&first, &certificates.config(Some("localhost"), None).unwrap()));
    }

    #[test]
    fn files_that_hold_no_certificate_are_an_error_that_names_them() {
        let error = Certificates::from_files(Path::new("absent.pem"), Path::new("absent.key")).err().unwrap();
        assert!(error.to_string().starts_with("absent.pem: "), "{error}");
    }
}
