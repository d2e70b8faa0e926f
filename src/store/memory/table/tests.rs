//! Chunks of one table, from open to sealed.

use super::*;

/// Adds a row at each of `times`, as one commit; those that are there already are replaced.
fn commit(table: &mut MemoryTable, seq: u64, times: std::ops::Range<i64>) {
    for time_ns in times {
        let key = RowKey { series: 0, measure_name: 0, time_ns };
        let replaced = table.find(key);
        table.push(NewRow { key, version: 1, values: &[(0, Value::Bigint(time_ns))] }, replaced);
    }
    table.commit(seq);
}

/// A table with a frozen chunk of ten rows.
fn frozen() -> MemoryTable {
    let mut table = MemoryTable::default();
    table.series.add(0, std::iter::empty());
    commit(&mut table, 1, 0..10);
    table.freeze_above(0);
    table
}

/// Whether a chunk that is sealed while `meanwhile` happens takes the place of its frozen one, and the rows that are
/// current once everything is settled and sealed.
fn check(meanwhile: impl FnOnce(&mut MemoryTable), expect: (bool, usize)) {
    let mut table = frozen();
    table.settle(1);
    let chunk = table.sealable().unwrap();
    meanwhile(&mut table);
    let is_replaced = table.replace_frozen(&chunk, chunk.seal());
    table.settle(u64::MAX);
    table.seal_settled();
    assert!(table.frozen.is_empty());
    assert_eq!((is_replaced, table.live_rows()), expect);
    for time_ns in 0..10 {
        let found = table.find(RowKey { series: 0, measure_name: 0, time_ns });
        assert_eq!(found.is_some(), expect.1 > 0, "{time_ns}");
    }
}

#[test]
fn a_chunk_that_changes_while_it_is_sealed_is_sealed_again() {
    check(|_| (), (true, 10));
    // Rows beside it are no change.
    check(|table| commit(table, 2, 10..12), (true, 12));
    // A row of it is replaced by a commit that is not settled yet, and by one that is.
    check(|table| commit(table, 2, 3..4), (false, 10));
    check(
        |table| {
            commit(table, 2, 3..4);
            table.settle(2);
        },
        (false, 10),
    );
    // Somebody else has sealed it, or it has expired.
    check(MemoryTable::seal_settled, (false, 10));
    check(|table| assert!(!table.free(100)), (false, 0));
}

#[test]
fn a_chunk_is_sealed_when_all_of_it_is_settled() {
    let mut table = frozen();
    assert!(table.sealable().is_none());
    table.settle(1);
    commit(&mut table, 2, 5..6);
    assert!(table.sealable().is_none(), "a row of it is being replaced");
    table.roll_back(0);
    assert!(table.sealable().is_some());
}

#[test]
fn few_frozen_chunks_wait() {
    let mut table = MemoryTable::default();
    table.series.add(0, std::iter::empty());
    let rows = CHUNK_ROWS_MAX as i64;
    for chunk in 0..8 {
        commit(&mut table, chunk as u64, chunk * rows..(chunk + 1) * rows);
        table.settle(chunk as u64);
    }
    assert_eq!((table.frozen.len(), table.sealed.len()), (4, 4));
    assert_eq!(table.live_rows(), 8 * CHUNK_ROWS_MAX);
}

#[test]
fn sealed_rows_stand_by_series_measure_name_and_time() {
    let mut table = MemoryTable::default();
    for hash in 0..3 {
        table.series.add(hash, std::iter::empty());
    }
    // The third key comes twice; only the second row of it is current.
    let keys = [(2, 0, 5), (0, 1, 3), (2, 0, 1), (0, 0, 9), (1, 0, 4), (0, 1, 2), (2, 0, 3), (2, 0, 1)];
    for (value, (series, measure_name, time_ns)) in (0..).zip(keys) {
        let key = RowKey { series, measure_name, time_ns };
        let replaced = table.find(key);
        table.push(NewRow { key, version: 1, values: &[(0, Value::Bigint(value))] }, replaced);
    }
    table.commit(1);
    table.freeze_above(0);
    table.settle(1);
    let sealed = table.sealable().unwrap().seal();
    let [rows] = &sealed[..] else { panic!("one group") };
    let runs: Vec<_> = rows.runs.iter().map(|run| (run.series, run.measure_name, run.end)).collect();
    assert_eq!(runs, [(0, 0, 1), (0, 1, 3), (1, 0, 4), (2, 0, 7)]);
    assert_eq!(rows.times[..], [9, 2, 3, 4, 1, 3, 5]);
    let mut values = Vec::new();
    rows.for_each_row(|row| values.extend(row.values.iter().map(|(_, value)| format!("{value:?}"))));
    assert_eq!(values, [3, 5, 1, 4, 7, 6, 0].map(|value| format!("{:?}", Value::Bigint(value))));
}
