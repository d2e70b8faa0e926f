//! The numbers and texts that log entries and files are made of.

/// The bytes are not what was written: they end too early, or say what cannot be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the bytes are not of this format")]
pub struct Malformed;

/// Appends a number, small ones in few bytes.
pub fn put_u64(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Appends a signed number, those near zero in few bytes.
pub fn put_i64(out: &mut Vec<u8>, value: i64) {
    put_u64(out, (value << 1 ^ value >> 63) as u64);
}

/// Appends a length or a place.
pub fn put_usize(out: &mut Vec<u8>, value: usize) {
    put_u64(out, value as u64);
}

/// Appends a text.
pub fn put_str(out: &mut Vec<u8>, text: &str) {
    put_usize(out, text.len());
    out.extend_from_slice(text.as_bytes());
}

/// Appends a text that may be absent.
pub fn put_optional_str(out: &mut Vec<u8>, text: Option<&str>) {
    out.push(u8::from(text.is_some()));
    if let Some(text) = text {
        put_str(out, text);
    }
}

/// Reads what was appended, in the same order.
#[derive(Clone, Debug)]
pub struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    /// Reads from the beginning.
    #[must_use]
    pub fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// Whether everything is read.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The next `length` bytes.
    ///
    /// # Errors
    /// [`Malformed`], as everywhere here.
    pub fn bytes(&mut self, length: usize) -> Result<&'a [u8], Malformed> {
        let (taken, rest) = self.0.split_at_checked(length).ok_or(Malformed)?;
        self.0 = rest;
        Ok(taken)
    }

    /// A single byte.
    ///
    /// # Errors
    /// [`Malformed`].
    pub fn u8(&mut self) -> Result<u8, Malformed> {
        Ok(self.bytes(1)?[0])
    }

    /// What [`put_u64`] appended.
    ///
    /// # Errors
    /// [`Malformed`].
    pub fn u64(&mut self) -> Result<u64, Malformed> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.u8()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(Malformed)
    }

    /// What [`put_i64`] appended.
    ///
    /// # Errors
    /// [`Malformed`].
    pub fn i64(&mut self) -> Result<i64, Malformed> {
        let value = self.u64()?;
        Ok((value >> 1) as i64 ^ -((value & 1) as i64))
    }

    /// What [`put_usize`] appended, when it fits `T`.
    ///
    /// # Errors
    /// [`Malformed`].
    pub fn number<T: TryFrom<u64>>(&mut self) -> Result<T, Malformed> {
        T::try_from(self.u64()?).map_err(|_| Malformed)
    }

    /// The length of a list whose entries take a byte at least, so that no length can ask for absurd memory.
    ///
    /// # Errors
    /// [`Malformed`].
    pub fn length(&mut self) -> Result<usize, Malformed> {
        let length = self.number()?;
        if length > self.0.len() { Err(Malformed) } else { Ok(length) }
    }

    /// What [`put_str`] appended.
    ///
    /// # Errors
    /// [`Malformed`].
    pub fn str(&mut self) -> Result<&'a str, Malformed> {
        let length = self.length()?;
        str::from_utf8(self.bytes(length)?).map_err(|_| Malformed)
    }

    /// What [`put_optional_str`] appended.
    ///
    /// # Errors
    /// [`Malformed`].
    pub fn optional_str(&mut self) -> Result<Option<&'a str>, Malformed> {
        if self.bool()? { self.str().map(Some) } else { Ok(None) }
    }

    /// A byte that is 0 or 1.
    ///
    /// # Errors
    /// [`Malformed`].
    pub fn bool(&mut self) -> Result<bool, Malformed> {
        match self.u8()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(Malformed),
        }
    }

    /// Eight bytes, as they lie in memory on a little-endian machine.
    ///
    /// # Errors
    /// [`Malformed`].
    pub fn fixed_u64(&mut self) -> Result<u64, Malformed> {
        self.bytes(8)?.try_into().map(u64::from_le_bytes).map_err(|_| Malformed)
    }

    /// Four bytes, as they lie in memory on a little-endian machine.
    ///
    /// # Errors
    /// [`Malformed`].
    pub fn fixed_u32(&mut self) -> Result<u32, Malformed> {
        self.bytes(4)?.try_into().map(u32::from_le_bytes).map_err(|_| Malformed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_texts_come_back() {
        let unsigned = [0, 1, 127, 128, 300, u64::MAX];
        let signed = [0, -1, 1, 63, -64, 64, i64::MAX, i64::MIN];
        let mut out = Vec::new();
        unsigned.iter().for_each(|value| put_u64(&mut out, *value));
        signed.iter().for_each(|value| put_i64(&mut out, *value));
        put_str(&mut out, "né");
        put_optional_str(&mut out, None);
        put_optional_str(&mut out, Some(""));
        let mut reader = Reader::new(&out);
        assert_eq!(unsigned.map(|_| reader.u64().unwrap()), unsigned);
        assert_eq!(signed.map(|_| reader.i64().unwrap()), signed);
        assert_eq!(reader.str(), Ok("né"));
        assert_eq!((reader.optional_str(), reader.optional_str()), (Ok(None), Ok(Some(""))));
        assert!(reader.is_empty());
        assert_eq!(reader.u8(), Err(Malformed));
    }

    #[test]
    fn what_cannot_be_is_refused() {
        assert_eq!(Reader::new(&[0xff; 10]).u64(), Err(Malformed));
        assert_eq!(Reader::new(&[200, 1, 0]).length(), Err(Malformed));
        assert_eq!(Reader::new(&[1, 0xff]).str(), Err(Malformed));
        assert_eq!(Reader::new(&[2]).bool(), Err(Malformed));
        assert_eq!(Reader::new(&[0xac, 2]).number::<u8>(), Err(Malformed));
    }
}
