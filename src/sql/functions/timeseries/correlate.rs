//! `correlate_pearson(a, b)`, `correlate_spearman(a, b)`: how two time series go together, from -1 to 1. They must have
//! the same times. # guide: timeseries-specific-constructs.functions.correlation.html
//!
//! NULL where there is no coefficient: of fewer than two points, or when a series never changes. # inferred: as `corr`

use super::points::{AllPoints, Points};
use crate::sql::{
    error::invalid,
    functions::{Class, Family, Function, call::Call, scalar::scalar},
};
use datafusion::{
    arrow::{array::ArrayRef, datatypes::Float64Type},
    error::Result,
};

pub(super) fn functions() -> Vec<Function> {
    let function = |name, summary| scalar(name, Family::TimeSeries, Class::Documented, summary);
    [
        function("correlate_pearson", "Pearson's correlation coefficient of two series.")
            .form("correlate_pearson(timeseries(double), timeseries(double)) -> double", |call| {
                correlate(call, |left, right| pearson(left, right))
            })
            .build(),
        function("correlate_spearman", "Spearman's correlation coefficient of two series.")
            .form("correlate_spearman(timeseries(double), timeseries(double)) -> double", |call| {
                correlate(call, |left, right| pearson(&ranks(left), &ranks(right)))
            })
            .build(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn correlate(call: &Call, coefficient: fn(&[f64], &[f64]) -> f64) -> Result<ArrayRef> {
    let (left, right) = (AllPoints::of(call, 0)?, AllPoints::of(call, 1)?);
    call.collect::<Float64Type>(|row| {
        let (Some(left), Some(right)) = (left.get(row), right.get(row)) else { return Ok(None) };
        let (Points { times, values }, Points { times: other_times, values: other_values }) = (left, right);
        if times != other_times {
            return Err(invalid("Time series must have the same timestamps.")); // # inferred
        }
        let has_nan = values.iter().chain(other_values).any(|value| value.is_nan());
        let coefficient = if has_nan { f64::NAN } else { coefficient(values, other_values) };
        // Rounding may lead beyond 1.
        Ok(coefficient.is_finite().then(|| coefficient.clamp(-1.0, 1.0)))
    })
}

/// Not a number when either side is constant. Sums of distances from the means.
fn pearson(left: &[f64], right: &[f64]) -> f64 {
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    let (left_mean, right_mean) = (mean(left), mean(right));
    let (mut xx, mut yy, mut xy) = (0.0, 0.0, 0.0);
    for (x, y) in left.iter().zip(right) {
        let (x, y) = (x - left_mean, y - right_mean);
        xx += x * x;
        yy += y * y;
        xy += x * y;
    }
    // One root of the product is more exact than the product of two roots, but may overflow.
    let product: f64 = xx * yy;
    xy / if product.is_normal() { product.sqrt() } else { xx.sqrt() * yy.sqrt() }
}

/// The place of each value in ascending order, from 1; equal values share the mean of theirs.
fn ranks(values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|a, b| values[*a].total_cmp(&values[*b]));
    let mut ranks = vec![0.0; values.len()];
    let mut start = 0;
    while start < order.len() {
        let equal = order[start..].iter().take_while(|place| values[**place] == values[order[start]]).count();
        // The mean of start + 1 up to start + equal.
        let rank = start as f64 + (equal as f64 + 1.0) / 2.0;
        order[start..start + equal].iter().for_each(|place| ranks[*place] = rank);
        start += equal;
    }
    ranks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_of_values() {
        let check = |values: &[f64], expect: &[f64]| assert_eq!(ranks(values), expect, "{values:?}");
        check(&[], &[]);
        check(&[3.0, 1.0, 2.0], &[3.0, 1.0, 2.0]);
        check(&[5.0, 1.0, 5.0, 0.0], &[3.5, 2.0, 3.5, 1.0]);
        check(&[-0.0, 0.0, -1.0], &[2.5, 2.5, 1.0]);
    }

    #[test]
    fn coefficients() {
        let check = |left: &[f64], right: &[f64], expect: f64| assert_eq!(pearson(left, right), expect, "{left:?}");
        check(&[1.0, 2.0, 3.0], &[2.0, 4.0, 6.0], 1.0);
        check(&[1.0, 2.0, 3.0], &[3.0, 2.0, 1.0], -1.0);
        // By hand: xx = 5, yy = 5, xy = 3.
        check(&[1.0, 2.0, 3.0, 4.0], &[2.0, 1.0, 4.0, 3.0], 0.6);
    }
}
