//! How long work in the background takes its time.
//!
//! On a machine of few cores, a second of merging is a second in which requests have a core less: they queue up. So a
//! background thread works in pieces of some milliseconds and rests between them, the longer the less it is behind. Long
//! work calls [`rest`] where a piece of it ends; on any other thread that does nothing.

use crate::clock::Clock;
use std::{cell::RefCell, time::Duration};

/// The shortest piece of work worth a rest, nanoseconds.
const PIECE_NS: u64 = 2_000_000;
/// How much longer than the piece before it a rest is at most.
const REST_RATIO_MAX: f64 = 4.0;
/// The longest rest, nanoseconds: pieces may be long because others were given the core.
const REST_NS_MAX: f64 = 100e6;

thread_local! {
    static PACE: RefCell<Option<Pace>> = const { RefCell::new(None) };
}

/// The pace of one thread.
struct Pace {
    /// Of the machine: requests are not slower because time is made to stand still.
    clock: Clock,
    /// When the piece under way began.
    since_ns: u64,
    haste: Box<dyn FnMut() -> f64>,
}

/// Lets this thread rest between the pieces of its work. `haste` tells how much it has to hurry: from 0, when there is all
/// the time in the world, to 1, when there is none for a rest.
pub(crate) fn set(haste: impl FnMut() -> f64 + 'static) {
    let clock = Clock::system();
    PACE.set(Some(Pace { since_ns: clock.monotonic_ns(), clock, haste: Box::new(haste) }));
}

/// A piece of work has ended: time for a rest, on threads that take any. Nothing must be locked that requests wait for.
pub(crate) fn rest() {
    PACE.with_borrow_mut(|pace| {
        let Some(Pace { clock, since_ns, haste }) = pace else { return };
        let worked_ns = clock.monotonic_ns().saturating_sub(*since_ns);
        if worked_ns < PIECE_NS {
            return;
        }
        clock.pause(rest_after(worked_ns, haste()));
        *since_ns = clock.monotonic_ns();
    });
}

/// Does something without a rest.
pub(crate) fn without_rest<T>(work: impl FnOnce() -> T) -> T {
    let pace = PACE.take();
    let done = work();
    PACE.set(pace);
    done
}

fn rest_after(worked_ns: u64, haste: f64) -> Duration {
    let ratio = REST_RATIO_MAX * (1.0 - haste.clamp(0.0, 1.0));
    Duration::from_nanos((worked_ns as f64 * ratio).min(REST_NS_MAX) as u64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{cell::Cell, rc::Rc};

    #[test]
    fn a_rest_follows_the_work_before_it_and_the_haste() {
        let check = |worked_ms: u64, haste, rest_ms| {
            assert_eq!(rest_after(worked_ms * 1_000_000, haste), Duration::from_millis(rest_ms), "{worked_ms} {haste}");
        };
        check(2, 0.0, 8);
        check(2, 0.5, 4);
        check(20, 0.75, 20);
        check(20, 1.0, 0);
        check(20, 7.0, 0);
        check(20, -1.0, 80);
        check(5_000, 0.0, 100);
        check(5_000, 1.0, 0);
        assert_eq!(rest_after(u64::MAX, 0.0), Duration::from_millis(100));
    }

    #[test]
    fn only_threads_with_a_pace_rest_and_only_after_a_piece_of_work() {
        let asked = Rc::new(Cell::new(0));
        let piece = || {
            let clock = Clock::system();
            while clock.monotonic_ns() < 3 * PIECE_NS {}
        };
        piece();
        rest();
        let for_pace = Rc::clone(&asked);
        set(move || {
            for_pace.set(for_pace.get() + 1);
            1.0
        });
        rest();
        assert_eq!(asked.get(), 0);
        piece();
        rest();
        rest();
        assert_eq!(asked.get(), 1);
        PACE.set(None);
    }
}
