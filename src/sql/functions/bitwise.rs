//! Functions of the bits of whole numbers, in two's complement. # guide: bitwise-functions.html

pub mod bit_count;
pub mod logic;
pub mod shift;

use super::Function;

pub(super) fn functions() -> Vec<Function> {
    [bit_count::functions(), logic::functions(), shift::functions()].into_iter().flatten().collect()
}
