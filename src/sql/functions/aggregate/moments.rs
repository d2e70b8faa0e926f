//! `geometric_mean(x)`, `skewness(x)`.

use super::{
    super::{Class, Function},
    function::{Implementation, Own, aggregate},
};
use crate::sql::functions::call::primitive;
use datafusion::{
    arrow::{
        array::{ArrayRef, Float64Array},
        datatypes::{DataType, Float64Type},
    },
    common::ScalarValue,
    error::Result,
    logical_expr::Accumulator,
};

pub(super) fn functions() -> Vec<Function> {
    [
        aggregate("geometric_mean", Class::Documented, "The geometric mean.")
            .form(
                "geometric_mean(double) -> double",
                Implementation::Own(Own {
                    accumulator: |_| Ok(Box::new(GeometricMean { count: 0.0, logarithms: 0.0 })),
                    state: |_| vec![DataType::Float64; 2],
                    groups: None,
                }),
            )
            .build(),
        aggregate("skewness", Class::Documented, "The skewness of a population; NULL for fewer than three values.")
            .form(
                "skewness(double) -> double",
                Implementation::Own(Own {
                    accumulator: |_| Ok(Box::new(Moments::default())),
                    state: |_| vec![DataType::Float64; 4],
                    groups: None,
                }),
            )
            .build(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn doubles(values: &[f64]) -> Vec<ScalarValue> {
    values.iter().map(|value| ScalarValue::Float64(Some(*value))).collect()
}

#[derive(Debug)]
struct GeometricMean {
    count: f64,
    logarithms: f64,
}

impl Accumulator for GeometricMean {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        for value in primitive::<Float64Type>(&values[0])?.iter().flatten() {
            self.count += 1.0;
            self.logarithms += value.ln();
        }
        Ok(())
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        Ok(ScalarValue::Float64((self.count > 0.0).then(|| (self.logarithms / self.count).exp())))
    }

    fn size(&self) -> usize {
        size_of_val(self)
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        Ok(doubles(&[self.count, self.logarithms]))
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        let (counts, sums): (&Float64Array, &Float64Array) =
            (primitive::<Float64Type>(&states[0])?, primitive::<Float64Type>(&states[1])?);
        self.count += counts.values().iter().sum::<f64>();
        self.logarithms += sums.values().iter().sum::<f64>();
        Ok(())
    }
}

/// Sums of powers of the distances from the mean, updated value by value.
#[derive(Clone, Copy, Debug, Default)]
struct Moments {
    count: f64,
    mean: f64,
    second: f64,
    third: f64,
}

impl Moments {
    fn merge(&mut self, other: Self) {
        if other.count == 0.0 {
            return;
        }
        if self.count == 0.0 {
            *self = other;
            return;
        }
        let (a, b) = (self.count, other.count);
        let count = a + b;
        let delta = other.mean - self.mean;
        self.third += other.third
            + delta.powi(3) * a * b * (a - b) / (count * count)
            + 3.0 * delta * (a * other.second - b * self.second) / count;
        self.second += other.second + delta * delta * a * b / count;
        self.mean += delta * b / count;
        self.count = count;
    }
}

impl Accumulator for Moments {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        for value in primitive::<Float64Type>(&values[0])?.iter().flatten() {
            let before = self.count;
            self.count += 1.0;
            let delta = value - self.mean;
            let step = delta / self.count;
            let term = delta * step * before;
            self.mean += step;
            self.third += term * step * (self.count - 2.0) - 3.0 * step * self.second;
            self.second += term;
        }
        Ok(())
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        let skewness = self.count.sqrt() * self.third / self.second.powf(1.5);
        Ok(ScalarValue::Float64((self.count >= 3.0).then_some(skewness)))
    }

    fn size(&self) -> usize {
        size_of_val(self)
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        Ok(doubles(&[self.count, self.mean, self.second, self.third]))
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        let columns = states.iter().map(|state| primitive::<Float64Type>(state)).collect::<Result<Vec<_>>>()?;
        for row in 0..columns[0].len() {
            let [count, mean, second, third] = [0, 1, 2, 3].map(|column| columns[column].value(row));
            self.merge(Self { count, mean, second, third });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    #[test]
    fn merging_is_adding() {
        let column = |values: &[f64]| -> ArrayRef { Arc::new(Float64Array::from(values.to_vec())) };
        let moments = |values: &[f64]| {
            let mut moments = Moments::default();
            moments.update_batch(&[column(values)]).unwrap();
            moments
        };
        let whole = moments(&[1.0, 2.0, 3.0, 4.0, 8.0]);
        let mut merged = moments(&[1.0, 2.0]);
        merged.merge(Moments::default());
        merged.merge(moments(&[3.0, 4.0, 8.0]));
        assert!((whole.third - merged.third).abs() < 1e-9 && (whole.second - merged.second).abs() < 1e-9);
    }
}
