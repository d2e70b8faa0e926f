//! `/_timebrook/clock`: looks at the time, and moves it where it is the user's to move.

use super::text_error;
use crate::{
    api::AdvanceError,
    server::{
        http::Shared,
        reply::{JSON, Reply},
    },
    sql::types::{IntervalValue, parse_duration},
};
use chrono::{DateTime, SecondsFormat};
use http::{Method, StatusCode};
use serde::Deserialize;
use serde_json::json;

/// Where to: so much further, or to a moment.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Move {
    advance: Option<String>,
    now: Option<String>,
}

/// Answers what time it is, after moving it when the request asks for that.
pub(super) async fn answer(shared: &Shared, method: &Method, body: &[u8]) -> Reply {
    if method != Method::POST {
        return now(shared.clock.now_ns());
    }
    let to_ns = match target_ns(body, shared.clock.now_ns()) {
        Ok(to_ns) => to_ns,
        Err(text) => return text_error(StatusCode::BAD_REQUEST, &text),
    };
    match shared.api.advance(to_ns).await {
        Ok(now_ns) => now(now_ns),
        Err(AdvanceError::Backwards) => text_error(StatusCode::BAD_REQUEST, &AdvanceError::Backwards.to_string()),
        Err(AdvanceError::NotManual) => text_error(StatusCode::CONFLICT, &AdvanceError::NotManual.to_string()),
        Err(AdvanceError::Work(error)) => error.into(),
    }
}

fn now(now_ns: i64) -> Reply {
    let now = DateTime::from_timestamp_nanos(now_ns).to_rfc3339_opts(SecondsFormat::Nanos, true);
    Reply::ok(JSON, json!({"now": now}).to_string())
}

/// The moment that a request moves the time to.
fn target_ns(body: &[u8], now_ns: i64) -> Result<i64, String> {
    const FORM: &str = r#"send {"advance":"3h"} or {"now":"2026-01-01T00:00:00Z"}"#;
    let asked: Move = serde_json::from_slice(body).map_err(|error| format!("{FORM}: {error}"))?;
    match asked {
        Move { advance: Some(interval), now: None } => match parse_duration(&interval)? {
            IntervalValue::DayToSecond(ns) => now_ns.checked_add(ns).ok_or_else(|| format!("{interval} is too far")),
            IntervalValue::YearToMonth(_) => {
                Err(format!("{interval}: months and years have no fixed length; use days, or \"now\""))
            }
        },
        Move { advance: None, now: Some(moment) } => {
            parse_moment(&moment).ok_or_else(|| format!("{moment} is not a moment: write it as 2026-01-01T00:00:00Z"))
        }
        _ => Err(FORM.to_owned()),
    }
}

/// A moment in UTC, in nanoseconds since the epoch: `2026-01-01T00:00:00Z`, with up to nine digits of a second.
pub(crate) fn parse_moment(text: &str) -> Option<i64> {
    DateTime::parse_from_rfc3339(text).ok()?.timestamp_nanos_opt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_says_where_to() {
        let check = |body: &str, expect: Option<i64>| {
            assert_eq!(target_ns(body.as_bytes(), 1_000).ok(), expect, "{body}");
        };
        check(r#"{"advance":"3h"}"#, Some(3 * 3_600_000_000_000 + 1_000));
        check(r#"{"advance":"500ns"}"#, Some(1_500));
        check(r#"{"advance":"0s"}"#, Some(1_000));
        check(r#"{"now":"1970-01-01T00:00:02.000000001Z"}"#, Some(2_000_000_001));
        for body in [
            "",
            "{}",
            "[]",
            r#"{"advance":3}"#,
            r#"{"advance":"3"}"#,
            r#"{"advance":"-3h"}"#,
            r#"{"advance":"1month"}"#,
            r#"{"advance":"9999999d"}"#,
            r#"{"now":"tomorrow"}"#,
            r#"{"now":"2026-01-01"}"#,
            r#"{"now":"9999-01-01T00:00:00Z"}"#,
            r#"{"advance":"1s","now":"2026-01-01T00:00:00Z"}"#,
            r#"{"advance":"1s","by":"mistake"}"#,
        ] {
            check(body, None);
        }
    }
}
