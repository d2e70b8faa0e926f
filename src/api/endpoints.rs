//! DescribeEndpoints: where clients shall send everything else. They disagree on what an address looks like, so the
//! answer depends on who asks.

use super::Ctx;
use crate::model::access::{Action, Resource};
use timebrook_protocol::{
    ServiceError, decode, encode,
    shapes::write::{DescribeEndpointsRequest, DescribeEndpointsResponse, Endpoint},
};

/// # observed: what the service answers
const CACHE_PERIOD_MINUTES: i64 = 1_440;

/// An address that DescribeEndpoints answers with instead of the request's own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Advertised {
    scheme: Option<&'static str>,
    authority: String,
}

impl Advertised {
    /// Reads `[SCHEME://]HOST[:PORT]`, the scheme being `http` or `https`; `None` when it is not of that form.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (scheme, authority) = match text.split_once("://") {
            Some(("http", rest)) => (Some("http"), rest),
            Some(("https", rest)) => (Some("https"), rest),
            Some(_) => return None,
            None => (None, text),
        };
        let authority = authority.strip_suffix('/').unwrap_or(authority);
        let parsed: http::uri::Authority = authority.parse().ok()?;
        let is_plain = !parsed.host().is_empty() && !authority.contains('@');
        is_plain.then(|| Self { scheme, authority: authority.to_owned() })
    }
}

/// Answers DescribeEndpoints.
pub(super) fn describe_endpoints(
    advertised: Option<&Advertised>,
    ctx: &Ctx,
    body: &[u8],
) -> Result<Vec<u8>, ServiceError> {
    let _: DescribeEndpointsRequest = decode(body)?;
    ctx.access.check(Action::DescribeEndpoints, Resource::Any)?;
    let own = if ctx.tls { "https" } else { "http" };
    let (scheme, authority) = match advertised {
        Some(advertised) => (advertised.scheme.unwrap_or(own), advertised.authority.as_str()),
        None => (own, ctx.host.as_str()),
    };
    let address = address(&ctx.user_agent, scheme, authority);
    let endpoint = Endpoint { address: address.into(), cache_period_in_minutes: CACHE_PERIOD_MINUTES };
    Ok(encode(&DescribeEndpointsResponse { endpoints: vec![endpoint] }))
}

/// The address in the form that the client understands.
fn address(user_agent: &str, scheme: &str, authority: &str) -> String {
    let is = |product: &str| user_agent.split(' ').any(|word| word.starts_with(product));
    // # observed: JS v3 and PHP put it into the host of the request and keep scheme and port of their own
    if is("aws-sdk-js/3") || is("aws-sdk-php/") {
        return without_port(authority).to_owned();
    }
    // # observed: the Rust SDK puts `https://` before it; Go copies host and port of it
    if is("aws-sdk-rust/") || is("aws-sdk-go") || is("aws-sdk-ruby") || is("aws-sdk-js/2") {
        return authority.to_owned();
    }
    // # observed: botocore, .NET and Java put `https://` before an address without a scheme
    if ["Boto3/", "Botocore/", "aws-cli/", "aws-sdk-dotnet", "aws-sdk-java"].iter().any(|product| is(product)) {
        return format!("{scheme}://{authority}");
    }
    // # inferred: the service's own addresses have no scheme either
    authority.to_owned()
}

/// `host` of `host:port`; brackets of an IPv6 address stay.
fn without_port(authority: &str) -> &str {
    match authority.rsplit_once(':') {
        Some((host, port)) if !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit()) => host,
        _ => authority,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_by_client() {
        let check = |user_agent, scheme, authority, expect| {
            assert_eq!(address(user_agent, scheme, authority), expect, "{user_agent} {scheme} {authority}");
        };
        // User agents: # observed
        let boto3 = "Boto3/1.44.5 md/Botocore#1.44.5 ua/2.1 os/linux#6.1 lang/python#3.12 Botocore/1.44.5";
        check(boto3, "http", "127.0.0.1:4566", "http://127.0.0.1:4566");
        check(boto3, "https", "localhost:4566", "https://localhost:4566");
        check("aws-cli/1.45.11 md/Botocore#1.44.5", "http", "db.local", "http://db.local");
        check("Botocore/1.44.5 ua/2.1", "http", "h:1", "http://h:1");
        let js =
            "aws-sdk-js/3.1137.0 ua/2.1 os/linux#6.1 lang/js md/nodejs#20.20.2 api/timestream-write#3.1137.0 m/N,E,e";
        check(js, "http", "127.0.0.1:4566", "127.0.0.1");
        check(js, "http", "[::1]:4566", "[::1]");
        check(js, "https", "db.local", "db.local");
        check("aws-sdk-php/3.300.0 ua/2.0", "http", "127.0.0.1:4566", "127.0.0.1");
        check("aws-sdk-rust/1.3.3 ua/2.1 api/timestreamwrite/1.121.0", "https", "localhost:4566", "localhost:4566");
        check("aws-sdk-go-v2/1.30.0 os/linux lang/go#1.22", "http", "localhost:4566", "localhost:4566");
        check("aws-sdk-go/1.55.0 (go1.22; linux; amd64)", "http", "localhost:4566", "localhost:4566");
        check("aws-sdk-java/2.25.0 Linux/6.1", "http", "localhost:4566", "http://localhost:4566");
        check("aws-sdk-dotnet-coreclr/3.7.301.29 ua/2.0", "http", "localhost:4566", "http://localhost:4566");
        check("curl/8.5.0", "http", "localhost:4566", "localhost:4566");
        check("", "http", "localhost:4566", "localhost:4566");
    }

    #[test]
    fn advertised_addresses() {
        let check = |text, expect: Option<(Option<&'static str>, &str)>| {
            let expect = expect.map(|(scheme, authority)| Advertised { scheme, authority: authority.to_owned() });
            assert_eq!(Advertised::parse(text), expect, "{text}");
        };
        check("db.local", Some((None, "db.local")));
        check("db.local:443", Some((None, "db.local:443")));
        check("https://db.local:8443/", Some((Some("https"), "db.local:8443")));
        check("http://[::1]:80", Some((Some("http"), "[::1]:80")));
        check("ftp://db.local", None);
        check("http://db.local/path", None);
        check("user@db.local", None);
        check("", None);
        check("two words", None);
    }
}
