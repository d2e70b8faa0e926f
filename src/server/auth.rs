//! Whose request it is, and whether that is believed.
//!
//! Signatures are always read, for the account and the region. What is demanded of them beyond that is a choice: nothing,
//! which suits a server for one's own use; that they are there and whole; or that they are right, which takes a file of
//! credentials ([`credentials`]). Callers of that file may do what its policies allow.

mod credentials;

pub(crate) use credentials::Credentials;
pub use credentials::CredentialsError;

use crate::{
    config::Config,
    model::{
        access::{Access, Principal},
        scope::Scope,
    },
};
use credentials::{Caller, Secret};
use http::{HeaderMap, Uri, header::AUTHORIZATION, request::Parts};
use std::sync::Arc;
use timebrook_protocol::sigv4::{self, Credential, Request, Rules, Signature, SignatureError};

/// Bytes of the longest region name that is taken at its word.
const REGION_BYTES_MAX: usize = 32;

/// Who calls, and which service they believe to call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Identity {
    /// The account and region whose state the request acts on.
    pub(crate) scope: Scope,
    /// The service that the request is signed for.
    pub(crate) service: Option<String>,
}

/// What a request says of its caller. It is to be believed when [`Auth::verify`] says so.
#[derive(Clone, Debug)]
pub(crate) struct Claim {
    pub(crate) identity: Identity,
    /// What the caller may do.
    pub(crate) access: Access,
    /// `None` when callers are not known, or this one is not.
    caller: Option<Arc<Caller>>,
}

/// What is demanded of signatures.
#[derive(Debug)]
pub(crate) enum Auth {
    /// Nothing.
    Open,
    /// That they are there and whole.
    Signed,
    /// That they are right.
    Verified(Credentials),
}

impl Auth {
    /// What the configuration demands.
    ///
    /// # Errors
    /// [`CredentialsError`].
    pub(crate) fn open(config: &Config) -> Result<Self, CredentialsError> {
        match &config.credentials {
            Some(path) => Ok(Self::Verified(Credentials::open(path)?)),
            None if config.require_signature => Ok(Self::Signed),
            None => Ok(Self::Open),
        }
    }

    /// Whose request it claims to be.
    pub(crate) fn claim(&self, parts: &Parts) -> Claim {
        let identity = identify(&parts.headers, &parts.uri);
        let Self::Verified(credentials) = self else {
            return Claim { identity, access: Access::unrestricted().clone(), caller: None };
        };
        let caller = access_key_id(&parts.headers, &parts.uri).and_then(|key| credentials.caller(&key));
        let (account, principal) = match &caller {
            Some(caller) => (caller.account.as_str(), Arc::clone(&caller.principal)),
            // Nothing is done for such a one; if it were, nothing would be allowed.
            None => {
                let nobody = Principal { arn: String::new(), policies: Some(Vec::new()) };
                (Scope::DEFAULT_ACCOUNT, Arc::new(nobody))
            }
        };
        let scope = Scope::new(account, &identity.scope.region);
        let access = Access::of(principal, scope.clone());
        Claim { identity: Identity { scope, ..identity }, access, caller }
    }

    /// Whether the claim is to be believed, as far as that is asked. `service` is the one that must be meant, `None` for any;
    /// `now_ns` is the machine's time.
    ///
    /// # Errors
    /// [`SignatureError`].
    pub(crate) fn verify(
        &self,
        claim: &Claim,
        parts: &Parts,
        rules: Rules<'_>,
        service: Option<&str>,
        now_ns: i64,
    ) -> Result<(), SignatureError> {
        if matches!(self, Self::Open) {
            return Ok(());
        }
        let request = Request {
            method: parts.method.as_str(),
            path: parts.uri.path(),
            query: parts.uri.query(),
            headers: &parts.headers,
            authority: parts.uri.authority().map(|authority| authority.as_str()),
        };
        let signature = Signature::of(&request)?;
        signature.check_form(&request, service)?;
        if matches!(self, Self::Signed) {
            return Ok(());
        }
        let caller = claim.caller.as_ref().ok_or(SignatureError::UnknownCredential)?;
        signature.check_token(caller.session_token.as_ref().map(Secret::expose))?;
        let now_s = u64::try_from(now_ns.div_euclid(1_000_000_000)).unwrap_or_default();
        signature.check_time(now_s, rules)?;
        signature.check_digits(&request, rules, caller.secret_access_key.expose())
    }

    /// Whether signatures are held against secrets.
    pub(crate) fn is_verified(&self) -> bool {
        matches!(self, Self::Verified(_))
    }

    /// Reads the file of credentials anew, where there is one; what cannot be read leaves everything as it was.
    pub(crate) fn reload(&self) {
        let Self::Verified(credentials) = self else { return };
        match credentials.reload() {
            Ok(()) => tracing::info!("the credentials have been read anew"),
            Err(error) => tracing::error!(%error, "the credentials stay as they were"),
        }
    }
}

/// The access key that a request names.
fn access_key_id(headers: &HeaderMap, uri: &Uri) -> Option<String> {
    credential(headers, uri).map(|credential| credential.access_key_id.into_owned())
}

/// Reads the credential of a signed header or of a presigned address. A caller who gives none is the default account
/// in the default region.
fn identify(headers: &HeaderMap, uri: &Uri) -> Identity {
    match credential(headers, uri) {
        Some(credential) => Identity { scope: scope(&credential), service: Some(credential.service.into_owned()) },
        None => Identity { scope: Scope::default(), service: None },
    }
}

fn credential<'a>(headers: &'a HeaderMap, uri: &'a Uri) -> Option<Credential<'a>> {
    match headers.get(AUTHORIZATION) {
        Some(header) => header.to_str().ok().and_then(sigv4::parse_authorization),
        None => uri.query().and_then(sigv4::parse_presigned),
    }
}

fn scope(credential: &Credential<'_>) -> Scope {
    let key = &*credential.access_key_id;
    let is_account = key.len() == 12 && key.bytes().all(|byte| byte.is_ascii_digit());
    let region = &*credential.region;
    let is_region = (1..=REGION_BYTES_MAX).contains(&region.len())
        && region.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
    Scope::new(
        if is_account { key } else { Scope::DEFAULT_ACCOUNT },
        if is_region { region } else { Scope::DEFAULT_REGION },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(authorization: Option<&str>, uri: &str, account: &str, region: &str, service: Option<&str>) {
        let mut headers = HeaderMap::new();
        if let Some(value) = authorization {
            headers.insert(AUTHORIZATION, value.parse().unwrap());
        }
        let expect = Identity { scope: Scope::new(account, region), service: service.map(str::to_owned) };
        assert_eq!(identify(&headers, &uri.parse().unwrap()), expect, "{authorization:?} {uri}");
    }

    fn header(key: &str, scope: &str) -> String {
        format!("AWS4-HMAC-SHA256 Credential={key}/20240101/{scope}/aws4_request, SignedHeaders=host, Signature=00")
    }

    #[test]
    fn account_and_region_come_from_the_credential() {
        let (account, region) = ("000000000000", "us-east-1");
        check(None, "/", account, region, None);
        check(Some(&header("AKIDEXAMPLE", "eu-west-1/timestream")), "/", account, "eu-west-1", Some("timestream"));
        check(Some(&header("123456789012", "us-west-2/sts")), "/", "123456789012", "us-west-2", Some("sts"));
        check(Some(&header("1234567890123", "us-west-2/sts")), "/", account, "us-west-2", Some("sts"));
        check(Some(&header("12345678901x", "us-west-2/sts")), "/", account, "us-west-2", Some("sts"));
        check(Some("Basic dXNlcjpwYXNz"), "/", account, region, None);
        check(Some("nonsense"), "/", account, region, None);
    }

    #[test]
    fn a_region_that_is_no_name_is_the_default() {
        check(Some(&header("test", "US EAST/timestream")), "/", "000000000000", "us-east-1", Some("timestream"));
    }

    #[test]
    fn presigned_addresses_carry_the_credential() {
        let uri =
            "/?Action=GetCallerIdentity&X-Amz-Credential=123456789012%2F20240101%2Feu-north-1%2Fsts%2Faws4_request";
        check(None, uri, "123456789012", "eu-north-1", Some("sts"));
    }
}
