//! Functions that choose among their arguments.

pub mod coalesce;
pub mod grammar;
pub mod greatest;
pub mod nullif;

use super::Function;

pub(super) fn functions() -> Vec<Function> {
    [coalesce::functions(), grammar::functions(), greatest::functions(), nullif::functions()]
        .into_iter()
        .flatten()
        .collect()
}
