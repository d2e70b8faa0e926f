//! The first step: common attributes.

use super::{Batch, InputMeasureValue, InputRecord, RecordType, TimeUnit};
use crate::model::record::{Dimensions, MeasureType};

/// A record with the common attributes of its request. What the record says itself comes first; dimensions and measure
/// values add up. # model: Record, CommonAttributes
#[derive(Clone, Copy, Debug)]
pub(super) struct Merged<'a> {
    pub(super) index: usize,
    common: &'a InputRecord<'a>,
    own: &'a InputRecord<'a>,
}

/// Merges the common attributes into every record.
pub(super) fn merge<'a>(common: &'a InputRecord<'a>, records: &'a [InputRecord<'a>]) -> Batch<Merged<'a>> {
    let records = records.iter().enumerate().map(|(index, own)| Merged { index, common, own });
    Batch { records: records.collect(), rejected: Vec::new() }
}

impl<'a> Merged<'a> {
    pub(super) fn dimensions(self) -> Dimensions<'a> {
        Dimensions { common: self.common.dimensions, own: self.own.dimensions }
    }

    pub(super) fn measure_name(self) -> Option<&'a str> {
        self.own.measure_name.or(self.common.measure_name)
    }

    pub(super) fn measure_value(self) -> Option<&'a str> {
        self.own.measure_value.or(self.common.measure_value)
    }

    pub(super) fn measure_values(self) -> impl ExactSizeIterator<Item = &'a InputMeasureValue<'a>> + Clone {
        // A chain of slices knows no exact size, and at most one of the two is long.
        let (first, second) = (self.common.measure_values, self.own.measure_values);
        (0..first.len() + second.len()).map(move |i| first.get(i).unwrap_or_else(|| &second[i - first.len()]))
    }

    /// # model: the default is DOUBLE
    pub(super) fn record_type(self) -> RecordType {
        self.own.record_type.or(self.common.record_type).unwrap_or(RecordType::Single(MeasureType::Double))
    }

    pub(super) fn time(self) -> Option<&'a str> {
        self.own.time.or(self.common.time)
    }

    /// # model: the default is MILLISECONDS
    pub(super) fn time_unit(self) -> TimeUnit {
        self.own.time_unit.or(self.common.time_unit).unwrap_or(TimeUnit::Milliseconds)
    }

    /// # model: the default is 1
    pub(super) fn version(self) -> i64 {
        self.own.version.or(self.common.version).unwrap_or(1)
    }
}
