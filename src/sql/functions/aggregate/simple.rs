//! Aggregates whose meaning in DataFusion is Presto's: they are listed here and computed there.

use super::{
    super::{Class, Function},
    function::{
        Implementation::{Engine, EngineWhole},
        aggregate,
    },
};
use Class::Documented;
use datafusion::functions_aggregate::{average, bool_and_or, count, min_max, stddev, variance};

pub(super) fn functions() -> Vec<Function> {
    [
        aggregate("count", Documented, "How many rows there are, or how many values that are not NULL; 0 for none.")
            .form("count() -> bigint", EngineWhole(count::count_udaf))
            .form("count(T) -> bigint", EngineWhole(count::count_udaf))
            .build(),
        aggregate("avg", Documented, "The arithmetic mean.")
            .form("avg(double) -> double", Engine(average::avg_udaf))
            .build(),
        aggregate("bool_and", Documented, "Whether every value is true.")
            .form("bool_and(boolean) -> boolean", Engine(bool_and_or::bool_and_udaf))
            .named(&["every"]),
        aggregate("bool_or", Documented, "Whether any value is true.")
            .form("bool_or(boolean) -> boolean", Engine(bool_and_or::bool_or_udaf))
            .build(),
        aggregate("max", Documented, "The largest value.").form("max(T) -> T", EngineWhole(min_max::max_udaf)).build(),
        aggregate("min", Documented, "The smallest value.").form("min(T) -> T", EngineWhole(min_max::min_udaf)).build(),
        aggregate("stddev", Documented, "The standard deviation of a sample; NULL for one value.")
            .form("stddev(double) -> double", Engine(stddev::stddev_udaf))
            .named(&["stddev_samp"]),
        aggregate("stddev_pop", Documented, "The standard deviation of a population.")
            .form("stddev_pop(double) -> double", Engine(stddev::stddev_pop_udaf))
            .build(),
        aggregate("variance", Documented, "The variance of a sample; NULL for one value.")
            .form("variance(double) -> double", Engine(variance::var_samp_udaf))
            .named(&["var_samp"]),
        aggregate("var_pop", Documented, "The variance of a population.")
            .form("var_pop(double) -> double", Engine(variance::var_pop_udaf))
            .build(),
    ]
    .into_iter()
    .flatten()
    .collect()
}
