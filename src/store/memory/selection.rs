//! Which records a scan reads.

use super::series::{SeriesId, SeriesView};
use crate::model::table::{Column, ColumnKind};
use std::{collections::BTreeSet, ops::Range, sync::Arc};

/// Which records a scan reads: those in `times` that have one of the wanted values in every key column named.
#[derive(Clone, Debug)]
pub struct Selection {
    /// Nanoseconds since the epoch.
    pub times: Range<i64>,
    /// Dimensions or `measure_name`, by place among the table's columns, and the values wanted. A record without the
    /// dimension is not wanted.
    pub keys: Vec<(usize, BTreeSet<Arc<str>>)>,
}

impl From<Range<i64>> for Selection {
    fn from(times: Range<i64>) -> Self {
        Self { times, keys: Vec::new() }
    }
}

/// The streams that a selection wants, by number.
#[derive(Debug)]
pub(super) struct StreamSet {
    /// By series; `None` wants all.
    series: Option<Vec<bool>>,
    /// By measure name; `None` wants all.
    measure_names: Option<Vec<bool>>,
}

impl StreamSet {
    /// Looks up what the values wanted mean in a table.
    pub(super) fn new(
        selection: &Selection,
        columns: &[Column],
        measure_names: &[Arc<str>],
        series: &SeriesView,
    ) -> Self {
        let mut set = Self { series: None, measure_names: None };
        for (column, values) in &selection.keys {
            if columns[*column].kind == ColumnKind::MeasureName {
                let wanted = set.measure_names.get_or_insert_with(|| vec![true; measure_names.len()]);
                wanted.iter_mut().zip(measure_names).for_each(|(wanted, name)| *wanted &= values.contains(name));
            } else {
                let wanted = set.series.get_or_insert_with(|| vec![true; series.len()]);
                for (wanted, id) in wanted.iter_mut().zip(0..) {
                    let value = if *wanted { series.value(id, *column as u16) } else { None };
                    *wanted = value.is_some_and(|value| values.contains(value));
                }
            }
        }
        set
    }

    /// Whether every stream is wanted.
    pub(super) fn is_all(&self) -> bool {
        self.series.is_none() && self.measure_names.is_none()
    }

    /// Whether a stream is wanted.
    pub(super) fn contains(&self, series: SeriesId, measure_name: u16) -> bool {
        self.contains_series(series) && self.contains_measure_name(measure_name)
    }

    pub(super) fn contains_series(&self, series: SeriesId) -> bool {
        self.series.as_ref().is_none_or(|wanted| wanted.get(series as usize).is_some_and(|wanted| *wanted))
    }

    pub(super) fn contains_measure_name(&self, name: u16) -> bool {
        self.measure_names.as_ref().is_none_or(|wanted| wanted.get(usize::from(name)).is_some_and(|wanted| *wanted))
    }
}

/// How many of a key column's values a selection wants, and how many there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Coverage {
    /// Values wanted that are there.
    pub selected: usize,
    /// All values.
    pub all: usize,
}

impl Coverage {
    pub(super) fn of_measure_names(set: &StreamSet, measure_names: usize) -> Self {
        let selected = (0..measure_names as u16).filter(|name| set.contains_measure_name(*name)).count();
        Self { selected, all: measure_names }
    }

    pub(super) fn of_dimension(set: &StreamSet, series: &SeriesView, dimension: u16) -> Self {
        let mut all = BTreeSet::new();
        let mut selected = BTreeSet::new();
        for id in 0..series.len() as SeriesId {
            if let Some(value) = series.value(id, dimension) {
                all.insert(value);
                if set.contains_series(id) {
                    selected.insert(value);
                }
            }
        }
        Self { selected: selected.len(), all: all.len() }
    }
}
