//! Functions of varbinary. A varbinary has no form in a result: it is turned into a number or a text before.

pub mod big_endian;
pub mod bytes;
pub mod encode;
pub mod hash;
pub mod part;
pub mod spooky;
pub mod utf8;

use super::Function;

pub(super) fn functions() -> Vec<Function> {
    [big_endian::functions(), encode::functions(), hash::functions(), spooky::functions(), utf8::functions()]
        .into_iter()
        .flatten()
        .collect()
}
