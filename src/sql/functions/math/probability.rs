//! `normal_cdf`, `inverse_normal_cdf`, `beta_cdf`, `inverse_beta_cdf`, `wilson_interval_lower`, `wilson_interval_upper`.
//! # trino: which functions, their conditions and the words of their errors

use crate::sql::{
    error::invalid,
    functions::{
        Class, Family, Function,
        call::{Call, Kernel},
        scalar::scalar,
    },
};
use datafusion::{
    arrow::{
        array::ArrayRef,
        datatypes::{Float64Type, Int64Type},
    },
    error::Result,
};
use std::f64::consts::{FRAC_1_SQRT_2, PI};

pub(super) fn functions() -> Vec<Function> {
    let of_doubles = |name, signature, summary, kernel: Kernel| {
        scalar(name, Family::Math, Class::Inherited, summary).form(signature, kernel).build()
    };
    let wilson = |name, signature, summary, kernel: Kernel| {
        scalar(name, Family::Math, Class::Inherited, summary).form(signature, kernel).build()
    };
    [
        of_doubles(
            "normal_cdf",
            "normal_cdf(double, double, double) -> double",
            "The probability of a value up to v, of a normal distribution (mean, deviation, v).",
            |call| of_three(call, normal_cdf),
        ),
        of_doubles(
            "inverse_normal_cdf",
            "inverse_normal_cdf(double, double, double) -> double",
            "The value up to which a normal distribution has a probability (mean, deviation, p).",
            |call| of_three(call, inverse_normal_cdf),
        ),
        of_doubles(
            "beta_cdf",
            "beta_cdf(double, double, double) -> double",
            "The probability of a value up to v, of a beta distribution (a, b, v).",
            |call| of_three(call, beta_cdf),
        ),
        of_doubles(
            "inverse_beta_cdf",
            "inverse_beta_cdf(double, double, double) -> double",
            "The value up to which a beta distribution has a probability (a, b, p).",
            |call| of_three(call, inverse_beta_cdf),
        ),
        wilson(
            "wilson_interval_lower",
            "wilson_interval_lower(bigint, bigint, double) -> double",
            "The lower bound of the Wilson score interval (successes, trials, z).",
            |call| wilson_interval(call, -1.0),
        ),
        wilson(
            "wilson_interval_upper",
            "wilson_interval_upper(bigint, bigint, double) -> double",
            "The upper bound of the Wilson score interval (successes, trials, z).",
            |call| wilson_interval(call, 1.0),
        ),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn of_three(call: &Call, compute: fn(f64, f64, f64) -> Result<f64>) -> Result<ArrayRef> {
    let [a, b, c] = [call.numbers::<Float64Type>(0)?, call.numbers::<Float64Type>(1)?, call.numbers::<Float64Type>(2)?];
    call.collect::<Float64Type>(|row| match (a.get(row), b.get(row), c.get(row)) {
        (Some(a), Some(b), Some(c)) => compute(a, b, c).map(Some),
        _ => Ok(None),
    })
}

fn check(holds: bool, message: &str) -> Result<()> {
    if holds { Ok(()) } else { Err(invalid(message)) }
}

fn normal_cdf(mean: f64, deviation: f64, value: f64) -> Result<f64> {
    check(deviation > 0.0, "standardDeviation must be > 0")?;
    Ok(standard_normal_cdf((value - mean) / deviation))
}

fn inverse_normal_cdf(mean: f64, deviation: f64, p: f64) -> Result<f64> {
    check(p > 0.0 && p < 1.0, "p must be 0 > p > 1")?;
    check(deviation > 0.0, "sd must be > 0")?;
    // The density is the slope of the distribution function.
    let density = |x: f64| (-x * x / 2.0).exp() / (2.0 * PI).sqrt();
    // Computed in the lower half, where small probabilities keep their digits.
    let lower = p.min(1.0 - p);
    let x = inverse(standard_normal_cdf, density, lower, -40.0, 0.0);
    Ok(mean + deviation * if p > 0.5 { -x } else { x })
}

fn beta_cdf(a: f64, b: f64, value: f64) -> Result<f64> {
    check((0.0..=1.0).contains(&value), "value must be in the interval [0, 1]")?;
    check(a > 0.0, "a must be > 0")?;
    check(b > 0.0, "b must be > 0")?;
    Ok(regularized_beta(value, a, b))
}

fn inverse_beta_cdf(a: f64, b: f64, p: f64) -> Result<f64> {
    check((0.0..=1.0).contains(&p), "p must be in the interval [0, 1]")?;
    check(a > 0.0 && b > 0.0, "a, b must be > 0")?;
    if p == 0.0 || p == 1.0 {
        return Ok(p);
    }
    let scale = ln_gamma(a + b) - ln_gamma(a) - ln_gamma(b);
    let density = |x: f64| (scale + (a - 1.0) * x.ln() + (b - 1.0) * (-x).ln_1p()).exp();
    Ok(inverse(|x| regularized_beta(x, a, b), density, p, 0.0, 1.0))
}

#[allow(clippy::cast_precision_loss, reason = "counts are taken as doubles")]
fn wilson_interval(call: &Call, side: f64) -> Result<ArrayRef> {
    let (successes, trials) = (call.numbers::<Int64Type>(0)?, call.numbers::<Int64Type>(1)?);
    let scores = call.numbers::<Float64Type>(2)?;
    call.collect::<Float64Type>(|row| {
        let (Some(s), Some(n), Some(z)) = (successes.get(row), trials.get(row), scores.get(row)) else {
            return Ok(None);
        };
        check(s >= 0, "number of successes must not be negative")?;
        check(n > 0, "number of trials must be positive")?;
        check(s <= n, "number of successes must not be larger than number of trials")?;
        check(z >= 0.0, "z-score must not be negative")?;
        let n = n as f64;
        let p = s as f64 / n;
        let middle = p + z * z / (2.0 * n);
        let reach = z * (p * (1.0 - p) / n + z * z / (4.0 * n * n)).sqrt();
        Ok(Some((middle + side * reach) / (1.0 + z * z / n)))
    })
}

/// Where a rising function takes a value: bisection, which Newton's steps shorten wherever they stay inside.
fn inverse(function: impl Fn(f64) -> f64, slope: impl Fn(f64) -> f64, value: f64, mut low: f64, mut high: f64) -> f64 {
    const STEPS_MAX: usize = 200;
    let mut x = f64::midpoint(low, high);
    for _ in 0..STEPS_MAX {
        let error = function(x) - value;
        if error < 0.0 {
            low = x;
        } else {
            high = x;
        }
        let newton = x - error / slope(x);
        let next = if newton > low && newton < high { newton } else { f64::midpoint(low, high) };
        if (next - x).abs() <= f64::EPSILON * x.abs() {
            return next;
        }
        x = next;
    }
    x
}

/// Terms of a series or fraction computed at most; both converge long before.
const TERMS_MAX: usize = 10_000;
/// What stands for zero where a fraction must not be divided by it.
const TINY: f64 = 1e-300;

fn standard_normal_cdf(x: f64) -> f64 {
    // The error function's complement, without cancellation at either end.
    let half = x * x / 2.0;
    let upper = match x.abs() * FRAC_1_SQRT_2 {
        beyond if beyond > 27.0 => 0.0,
        _ if half < 1.5 => 1.0 - half_gamma_series(half),
        _ => half_gamma_fraction(half),
    };
    if x > 0.0 { 1.0 - upper / 2.0 } else { upper / 2.0 }
}

/// The regularised lower incomplete gamma function of 1/2, by its series: of small `x`.
fn half_gamma_series(x: f64) -> f64 {
    if x == 0.0 {
        return 0.0;
    }
    let mut term = 2.0;
    let mut sum = term;
    let mut a = 0.5;
    for _ in 0..TERMS_MAX {
        a += 1.0;
        term *= x / a;
        sum += term;
        if term < sum * f64::EPSILON / 4.0 {
            break;
        }
    }
    sum * (-x).exp() * (x / PI).sqrt()
}

/// The regularised upper incomplete gamma function of 1/2, by its continued fraction (Lentz): of `x` that is not small.
fn half_gamma_fraction(x: f64) -> f64 {
    let mut b = x + 0.5;
    let mut c = 1.0 / TINY;
    let mut d = 1.0 / b;
    let mut h = d;
    let mut i = 0.0;
    for _ in 0..TERMS_MAX {
        i += 1.0;
        let a = -i * (i - 0.5);
        b += 2.0;
        d = 1.0 / nonzero(a * d + b);
        c = nonzero(b + a / c);
        h *= d * c;
        if (d * c - 1.0).abs() < f64::EPSILON {
            break;
        }
    }
    h * (-x).exp() * (x / PI).sqrt()
}

fn nonzero(x: f64) -> f64 {
    if x.abs() < TINY { TINY } else { x }
}

/// The regularised incomplete beta function.
fn regularized_beta(x: f64, a: f64, b: f64) -> f64 {
    if x == 0.0 || x == 1.0 {
        return x;
    }
    let front = (ln_gamma(a + b) - ln_gamma(a) - ln_gamma(b) + a * x.ln() + b * (-x).ln_1p()).exp();
    // The fraction converges fast on one side of the mean; the other side is its mirror image.
    if x < (a + 1.0) / (a + b + 2.0) {
        front * beta_fraction(x, a, b) / a
    } else {
        1.0 - front * beta_fraction(1.0 - x, b, a) / b
    }
}

/// The continued fraction of the incomplete beta function (Lentz).
fn beta_fraction(x: f64, a: f64, b: f64) -> f64 {
    let mut c = 1.0;
    let mut d = 1.0 / nonzero(1.0 - (a + b) * x / (a + 1.0));
    let mut h = d;
    let mut m = 0.0;
    for _ in 0..TERMS_MAX {
        m += 1.0;
        let even = m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m));
        d = 1.0 / nonzero(1.0 + even * d);
        c = nonzero(1.0 + even / c);
        h *= d * c;
        let odd = -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0));
        d = 1.0 / nonzero(1.0 + odd * d);
        c = nonzero(1.0 + odd / c);
        h *= d * c;
        if (d * c - 1.0).abs() < f64::EPSILON {
            break;
        }
    }
    h
}

/// The logarithm of the gamma function of a positive number: Stirling's series, moved to where it is exact.
fn ln_gamma(x: f64) -> f64 {
    const SERIES_FROM: f64 = 15.0;
    /// Bernoulli numbers over 2k(2k - 1).
    const TERMS: [f64; 7] =
        [1.0 / 12.0, -1.0 / 360.0, 1.0 / 1_260.0, -1.0 / 1_680.0, 1.0 / 1_188.0, -691.0 / 360_360.0, 1.0 / 156.0];
    let (mut moved, mut product) = (x, 1.0);
    while moved < SERIES_FROM {
        product *= moved;
        moved += 1.0;
    }
    let squared = moved * moved;
    let series = TERMS.iter().rev().fold(0.0, |sum, term| sum / squared + term) / moved;
    (moved - 0.5) * moved.ln() - moved + (2.0 * PI).ln() / 2.0 + series - product.ln()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inverses_undo_their_functions() {
        let near = |got: f64, expect: f64| assert!((got - expect).abs() <= 1e-13 * expect.abs(), "{got} {expect}");
        for p in [1e-12, 0.001, 0.3, 0.5, 0.8, 0.999] {
            near(normal_cdf(3.0, 2.0, inverse_normal_cdf(3.0, 2.0, p).unwrap()).unwrap(), p);
            near(beta_cdf(3.0, 4.5, inverse_beta_cdf(3.0, 4.5, p).unwrap()).unwrap(), p);
        }
    }

    #[test]
    fn gamma_of_whole_numbers_is_a_factorial() {
        let factorial = |n: u32| (2..n).map(f64::from).product::<f64>();
        for n in 1..30 {
            let got = ln_gamma(f64::from(n));
            assert!((got - factorial(n).ln()).abs() <= 1e-14 * got.abs().max(1.0), "{n}: {got}");
        }
    }
}
