//! What a query reads and gives, counted.

use crate::sql::insights::{Insights, ScanInsight, UnloadInsight};
use datafusion::arrow::{
    array::{Array, AsArray, RecordBatch},
    datatypes::DataType,
};
use std::{
    collections::BTreeSet,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

/// Counts what a query reads.
#[derive(Debug, Default)]
pub(in crate::sql) struct Meter {
    bytes: AtomicU64,
    rows: AtomicU64,
    rows_expected: AtomicU64,
    output_bytes: AtomicU64,
    output_rows: AtomicU64,
    scans: Mutex<Vec<ScanInsight>>,
    unload: Mutex<Option<UnloadInsight>>,
}

impl Meter {
    /// Logical bytes of the columns and rows read so far: the same wherever they lie.
    pub(in crate::sql) fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// Rows read so far.
    pub(in crate::sql) fn rows(&self) -> u64 {
        self.rows.load(Ordering::Relaxed)
    }

    /// How much of what there is to read has been read, in percent.
    pub(in crate::sql) fn progress(&self) -> f64 {
        let (rows, expected) = (self.rows.load(Ordering::Relaxed), self.rows_expected.load(Ordering::Relaxed));
        if expected == 0 { 0.0 } else { (rows as f64 / expected as f64 * 100.0).min(99.0) }
    }

    /// Counts a batch that was read, and logical bytes of columns that count as read with it.
    pub(super) fn count(&self, batch: &RecordBatch, more_bytes: u64) {
        self.bytes.fetch_add(batch_bytes(batch) + more_bytes, Ordering::Relaxed);
        self.rows.fetch_add(batch.num_rows() as u64, Ordering::Relaxed);
    }

    /// So many rows are expected to be read, more than before.
    pub(super) fn expect(&self, rows: usize) {
        self.rows_expected.fetch_add(rows as u64, Ordering::Relaxed);
    }

    /// Notes what a scan looks at.
    pub(super) fn note(&self, scan: ScanInsight) {
        self.scans.lock().unwrap_or_else(PoisonError::into_inner).push(scan);
    }

    /// Counts a batch of the result.
    pub(in crate::sql) fn count_output(&self, batch: &RecordBatch) {
        self.output_bytes.fetch_add(batch_bytes(batch), Ordering::Relaxed);
        self.output_rows.fetch_add(batch.num_rows() as u64, Ordering::Relaxed);
    }

    /// What the query has read and given so far.
    pub(in crate::sql) fn insights(&self) -> Insights {
        let scans = self.scans.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let tables: BTreeSet<_> = scans.iter().map(|scan| (&scan.database, &scan.table)).collect();
        Insights {
            tables: tables.len(),
            output_rows: self.output_rows.load(Ordering::Relaxed),
            output_bytes: self.output_bytes.load(Ordering::Relaxed),
            unload: *self.unload.lock().unwrap_or_else(PoisonError::into_inner),
            scans,
        }
    }

    /// Notes what an UNLOAD wrote.
    pub(in crate::sql) fn note_unload(&self, unload: UnloadInsight) {
        *self.unload.lock().unwrap_or_else(PoisonError::into_inner) = Some(unload);
    }
}

fn batch_bytes(batch: &RecordBatch) -> u64 {
    batch.columns().iter().map(|column| logical_bytes(column.as_ref())).sum::<usize>() as u64
}

/// The bytes of a column's values as the service meters them. # guide: metering-and-pricing.writes.html
fn logical_bytes(column: &dyn Array) -> usize {
    let present = column.len() - column.null_count();
    match column.data_type() {
        DataType::Boolean => present,
        DataType::Utf8 => {
            let offsets = column.as_string::<i32>().value_offsets();
            let (first, last) = (offsets.first().copied().unwrap_or(0), offsets.last().copied().unwrap_or(0));
            usize::try_from(last - first).unwrap_or(0)
        }
        DataType::List(_) => {
            let list = column.as_list::<i32>();
            let offsets = list.value_offsets();
            let (first, last) = (offsets.first().copied().unwrap_or(0), offsets.last().copied().unwrap_or(0));
            logical_bytes(list.values().slice(first as usize, (last - first) as usize).as_ref())
        }
        DataType::Struct(_) => column.as_struct().columns().iter().map(|field| logical_bytes(field.as_ref())).sum(),
        _ => present * 8,
    }
}
