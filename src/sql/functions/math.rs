//! Mathematical functions. NULL gives NULL. Doubles follow IEEE 754: most functions of them never fail.

pub mod abs;
pub mod base;
pub mod double;
pub mod power;
pub mod probability;
pub mod remainder;
pub mod round;
pub mod width_bucket;

use super::Function;

pub(super) fn functions() -> Vec<Function> {
    [
        abs::functions(),
        base::functions(),
        double::functions(),
        power::functions(),
        probability::functions(),
        remainder::functions(),
        round::functions(),
        width_bucket::functions(),
    ]
    .into_iter()
    .flatten()
    .collect()
}
