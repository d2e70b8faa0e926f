//! One value of any type for each group, picked out of the batches they come in.

use datafusion::{
    arrow::{
        array::{Array, ArrayRef, UInt32Array, new_null_array},
        compute,
        datatypes::DataType,
    },
    common::internal_datafusion_err,
    error::Result,
    logical_expr::EmitTo,
};

/// The values held. A group that has none holds NULL.
#[derive(Debug)]
pub(super) struct Held {
    /// Where each group's value lies: in which chunk, and at which row.
    picks: Vec<(usize, usize)>,
    /// The first holds one NULL.
    chunks: Vec<ArrayRef>,
    rows: usize,
    bytes: usize,
}

/// The chunk of groups that have no value.
const NOTHING: usize = 0;
/// Rows that may be held for nothing before they are dropped, beyond as many as there are groups.
const SPARE_ROWS: usize = 8_192;

impl Held {
    /// No groups, of values of this type.
    pub(super) fn new(data_type: &DataType) -> Self {
        Self { picks: Vec::new(), chunks: vec![new_null_array(data_type, 1)], rows: 0, bytes: 0 }
    }

    /// There are so many groups.
    pub(super) fn resize(&mut self, total: usize) {
        self.picks.resize(total, (NOTHING, 0));
    }

    /// Whether a group has a value.
    pub(super) fn has(&self, group: usize) -> bool {
        self.picks[group].0 != NOTHING
    }

    /// Takes values out of a batch; of several for one group the last counts.
    pub(super) fn set(&mut self, batch: &ArrayRef, picks: impl IntoIterator<Item = (usize, usize)>) -> Result<()> {
        let chunk = self.chunks.len();
        let mut changed = Vec::new();
        for (group, row) in picks {
            if self.picks[group].0 != chunk {
                changed.push(group);
            }
            self.picks[group] = (chunk, row);
        }
        if changed.is_empty() {
            return Ok(());
        }
        let mut rows = Vec::with_capacity(changed.len());
        for (place, group) in changed.into_iter().enumerate() {
            let row = std::mem::replace(&mut self.picks[group].1, place);
            rows.push(u32::try_from(row).map_err(|_| internal_datafusion_err!("row {row}"))?);
        }
        // A copy, so that the batch need not stay in memory.
        self.push(compute::take(batch, &UInt32Array::from(rows), None)?);
        if self.rows > 2 * self.picks.len() + SPARE_ROWS {
            self.compact()?;
        }
        Ok(())
    }

    fn push(&mut self, chunk: ArrayRef) {
        self.rows += chunk.len();
        self.bytes += chunk.get_array_memory_size();
        self.chunks.push(chunk);
    }

    /// Drops the values that no group holds any more.
    fn compact(&mut self) -> Result<()> {
        let values = self.values(&self.picks)?;
        self.chunks.truncate(1);
        (self.rows, self.bytes) = (0, 0);
        for (row, pick) in self.picks.iter_mut().enumerate().filter(|(_, pick)| pick.0 != NOTHING) {
            *pick = (1, row);
        }
        self.push(values);
        Ok(())
    }

    fn values(&self, picks: &[(usize, usize)]) -> Result<ArrayRef> {
        let chunks: Vec<&dyn Array> = self.chunks.iter().map(AsRef::as_ref).collect();
        match self.chunks[0].data_type() {
            DataType::Null => Ok(new_null_array(&DataType::Null, picks.len())),
            _ => Ok(compute::interleave(&chunks, picks)?),
        }
    }

    /// The values of the groups that are asked for; they are no longer held.
    pub(super) fn take(&mut self, emit_to: EmitTo) -> Result<ArrayRef> {
        let picks = emit_to.take_needed(&mut self.picks);
        let values = self.values(&picks)?;
        if self.picks.is_empty() {
            self.chunks.truncate(1);
            (self.rows, self.bytes) = (0, 0);
        }
        Ok(values)
    }

    /// Bytes of memory.
    pub(super) fn size(&self) -> usize {
        size_of_val(self) + self.picks.capacity() * size_of::<(usize, usize)>() + self.bytes
    }
}
