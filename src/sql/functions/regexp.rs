//! Regular expressions of Java's syntax. NULL gives NULL.
//! # guide: regex-functions.html

pub mod count;
pub mod extract;
pub mod java;
pub mod like;
pub mod pattern;
pub mod replace;
pub mod split;

use super::Function;

pub(super) fn functions() -> Vec<Function> {
    [count::functions(), extract::functions(), like::functions(), replace::functions(), split::functions()]
        .into_iter()
        .flatten()
        .collect()
}
