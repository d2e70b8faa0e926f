//! Moments in control-plane requests and answers.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A moment, on the wire a number of seconds since the Unix epoch with a fraction of milliseconds, such as
/// `1677167593.266`. # guide: API_Database.html
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Timestamp {
    /// Milliseconds since the Unix epoch.
    pub millis: i64,
}

/// The largest distance from the epoch that a request may name, in milliseconds: beyond it a number has no exact
/// milliseconds any more. # inferred
const MILLIS_MAX: f64 = 9_007_199_254_740_992.0;

impl Timestamp {
    /// The moment `seconds` after the epoch, to the nearest millisecond; None when it is no moment we can express.
    pub(crate) fn from_seconds(seconds: f64) -> Option<Self> {
        let millis = (seconds * 1000.0).round();
        // The range makes the conversion exact; NaN and the infinities lie outside it.
        (-MILLIS_MAX..=MILLIS_MAX).contains(&millis).then_some(Self { millis: millis as i64 })
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(self.millis as f64 / 1000.0)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(SecondsVisitor)
    }
}

struct SecondsVisitor;

impl de::Visitor<'_> for SecondsVisitor {
    type Value = Timestamp;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("seconds since the epoch")
    }

    fn visit_f64<E: de::Error>(self, seconds: f64) -> Result<Timestamp, E> {
        Timestamp::from_seconds(seconds).ok_or_else(|| E::custom("not a moment"))
    }

    fn visit_i64<E: de::Error>(self, seconds: i64) -> Result<Timestamp, E> {
        self.visit_f64(seconds as f64)
    }

    fn visit_u64<E: de::Error>(self, seconds: u64) -> Result<Timestamp, E> {
        self.visit_f64(seconds as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::Timestamp;

    #[test]
    fn a_moment_is_a_number_of_seconds() {
        // # guide: API_Database.html prints 1677167593.266
        let cases = [
            (1_677_167_593_266, "1677167593.266"),
            (0, "0.0"),
            (-1, "-0.001"),
            (1_600_000_000_000, "1600000000.0"),
            (4_102_444_799_999, "4102444799.999"),
        ];
        for (millis, text) in cases {
            let moment = Timestamp { millis };
            assert_eq!(serde_json::to_string(&moment).unwrap(), text);
            assert_eq!(serde_json::from_str::<Timestamp>(text).unwrap(), moment);
        }
        assert_eq!(serde_json::from_str::<Timestamp>("1600000000").unwrap().millis, 1_600_000_000_000);
    }

    #[test]
    fn what_is_no_moment_is_refused() {
        for text in ["1e300", "-1e300", "18446744073709551615", "\"2020-01-01T00:00:00Z\"", "null", "true", "[]"] {
            assert!(serde_json::from_str::<Timestamp>(text).is_err(), "{text}");
        }
    }
}
