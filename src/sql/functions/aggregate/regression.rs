//! `corr`, `covar_pop`, `covar_samp`, `regr_slope`, `regr_intercept`: of pairs `(y, x)`. A pair with a NULL does not count.
//! What is no number, such as the slope of points of one x, is NULL. # inferred: Presto

use super::{
    super::{Class, Function},
    function::{Implementation, aggregate},
    statistic::{PARTS_MAX, Statistic, Summary, own},
};

pub(super) fn functions() -> Vec<Function> {
    [
        pairs::<Correlation>("corr", "corr(double, double) -> double", "The correlation coefficient."),
        pairs::<PopulationCovariance>(
            "covar_pop",
            "covar_pop(double, double) -> double",
            "The covariance of a population.",
        ),
        pairs::<SampleCovariance>("covar_samp", "covar_samp(double, double) -> double", "The covariance of a sample."),
        pairs::<Slope>("regr_slope", "regr_slope(double, double) -> double", "The slope of the regression line."),
        pairs::<Intercept>("regr_intercept", "regr_intercept(double, double) -> double", "Its value at 0."),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn pairs<S: Statistic>(name: &'static str, signature: &'static str, summary: &'static str) -> Vec<Function> {
    aggregate(name, Class::Documented, summary).form(signature, Implementation::Own(own::<S>())).build()
}

/// A statistic of pairs, as a type of its own.
macro_rules! statistic {
    ($name:ident, $result:expr) => {
        #[derive(Debug)]
        struct $name;

        impl Statistic for $name {
            type Summary = Pairs;

            fn result(pairs: &Pairs) -> Option<f64> {
                let result: fn(&Pairs) -> Option<f64> = $result;
                if pairs.count > 0.0 { result(pairs) } else { None }
            }
        }
    };
}

statistic!(Correlation, |pairs| finite(pairs.correlation()));
statistic!(PopulationCovariance, |pairs| Some(pairs.xy / pairs.count));
statistic!(SampleCovariance, |pairs| (pairs.count > 1.0).then(|| pairs.xy / (pairs.count - 1.0)));
statistic!(Slope, |pairs| finite(pairs.xy / pairs.xx));
statistic!(Intercept, |pairs| finite(pairs.mean_y - pairs.xy / pairs.xx * pairs.mean_x));

fn finite(value: f64) -> Option<f64> {
    value.is_finite().then_some(value)
}

/// Means, and sums of products of the distances from them, updated pair by pair.
#[derive(Clone, Copy, Debug, Default)]
struct Pairs {
    count: f64,
    mean_x: f64,
    mean_y: f64,
    xx: f64,
    yy: f64,
    xy: f64,
}

impl Pairs {
    fn correlation(&self) -> f64 {
        // One root of the product is more exact than the product of two roots, but may overflow.
        let product = self.xx * self.yy;
        self.xy / if product.is_normal() { product.sqrt() } else { self.xx.sqrt() * self.yy.sqrt() }
    }
}

impl Summary for Pairs {
    const PARTS: usize = 6;
    const ARGUMENTS: usize = 2;

    fn add(&mut self, y: f64, x: f64) {
        self.count += 1.0;
        let (delta_x, delta_y) = (x - self.mean_x, y - self.mean_y);
        self.mean_x += delta_x / self.count;
        self.mean_y += delta_y / self.count;
        self.xx += delta_x * (x - self.mean_x);
        self.yy += delta_y * (y - self.mean_y);
        self.xy += delta_x * (y - self.mean_y);
    }

    fn parts(&self) -> [f64; PARTS_MAX] {
        [self.count, self.mean_x, self.mean_y, self.xx, self.yy, self.xy]
    }

    fn merge(&mut self, [count, mean_x, mean_y, xx, yy, xy]: [f64; PARTS_MAX]) {
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
