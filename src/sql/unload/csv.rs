//! Files of comma-separated values.

use super::{
    json,
    options::{Compression, Options},
};
use datafusion::arrow::array::{Array, RecordBatch};
use flate2::write::GzEncoder;
use std::io::{self, Write};

const QUOTE: u8 = b'"';

/// Encodes rows.
#[derive(Debug)]
pub(super) struct CsvFile {
    delimiter: u8,
    escape: u8,
    /// Not yet compressed.
    text: Vec<u8>,
    gzip: Option<GzEncoder<Vec<u8>>>,
}

impl CsvFile {
    /// A file that begins with a header when that is asked for.
    pub(super) fn new(options: &Options, labels: &[&str]) -> Self {
        let gzip = match options.compression {
            Compression::Gzip => Some(GzEncoder::new(Vec::new(), flate2::Compression::default())),
            Compression::None => None,
        };
        let mut file = Self { delimiter: options.field_delimiter, escape: options.escaped_by, text: Vec::new(), gzip };
        if options.include_header {
            for (i, label) in labels.iter().enumerate() {
                file.separate(i);
                file.write_field(label);
            }
            file.text.push(b'\n');
        }
        file
    }

    /// Appends rows of a batch: its first `width` columns.
    pub(super) fn append(&mut self, batch: &RecordBatch, width: usize, rows: &[u32]) -> io::Result<()> {
        let mut cell = String::new();
        for row in rows {
            for (i, array) in batch.columns().iter().take(width).enumerate() {
                self.separate(i);
                // A null is nothing at all, which an empty text is not. # inferred
                if !array.is_null(*row as usize) {
                    cell.clear();
                    json::write_cell(array, *row as usize, &mut cell);
                    self.write_field(&cell);
                }
            }
            self.text.push(b'\n');
        }
        if let Some(gzip) = &mut self.gzip {
            gzip.write_all(&self.text)?;
            self.text.clear();
        }
        Ok(())
    }

    /// Takes what is encoded so far.
    pub(super) fn take(&mut self) -> Vec<u8> {
        match &mut self.gzip {
            Some(gzip) => std::mem::take(gzip.get_mut()),
            None => std::mem::take(&mut self.text),
        }
    }

    /// The end of the file.
    pub(super) fn finish(self) -> io::Result<Vec<u8>> {
        match self.gzip {
            Some(mut gzip) => {
                gzip.write_all(&self.text)?;
                gzip.finish()
            }
            None => Ok(self.text),
        }
    }

    fn separate(&mut self, column: usize) {
        if column > 0 {
            self.text.push(self.delimiter);
        }
    }

    /// A field is quoted when it holds the delimiter; quotes and escapes in it are escaped. # guide
    /// Readers take escapes for such only between quotes, so a field with an escape is quoted too, as are one with a line
    /// break and an empty text. # inferred
    fn write_field(&mut self, text: &str) {
        let special = |byte: u8| byte == QUOTE || byte == self.escape;
        let needs_quotes = |byte: u8| special(byte) || byte == self.delimiter || matches!(byte, b'\n' | b'\r');
        if !text.is_empty() && !text.bytes().any(needs_quotes) {
            return self.text.extend_from_slice(text.as_bytes());
        }
        self.text.push(QUOTE);
        for byte in text.bytes() {
            if byte == QUOTE || byte == self.escape {
                self.text.push(self.escape);
            }
            self.text.push(byte);
        }
        self.text.push(QUOTE);
    }
}
