//! Names that are made of random bytes.

use std::fmt::Write;

/// Lower-case hexadecimal digits.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    digits(bytes, |text, byte| write!(text, "{byte:02x}"))
}

/// Upper-case hexadecimal digits.
#[must_use]
pub fn upper_hex(bytes: &[u8]) -> String {
    digits(bytes, |text, byte| write!(text, "{byte:02X}"))
}

/// A random UUID. # RFC 9562, section 5.4
#[must_use]
pub fn uuid(mut random: [u8; 16]) -> String {
    random[6] = random[6] & 0x0F | 0x40;
    random[8] = random[8] & 0x3F | 0x80;
    let digits = hex(&random);
    [&digits[..8], &digits[8..12], &digits[12..16], &digits[16..20], &digits[20..]].join("-")
}

fn digits(bytes: &[u8], write: impl Fn(&mut String, u8) -> std::fmt::Result) -> String {
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        // Writing to a text cannot fail.
        let _ = write(&mut text, *byte);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_two_digits_each() {
        assert_eq!(hex(&[0, 1, 0xAB]), "0001ab");
        assert_eq!(upper_hex(&[0, 1, 0xAB]), "0001AB");
        assert_eq!(hex(&[]), "");
    }

    #[test]
    fn uuids_are_random_ones() {
        assert_eq!(uuid([0xff; 16]), "ffffffff-ffff-4fff-bfff-ffffffffffff");
        assert_eq!(uuid([0; 16]), "00000000-0000-4000-8000-000000000000");
    }
}
