//! Who may use the addresses that look into the server and change it.
//!
//! A program on this machine may, and whoever knows the admin token. A page in a browser on this machine may not: its
//! requests carry an `Origin`, or, when it had its name resolve to this machine (DNS rebinding), a `Host` that is a name.

use crate::server::{http::Connection, reply::Reply};
use http::{
    HeaderMap, StatusCode, Uri,
    header::{AUTHORIZATION, HOST, ORIGIN},
    request::Parts,
    uri::Authority,
};
use std::net::IpAddr;
use subtle::ConstantTimeEq;

/// Refuses a request that may not be made; `None` when it may.
pub(super) fn refuse(parts: &Parts, connection: Connection, token: Option<&str>) -> Option<Reply> {
    match (bearer(&parts.headers), token) {
        // The time that it takes does not tell where the difference is.
        (Some(given), Some(token)) if bool::from(given.as_bytes().ct_eq(token.as_bytes())) => return None,
        (Some(_), Some(_)) => return Some(refusal("the admin token is another one")),
        _ => {}
    }
    if !is_from_this_machine(connection) {
        return Some(refusal("this address is for programs on this machine, or with the admin token (--admin-token)"));
    }
    let host = parts.headers.get(HOST).map(|host| host.to_str().unwrap_or_default());
    let host = host.or_else(|| parts.uri.authority().map(Authority::as_str)).unwrap_or_default();
    if !is_own_name(host) {
        return Some(refusal(
            "the Host header is not localhost or an IP address: use one of these, or the admin token",
        ));
    }
    match parts.headers.get(ORIGIN) {
        Some(origin) if !is_origin(origin.to_str().unwrap_or_default(), host) => {
            Some(refusal("this address is not for web pages of elsewhere"))
        }
        _ => None,
    }
}

fn refusal(text: &str) -> Reply {
    super::text_error(StatusCode::FORBIDDEN, text)
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    headers.get(AUTHORIZATION)?.to_str().ok()?.strip_prefix("Bearer ").map(str::trim)
}

/// In process, and over a loopback address.
fn is_from_this_machine(connection: Connection) -> bool {
    connection.peer.is_none_or(|peer| peer.ip().to_canonical().is_loopback())
}

/// Whether a host is `localhost` or below it, or an IP address: what no page elsewhere can have as its own name.
fn is_own_name(host: &str) -> bool {
    let Ok(authority) = host.parse::<Authority>() else { return host.is_empty() };
    let name = authority.host().trim_start_matches('[').trim_end_matches(']').to_ascii_lowercase();
    name == "localhost" || name.ends_with(".localhost") || name.parse::<IpAddr>().is_ok()
}

/// Whether an origin is the server itself, as it was addressed.
fn is_origin(origin: &str, host: &str) -> bool {
    origin.parse::<Uri>().is_ok_and(|origin| origin.authority().is_some_and(|own| own.as_str() == host))
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::Request;

    fn check(peer: Option<&str>, headers: &[(&str, &str)], is_allowed: bool) {
        let mut request = Request::builder().uri("/_timebrook/state");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let (parts, ()) = request.body(()).unwrap().into_parts();
        let peer = peer.map(|peer| peer.parse().unwrap());
        let refused = refuse(&parts, Connection { peer, ..Connection::default() }, Some("secret"));
        assert_eq!(refused.is_none(), is_allowed, "{peer:?} {headers:?}");
    }

    #[test]
    fn programs_of_this_machine_and_holders_of_the_token_may() {
        let (here, there) = (Some("127.0.0.1:50000"), Some("10.0.0.7:50000"));
        let local = ("host", "127.0.0.1:4566");
        check(None, &[], true);
        for host in ["127.0.0.1:4566", "localhost:4566", "LOCALHOST", "api.localhost:4566", "[::1]:4566", "10.0.0.1"] {
            check(here, &[("host", host)], true);
        }
        check(Some("[::1]:50000"), &[local], true);
        check(Some("[::ffff:127.0.0.1]:50000"), &[local], true);
        check(there, &[local], false);
        check(there, &[local, ("authorization", "Bearer secret")], true);
        check(there, &[local, ("authorization", "Bearer secreT")], false);
        check(there, &[local, ("authorization", "Bearer ")], false);
        check(there, &[local, ("authorization", "Basic c2VjcmV0")], false);
        check(here, &[local, ("authorization", "Bearer other")], false);
    }

    #[test]
    fn pages_of_elsewhere_may_not() {
        let here = Some("127.0.0.1:50000");
        for host in ["evil.example", "evil.example:4566", "localhost.evil.example", "127.0.0.1.evil.example", "a b"] {
            check(here, &[("host", host)], false);
        }
        let local = ("host", "127.0.0.1:4566");
        check(here, &[local, ("origin", "http://evil.example")], false);
        check(here, &[local, ("origin", "http://127.0.0.1:3000")], false);
        check(here, &[local, ("origin", "null")], false);
        check(here, &[local, ("origin", "http://127.0.0.1:4566")], true);
        check(
            here,
            &[("host", "evil.example"), ("origin", "http://evil.example"), ("authorization", "Bearer secret")],
            true,
        );
    }
}
