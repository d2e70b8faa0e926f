//! The third step: which store a record's time puts it in.

use super::{Batch, validate::Validated};
use crate::{
    catalog::{PartitionKey, state::TableSettings},
    model::{
        record::{Record, RejectReason, RejectedRecord, Tier},
        retention::WINDOW_SLACK_NS,
    },
};

/// Gives every record its tier. Those outside of every store are rejected, and those without the dimension that the
/// table's partition key requires.
pub(super) fn route<'a>(batch: Batch<Validated<'a>>, table: &TableSettings, now_ns: i64) -> Batch<Record<'a>> {
    let mut rejected = batch.rejected;
    let mut records = Vec::with_capacity(batch.records.len());
    for Validated(mut record) in batch.records {
        match check_key(&record, &table.partition_key).and_then(|()| tier(record.time_ns, table, now_ns)) {
            Ok(tier) => {
                record.tier = tier;
                records.push(record);
            }
            Err(reason) => rejected.push(RejectedRecord { index: record.index, reason }),
        }
    }
    Batch { records, rejected }
}

/// # guide: customer-defined-partition-keys.html; # inferred: that the record is rejected alone
fn check_key(record: &Record<'_>, key: &PartitionKey) -> Result<(), RejectReason> {
    match key {
        PartitionKey::Dimension { name, required: true } if record.dimensions.iter().all(|d| *d.name != **name) => {
            Err(RejectReason::PartitionKeyMissing(name.to_string()))
        }
        _ => Ok(()),
    }
}

/// # observed: both windows, their words and their width; retention periods add up
fn tier(time_ns: i64, table: &TableSettings, now_ns: i64) -> Result<Tier, RejectReason> {
    let until_ns = now_ns.saturating_add(WINDOW_SLACK_NS);
    let memory_from_ns = now_ns.saturating_sub(table.retention.memory_ns()).saturating_sub(WINDOW_SLACK_NS);
    if (memory_from_ns..until_ns).contains(&time_ns) {
        return Ok(Tier::Memory);
    }
    if !table.magnetic_writes.enabled {
        return Err(RejectReason::OutsideMemoryStore { from_ns: memory_from_ns, until_ns });
    }
    let from_ns = now_ns.saturating_sub(table.retention.total_ns()).saturating_sub(WINDOW_SLACK_NS);
    if (from_ns..memory_from_ns).contains(&time_ns) {
        Ok(Tier::Magnetic)
    } else {
        Err(RejectReason::OutsideIngestionWindow { from_ns, until_ns })
    }
}
