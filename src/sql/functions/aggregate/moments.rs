//! `geometric_mean(x)`, `skewness(x)`.

use super::{
    super::{Class, Function},
    function::{Implementation, aggregate},
    statistic::{PARTS_MAX, Statistic, Summary, own},
};

pub(super) fn functions() -> Vec<Function> {
    [
        aggregate("geometric_mean", Class::Documented, "The geometric mean.")
            .form("geometric_mean(double) -> double", Implementation::Own(own::<GeometricMean>()))
            .build(),
        aggregate("skewness", Class::Documented, "The skewness of a population; NULL for fewer than three values.")
            .form("skewness(double) -> double", Implementation::Own(own::<Skewness>()))
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

/// Sums of powers of the distances from the mean, updated value by value.
#[derive(Clone, Copy, Debug, Default)]
struct Moments {
    count: f64,
    mean: f64,
    second: f64,
    third: f64,
}

impl Summary for Moments {
    const PARTS: usize = 4;
    const ARGUMENTS: usize = 1;

    fn add(&mut self, value: f64, _: f64) {
        let before = self.count;
        self.count += 1.0;
        let delta = value - self.mean;
        let step = delta / self.count;
        let term = delta * step * before;
        self.mean += step;
        self.third += term * step * (self.count - 2.0) - 3.0 * step * self.second;
        self.second += term;
    }

    fn parts(&self) -> [f64; PARTS_MAX] {
        [self.count, self.mean, self.second, self.third, 0.0, 0.0]
    }

    fn merge(&mut self, [count, mean, second, third, ..]: [f64; PARTS_MAX]) {
        if count == 0.0 {
            return;
        }
        if self.count == 0.0 {
            *self = Self { count, mean, second, third };
            return;
        }
        let (a, b) = (self.count, count);
        let count = a + b;
        let delta = mean - self.mean;
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
        assert!((whole.third - merged.third).abs() < 1e-9 && (whole.second - merged.second).abs() < 1e-9);
    }
}
