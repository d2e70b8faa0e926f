//! Which records a scan reads.

use super::series::{SeriesId, SeriesView};
use crate::model::table::{Column, ColumnKind};
use std::{
    collections::{BTreeSet, VecDeque},
    ops::Range,
    sync::Arc,
};

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

/// Which of the selected records a scan hands out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Kept {
    /// All of them.
    #[default]
    All,
    /// Of every series under every measure name, the newest, the oldest, or both.
    Ends {
        /// The oldest.
        oldest: bool,
        /// The newest.
        newest: bool,
    },
}

/// One of the parts that a scan's work is split into: together they hand out every record once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    /// Which one, from 0.
    pub index: usize,
    /// How many there are.
    pub count: usize,
}

impl Part {
    /// The whole.
    pub const WHOLE: Self = Self { index: 0, count: 1 };

    /// This part of `rows`, which ascend: a stretch, so that a part has few series of each chunk.
    pub(super) fn of(self, rows: VecDeque<Range<usize>>) -> VecDeque<Range<usize>> {
        if self.count <= 1 {
            return rows;
        }
        let total: usize = rows.iter().map(ExactSizeIterator::len).sum();
        let (start, end) = (total * self.index / self.count, total * (self.index + 1) / self.count);
        let mut before = 0;
        let mut part = VecDeque::new();
        for range in rows {
            let (first, last) = (start.max(before), end.min(before + range.len()));
            if first < last {
                part.push_back(range.start + first - before..range.start + last - before);
            }
            before += range.len();
        }
        part
    }
}

/// What a scan reads and hands out.
#[derive(Clone, Debug)]
pub struct ScanRequest {
    /// The columns handed out, by place among the table's.
    pub projection: Vec<usize>,
    /// Columns, keys or `time`, that count as read although they are not handed out: the selection is by them.
    pub counted: Vec<usize>,
    /// The records wanted.
    pub selection: Selection,
    /// Which of them.
    pub kept: Kept,
    /// The part of the work.
    pub part: Part,
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
