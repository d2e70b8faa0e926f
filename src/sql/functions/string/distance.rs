//! `hamming_distance(a, b)`, `levenshtein_distance(a, b)`.

use crate::sql::{
    error::invalid,
    functions::{Class, Family, Function, call::Call, scalar::scalar},
};
use datafusion::{
    arrow::{array::ArrayRef, datatypes::Int64Type},
    error::Result,
};

pub(super) fn functions() -> Vec<Function> {
    let function = |name, summary| scalar(name, Family::String, Class::Documented, summary);
    [
        function("hamming_distance", "At how many places two texts of one length differ.")
            .form("hamming_distance(varchar, varchar) -> bigint", |call| distance(call, hamming))
            .build(),
        function("levenshtein_distance", "How many characters must be changed, added or removed.")
            .form("levenshtein_distance(varchar, varchar) -> bigint", |call| distance(call, levenshtein))
            .build(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn distance(call: &Call, between: fn(&[char], &[char]) -> Result<usize>) -> Result<ArrayRef> {
    let (left, right) = (call.texts(0)?, call.texts(1)?);
    call.collect::<Int64Type>(|row| match (left.get(row), right.get(row)) {
        (Some(left), Some(right)) => {
            let (left, right): (Vec<char>, Vec<char>) = (left.chars().collect(), right.chars().collect());
            Ok(i64::try_from(between(&left, &right)?).ok())
        }
        _ => Ok(None),
    })
}

fn hamming(left: &[char], right: &[char]) -> Result<usize> {
    if left.len() != right.len() {
        return Err(invalid("The input strings to hamming_distance function must have the same length"));
    }
    Ok(left.iter().zip(right).filter(|(left, right)| left != right).count())
}

/// Steps of one comparison, so that it ends soon. # inferred: Presto's bound
const LEVENSHTEIN_STEPS_MAX: usize = 1_000_000;

fn levenshtein(left: &[char], right: &[char]) -> Result<usize> {
    if left.len().saturating_mul(right.len().saturating_sub(1)) > LEVENSHTEIN_STEPS_MAX {
        return Err(invalid("The combined inputs for Levenshtein distance are too large"));
    }
    // One row of the table of distances between prefixes.
    let mut distances: Vec<usize> = (0..=right.len()).collect();
    for (i, left) in left.iter().enumerate() {
        let mut diagonal = distances[0];
        distances[0] = i + 1;
        for (j, right) in right.iter().enumerate() {
            let substituted = diagonal + usize::from(left != right);
            diagonal = distances[j + 1];
            distances[j + 1] = substituted.min(diagonal + 1).min(distances[j] + 1);
        }
    }
    Ok(distances[right.len()])
}
