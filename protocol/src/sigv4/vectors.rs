//! The cases that AWS's own signers are tested with. They come with the source of the crate `aws-sigv4`, where cargo keeps
//! it; nothing of them is copied here.

use super::{Request, Rules, Signature, SignatureError};
use http::{HeaderMap, HeaderName, HeaderValue};
use serde_json::Value;
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// The secret of the cases. # guide: IAM, the documentation's example key
const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
/// The key of one case, and its secret.
const OTHER: (&str, &str) = ("ANOTREAL", "notrealrnrELgWzOk3IfjzDKtFBhDby");
/// Cases whose path stays as it is. That is no rule of the services that are verified here, so that only their canonical
/// request differs: they must not verify.
const UNNORMALIZED: &str = "-unnormalized";

/// What cargo prints.
fn cargo(arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO")).args(arguments).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// The folder of the cases.
fn suite() -> PathBuf {
    let version = cargo(&["-vV"]);
    let host = version.lines().find_map(|line| line.strip_prefix("host: ")).unwrap();
    let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
    let arguments = ["metadata", "--format-version", "1", "--offline", "--manifest-path", manifest];
    let metadata = cargo(&[&arguments[..], &["--filter-platform", host]].concat());
    let metadata: Value = serde_json::from_str(&metadata).unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    let package = packages.iter().find(|package| package["name"] == "aws-sigv4").unwrap();
    Path::new(package["manifest_path"].as_str().unwrap()).with_file_name("aws-signing-test-suite").join("v4")
}

/// A request as it stands in a file: a line, headers, an empty line, the body.
struct Sent {
    method: String,
    path: String,
    query: Option<String>,
    headers: HeaderMap,
    body: Vec<u8>,
}

impl Sent {
    fn parse(text: &str) -> Self {
        let (head, body) = text.split_once("\n\n").unwrap_or((text, ""));
        let (line, headers) = head.split_once('\n').unwrap();
        let (method, rest) = line.split_once(' ').unwrap();
        let target = rest.strip_suffix(" HTTP/1.1").unwrap_or(rest);
        let (path, query) = match target.split_once('?') {
            Some((path, query)) => (path, Some(query.to_owned())),
            None => (target, None),
        };
        let mut map = HeaderMap::new();
        // A line that begins with white space goes on with the header before it.
        for header in headers.replace("\n ", " ").lines() {
            let (name, value) = header.split_once(':').unwrap();
            map.append(name.parse::<HeaderName>().unwrap(), HeaderValue::from_str(value).unwrap());
        }
        let body = body.trim_end_matches('\n').as_bytes().to_vec();
        Self { method: method.to_owned(), path: path.to_owned(), query, headers: map, body }
    }

    fn verify(&self) -> Result<(), SignatureError> {
        let request = Request {
            method: &self.method,
            path: &self.path,
            query: self.query.as_deref(),
            headers: &self.headers,
            authority: None,
        };
        let signature = Signature::of(&request)?;
        signature.check_form(&request, None)?;
        let secret = if signature.credential().access_key_id == OTHER.0 { OTHER.1 } else { SECRET };
        signature.check_digits(&request, Rules::Common(&self.body), secret)
    }
}

/// Verifies all cases of a file name; returns how many there are.
fn check_all(file: &str, prepare: impl Fn(&str, &mut Sent)) -> usize {
    let mut count = 0;
    for case in fs::read_dir(suite()).unwrap() {
        let case = case.unwrap();
        let name = case.file_name().into_string().unwrap();
        let Ok(text) = fs::read_to_string(case.path().join(file)) else { continue };
        let mut sent = Sent::parse(&text);
        prepare(&name, &mut sent);
        let is_other_path = name.ends_with(UNNORMALIZED) && name != "get-space-unnormalized";
        let expect = if is_other_path { Err(SignatureError::Mismatch) } else { Ok(()) };
        assert_eq!(sent.verify(), expect, "{name}/{file}");
        count += 1;
    }
    count
}

#[test]
fn signatures_in_headers() {
    assert!(check_all("header-signed-request.txt", |_, _| ()) >= 40);
}

#[test]
fn signatures_in_queries() {
    let without_token = |name: &str, sent: &mut Sent| {
        if name == "post-sts-header-after" {
            // Signed for services that take the token off before they verify.
            let query = sent.query.take().unwrap_or_default();
            let kept = query.split('&').filter(|pair| !pair.starts_with("X-Amz-Security-Token="));
            sent.query = Some(kept.collect::<Vec<_>>().join("&"));
        }
    };
    assert!(check_all("query-signed-request.txt", without_token) >= 38);
}
