//! What filters say about times and keys.

use datafusion::{
    arrow::datatypes::{DataType, TimeUnit},
    common::ScalarValue,
    logical_expr::{Expr, Operator},
};
use std::{collections::BTreeSet, ops::Range, sync::Arc};

/// Whether exactly the rows within the [`time_bound`] of a filter pass it.
pub(super) fn is_exact_time_bound(filter: &Expr) -> bool {
    let Expr::BinaryExpr(binary) = filter else { return false };
    let is_time = |expr: &Expr| matches!(expr, Expr::Column(column) if column.name == "time");
    match binary.op {
        Operator::And => is_exact_time_bound(&binary.left) && is_exact_time_bound(&binary.right),
        // Between two ranges there may be a gap.
        Operator::Or => false,
        _ => time_bound(filter).is_some() && (is_time(&binary.left) || is_time(&binary.right)),
    }
}

/// Times that hold all rows a filter lets through, when it bounds them: comparisons of `time`, `bin(time, interval)` or
/// `date_trunc(unit, time)` with a literal, and AND and OR of them. `None` for any other filter.
pub(super) fn time_bound(filter: &Expr) -> Option<Range<i64>> {
    let Expr::BinaryExpr(binary) = filter else { return None };
    match binary.op {
        Operator::And => {
            return match (time_bound(&binary.left), time_bound(&binary.right)) {
                (Some(a), Some(b)) => Some(a.start.max(b.start)..a.end.min(b.end)),
                (one, other) => one.or(other),
            };
        }
        Operator::Or => {
            let (a, b) = (time_bound(&binary.left)?, time_bound(&binary.right)?);
            return Some(a.start.min(b.start)..a.end.max(b.end));
        }
        _ => {}
    }
    let (op, width, ns) = match (binary.left.as_ref(), binary.right.as_ref()) {
        (value, Expr::Literal(literal, _)) => (binary.op, bin_width(value)?, nanoseconds(literal)?),
        (Expr::Literal(literal, _), value) => (binary.op.swap()?, bin_width(value)?, nanoseconds(literal)?),
        _ => return None,
    };
    // A time lies in the bin that starts at or before it and is `width` wide.
    let (next, end) = (ns.saturating_add(1), ns.saturating_add(width));
    Some(match op {
        Operator::Eq => ns..end,
        Operator::Lt if width == 1 => i64::MIN..ns,
        Operator::Lt | Operator::LtEq => i64::MIN..end,
        Operator::Gt => next..i64::MAX,
        Operator::GtEq => ns..i64::MAX,
        _ => return None,
    })
}

/// How far a time may lie behind the value of this expression, exclusive, nanoseconds: 1 for `time` itself.
fn bin_width(value: &Expr) -> Option<i64> {
    match value {
        Expr::Column(column) if column.name == "time" => Some(1),
        Expr::ScalarFunction(call) => match (call.func.name(), &call.args[..]) {
            ("bin", [Expr::Column(time), Expr::Literal(ScalarValue::DurationNanosecond(Some(width)), _)])
                if time.name == "time" && *width > 0 =>
            {
                Some(*width)
            }
            ("date_trunc", [Expr::Literal(ScalarValue::Utf8(Some(unit)), _), Expr::Column(time)])
                if time.name == "time" =>
            {
                longest(unit)
            }
            _ => None,
        },
        _ => None,
    }
}

/// The longest that a unit of date_trunc can be, nanoseconds.
fn longest(unit: &str) -> Option<i64> {
    let seconds = match unit.to_ascii_lowercase().as_str() {
        "second" => 1,
        "minute" => 60,
        "hour" => 3_600,
        "day" => 86_400,
        "week" => 7 * 86_400,
        "month" => 31 * 86_400,
        "quarter" => 92 * 86_400,
        "year" => 366 * 86_400,
        _ => return None,
    };
    Some(seconds * 1_000_000_000)
}

/// The column and the values that a filter of the form `column = 'a'`, `column IN ('a', …)`, or several of these for one
/// column with OR between them, lets through; `None` for any other filter.
pub(super) fn key_values(filter: &Expr) -> Option<(&str, BTreeSet<Arc<str>>)> {
    match filter {
        Expr::BinaryExpr(binary) if binary.op == Operator::Eq => match (binary.left.as_ref(), binary.right.as_ref()) {
            (Expr::Column(column), Expr::Literal(value, _)) | (Expr::Literal(value, _), Expr::Column(column)) => {
                Some((&*column.name, BTreeSet::from([text(value)?])))
            }
            _ => None,
        },
        Expr::BinaryExpr(binary) if binary.op == Operator::Or => {
            let (name, mut values) = key_values(&binary.left)?;
            let (other, more) = key_values(&binary.right)?;
            values.extend(more);
            (name == other).then_some((name, values))
        }
        Expr::InList(list) if !list.negated => {
            let Expr::Column(column) = list.expr.as_ref() else { return None };
            let values = list.list.iter().map(|value| match value {
                Expr::Literal(value, _) => text(value),
                _ => None,
            });
            Some((&*column.name, values.collect::<Option<_>>()?))
        }
        _ => None,
    }
}

fn text(value: &ScalarValue) -> Option<Arc<str>> {
    value.try_as_str().flatten().map(Arc::from)
}

fn nanoseconds(value: &ScalarValue) -> Option<i64> {
    match (value, value.data_type()) {
        (ScalarValue::TimestampNanosecond(ns, None), DataType::Timestamp(TimeUnit::Nanosecond, None)) => *ns,
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sql::functions::Registry;
    use datafusion::logical_expr::{col, lit};

    #[test]
    fn times_that_filters_let_through() {
        const HOUR: i64 = 3_600_000_000_000;
        let check = |filter: Expr, expect: Option<Range<i64>>| assert_eq!(time_bound(&filter), expect, "{filter}");
        let at = |ns: i64| lit(ScalarValue::TimestampNanosecond(Some(ns), None));
        let registry = Registry::new();
        let bin = |ns: i64| {
            let width = lit(ScalarValue::DurationNanosecond(Some(ns)));
            registry.scalar("bin").expect("bin").call(vec![col("time"), width])
        };
        let truncated =
            |unit: &str| registry.scalar("date_trunc").expect("date_trunc").call(vec![lit(unit), col("time")]);
        check(col("time").eq(at(7)), Some(7..8));
        check(col("time").lt(at(7)), Some(i64::MIN..7));
        check(at(7).lt(col("time")), Some(8..i64::MAX));
        check(col("time").not_eq(at(7)), None);
        check(col("other").eq(at(7)), None);
        check(bin(HOUR).eq(at(HOUR)), Some(HOUR..2 * HOUR));
        check(bin(HOUR).lt(at(HOUR)), Some(i64::MIN..2 * HOUR));
        check(bin(HOUR).lt_eq(at(HOUR)), Some(i64::MIN..2 * HOUR));
        check(bin(HOUR).gt(at(HOUR)), Some(HOUR + 1..i64::MAX));
        check(at(HOUR).lt_eq(bin(HOUR)), Some(HOUR..i64::MAX));
        check(bin(HOUR).lt_eq(at(i64::MAX - 1)), Some(i64::MIN..i64::MAX));
        check(truncated("DAY").eq(at(0)), Some(0..24 * HOUR));
        check(truncated("month").lt(at(0)), Some(i64::MIN..31 * 24 * HOUR));
        check(truncated("eon").lt(at(0)), None);
        let both = |a: Expr, b: Expr| a.and(b);
        check(both(col("time").gt_eq(at(3)), bin(HOUR).lt(at(5))), Some(3..5 + HOUR));
        check(both(col("x").eq(lit(1)), col("time").lt(at(5))), Some(i64::MIN..5));
        check(col("time").eq(at(3)).or(col("time").eq(at(9))), Some(3..10));
        check(col("time").eq(at(3)).or(col("x").eq(lit(1))), None);
    }

    #[test]
    fn bounds_that_are_the_filter_itself() {
        let at = |ns: i64| lit(ScalarValue::TimestampNanosecond(Some(ns), None));
        let width = lit(ScalarValue::DurationNanosecond(Some(60)));
        let bin = Registry::new().scalar("bin").expect("bin").call(vec![col("time"), width]);
        let check = |filter: Expr, expect: bool| assert_eq!(is_exact_time_bound(&filter), expect, "{filter}");
        check(col("time").eq(at(7)), true);
        check(at(7).lt(col("time")), true);
        check(col("time").gt(at(7)).and(col("time").lt(at(9))), true);
        check(col("time").gt(at(7)).and(col("x").lt(lit(9))), false);
        check(col("time").eq(at(7)).or(col("time").eq(at(9))), false);
        check(col("time").not_eq(at(7)), false);
        check(col("time").eq(col("time")), false);
        check(bin.eq(at(60)), false);
    }
}
