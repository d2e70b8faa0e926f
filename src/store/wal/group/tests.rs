//! The log on a simulated disk.

use super::*;
use crate::store::{
    disk::simulated::{Cut, SimulatedDisk},
    wal::{frame::FRAME_HEADER_BYTES, recover::recover, segment::SEGMENT_HEADER_BYTES},
};
use std::sync::atomic::AtomicUsize;

const OPTIONS_BYTES: u64 = 100;

fn options(segment_bytes_max: u64) -> WalOptions {
    WalOptions { segment_bytes_max, spare_segments_max: 1, on_failure: Box::new(|_| ()), on_written: Box::new(|_| ()) }
}

fn read(disk: &SimulatedDisk) -> Result<(Recovered, Vec<String>), StorageError> {
    let mut entries = Vec::new();
    let recovered = recover::<StorageError>(disk, 0, |seq, payload| {
        entries.push(format!("{seq}:{}", String::from_utf8_lossy(payload)));
        Ok(())
    })?;
    Ok((recovered, entries))
}

fn open(disk: &SimulatedDisk, segment_bytes_max: u64) -> Wal {
    let (recovered, _) = read(disk).unwrap();
    Wal::start(Arc::new(disk.clone()), recovered, Arc::default(), options(segment_bytes_max)).unwrap()
}

/// A log with these entries, each synced on its own.
fn written(segment_bytes_max: u64, entries: &[&str]) -> SimulatedDisk {
    let disk = SimulatedDisk::default();
    let wal = open(&disk, segment_bytes_max);
    for entry in entries {
        wal.incoming().append(&[entry.as_bytes()]).unwrap().synced_blocking().unwrap();
    }
    disk
}

#[test]
fn entries_come_back_from_all_segments() {
    let disk = written(OPTIONS_BYTES, &["one", "two", "three", "four", "five", "six"]);
    assert_eq!(disk.list(WAL_DIR).unwrap(), ["0000000000000001.wal", "0000000000000004.wal"]);
    let (recovered, entries) = read(&disk).unwrap();
    assert_eq!(entries, ["1:one", "2:two", "3:three", "4:four", "5:five", "6:six"]);
    let segments = [1, 4].map(|number| Segment { first_seq: number, file: number }).to_vec();
    assert_eq!(recovered, Recovered { last_seq: 6, segments, bytes: 214 });
    // Opened again, the log goes on in a segment of its own.
    open(&disk, OPTIONS_BYTES).incoming().append(&[b"se", b"ven"]).unwrap().synced_blocking().unwrap();
    let (recovered, entries) = read(&disk).unwrap();
    assert_eq!(entries.last().map(String::as_str), Some("7:seven"));
    assert_eq!(recovered.segments.iter().map(|segment| segment.first_seq).collect::<Vec<_>>(), [1, 4, 7]);
}

/// The numbers of the entries after `after`.
fn numbers(disk: &SimulatedDisk, after: u64) -> Result<Vec<u64>, StorageError> {
    let mut entries = Vec::new();
    recover::<StorageError>(disk, after, |seq, _| {
        entries.push(seq);
        Ok(())
    })?;
    Ok(entries)
}

#[test]
fn segments_that_are_not_needed_any_more_are_used_again_or_deleted() {
    let disk = SimulatedDisk::default();
    let wal = open(&disk, 1);
    let write = |entry: &str| wal.incoming().append(&[entry.as_bytes()]).unwrap().synced_blocking().unwrap();
    ["a long first entry", "two", "three"].into_iter().for_each(write);
    wal.release_until(2).unwrap();
    let files = |numbers: &[u64]| numbers.iter().map(|number| format!("{number:016x}.wal")).collect::<Vec<_>>();
    assert_eq!(disk.list(WAL_DIR).unwrap(), files(&[1, 3]), "one file is kept");
    wal.release_until(9).unwrap();
    assert_eq!(disk.list(WAL_DIR).unwrap(), files(&[1, 3]), "the last one stays");
    assert_eq!(numbers(&disk, 2).unwrap(), [3]);
    assert!(numbers(&disk, 1).is_err(), "two is gone");
    write("four");
    write("five");
    assert_eq!(disk.list(WAL_DIR).unwrap(), files(&[1, 3, 5]));
    assert_eq!(numbers(&disk, 2).unwrap(), [3, 4, 5], "four is in the file of one");
    assert!(disk.read(&segment_path(1)).unwrap().windows(5).any(|bytes| bytes == b"entry"), "which is not emptied");
    drop(wal);
    // What another process wrote is not used again: it may hold more than was read of it.
    let recovered = recover::<StorageError>(&disk, 2, |_, _| Ok(())).unwrap();
    let wal = Wal::start(Arc::new(disk.clone()), recovered, Arc::default(), options(1)).unwrap();
    wal.incoming().append(&[b"six"]).unwrap().synced_blocking().unwrap();
    wal.release_until(5).unwrap();
    assert_eq!(disk.list(WAL_DIR).unwrap(), files(&[6]));
    assert!(matches!(numbers(&disk, 2), Err(StorageError::MissingSegment { seq: 3 })));
}

#[test]
fn after_a_failed_write_no_file_from_before_is_used_again() {
    let disk = SimulatedDisk::default();
    let wal = open(&disk, 1);
    let write = |entry: &[u8]| wal.incoming().append(&[entry]).unwrap().synced_blocking();
    write(b"one").unwrap();
    write(b"two").unwrap();
    disk.set_room(Some(30));
    assert!(write(b"lost").is_err());
    disk.set_room(None);
    write(b"three").unwrap();
    wal.release_until(2).unwrap();
    assert_eq!(disk.list(WAL_DIR).unwrap(), ["0000000000000003.wal"]);
    assert_eq!(numbers(&disk, 2).unwrap(), [3]);
}

#[test]
fn the_log_cut_at_any_byte_holds_the_entries_before() {
    let disk = written(u64::MAX, &["one", "", "three"]);
    let path = segment_path(1);
    let length = disk.read(&path).unwrap().len();
    let frame = |text: usize| FRAME_HEADER_BYTES + text;
    let ends = [frame(3), frame(3) + frame(0), frame(3) + frame(0) + frame(5)].map(|end| end + SEGMENT_HEADER_BYTES);
    assert!(ends[2] <= length, "zeros may follow");
    for cut_at in 0..=length {
        let disk = disk.copy();
        disk.truncate(&path, cut_at as u64).unwrap();
        let (recovered, entries) = read(&disk).unwrap();
        let whole = ends.iter().filter(|end| **end <= cut_at).count();
        assert_eq!(entries, ["1:one", "2:", "3:three"][..whole], "cut at {cut_at}");
        assert_eq!(recovered.last_seq, whole as u64);
        // What is written then is read after what was left.
        open(&disk, u64::MAX).incoming().append(&[b"next"]).unwrap().synced_blocking().unwrap();
        let (_, entries) = read(&disk).unwrap();
        assert_eq!(entries.len(), whole + 1);
        assert_eq!(entries[whole], format!("{}:next", whole + 1));
    }
}

#[test]
fn damage_to_what_was_durable_is_an_error_that_names_the_place() {
    let disk = written(OPTIONS_BYTES, &["one", "two", "three", "four", "five"]);
    let check = |path: &str, offset: usize, expect: &str| {
        let disk = disk.copy();
        disk.damage(path, offset);
        assert_eq!(read(&disk).map(|(_, entries)| entries).unwrap_err().to_string(), expect);
    };
    let (first, last) = (segment_path(1), segment_path(4));
    check(&first, 3, "wal/0000000000000001.wal is damaged at byte 0: its header is not that of a segment");
    check(&first, 60, "wal/0000000000000001.wal is damaged at byte 51: there is no whole entry");
    check(&last, 3, "wal/0000000000000004.wal is damaged at byte 0: its header is not that of a segment");
    check(
        &last,
        30,
        "wal/0000000000000004.wal is damaged at byte 24: there is no whole entry, but later ones were written after it was",
    );
    // Of the very last entry nobody can tell.
    disk.damage(&last, 60);
    assert_eq!(read(&disk).unwrap().1.len(), 4);
}

#[test]
fn a_segment_of_a_later_version_is_refused() {
    let disk = written(u64::MAX, &["one"]);
    let path = segment_path(1);
    let mut bytes = disk.read(&path).unwrap();
    bytes[8] = 4;
    let crc = crc32c::crc32c(&bytes[..20]).to_le_bytes();
    bytes[20..24].copy_from_slice(&crc);
    disk.create(&path).unwrap().append(&bytes).unwrap();
    let error = read(&disk).unwrap_err().to_string();
    assert_eq!(error, "wal/0000000000000001.wal is of version 4, which this Timebrook cannot read");
}

#[test]
fn after_a_failed_write_the_log_goes_on_without_it() {
    let disk = SimulatedDisk::default();
    let (recovered, _) = read(&disk).unwrap();
    let undone = Arc::new(AtomicUsize::new(0));
    let on_failure = {
        let undone = Arc::clone(&undone);
        Box::new(move |synced| undone.store(10 + synced as usize, Ordering::SeqCst))
    };
    let options = WalOptions { on_failure, ..options(u64::MAX) };
    let wal = Wal::start(Arc::new(disk.clone()), recovered, Arc::default(), options).unwrap();
    wal.incoming().append(&[b"one"]).unwrap().synced_blocking().unwrap();
    disk.set_room(Some(10));
    let error = wal.incoming().append(&[b"two"]).unwrap().synced_blocking().unwrap_err();
    assert_eq!(error.to_string(), "the write failed: wal/0000000000000001.wal: the disk is full");
    assert_eq!(undone.load(Ordering::SeqCst), 11);
    assert!(wal.incoming().append(&[b"three"]).unwrap().synced_blocking().is_err(), "there is still no room");
    disk.set_room(None);
    let ticket = wal.incoming().append(&[b"four"]).unwrap();
    assert_eq!(ticket.seq, 2);
    ticket.synced_blocking().unwrap();
    assert_eq!(read(&disk).unwrap().1, ["1:one", "2:four"]);
}

#[test]
fn without_power_at_any_operation_what_was_acknowledged_is_there() {
    let run = |disk: &SimulatedDisk| {
        let mut acknowledged = 0;
        let Ok((recovered, _)) = read(disk) else { return 0 };
        let Ok(wal) = Wal::start(Arc::new(disk.clone()), recovered, Arc::default(), options(OPTIONS_BYTES)) else {
            return 0;
        };
        for n in 1..=6 {
            let entry = format!("entry {n}");
            let written = wal.incoming().append(&[entry.as_bytes()]).and_then(Ticket::synced_blocking);
            if written.is_err() {
                break;
            }
            acknowledged = n;
            if n == 5 && wal.release_until(0).is_err() {
                break;
            }
        }
        acknowledged
    };
    let disk = SimulatedDisk::default();
    assert_eq!(run(&disk), 6);
    for cut_at in 0..disk.operations() {
        for cut in Cut::ALL {
            let disk = SimulatedDisk::default();
            disk.cut_power_at(cut_at);
            let acknowledged = run(&disk);
            disk.cycle_power(cut);
            let (_, entries) = read(&disk).unwrap();
            let expect: Vec<_> = (1..=entries.len()).map(|n| format!("{n}:entry {n}")).collect();
            assert_eq!(entries, expect, "operation {cut_at}, {cut:?}");
            assert!((acknowledged..=acknowledged + 1).contains(&entries.len()), "operation {cut_at}, {cut:?}");
        }
    }
}

#[test]
fn without_power_at_any_operation_files_that_are_used_again_hold_what_was_acknowledged() {
    // Entries of different lengths, every third one after a checkpoint; returns the last acknowledged, and the last
    // checkpoint.
    let run = |disk: &SimulatedDisk| {
        let (mut acknowledged, mut checkpoint) = (0, 0);
        let Ok((recovered, _)) = read(disk) else { return (0, 0) };
        let Ok(wal) = Wal::start(Arc::new(disk.clone()), recovered, Arc::default(), options(OPTIONS_BYTES)) else {
            return (0, 0);
        };
        for n in 1..=24 {
            let entry = format!("{n}").repeat(n * 7 % 11);
            if wal.incoming().append(&[entry.as_bytes()]).and_then(Ticket::synced_blocking).is_err() {
                break;
            }
            acknowledged = n as u64;
            if n % 3 == 0 {
                checkpoint = acknowledged;
                if wal.release_until(checkpoint).is_err() {
                    break;
                }
            }
        }
        (acknowledged, checkpoint)
    };
    let disk = SimulatedDisk::default();
    assert_eq!(run(&disk), (24, 24));
    assert!(disk.list(WAL_DIR).unwrap().len() <= 3);
    for cut_at in 0..disk.operations() {
        for cut in Cut::ALL {
            let disk = SimulatedDisk::default();
            disk.cut_power_at(cut_at);
            let (acknowledged, checkpoint) = run(&disk);
            disk.cycle_power(cut);
            let last = |entries: &[u64]| entries.last().copied().unwrap_or(checkpoint);
            let found = numbers(&disk, checkpoint).unwrap_or_else(|error| panic!("{cut_at}, {cut:?}: {error}"));
            assert_eq!(found, (checkpoint + 1..=last(&found)).collect::<Vec<_>>(), "operation {cut_at}, {cut:?}");
            assert!((acknowledged..=acknowledged + 1).contains(&last(&found)), "operation {cut_at}, {cut:?}");
            // What is found once is found again.
            assert_eq!(numbers(&disk, checkpoint).unwrap(), found, "operation {cut_at}, {cut:?}");
        }
    }
}

#[test]
fn what_is_queued_together_is_synced_together_and_a_closed_log_refuses() {
    let disk = SimulatedDisk::default();
    let wal = open(&disk, u64::MAX);
    let tickets: Vec<_> = (0..100).map(|n| wal.incoming().append(&[format!("{n}").as_bytes()]).unwrap()).collect();
    wal.barrier().synced_blocking().unwrap();
    assert_eq!(wal.synced(), 100);
    tickets.into_iter().for_each(|ticket| ticket.synced_blocking().unwrap());
    wal.close();
    assert!(matches!(wal.incoming().append(&[b"late"]), Err(StorageError::Closed)));
    assert_eq!(read(&disk).unwrap().0.last_seq, 100);
}

#[test]
fn entries_wait_for_those_that_are_under_way() {
    let disk = SimulatedDisk::default();
    let wal = open(&disk, u64::MAX);
    let check = |waiting: usize, incoming: usize, expect: bool| {
        let mut state = wal.shared.state();
        state.incoming = incoming;
        state.waiters = std::iter::repeat_with(|| oneshot::channel().0).take(waiting).collect();
        assert_eq!(state.is_group(), expect, "{waiting} of {incoming}");
        (state.incoming, state.waiters) = (0, Vec::new());
    };
    check(1, 0, true);
    check(1, 1, false);
    check(2, 1, false);
    check(3, 1, true);
    check(5, 2, false);
    check(6, 2, true);
}

#[test]
fn an_entry_that_never_comes_is_not_waited_for_long() {
    let disk = SimulatedDisk::default();
    let wal = open(&disk, u64::MAX);
    let never = wal.incoming();
    let write = |entry: &str| wal.incoming().append(&[entry.as_bytes()]).unwrap().synced_blocking().unwrap();
    write("one");
    write("two");
    drop(never);
    write("three");
    let incoming = wal.incoming();
    let ticket = wal.incoming().append(&[b"four"]).unwrap();
    wal.close();
    ticket.synced_blocking().unwrap();
    assert!(matches!(incoming.append(&[b"five"]), Err(StorageError::Closed)));
    assert_eq!(numbers(&disk, 0).unwrap(), [1, 2, 3, 4]);
}
