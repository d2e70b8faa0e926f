//! Functions that the planner makes out of the grammar, listed so that the compatibility table has them.

use crate::sql::functions::{
    Class, Definition, Entry,
    Family::{self, Conditional, Conversion, DateTime, String},
    Function,
};

/// Name, family, signature, what it does.
const FUNCTIONS: [(&str, Family, &str, &str); 6] = [
    ("cast", Conversion, "cast(value AS type) -> type", "Converts a value, or fails."),
    ("extract", DateTime, "extract(field FROM moment) -> bigint", "A field of a moment."),
    ("if", Conditional, "if(boolean, T[, T]) -> T", "One value or the other, by a condition."),
    ("position", String, "position(varchar IN varchar) -> bigint", "Where a part first occurs; 0 when nowhere."),
    ("try", Conditional, "try(T) -> T", "NULL where the expression fails."),
    ("try_cast", Conversion, "try_cast(value AS type) -> type", "Converts a value, or gives NULL."),
];

pub(super) fn functions() -> Vec<Function> {
    let function = |(name, family, signature, summary)| Function {
        entry: Entry { name, family, class: Class::Documented, signatures: vec![signature], summary },
        definition: Definition::Planner,
    };
    let inherited = Function {
        entry: Entry {
            name: "reduce_agg",
            family: Family::Aggregate,
            class: Class::Inherited,
            signatures: vec!["reduce_agg(T, S, function(S,T,S), function(S,S,S)) -> S"],
            summary: "Folds the values of a group into one.",
        },
        definition: Definition::Planner,
    };
    FUNCTIONS.into_iter().map(function).chain([inherited]).collect()
}
