//! `geometric_mean(x)`, `skewness(x)`, `kurtosis(x)`, `entropy(count)`.

use super::{
    super::{Class, Function},
    function::{Implementation, aggregate},
    statistic::{PARTS_MAX, Statistic, Summary, own},
};
use crate::sql::error::invalid;
use datafusion::error::Result;

pub(super) fn functions() -> Vec<Function> {
    [
        aggregate("geometric_mean", Class::Documented, "The geometric mean.")
            .form("geometric_mean(double) -> double", Implementation::Own(own::<GeometricMean>()))
            .build(),
        aggregate("skewness", Class::Documented, "The skewness of a population; NULL for fewer than three values.")
            .form("skewness(double) -> double", Implementation::Own(own::<Skewness>()))
            .build(),
        aggregate("kurtosis", Class::Inherited, "The excess kurtosis of a sample; NULL for fewer than four values.")
            .form("kurtosis(double) -> double", Implementation::Own(own::<Kurtosis>()))
            .build(),
        aggregate("entropy", Class::Inherited, "The entropy in bits of what occurs so often; 0 of nothing.")
            .form("entropy(double) -> double", Implementation::Own(own::<Entropy>()))
            .build(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

#[derive(Debug)]
struct GeometricMean;

impl Statistic for GeometricMean {
    type Summary = Logarithms;

    fn result(summary: &Logarithms) -> Option<f64> {
        (summary.count > 0.0).then(|| (summary.sum / summary.count).exp())
    }
}

/// How many values there are, and the sum of their logarithms.
#[derive(Clone, Copy, Debug, Default)]
struct Logarithms {
    count: f64,
    sum: f64,
}

impl Summary for Logarithms {
    const PARTS: usize = 2;
    const ARGUMENTS: usize = 1;

    fn add(&mut self, value: f64, _: f64) {
        self.count += 1.0;
        self.sum += value.ln();
    }

    fn parts(&self) -> [f64; PARTS_MAX] {
        [self.count, self.sum, 0.0, 0.0, 0.0, 0.0]
    }

    fn merge(&mut self, [count, sum, ..]: [f64; PARTS_MAX]) {
        self.count += count;
        self.sum += sum;
    }
}

#[derive(Debug)]
struct Skewness;

impl Statistic for Skewness {
    type Summary = Moments;

    fn result(summary: &Moments) -> Option<f64> {
        let skewness = summary.count.sqrt() * summary.third / summary.second.powf(1.5);
        (summary.count >= 3.0).then_some(skewness)
    }
}

#[derive(Debug)]
struct Kurtosis;

impl Statistic for Kurtosis {
    type Summary = Moments;

    /// # trino: the unbiased estimate
    fn result(summary: &Moments) -> Option<f64> {
        let n = summary.count;
        let fourth = (n - 1.0) * n * (n + 1.0) / ((n - 2.0) * (n - 3.0)) * summary.fourth / summary.second.powi(2);
        (n >= 4.0).then_some(fourth - 3.0 * (n - 1.0).powi(2) / ((n - 2.0) * (n - 3.0)))
    }
}

#[derive(Debug)]
struct Entropy;

impl Statistic for Entropy {
    type Summary = Counts;

    fn result(summary: &Counts) -> Option<f64> {
        let Counts { sum, of_logarithms, .. } = *summary;
        Some(if sum > 0.0 { ((sum.ln() - of_logarithms / sum) / std::f64::consts::LN_2).max(0.0) } else { 0.0 })
    }

    fn check(summary: &Counts) -> Result<()> {
        if summary.negative > 0.0 {
            return Err(invalid("Entropy count argument must be non-negative")); // # trino: its words
        }
        Ok(())
    }
}

/// The sum of counts, and that of each times its logarithm.
#[derive(Clone, Copy, Debug, Default)]
struct Counts {
    sum: f64,
    of_logarithms: f64,
    /// How many were negative.
    negative: f64,
}

impl Summary for Counts {
    const PARTS: usize = 3;
    const ARGUMENTS: usize = 1;

    fn add(&mut self, count: f64, _: f64) {
        if count < 0.0 {
            self.negative += 1.0;
        } else if count > 0.0 {
            self.sum += count;
            self.of_logarithms += count * count.ln();
        }
    }

    fn parts(&self) -> [f64; PARTS_MAX] {
        [self.sum, self.of_logarithms, self.negative, 0.0, 0.0, 0.0]
    }

    fn merge(&mut self, [sum, of_logarithms, negative, ..]: [f64; PARTS_MAX]) {
        self.sum += sum;
        self.of_logarithms += of_logarithms;
        self.negative += negative;
    }
}

/// Sums of powers of the distances from the mean, updated value by value.
#[derive(Clone, Copy, Debug, Default)]
struct Moments {
    count: f64,
    mean: f64,
    second: f64,
    third: f64,
    fourth: f64,
}

impl Summary for Moments {
    const PARTS: usize = 5;
    const ARGUMENTS: usize = 1;

    fn add(&mut self, value: f64, _: f64) {
        let before = self.count;
        self.count += 1.0;
        let delta = value - self.mean;
        let step = delta / self.count;
        let term = delta * step * before;
        self.mean += step;
        let n = self.count;
        self.fourth +=
            term * step * step * (n * n - 3.0 * n + 3.0) + 6.0 * step * step * self.second - 4.0 * step * self.third;
        self.third += term * step * (self.count - 2.0) - 3.0 * step * self.second;
        self.second += term;
    }

    fn parts(&self) -> [f64; PARTS_MAX] {
        [self.count, self.mean, self.second, self.third, self.fourth, 0.0]
    }

    fn merge(&mut self, [count, mean, second, third, fourth, _]: [f64; PARTS_MAX]) {
        if count == 0.0 {
            return;
        }
        if self.count == 0.0 {
            *self = Self { count, mean, second, third, fourth };
            return;
        }
        let (a, b) = (self.count, count);
        let count = a + b;
        let delta = mean - self.mean;
        self.fourth += fourth
            + delta.powi(4) * a * b * (a * a - a * b + b * b) / count.powi(3)
            + 6.0 * delta * delta * (a * a * second + b * b * self.second) / (count * count)
            + 4.0 * delta * (a * third - b * self.third) / count;
        self.third += third
            + delta.powi(3) * a * b * (a - b) / (count * count)
            + 3.0 * delta * (a * second - b * self.second) / count;
        self.second += second + delta * delta * a * b / count;
        self.mean += delta * b / count;
        self.count = count;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn merging_is_adding() {
        let moments = |values: &[f64]| {
            let mut moments = Moments::default();
            values.iter().for_each(|value| moments.add(*value, *value));
            moments
        };
        let whole = moments(&[1.0, 2.0, 3.0, 4.0, 8.0]);
        let mut merged = moments(&[1.0, 2.0]);
        merged.merge(Moments::default().parts());
        merged.merge(moments(&[3.0, 4.0, 8.0]).parts());
        assert!((whole.fourth - merged.fourth).abs() < 1e-9);
        assert!((whole.third - merged.third).abs() < 1e-9 && (whole.second - merged.second).abs() < 1e-9);
    }
}
