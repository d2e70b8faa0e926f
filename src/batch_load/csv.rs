//! Files of separated values: bytes to rows.

use crate::{catalog::batch_load_task::CsvFormat, model::limits::LOAD_ROW_BYTES_MAX};
use ::csv::{ByteRecord, Reader, ReaderBuilder, StringRecord, Trim};
use std::{
    collections::VecDeque,
    io::{self, Read},
};

/// Rows that are handed over at once.
const BATCH_ROWS: usize = 4_096;
/// Bytes of rows that are handed over at once, about.
const BATCH_BYTES: usize = 4 << 20;
const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

/// A format that cannot be read. # guide: batch-load-preparing-data-file.html; # inferred: the words
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CsvError {
    /// Another separator than those there are.
    #[error("The ColumnSeparator of the CsvConfiguration must be one of ',', '|', ';', a tab and a space.")]
    Separator,
    /// Another quote than those there are.
    #[error("The QuoteChar of the CsvConfiguration must be one of '\"' and '''.")]
    Quote,
    /// An escape that is no single character of one byte.
    #[error("The EscapeChar of the CsvConfiguration must be a single ASCII character.")]
    Escape,
}

/// How files are written, as it is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CsvDialect {
    separator: u8,
    quote: u8,
    escape: Option<u8>,
    null_value: Option<String>,
    trims: bool,
}

impl CsvDialect {
    /// The dialect of a task.
    ///
    /// # Errors
    /// [`CsvError`].
    pub fn new(format: Option<&CsvFormat>) -> Result<Self, CsvError> {
        let default = CsvFormat::default();
        let format = format.unwrap_or(&default);
        Ok(Self {
            separator: match format.separator.as_deref() {
                None => b',',
                Some(text @ ("," | "|" | ";" | "\t" | " ")) => text.as_bytes()[0],
                Some(_) => return Err(CsvError::Separator),
            },
            quote: match format.quote.as_deref() {
                None => b'"',
                Some(text @ ("\"" | "'")) => text.as_bytes()[0],
                Some(_) => return Err(CsvError::Quote),
            },
            escape: match format.escape.as_deref().map(str::as_bytes) {
                None => None,
                Some([byte]) if byte.is_ascii() => Some(*byte),
                Some(_) => return Err(CsvError::Escape),
            },
            null_value: format.null_value.clone(),
            trims: format.trims.unwrap_or(false),
        })
    }

    /// A cell as a value: nothing at all is none, and neither is what stands for none. # inferred
    pub(super) fn value<'a>(&self, cell: &'a str) -> Option<&'a str> {
        let is_null = cell.is_empty() || self.null_value.as_deref() == Some(cell);
        (!is_null).then_some(cell)
    }
}

/// A row, or why it is none.
#[derive(Debug)]
pub(super) struct Row {
    /// The line that it begins on, from 1; the header is on the first. # guide: batch-load-using-error-reports.html
    pub(super) line: u64,
    pub(super) cells: Result<StringRecord, RowProblem>,
}

/// Why a row cannot be read. # inferred: the words
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum RowProblem {
    #[error("The row has another number of columns than the header.")]
    Columns,
    #[error("The row is not encoded in UTF-8.")]
    Encoding,
}

/// Why a file cannot be read on. # inferred: the words
#[derive(Debug, thiserror::Error)]
pub(super) enum FileProblem {
    #[error("The file has no header.")]
    NoHeader,
    #[error("The file begins with a byte order mark.")]
    ByteOrderMark,
    #[error("The header of the file is not encoded in UTF-8.")]
    HeaderEncoding,
    #[error("A row is larger than {} MB.", LOAD_ROW_BYTES_MAX >> 20)]
    RowTooLarge,
    /// The store that the file is in; the task can go on later.
    #[error("The file cannot be read: {0}")]
    Store(io::Error),
}

/// What comes of reading a file, in this order: the header once, then rows.
#[derive(Debug)]
pub(super) enum Piece {
    Header(Vec<String>),
    Rows(Vec<Row>),
}

/// Reads a file to its end; `take` says whether to go on.
pub(super) fn read(
    mut input: impl Read,
    dialect: &CsvDialect,
    mut take: impl FnMut(Piece) -> bool,
) -> Result<(), FileProblem> {
    // The reader of rows would pass over it. # guide: batch-load-preparing-data-file.html: it is an error
    let mut beginning = Vec::with_capacity(BYTE_ORDER_MARK.len());
    let wanted = BYTE_ORDER_MARK.len() as u64;
    input.by_ref().take(wanted).read_to_end(&mut beginning).map_err(FileProblem::Store)?;
    if beginning == BYTE_ORDER_MARK {
        return Err(FileProblem::ByteOrderMark);
    }
    let input = io::Cursor::new(beginning).chain(input);
    let mut reader = builder(dialect).from_reader(Bounded::new(input));
    let mut record = ByteRecord::new();
    if !read_record(&mut reader, &mut record)? {
        return Err(FileProblem::NoHeader);
    }
    let header = StringRecord::from_byte_record(record).map_err(|_| FileProblem::HeaderEncoding)?;
    let width = header.len();
    if !take(Piece::Header(header.iter().map(str::to_owned).collect())) {
        return Ok(());
    }
    let (mut rows, mut bytes) = (Vec::new(), 0);
    loop {
        reader.get_mut().budget = LOAD_ROW_BYTES_MAX;
        let mut record = ByteRecord::new();
        let is_row = read_record(&mut reader, &mut record)?;
        if is_row {
            let line = reader.get_mut().line_at(record.position().map_or(0, ::csv::Position::byte));
            bytes += record.as_slice().len();
            let cells = match record.len() == width {
                true => StringRecord::from_byte_record(record).map_err(|_| RowProblem::Encoding),
                false => Err(RowProblem::Columns),
            };
            rows.push(Row { line, cells });
        }
        if (!is_row && !rows.is_empty()) || rows.len() >= BATCH_ROWS || bytes >= BATCH_BYTES {
            bytes = 0;
            if !take(Piece::Rows(std::mem::take(&mut rows))) {
                return Ok(());
            }
        }
        if !is_row {
            return Ok(());
        }
    }
}

fn builder(dialect: &CsvDialect) -> ReaderBuilder {
    let mut builder = ReaderBuilder::new();
    builder
        .has_headers(false)
        .flexible(true)
        .delimiter(dialect.separator)
        .quote(dialect.quote)
        .escape(dialect.escape)
        .double_quote(dialect.escape.is_none_or(|escape| escape == dialect.quote))
        .trim(if dialect.trims { Trim::All } else { Trim::None });
    builder
}

fn read_record<R: Read>(reader: &mut Reader<R>, record: &mut ByteRecord) -> Result<bool, FileProblem> {
    reader.read_byte_record(record).map_err(|error| match error.into_kind() {
        ::csv::ErrorKind::Io(error) if error.kind() == io::ErrorKind::FileTooLarge => FileProblem::RowTooLarge,
        ::csv::ErrorKind::Io(error) => FileProblem::Store(error),
        // Rows of any width and any encoding are taken; nothing else can be wrong with one.
        other => FileProblem::Store(io::Error::other(format!("{other:?}"))),
    })
}

/// The bytes of a file on their way to the reader of rows. It lets so many through until the budget is filled up again (a
/// quote that is never closed would otherwise make one row of the whole file), and it knows where lines end: the reader's own
/// count is that of the row before where there are blank lines or carriage returns between the two.
struct Bounded<R> {
    input: R,
    budget: usize,
    read: u64,
    is_after_return: bool,
    /// The places of line ends that no row is behind yet, and whether a carriage return is before each.
    ends: VecDeque<(u64, bool)>,
    /// Line ends before those.
    passed: u64,
}

impl<R: Read> Bounded<R> {
    fn new(input: R) -> Self {
        let budget = LOAD_ROW_BYTES_MAX;
        Self { input, budget, read: 0, is_after_return: false, ends: VecDeque::new(), passed: 0 }
    }

    /// The line, from 1, of the first row at or behind a place. Places are asked for in ascending order.
    fn line_at(&mut self, mut place: u64) -> u64 {
        while let Some((end, is_after_return)) = self.ends.front() {
            let is_blank = *end == place || (*end == place + 1 && *is_after_return);
            if *end >= place && !is_blank {
                break;
            }
            place = place.max(*end + 1);
            self.ends.pop_front();
            self.passed += 1;
        }
        self.passed + 1
    }
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.budget == 0 {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        let length = buffer.len().min(self.budget);
        let read = self.input.read(&mut buffer[..length])?;
        for byte in &buffer[..read] {
            if *byte == b'\n' {
                self.ends.push_back((self.read, self.is_after_return));
            }
            self.is_after_return = *byte == b'\r';
            self.read += 1;
        }
        self.budget -= read;
        Ok(read)
    }
}
