//! How long records live, and which times may be written.

/// Nanoseconds in an hour.
pub const HOUR_NS: i64 = 3_600_000_000_000;
/// Nanoseconds in a day.
pub const DAY_NS: i64 = 24 * HOUR_NS;
/// The slack the service grants on each side of the ingestion window. # observed: five captured windows are exactly
/// 40 minutes wider than the retention; # inferred: half of it on each side
pub const WINDOW_SLACK_NS: i64 = 20 * 60 * 1_000_000_000;

/// A table's retention periods. They add up: a record lives in the memory store first, then in the magnetic store.
/// # guide: storage.html
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    /// Hours in the memory store, 1 to 8,766.
    pub memory_hours: u32,
    /// Days in the magnetic store after that, 1 to 73,000.
    pub magnetic_days: u32,
}

impl Default for Retention {
    /// # guide: ts-limits.html
    fn default() -> Self {
        Self { memory_hours: 6, magnetic_days: 73_000 }
    }
}

impl Retention {
    /// The memory store's period in nanoseconds.
    #[must_use]
    pub fn memory_ns(&self) -> i64 {
        i64::from(self.memory_hours) * HOUR_NS
    }

    /// Both periods in nanoseconds.
    #[must_use]
    pub fn total_ns(&self) -> i64 {
        self.memory_ns().saturating_add(i64::from(self.magnetic_days).saturating_mul(DAY_NS))
    }

    /// The first time (nanoseconds since the epoch) that a query at `now_ns` still sees.
    #[must_use]
    pub fn visible_from_ns(&self, now_ns: i64) -> i64 {
        now_ns.saturating_sub(self.total_ns())
    }
}
