//! Whose request it is. Signatures are read for the account and the region; they are not verified.

use crate::model::scope::Scope;
use http::{HeaderMap, Uri, header::AUTHORIZATION};
use timebrook_protocol::sigv4::{self, Credential};

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

/// Reads the credential of a signed header or of a presigned address. A caller who gives none is the default account
/// in the default region.
pub(crate) fn identify(headers: &HeaderMap, uri: &Uri) -> Identity {
    let signed = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    let credential = match signed {
        Some(header) => sigv4::parse_authorization(header),
        None => uri.query().and_then(sigv4::parse_presigned),
    };
    match credential {
        Some(credential) => Identity { scope: scope(&credential), service: Some(credential.service.into_owned()) },
        None => Identity { scope: Scope::default(), service: None },
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
