//! Natural cubic splines: twice differentiable, and straight at both ends. # inferred: the guide names no condition for
//! the ends

/// A spline through points.
#[derive(Debug)]
pub struct Spline {
    /// Strictly ascending.
    xs: Vec<f64>,
    ys: Vec<f64>,
    /// The second derivative at each point.
    bends: Vec<f64>,
}

impl Spline {
    /// The spline through points whose `xs` are strictly ascending; as many `ys`, at least one.
    #[must_use]
    pub fn new(xs: Vec<f64>, ys: Vec<f64>) -> Self {
        let bends = bends(&xs, &ys);
        Self { xs, ys, bends }
    }

    /// The value at `x`, which lies between the first and the last point.
    #[must_use]
    pub fn at(&self, x: f64) -> f64 {
        let next = self.xs.partition_point(|known| *known < x).clamp(1, self.xs.len().max(2) - 1);
        let Some(width) = self.xs.get(next).map(|right| right - self.xs[next - 1]) else { return self.ys[0] };
        let right = (x - self.xs[next - 1]) / width;
        let left = 1.0 - right;
        let bend = (left.powi(3) - left) * self.bends[next - 1] + (right.powi(3) - right) * self.bends[next];
        left * self.ys[next - 1] + right * self.ys[next] + bend * width * width / 6.0
    }
}

/// Solves the tridiagonal system that makes the first derivative continuous, by elimination forwards and substitution
/// backwards.
fn bends(xs: &[f64], ys: &[f64]) -> Vec<f64> {
    let count = xs.len();
    let mut bends = vec![0.0; count];
    let mut above = vec![0.0; count];
    for i in 1..count.saturating_sub(1) {
        let (before, after) = (xs[i] - xs[i - 1], xs[i + 1] - xs[i]);
        let slopes = (ys[i + 1] - ys[i]) / after - (ys[i] - ys[i - 1]) / before;
        let pivot = 2.0 * (before + after) - before * above[i - 1];
        above[i] = after / pivot;
        bends[i] = (6.0 * slopes - before * bends[i - 1]) / pivot;
    }
    for i in (1..count.saturating_sub(1)).rev() {
        bends[i] -= above[i] * bends[i + 1];
    }
    bends
}

#[cfg(test)]
mod tests {
    use super::Spline;

    #[test]
    fn splines() {
        let check = |points: &[(f64, f64)], x: f64, expect: f64| {
            let (xs, ys) = points.iter().copied().unzip();
            let got = Spline::new(xs, ys).at(x);
            assert!((got - expect).abs() < 1e-12, "{x}: {got} is not {expect}");
        };
        check(&[(0.0, 5.0)], 0.0, 5.0);
        check(&[(0.0, 0.0), (2.0, 4.0)], 1.0, 2.0);
        // By hand: through (0,0), (1,1), (2,0) the bend in the middle is -3, so that s(1/2) = 1/2 + 3/16.
        check(&[(0.0, 0.0), (1.0, 1.0), (2.0, 0.0)], 0.5, 0.6875);
        check(&[(0.0, 0.0), (1.0, 1.0), (2.0, 0.0)], 1.5, 0.6875);
        check(&[(0.0, 0.0), (1.0, 1.0), (2.0, 0.0)], 1.0, 1.0);
        // A straight line stays one.
        check(&[(0.0, 1.0), (1.0, 3.0), (3.0, 7.0), (4.0, 9.0)], 2.5, 6.0);
    }
}
