//! The opaque tokens with which listings continue: where the last page ended, and of which listing.

use crate::model::id::hex;
use timebrook_protocol::{ErrorCode, ServiceError};

/// Separates parts; no name holds it.
const SEPARATOR: char = '\n';

/// A token that says that the listing `listing` goes on after `last`.
pub(super) fn encode(listing: &[&str], last: &[&str]) -> String {
    let parts: Vec<&str> = listing.iter().chain(last).copied().collect();
    hex(parts.join(&SEPARATOR.to_string()).as_bytes())
}

/// Where the listing `listing` ended: as many parts as `N`.
///
/// # Errors
/// When the token is none of this listing's.
pub(super) fn decode<const N: usize>(listing: &[&str], token: &str) -> Result<[String; N], ServiceError> {
    let text = from_hex(token).ok_or_else(invalid)?;
    let mut parts = text.split(SEPARATOR);
    if !listing.iter().all(|expected| parts.next() == Some(*expected)) {
        return Err(invalid());
    }
    let last: Vec<String> = parts.map(str::to_owned).collect();
    last.try_into().map_err(|_| invalid())
}

/// # observed for Query; # inferred for listings
fn invalid() -> ServiceError {
    ServiceError::new(ErrorCode::ValidationException, "Invalid pagination token.")
}

fn from_hex(token: &str) -> Option<String> {
    let digits: Vec<u8> = token.chars().map(|c| c.to_digit(16).map(|digit| digit as u8)).collect::<Option<_>>()?;
    if !digits.len().is_multiple_of(2) {
        return None;
    }
    String::from_utf8(digits.chunks_exact(2).map(|pair| pair[0] * 16 + pair[1]).collect()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_leads_back_to_its_place() {
        let token = encode(&["tables", "db"], &["db", "t1"]);
        assert_eq!(decode::<2>(&["tables", "db"], &token).unwrap(), ["db", "t1"]);
    }

    #[test]
    fn what_is_no_token_of_the_listing_is_refused() {
        let token = encode(&["tables", "db"], &["db", "t1"]);
        let check = |listing: &[&str], token: &str| {
            let error = decode::<2>(listing, token).unwrap_err();
            assert_eq!(error.message, "Invalid pagination token.", "{listing:?} {token}");
        };
        check(&["tables", "other"], &token);
        check(&["tables", "db"], &token[1..]);
        check(&["tables", "db"], &encode(&["tables", "db"], &["db"]));
        check(&["tables", "db"], &encode(&["tables", "db"], &["db", "t1", "more"]));
        check(&["tables", "db"], "");
        check(&["tables", "db"], "ü");
        check(&["tables", "db"], "ffff");
        check(&["databases"], "nonsense");
    }
}
