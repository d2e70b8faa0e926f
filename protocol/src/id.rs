//! Identifiers in the service's form. The randomness is the caller's.

/// The alphabet of base 32 (RFC 4648).
const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// Characters of a query id. # observed: `AEDACAMXZ5LXWH5BTZB77IYJJ366FPX4SUYY43DVEEWSTM4V5CEHUOAG7IQC6VY`
const QUERY_ID_CHARACTERS: usize = 63;

/// A request id: 26 upper-case base-32 characters, such as `FCP7ZH7MFKNMBE2FQWRVVVPAAI`. # observed
#[must_use]
pub fn request_id(random: [u8; 16]) -> String {
    base32(random.into_iter())
}

/// A query id: 63 upper-case alphanumeric characters that begin with `AE`. # observed
///
/// All of `random` goes into it, up to 38 bytes; fewer than that are repeated.
#[must_use]
pub fn query_id(random: &[u8]) -> String {
    let mut id = String::from("AE");
    id.push_str(&base32(random.iter().copied().cycle().take(38)));
    // Without randomness there is nothing to repeat; the length still holds.
    id.extend(std::iter::repeat_n('A', QUERY_ID_CHARACTERS.saturating_sub(id.len())));
    id
}

/// Base 32 without padding.
fn base32(bytes: impl Iterator<Item = u8>) -> String {
    let digit = |bits: u32| char::from(ALPHABET[(bits & 31) as usize]);
    let mut text = String::new();
    let (mut pending, mut bits) = (0_u32, 0);
    for byte in bytes {
        pending = (pending << 8 | u32::from(byte)) & 0xFFFF;
        bits += 8;
        while bits >= 5 {
            bits -= 5;
            text.push(digit(pending >> bits));
        }
    }
    if bits > 0 {
        text.push(digit(pending << (5 - bits)));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::{base32, query_id, request_id};
    use crate::constraints::Pattern;

    #[test]
    fn base_32_is_that_of_the_standard() {
        // RFC 4648, section 10, without padding
        let cases = [
            ("", ""),
            ("f", "MY"),
            ("fo", "MZXQ"),
            ("foo", "MZXW6"),
            ("foob", "MZXW6YQ"),
            ("fooba", "MZXW6YTB"),
            ("foobar", "MZXW6YTBOI"),
        ];
        for (bytes, expect) in cases {
            assert_eq!(base32(bytes.bytes()), expect);
        }
    }

    #[test]
    fn request_ids_have_26_characters() {
        assert_eq!(request_id([0; 16]), "A".repeat(26));
        // The last character holds the three bits that are left over, as in the ids of the service, which all end in
        // one of A, E, I, M, Q, U, Y, 4. # observed
        assert_eq!(request_id([0xFF; 16]), "77777777777777777777777774");
    }

    #[test]
    fn query_ids_are_alphanumeric_and_begin_with_ae() {
        for length in [0, 1, 16, 32, 48, 100] {
            let random: Vec<u8> = (0..length).map(|i| (i * 37 + 11) as u8).collect();
            let id = query_id(&random);
            assert!(id.starts_with("AE") && id.len() == 63 && Pattern::Alphanumeric.matches(&id), "{id}");
            assert_eq!(id, id.to_ascii_uppercase());
        }
        assert_ne!(query_id(&[1; 16]), query_id(&[2; 16]));
    }
}
