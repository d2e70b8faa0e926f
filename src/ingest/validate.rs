//! The second step: every record in itself.
//!
//! What is malformed fails the whole request; what is well-formed but over a limit is rejected alone. # model:
//! RejectedRecord, "dimensions or measures that exceed the Timestream defined limits"; # inferred: where exactly the
//! line runs

use super::{Batch, InputMeasureValue, RecordType, merge::Merged};
use crate::model::{
    limits::{
        DIMENSION_NAME_BYTES_MAX, DIMENSIONS_PER_TABLE_MAX, MEASURE_NAME_BYTES_MAX, MEASURE_VALUE_BYTES_MAX,
        MULTI_ATTRIBUTES_PER_RECORD_MAX, RECORD_VALUES_BYTES_MAX, SERIES_BYTES_MAX,
    },
    record::{Attribute, Dimensions, Measure, MeasureType, Record, RejectReason, RejectedRecord, Tier, Value},
};

/// Names of a record that are compared pair by pair; more are sorted, because a request may hold very many.
const PAIRED_NAMES_MAX: usize = 16;

/// A record that is valid in itself. Its tier is not known yet.
pub(super) struct Validated<'a>(pub(super) Record<'a>);

/// What makes a whole request invalid.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidRecord {
    /// # observed
    #[error("At least one dimension is required for a record.")]
    NoDimensions,
    /// The time is missing, no integer, or beyond 64 bits. # observed
    #[error("Invalid time for record.")]
    Time,
    /// `TIMESTAMP` outside a multi-measure record. # observed
    #[error("TIMESTAMP is an invalid measure value type.")]
    TimestampMeasure,
    /// # model: Record, "a record must contain dimensions with unique names"; # inferred: the words
    #[error(
        "The dimension name '{0}' occurs more than once. Dimension names in a record must be unique, and may not overlap with those of the common attributes."
    )]
    DuplicateDimension(String),
    /// # guide: ts-limits.html; # inferred: the words
    #[error(
        "The name '{0}' is reserved. Column names cannot be measure_value, ts_non_existent_col or time, and cannot begin \
         with ts_, measure_name or measure_value."
    )]
    ReservedName(String),
    /// # inferred: the words
    #[error("A measure name is required for a record.")]
    NoMeasureName,
    /// # guide: ts-limits.html; # inferred: the words
    #[error("The measure name '{0}' is invalid. Measure names cannot contain a colon.")]
    MeasureName(String),
    /// # inferred: the words
    #[error("A measure value is required for a record whose measure value type is {}.", .0.wire_name())]
    NoMeasureValue(MeasureType),
    /// # inferred: the words
    #[error("At least one measure value is required in MeasureValues for a record whose measure value type is MULTI.")]
    NoMeasureValues,
    /// # model: Record; # inferred: the words
    #[error("MeasureValue is not allowed for a record whose measure value type is MULTI. Use MeasureValues.")]
    MeasureValueWithMulti,
    /// # model: Record, "only allowed for type MULTI"; # inferred: the words
    #[error("MeasureValues is only allowed for a record whose measure value type is MULTI.")]
    MeasureValuesWithSingle,
    /// # inferred: the words
    #[error("MULTI is an invalid measure value type inside MeasureValues.")]
    NestedMulti,
    /// # inferred: the words
    #[error("The name '{0}' occurs more than once in the MeasureValues of a record.")]
    DuplicateAttribute(String),
    /// # guide: writes.html, "Column names can not be duplicated"; # inferred: the words
    #[error(
        "The name '{0}' is used for a dimension and for a measure value of the same record. Column names can not be duplicated."
    )]
    AttributeIsDimension(String),
    /// # inferred: the words
    #[error("The measure value '{text}' is not a valid {}.", .value_type.wire_name())]
    Value {
        /// What the value was to be.
        value_type: MeasureType,
        /// Its text, the beginning of it when it is long.
        text: String,
    },
    /// # model: Record, "must be 1 or greater"; # inferred: the words
    #[error("The record version {0} is invalid. The version must be 1 or greater.")]
    Version(i64),
}

/// Checks every record in itself and reads its numbers.
///
/// # Errors
/// The first thing that makes the whole request invalid.
pub(super) fn validate(batch: Batch<Merged<'_>>) -> Result<Batch<Validated<'_>>, InvalidRecord> {
    let mut rejected = batch.rejected;
    let mut records = Vec::with_capacity(batch.records.len());
    for merged in batch.records {
        let record = read(merged)?;
        match check_limits(&record) {
            Ok(()) => records.push(Validated(record)),
            Err(reason) => rejected.push(RejectedRecord { index: record.index, reason }),
        }
    }
    Ok(Batch { records, rejected })
}

fn read(merged: Merged<'_>) -> Result<Record<'_>, InvalidRecord> {
    let dimensions = merged.dimensions();
    check_dimensions(dimensions)?;
    let time = merged.time().and_then(|text| text.parse::<i64>().ok()).ok_or(InvalidRecord::Time)?;
    let measure_name = merged.measure_name().ok_or(InvalidRecord::NoMeasureName)?;
    check_measure_name(measure_name)?;
    let version = merged.version();
    if version < 1 {
        return Err(InvalidRecord::Version(version));
    }
    Ok(Record {
        index: merged.index,
        dimensions,
        measure_name,
        // A time beyond 64 bits of nanoseconds is outside of every window, as the ends of that range are.
        time_ns: time.saturating_mul(merged.time_unit().ns()),
        version,
        measure: read_measure(merged)?,
        tier: Tier::Memory,
    })
}

fn check_dimensions(dimensions: Dimensions<'_>) -> Result<(), InvalidRecord> {
    if dimensions.is_empty() {
        return Err(InvalidRecord::NoDimensions);
    }
    for (i, dimension) in dimensions.iter().enumerate() {
        check_column_name(dimension.name)?;
        if dimensions.iter().take(i).any(|other| other.name == dimension.name) {
            return Err(InvalidRecord::DuplicateDimension(dimension.name.to_owned()));
        }
    }
    Ok(())
}

/// Whether a dimension or a multi-measure attribute may have that name. # guide: ts-limits.html: the reserved names,
/// which are case-sensitive
///
/// # Errors
/// [`InvalidRecord::ReservedName`].
pub fn check_column_name(name: &str) -> Result<(), InvalidRecord> {
    // A name that begins with neither letter cannot be reserved.
    if !name.starts_with(['t', 'm']) {
        return Ok(());
    }
    let is_prefixed = ["ts_", "measure_name", "measure_value"].iter().any(|prefix| name.starts_with(prefix));
    if is_prefixed || name == "time" { Err(InvalidRecord::ReservedName(name.to_owned())) } else { Ok(()) }
}

fn check_measure_name(name: &str) -> Result<(), InvalidRecord> {
    if name.contains(':') { Err(InvalidRecord::MeasureName(name.to_owned())) } else { Ok(()) }
}

fn read_measure(merged: Merged<'_>) -> Result<Measure<'_>, InvalidRecord> {
    match merged.record_type() {
        RecordType::Single(MeasureType::Timestamp) => Err(InvalidRecord::TimestampMeasure),
        RecordType::Single(value_type) => {
            if merged.measure_values().len() > 0 {
                return Err(InvalidRecord::MeasureValuesWithSingle);
            }
            let text = merged.measure_value().ok_or(InvalidRecord::NoMeasureValue(value_type))?;
            Ok(Measure::Single(read_value(value_type, text, merged)?))
        }
        RecordType::Multi => {
            if merged.measure_value().is_some() {
                return Err(InvalidRecord::MeasureValueWithMulti);
            }
            let values = merged.measure_values();
            if values.len() == 0 {
                return Err(InvalidRecord::NoMeasureValues);
            }
            // Not collected: that would not know how many come, and move them as it finds room.
            let mut attributes = Vec::with_capacity(values.len());
            for value in values {
                attributes.push(read_attribute(value, merged)?);
            }
            check_attributes(&attributes, merged.dimensions())?;
            Ok(Measure::Multi(attributes))
        }
    }
}

fn read_attribute<'a>(given: &InputMeasureValue<'a>, merged: Merged<'_>) -> Result<Attribute<'a>, InvalidRecord> {
    let RecordType::Single(value_type) = given.value_type else { return Err(InvalidRecord::NestedMulti) };
    check_column_name(given.name)?;
    check_measure_name(given.name)?;
    Ok(Attribute { name: given.name, value: read_value(value_type, given.value, merged)? })
}

fn check_attributes(attributes: &[Attribute<'_>], dimensions: Dimensions<'_>) -> Result<(), InvalidRecord> {
    for attribute in attributes {
        if dimensions.iter().any(|dimension| dimension.name == attribute.name) {
            return Err(InvalidRecord::AttributeIsDimension(attribute.name.to_owned()));
        }
    }
    match repeated_name(attributes) {
        Some(name) => Err(InvalidRecord::DuplicateAttribute(name.to_owned())),
        None => Ok(()),
    }
}

fn repeated_name<'a>(attributes: &[Attribute<'a>]) -> Option<&'a str> {
    let names = attributes.iter().map(|attribute| attribute.name);
    if attributes.len() <= PAIRED_NAMES_MAX {
        let is_repeated = |(i, name): &(usize, &str)| attributes[..*i].iter().any(|before| before.name == *name);
        return names.enumerate().find(is_repeated).map(|(_, name)| name);
    }
    let mut names: Vec<_> = names.collect();
    names.sort_unstable();
    names.windows(2).find(|pair| pair[0] == pair[1]).map(|pair| pair[0])
}

fn read_value<'a>(value_type: MeasureType, text: &'a str, merged: Merged<'_>) -> Result<Value<'a>, InvalidRecord> {
    let value = match value_type {
        MeasureType::Double => read_double(text).map(Value::Double),
        MeasureType::Bigint => text.parse().ok().map(Value::Bigint),
        MeasureType::Boolean => read_boolean(text).map(Value::Boolean),
        MeasureType::Varchar => Some(Value::Varchar(text)),
        // # observed: in the record's unit; # guide: writes.html, from 1970 to 2262
        MeasureType::Timestamp => text
            .parse::<i64>()
            .ok()
            .filter(|time| *time >= 0)
            .and_then(|time| time.checked_mul(merged.time_unit().ns()))
            .map(Value::Timestamp),
    };
    value.ok_or_else(|| InvalidRecord::Value { value_type, text: text.chars().take(100).collect() })
}

/// A decimal number. # guide: writes.html: NaN and infinity cannot be written
fn read_double(text: &str) -> Option<f64> {
    text.parse::<f64>().ok().filter(|value| value.is_finite())
}

/// # inferred: case does not matter
fn read_boolean(text: &str) -> Option<bool> {
    if text.eq_ignore_ascii_case("true") {
        Some(true)
    } else if text.eq_ignore_ascii_case("false") {
        Some(false)
    } else {
        None
    }
}

fn check_limits(record: &Record<'_>) -> Result<(), RejectReason> {
    let dimensions = record.dimensions;
    if dimensions.len() > DIMENSIONS_PER_TABLE_MAX {
        return Err(RejectReason::TooManyDimensions(dimensions.len()));
    }
    let mut series_bytes = 0;
    for dimension in dimensions.iter() {
        if dimension.name.len() > DIMENSION_NAME_BYTES_MAX {
            return Err(RejectReason::DimensionNameTooLong(dimension.name.len()));
        }
        series_bytes += dimension.name.len() + dimension.value.len();
    }
    if series_bytes > SERIES_BYTES_MAX {
        return Err(RejectReason::DimensionsTooLong(series_bytes));
    }
    check_measure_name_length(record.measure_name)?;
    match &record.measure {
        Measure::Single(value) => check_value_length(value),
        Measure::Multi(attributes) => {
            if attributes.len() > MULTI_ATTRIBUTES_PER_RECORD_MAX {
                return Err(RejectReason::TooManyAttributes(attributes.len()));
            }
            for attribute in attributes {
                check_measure_name_length(attribute.name)?;
                check_value_length(&attribute.value)?;
            }
            let bytes = attributes.iter().map(|attribute| metered_bytes(&attribute.value)).sum();
            if bytes > RECORD_VALUES_BYTES_MAX { Err(RejectReason::RecordTooLong(bytes)) } else { Ok(()) }
        }
    }
}

fn check_measure_name_length(name: &str) -> Result<(), RejectReason> {
    if name.len() > MEASURE_NAME_BYTES_MAX { Err(RejectReason::MeasureNameTooLong(name.len())) } else { Ok(()) }
}

fn check_value_length(value: &Value<'_>) -> Result<(), RejectReason> {
    match value {
        Value::Varchar(text) if text.len() > MEASURE_VALUE_BYTES_MAX => {
            Err(RejectReason::MeasureValueTooLong(text.len()))
        }
        _ => Ok(()),
    }
}

/// # guide: metering-and-pricing.writes.html
fn metered_bytes(value: &Value<'_>) -> usize {
    match value {
        Value::Varchar(text) => text.len(),
        Value::Boolean(_) => 1,
        Value::Double(_) | Value::Bigint(_) | Value::Timestamp(_) => 8,
    }
}
