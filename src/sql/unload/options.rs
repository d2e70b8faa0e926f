//! The options of UNLOAD. # inferred: the texts of their errors

use super::{OptionValue, SqlError, UnloadOption};

const MEBIBYTE: f64 = 1_048_576.0;
/// The largest file. # guide
const FILE_BYTES_MAX: u64 = 78 << 30;
/// The least that may be set as the largest file. # guide
const FILE_BYTES_MIN: u64 = 16 << 20;

/// The form of the files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    Csv,
    Parquet,
}

/// How the files are compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Compression {
    Gzip,
    None,
}

/// Which key the files are encrypted with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Encryption {
    S3,
    Kms(Option<String>),
}

/// The options, those not set at their defaults.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Options {
    pub(super) partitioned_by: Vec<String>,
    pub(super) format: Format,
    pub(super) compression: Compression,
    pub(super) encryption: Encryption,
    pub(super) field_delimiter: u8,
    pub(super) escaped_by: u8,
    pub(super) include_header: bool,
    pub(super) file_bytes_max: u64,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            partitioned_by: Vec::new(),
            format: Format::Csv,
            compression: Compression::Gzip,
            encryption: Encryption::S3,
            field_delimiter: b',',
            escaped_by: b'\\',
            include_header: false,
            file_bytes_max: FILE_BYTES_MAX,
        }
    }
}

impl Options {
    /// Reads the options of a statement.
    pub(super) fn read(given: &[UnloadOption]) -> Result<Self, SqlError> {
        let mut options = Self::default();
        let mut kms_key = None;
        let mut seen: Vec<String> = Vec::new();
        for option in given {
            let name = option.name.to_ascii_lowercase();
            if seen.contains(&name) {
                return invalid(format!("The option {name} of UNLOAD is set more than once."));
            }
            match name.as_str() {
                "partitioned_by" => options.partitioned_by = names(option)?,
                "format" => options.format = one_of(option, &[("CSV", Format::Csv), ("PARQUET", Format::Parquet)])?,
                "compression" => {
                    options.compression = one_of(option, &[("GZIP", Compression::Gzip), ("NONE", Compression::None)])?;
                }
                "encryption" => {
                    let kinds = [("SSE_S3", Encryption::S3), ("SSE_KMS", Encryption::Kms(None))];
                    options.encryption = one_of(option, &kinds)?;
                }
                "kms_key" => kms_key = Some(text(option)?.to_owned()),
                "field_delimiter" => options.field_delimiter = character(option)?,
                "escaped_by" => options.escaped_by = character(option)?,
                "include_header" => options.include_header = one_of(option, &[("TRUE", true), ("FALSE", false)])?,
                "max_file_size" => options.file_bytes_max = size(option)?,
                _ => return invalid(format!("UNLOAD has no option {}.", option.name)),
            }
            seen.push(name);
        }
        if let Some(key) = kms_key {
            let Encryption::Kms(given) = &mut options.encryption else {
                return invalid("The option kms_key of UNLOAD needs encryption = 'SSE_KMS'.".to_owned());
            };
            *given = Some(key);
        }
        options.check(&seen)?;
        Ok(options)
    }

    fn check(&self, seen: &[String]) -> Result<(), SqlError> {
        let of_csv = ["field_delimiter", "escaped_by", "include_header"];
        if self.format == Format::Parquet
            && let Some(name) = seen.iter().find(|name| of_csv.contains(&name.as_str()))
        {
            return invalid(format!("The option {name} of UNLOAD is for format = 'CSV' only."));
        }
        if self.field_delimiter == b'"' || self.field_delimiter == self.escaped_by {
            let text = "The field_delimiter of UNLOAD must be another character than the quote and escaped_by.";
            return invalid(text.to_owned());
        }
        Ok(())
    }
}

fn invalid<T>(text: String) -> Result<T, SqlError> {
    Err(SqlError::Invalid(text))
}

fn text(option: &UnloadOption) -> Result<&str, SqlError> {
    match &option.value {
        OptionValue::Text(text) => Ok(text),
        OptionValue::Texts(_) => invalid(format!("The option {} of UNLOAD takes a string.", option.name)),
    }
}

fn names(option: &UnloadOption) -> Result<Vec<String>, SqlError> {
    match &option.value {
        OptionValue::Texts(names) if !names.is_empty() => Ok(names.clone()),
        _ => invalid(format!("The option {} of UNLOAD takes an array of column names.", option.name)),
    }
}

fn one_of<T: Clone>(option: &UnloadOption, values: &[(&str, T)]) -> Result<T, SqlError> {
    let given = text(option)?;
    let found = values.iter().find(|(name, _)| name.eq_ignore_ascii_case(given));
    let names = || values.iter().map(|(name, _)| format!("'{name}'")).collect::<Vec<_>>().join(" or ");
    match found {
        Some((_, value)) => Ok(value.clone()),
        None => invalid(format!("The option {} of UNLOAD is {}, not '{given}'.", option.name, names())),
    }
}

/// # guide: a single ASCII character; tab may be written `\t`, as a string of the language knows no such escape
fn character(option: &UnloadOption) -> Result<u8, SqlError> {
    let given = text(option)?;
    match given.as_bytes() {
        [byte] if byte.is_ascii() => Ok(*byte),
        b"\\t" => Ok(b'\t'),
        _ => invalid(format!("The option {} of UNLOAD takes a single ASCII character.", option.name)),
    }
}

/// # guide: `12GB`, `24.7MB`, between 16MB and 78GB
fn size(option: &UnloadOption) -> Result<u64, SqlError> {
    let given = text(option)?;
    let wrong = || {
        let text = "The option max_file_size of UNLOAD is a number followed by MB or GB, between 16MB and 78GB";
        SqlError::Invalid(format!("{text}, not '{given}'."))
    };
    let upper = given.trim().to_ascii_uppercase();
    let (number, unit) = match (upper.strip_suffix("MB"), upper.strip_suffix("GB")) {
        (Some(number), _) => (number, MEBIBYTE),
        (_, Some(number)) => (number, MEBIBYTE * 1_024.0),
        _ => return Err(wrong()),
    };
    let number = number.trim_end();
    if number.is_empty() || !number.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') {
        return Err(wrong());
    }
    let bytes = (number.parse::<f64>().map_err(|_| wrong())? * unit).round() as u64;
    if (FILE_BYTES_MIN..=FILE_BYTES_MAX).contains(&bytes) { Ok(bytes) } else { Err(wrong()) }
}
