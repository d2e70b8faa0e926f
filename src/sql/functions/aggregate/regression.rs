//! `corr`, `covar_pop`, `covar_samp`, `regr_slope`, `regr_intercept`: of pairs `(y, x)`. A pair with a NULL does not count.
//! What is no number, such as the slope of points of one x, is NULL. # inferred: Presto

use super::{
    super::{Class, Function},
    function::{Implementation, Own, Types, aggregate},
};
use crate::sql::functions::call::primitive;
use datafusion::{
    arrow::{
        array::ArrayRef,
        datatypes::{DataType, Float64Type},
    },
    common::ScalarValue,
    error::Result,
    logical_expr::Accumulator,
};

pub(super) fn functions() -> Vec<Function> {
    [
        pairs("corr", "corr(double, double) -> double", "The correlation coefficient.", |_| {
            Pairs::accumulator(|pairs| finite(pairs.correlation()))
        }),
        pairs("covar_pop", "covar_pop(double, double) -> double", "The covariance of a population.", |_| {
            Pairs::accumulator(|pairs| (pairs.count > 0.0).then(|| pairs.xy / pairs.count))
        }),
        pairs("covar_samp", "covar_samp(double, double) -> double", "The covariance of a sample.", |_| {
            Pairs::accumulator(|pairs| (pairs.count > 1.0).then(|| pairs.xy / (pairs.count - 1.0)))
        }),
        pairs("regr_slope", "regr_slope(double, double) -> double", "The slope of the regression line.", |_| {
            Pairs::accumulator(|pairs| finite(pairs.xy / pairs.xx))
        }),
        pairs("regr_intercept", "regr_intercept(double, double) -> double", "Its value at 0.", |_| {
            Pairs::accumulator(|pairs| finite(pairs.mean_y - pairs.xy / pairs.xx * pairs.mean_x))
        }),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn pairs(
    name: &'static str,
    signature: &'static str,
    summary: &'static str,
    accumulator: fn(&Types) -> Result<Box<dyn Accumulator>>,
) -> Vec<Function> {
    let own = Own { accumulator, state: |_| vec![DataType::Float64; 6], groups: None };
    aggregate(name, Class::Documented, summary).form(signature, Implementation::Own(own)).build()
}

fn finite(value: f64) -> Option<f64> {
    value.is_finite().then_some(value)
}

/// Means, and sums of products of the distances from them, updated pair by pair.
#[derive(Clone, Copy, Debug)]
struct Pairs {
    result: fn(&Pairs) -> Option<f64>,
    count: f64,
    mean_x: f64,
    mean_y: f64,
    xx: f64,
    yy: f64,
    xy: f64,
}

impl Pairs {
    fn accumulator(result: fn(&Pairs) -> Option<f64>) -> Result<Box<dyn Accumulator>> {
        Ok(Box::new(Self { result, count: 0.0, mean_x: 0.0, mean_y: 0.0, xx: 0.0, yy: 0.0, xy: 0.0 }))
    }

    fn correlation(&self) -> f64 {
        // One root of the product is more exact than the product of two roots, but may overflow.
        let product = self.xx * self.yy;
        self.xy / if product.is_normal() { product.sqrt() } else { self.xx.sqrt() * self.yy.sqrt() }
    }

    fn add(&mut self, y: f64, x: f64) {
        self.count += 1.0;
        let (delta_x, delta_y) = (x - self.mean_x, y - self.mean_y);
        self.mean_x += delta_x / self.count;
        self.mean_y += delta_y / self.count;
        self.xx += delta_x * (x - self.mean_x);
        self.yy += delta_y * (y - self.mean_y);
        self.xy += delta_x * (y - self.mean_y);
    }

    fn merge(&mut self, [count, mean_x, mean_y, xx, yy, xy]: [f64; 6]) {
        let total = self.count + count;
        if total == 0.0 {
            return;
        }
        let (delta_x, delta_y) = (mean_x - self.mean_x, mean_y - self.mean_y);
        let share = self.count * count / total;
        self.mean_x += delta_x * count / total;
        self.mean_y += delta_y * count / total;
        self.xx += xx + delta_x * delta_x * share;
        self.yy += yy + delta_y * delta_y * share;
        self.xy += xy + delta_x * delta_y * share;
        self.count = total;
    }
}

impl Accumulator for Pairs {
    fn update_batch(&mut self, columns: &[ArrayRef]) -> Result<()> {
        let (ys, xs) = (primitive::<Float64Type>(&columns[0])?, primitive::<Float64Type>(&columns[1])?);
        for (y, x) in ys.iter().zip(xs.iter()) {
            if let (Some(y), Some(x)) = (y, x) {
                self.add(y, x);
            }
        }
        Ok(())
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        Ok(ScalarValue::Float64(if self.count > 0.0 { (self.result)(self) } else { None }))
    }

    fn size(&self) -> usize {
        size_of_val(self)
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        let parts = [self.count, self.mean_x, self.mean_y, self.xx, self.yy, self.xy];
        Ok(parts.into_iter().map(|part| ScalarValue::Float64(Some(part))).collect())
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        let columns = states.iter().map(|state| primitive::<Float64Type>(state)).collect::<Result<Vec<_>>>()?;
        for row in 0..columns[0].len() {
            self.merge([0, 1, 2, 3, 4, 5].map(|column| columns[column].value(row)));
        }
        Ok(())
    }
}
