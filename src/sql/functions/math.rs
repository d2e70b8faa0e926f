//! Mathematical functions. NULL gives NULL. Doubles follow IEEE 754: no function of them fails.

pub mod abs;
pub mod base;
pub mod double;
pub mod power;
pub mod remainder;
pub mod round;

use super::Function;

pub(super) fn functions() -> Vec<Function> {
    [
        abs::functions(),
        base::functions(),
        double::functions(),
        power::functions(),
        remainder::functions(),
        round::functions(),
    ]
    .into_iter()
    .flatten()
    .collect()
}
