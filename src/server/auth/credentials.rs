//! The file of credentials: who may call, with which secrets, and what their policies allow.

use crate::model::{
    access::Principal,
    limits::{CREDENTIALS_FILE_BYTES_MAX, CREDENTIALS_MAX},
    policy::Policy,
};
use serde::{Deserialize, Deserializer, de};
use serde_json::Value;
use std::{
    collections::{BTreeSet, HashMap},
    fmt,
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
    sync::{Arc, PoisonError, RwLock},
};
use zeroize::Zeroizing;

/// Bytes of an access key's id. # guide: IAM, API_AccessKey.html
const ACCESS_KEY_ID_BYTES_MAX: usize = 128;
/// Bytes of a secret or a token. # inferred
const SECRET_BYTES_MAX: usize = 4_096;
/// Bytes of a principal: a path and a name. # guide: IAM, reference_iam-quotas.html
const PRINCIPAL_BYTES_MAX: usize = 640;
/// The root user of an account.
const ROOT: &str = "root";

/// Why the file of credentials is not taken.
#[derive(Debug, thiserror::Error)]
pub enum CredentialsError {
    /// It cannot be read.
    #[error("--credentials {path}: {source}")]
    Read {
        /// As configured.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Others than its owner can read it.
    #[error("--credentials {0}: others can read it; take their permission away (chmod 600)")]
    Permissions(PathBuf),
    /// It is too large.
    #[error("--credentials {0}: larger than {CREDENTIALS_FILE_BYTES_MAX} bytes")]
    TooLarge(PathBuf),
    /// It does not say what it must.
    #[error("--credentials {path}: {text}")]
    Content {
        /// As configured.
        path: PathBuf,
        /// What is wrong; no secret is in it.
        text: String,
    },
}

/// A text that is not printed, and is wiped from memory when it is dropped.
pub(super) struct Secret(Zeroizing<String>);

impl Secret {
    /// The text.
    pub(super) fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // Through a value, as an error must not repeat what stands there.
        match Value::deserialize(deserializer)? {
            Value::String(text) if (1..=SECRET_BYTES_MAX).contains(&text.len()) => Ok(Self(Zeroizing::new(text))),
            _ => Err(de::Error::custom(format_args!("a secret must be a text of 1 to {SECRET_BYTES_MAX} bytes"))),
        }
    }
}

/// One who may call.
#[derive(Debug)]
pub(super) struct Caller {
    pub(super) secret_access_key: Secret,
    /// What temporary credentials come with.
    pub(super) session_token: Option<Secret>,
    /// Twelve digits.
    pub(super) account: String,
    pub(super) principal: Arc<Principal>,
}

/// Those who may call, by access key.
type Callers = HashMap<String, Arc<Caller>>;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileForm {
    credentials: Vec<CredentialForm>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CredentialForm {
    access_key_id: String,
    secret_access_key: Secret,
    session_token: Option<Secret>,
    account: String,
    principal: String,
    #[serde(default)]
    policies: Vec<Policy>,
}

/// The file, as it was when it was last read.
#[derive(Debug)]
pub(crate) struct Credentials {
    path: PathBuf,
    callers: RwLock<Arc<Callers>>,
}

impl Credentials {
    /// Reads a file.
    ///
    /// # Errors
    /// [`CredentialsError`].
    pub(crate) fn open(path: &Path) -> Result<Self, CredentialsError> {
        Ok(Self { path: path.to_owned(), callers: RwLock::new(Arc::new(read(path)?)) })
    }

    /// Reads the file anew. What was read before stays when that fails.
    ///
    /// # Errors
    /// [`CredentialsError`].
    pub(crate) fn reload(&self) -> Result<(), CredentialsError> {
        let callers = Arc::new(read(&self.path)?);
        *self.callers.write().unwrap_or_else(PoisonError::into_inner) = callers;
        Ok(())
    }

    /// Whose access key it is.
    pub(super) fn caller(&self, access_key_id: &str) -> Option<Arc<Caller>> {
        self.callers.read().unwrap_or_else(PoisonError::into_inner).get(access_key_id).cloned()
    }
}

fn read(path: &Path) -> Result<Callers, CredentialsError> {
    let failed = |source| CredentialsError::Read { path: path.to_owned(), source };
    let file = File::open(path).map_err(failed)?;
    // Of the open file: the name may come to mean another one.
    if is_readable_by_others(&file).map_err(failed)? {
        return Err(CredentialsError::Permissions(path.to_owned()));
    }
    let mut bytes = Zeroizing::new(Vec::new());
    file.take(CREDENTIALS_FILE_BYTES_MAX + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > CREDENTIALS_FILE_BYTES_MAX {
        return Err(CredentialsError::TooLarge(path.to_owned()));
    }
    parse(&bytes).map_err(|text| CredentialsError::Content { path: path.to_owned(), text })
}

#[cfg(unix)]
fn is_readable_by_others(file: &File) -> io::Result<bool> {
    use std::os::unix::fs::PermissionsExt;
    Ok(file.metadata()?.permissions().mode() & 0o077 != 0)
}

#[cfg(not(unix))]
fn is_readable_by_others(_: &File) -> io::Result<bool> {
    Ok(false)
}

fn parse(json: &[u8]) -> Result<Callers, String> {
    let form: FileForm = serde_json::from_slice(json).map_err(|error| error.to_string())?;
    if form.credentials.len() > CREDENTIALS_MAX {
        return Err(format!("more than {CREDENTIALS_MAX} credentials"));
    }
    let mut callers = Callers::new();
    let mut other_services = BTreeSet::new();
    for credential in form.credentials {
        let id = credential.access_key_id.clone();
        let caller = caller(credential, &mut other_services).map_err(|text| format!("access key {id:?}: {text}"))?;
        if callers.insert(id.clone(), Arc::new(caller)).is_some() {
            return Err(format!("access key {id:?}: there more than once"));
        }
    }
    if !other_services.is_empty() {
        let services = other_services.into_iter().collect::<Vec<_>>().join(", ");
        tracing::warn!(services, "policies name actions of services whose permissions are not enforced");
    }
    Ok(callers)
}

fn caller(form: CredentialForm, other_services: &mut BTreeSet<String>) -> Result<Caller, String> {
    let CredentialForm { access_key_id, secret_access_key, session_token, account, principal, policies } = form;
    // # guide: IAM, API_AccessKey.html
    let is_key = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    if !(1..=ACCESS_KEY_ID_BYTES_MAX).contains(&access_key_id.len()) || !access_key_id.bytes().all(is_key) {
        return Err(format!("access_key_id is 1 to {ACCESS_KEY_ID_BYTES_MAX} letters, digits and underscores"));
    }
    if account.len() != 12 || !account.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err("account is twelve digits".to_owned());
    }
    let arn = principal_arn(&account, &principal)?;
    for policy in &policies {
        other_services.extend(policy.other_services().map(str::to_owned));
    }
    let policies = match (principal == ROOT, policies.is_empty()) {
        // # guide: IAM, id_root-user.html
        (true, true) => None,
        (true, false) => return Err("the root user may do everything: policies would not be enforced".to_owned()),
        (false, _) => Some(policies),
    };
    Ok(Caller { secret_access_key, session_token, account, principal: Arc::new(Principal { arn, policies }) })
}

/// The resource name of `user/name`, `role/name`, `assumed-role/role/session` or `root`.
/// # guide: IAM, reference_identifiers.html
fn principal_arn(account: &str, principal: &str) -> Result<String, String> {
    let is_character = |byte: u8| byte.is_ascii_alphanumeric() || b"+=,.@_-/".contains(&byte);
    let is_text = principal.len() <= PRINCIPAL_BYTES_MAX && principal.bytes().all(is_character);
    let parts: Vec<&str> = principal.split('/').collect();
    let has_empty_part = parts.iter().any(|part| part.is_empty());
    match parts[..] {
        [ROOT] => Ok(format!("arn:aws:iam::{account}:{ROOT}")),
        ["user" | "role", _, ..] if is_text && !has_empty_part => Ok(format!("arn:aws:iam::{account}:{principal}")),
        ["assumed-role", _, _] if is_text && !has_empty_part => Ok(format!("arn:aws:sts::{account}:{principal}")),
        _ => Err("principal is user/NAME, role/NAME, assumed-role/ROLE/SESSION or root".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A file of one credential, some of whose members are others.
    fn file(changes: &[(&str, &str)]) -> String {
        let mut members = vec![
            ("access_key_id", r#""AKIDEXAMPLE""#),
            ("secret_access_key", r#""wJalrXUtnFEMI""#),
            ("session_token", "null"),
            ("account", r#""123456789012""#),
            ("principal", r#""user/ci""#),
            ("policies", "[]"),
        ];
        for (name, value) in changes {
            match members.iter_mut().find(|(known, _)| known == name) {
                Some(member) => member.1 = value,
                None => members.push((name, value)),
            }
        }
        let members: Vec<_> = members.iter().map(|(name, value)| format!("\"{name}\":{value}")).collect();
        format!(r#"{{"credentials":[{{{}}}]}}"#, members.join(","))
    }

    #[test]
    fn callers_have_an_account_and_a_name() {
        let cases = [
            (r#""user/ci""#, "arn:aws:iam::123456789012:user/ci"),
            (r#""user/team/ci""#, "arn:aws:iam::123456789012:user/team/ci"),
            (r#""role/app""#, "arn:aws:iam::123456789012:role/app"),
            (r#""assumed-role/app/session@1""#, "arn:aws:sts::123456789012:assumed-role/app/session@1"),
            (r#""root""#, "arn:aws:iam::123456789012:root"),
        ];
        for (principal, expect) in cases {
            let callers = parse(file(&[("principal", principal)]).as_bytes()).unwrap();
            let caller = &callers["AKIDEXAMPLE"];
            assert_eq!((caller.principal.arn.as_str(), caller.account.as_str()), (expect, "123456789012"));
            assert_eq!(caller.principal.policies.is_none(), principal.contains("root"));
        }
        let callers = parse(file(&[("session_token", r#""token""#)]).as_bytes()).unwrap();
        assert_eq!(callers["AKIDEXAMPLE"].session_token.as_ref().map(Secret::expose), Some("token"));
        let printed = format!("{callers:?}");
        assert!(!printed.contains("wJalrXUtnFEMI") && !printed.contains("token\""), "{printed}");
    }

    #[test]
    fn what_is_wrong_is_said_without_secrets() {
        let policy = |policy: &str| format!("[{policy}]");
        let condition = policy(r#"{"Statement":{"Effect":"Allow","Action":"*","Resource":"*","Condition":{}}}"#);
        let good = policy(r#"{"Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}"#);
        let cases: Vec<(Vec<(&str, &str)>, &str)> = vec![
            (vec![("access_key_id", r#""""#)], "access_key_id is 1 to 128"),
            (vec![("access_key_id", r#""a/b""#)], "access_key_id is 1 to 128"),
            (vec![("account", r#""1234""#)], r#"access key "AKIDEXAMPLE": account is twelve digits"#),
            (vec![("account", "123456789012")], "expected a string"),
            (vec![("principal", r#""ci""#)], "principal is user/NAME"),
            (vec![("principal", r#""user/""#)], "principal is user/NAME"),
            (vec![("principal", r#""user/a b""#)], "principal is user/NAME"),
            (vec![("principal", r#""assumed-role/app""#)], "principal is user/NAME"),
            (vec![("secret_access_key", r#""""#)], "a secret must be a text"),
            (vec![("secret_access_key", "7771777")], "a secret must be a text"),
            (vec![("session_token", "7771777")], "a secret must be a text"),
            (vec![("expires", "1")], "unknown field `expires`"),
            (vec![("policies", &condition)], "Condition is not enforced"),
            (vec![("policies", "{}")], "expected a sequence"),
            (vec![("principal", r#""root""#), ("policies", &good)], "the root user may do everything"),
        ];
        for (changes, expect) in cases {
            let error = parse(file(&changes).as_bytes()).unwrap_err();
            assert!(error.contains(expect), "{changes:?}: {error}");
            assert!(!error.contains("wJalrXUtnFEMI") && !error.contains("7771777"), "{error}");
        }
        let one = file(&[]);
        let inner = one.strip_prefix(r#"{"credentials":["#).and_then(|text| text.strip_suffix("]}")).unwrap();
        let twice = format!(r#"{{"credentials":[{inner},{inner}]}}"#);
        assert!(parse(twice.as_bytes()).unwrap_err().contains("more than once"));
        for text in ["", "{", "[]", "{}", r#"{"credentials":[],"more":1}"#] {
            assert!(parse(text.as_bytes()).is_err(), "{text}");
        }
        assert!(parse(br#"{"credentials":[]}"#).unwrap().is_empty());
    }

    #[cfg(unix)]
    #[test]
    fn the_file_is_its_owners_alone_and_is_read_anew() {
        use std::{fs, os::unix::fs::PermissionsExt};
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("credentials.json");
        let write = |text: &str, mode: u32| {
            fs::write(&path, text).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        };
        assert!(matches!(Credentials::open(&path), Err(CredentialsError::Read { .. })));
        for mode in [0o644, 0o640, 0o604, 0o610, 0o602] {
            write(&file(&[]), mode);
            assert!(matches!(Credentials::open(&path), Err(CredentialsError::Permissions(_))), "{mode:o}");
        }
        write(&file(&[]), 0o600);
        let credentials = Credentials::open(&path).unwrap();
        assert!(credentials.caller("AKIDEXAMPLE").is_some());
        assert!(credentials.caller("AKIDOTHER").is_none());

        write("broken", 0o600);
        assert!(matches!(credentials.reload(), Err(CredentialsError::Content { .. })));
        assert!(credentials.caller("AKIDEXAMPLE").is_some(), "what was read before stays");
        write(&" ".repeat(1 + (1 << 20)), 0o600);
        assert!(matches!(credentials.reload(), Err(CredentialsError::TooLarge(_))));
        write(&file(&[("access_key_id", r#""AKIDOTHER""#)]), 0o400);
        credentials.reload().unwrap();
        assert!(credentials.caller("AKIDEXAMPLE").is_none());
        assert!(credentials.caller("AKIDOTHER").is_some());
    }
}
