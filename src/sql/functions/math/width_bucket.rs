//! `width_bucket(x, bound1, bound2, n)`, `width_bucket(x, bins)`: in which bucket of a histogram a value falls. # trino

use crate::sql::{
    error::invalid,
    functions::{
        Class, Family, Function,
        call::{Call, primitive},
        lists::range,
        scalar::scalar,
    },
};
use datafusion::{
    arrow::{
        array::{Array, ArrayRef},
        datatypes::{Float64Type, Int64Type},
    },
    error::Result,
};

pub(super) fn functions() -> Vec<Function> {
    scalar("width_bucket", Family::Math, Class::Inherited, "The number of the bucket a value falls in.")
        .form("width_bucket(double, double, double, bigint) -> bigint", equal_widths)
        .form("width_bucket(double, array(double)) -> bigint", given_bins)
        .build()
}

fn equal_widths(call: &Call) -> Result<ArrayRef> {
    let [x, first, second] =
        [call.numbers::<Float64Type>(0)?, call.numbers::<Float64Type>(1)?, call.numbers::<Float64Type>(2)?];
    let counts = call.numbers::<Int64Type>(3)?;
    call.collect::<Int64Type>(|row| match (x.get(row), first.get(row), second.get(row), counts.get(row)) {
        (Some(x), Some(first), Some(second), Some(count)) => bucket(x, first, second, count).map(Some),
        _ => Ok(None),
    })
}

#[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "as the service's origin computes it")]
fn bucket(x: f64, first: f64, second: f64, count: i64) -> Result<i64> {
    if count <= 0 {
        return Err(invalid("bucketCount must be greater than 0"));
    }
    if x.is_nan() {
        return Err(invalid("operand must not be NaN"));
    }
    if !first.is_finite() {
        return Err(invalid("first bound must be finite"));
    }
    if !second.is_finite() {
        return Err(invalid("second bound must be finite"));
    }
    if first == second {
        return Err(invalid("bounds cannot equal each other"));
    }
    let (lower, upper) = (first.min(second), first.max(second));
    let beyond = || count.checked_add(1).ok_or_else(|| invalid(format!("Bucket for value {x} is out of range")));
    let ascending = if x < lower {
        0
    } else if x >= upper {
        beyond()?
    } else {
        (count as f64 * (x - lower) / (upper - lower) + 1.0) as i64
    };
    Ok(if first > second { beyond()? - ascending } else { ascending })
}

fn given_bins(call: &Call) -> Result<ArrayRef> {
    let x = call.numbers::<Float64Type>(0)?;
    let (lists, column) = call.lists(1)?;
    let bins = primitive::<Float64Type>(lists.values())?;
    call.collect::<Int64Type>(|row| {
        let (Some(x), at) = (x.get(row), column.index(row)) else { return Ok(None) };
        if lists.is_null(at) {
            return Ok(None);
        }
        if x.is_nan() {
            return Err(invalid("Operand cannot be NaN"));
        }
        let places = range(lists, at);
        if places.is_empty() {
            return Err(invalid("Bins cannot be an empty array"));
        }
        let value = |place: usize| if bins.is_valid(place) { bins.value(place) } else { f64::NAN };
        let (mut lower, mut upper) = (places.start, places.end);
        while lower < upper {
            if value(lower) > value(upper - 1) {
                return Err(invalid("Bin values are not sorted in ascending order"));
            }
            let middle = lower.midpoint(upper);
            let bin = value(middle);
            if !bin.is_finite() {
                return Err(invalid(format!("Bin value must be finite, got {bin}")));
            }
            if x < bin {
                upper = middle;
            } else {
                lower = middle + 1;
            }
        }
        Ok(i64::try_from(lower - places.start).ok())
    })
}
