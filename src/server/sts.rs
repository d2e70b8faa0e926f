//! The one operation of another service that is answered: clients told to send everything here ask it who they are.

use super::{
    foreign::escape,
    reply::{Reply, XML},
};
use crate::api::Ctx;
use http::StatusCode;
use sha2::{Digest, Sha256};
use timebrook_protocol::sigv4::SignatureError;

/// Its name.
pub(crate) const GET_CALLER_IDENTITY: &str = "GetCallerIdentity";

/// What ids of users and roles are made of. # guide: IAM, reference_identifiers.html
const ID_DIGITS: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// Says whose state the caller acts on: as the principal of its credentials, or where callers are not known as the root user
/// of the account. Nobody needs a permission for that. # docs: STS GetCallerIdentity
pub(crate) fn get_caller_identity(ctx: &Ctx) -> Reply {
    let account = &ctx.scope.account;
    let arn = match ctx.access.principal_arn() {
        Some(arn) => arn.to_owned(),
        None => format!("arn:aws:iam::{account}:root"),
    };
    let id = user_id(&arn).unwrap_or_else(|| account.to_string());
    let body = format!(
        "<GetCallerIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">\
         <GetCallerIdentityResult><Arn>{arn}</Arn><UserId>{id}</UserId>\
         <Account>{account}</Account></GetCallerIdentityResult>\
         <ResponseMetadata><RequestId>{}</RequestId></ResponseMetadata></GetCallerIdentityResponse>",
        ctx.request_id
    );
    Reply::ok(XML, body)
}

/// The id of a user or role, always the same one for a name; `None` for the root user, whose id is the account's.
/// # guide: IAM, reference_identifiers.html, the prefixes; # inferred: the rest
fn user_id(arn: &str) -> Option<String> {
    let mut parts = arn.splitn(6, ':').nth(5)?.split('/');
    let (prefix, session) = match parts.next()? {
        "user" => ("AIDA", None),
        "role" => ("AROA", None),
        "assumed-role" => ("AROA", parts.nth(1)),
        _ => return None,
    };
    let named = session.map_or(arn, |session| arn.strip_suffix(session).unwrap_or(arn));
    let digits =
        Sha256::digest(named).iter().take(17).map(|byte| char::from(ID_DIGITS[usize::from(byte % 32)])).collect();
    let id: String = [prefix.to_owned(), digits].concat();
    Some(match session {
        Some(session) => format!("{id}:{session}"),
        None => id,
    })
}

/// The answer to a request whose signature is not right, in the form of STS and its kin. # guide of STS: CommonErrors.html
pub(crate) fn refuse(error: &SignatureError, ctx: &Ctx) -> Reply {
    let (status, name) = match error {
        SignatureError::Missing => (StatusCode::FORBIDDEN, "MissingAuthenticationToken"),
        SignatureError::Incomplete(_) => (StatusCode::BAD_REQUEST, "IncompleteSignature"),
        SignatureError::UnknownCredential => (StatusCode::FORBIDDEN, "InvalidClientTokenId"),
        SignatureError::Scope(_)
        | SignatureError::NotSigned(_)
        | SignatureError::Expired(_)
        | SignatureError::NotYetCurrent(_)
        | SignatureError::Mismatch => (StatusCode::FORBIDDEN, "SignatureDoesNotMatch"),
    };
    let (message, id) = (escape(&error.to_string()), &ctx.request_id);
    let body = format!(
        "<ErrorResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><Error><Type>Sender</Type><Code>{name}</Code>\
         <Message>{message}</Message></Error><RequestId>{id}</RequestId></ErrorResponse>"
    );
    Reply::error(status, XML, name, body)
}

#[cfg(test)]
mod tests {
    use super::user_id;

    #[test]
    fn ids_begin_with_what_they_are_of() {
        let id = |principal: &str| user_id(&format!("arn:aws:iam::123456789012:{principal}"));
        let user = id("user/ci").unwrap();
        assert!(user.starts_with("AIDA") && user.len() == 21, "{user}");
        assert_eq!(id("user/ci"), Some(user.clone()));
        assert_ne!(id("user/other"), Some(user));
        let (one, two) = (id("assumed-role/app/one").unwrap(), id("assumed-role/app/two").unwrap());
        assert!(one.starts_with("AROA") && one.ends_with(":one"), "{one}");
        assert_eq!(one.trim_end_matches(":one"), two.trim_end_matches(":two"), "they are of one role");
        assert_eq!(id("root"), None);
    }
}
