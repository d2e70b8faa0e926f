//! Aggregates whose meaning in DataFusion is Presto's: they are listed here and computed there.

use super::{
    super::{Class, Function},
    function::{
        Implementation::{Engine, EngineWhole},
        aggregate,
    },
};
use Class::Documented;
use datafusion::functions_aggregate::{array_agg, bit_and_or_xor, bool_and_or, count, stddev, variance};

pub(super) fn functions() -> Vec<Function> {
    [
        aggregate("count", Documented, "How many rows there are, or how many values that are not NULL; 0 for none.")
            .form("count() -> bigint", EngineWhole(count::count_udaf))
            .form("count(T) -> bigint", EngineWhole(count::count_udaf))
            .build(),
        aggregate("array_agg", Documented, "An array of the values, NULLs included.")
            .form("array_agg(T) -> array(T)", EngineWhole(array_agg::array_agg_udaf))
            .build(),
        aggregate("bitwise_and_agg", Documented, "The bits that all values have, in two's complement.")
            .form("bitwise_and_agg(bigint) -> bigint", Engine(bit_and_or_xor::bit_and_udaf))
            .build(),
        aggregate("bitwise_or_agg", Documented, "The bits that any value has, in two's complement.")
            .form("bitwise_or_agg(bigint) -> bigint", Engine(bit_and_or_xor::bit_or_udaf))
            .build(),
        aggregate("bool_and", Documented, "Whether every value is true.")
            .form("bool_and(boolean) -> boolean", Engine(bool_and_or::bool_and_udaf))
            .named(&["every"]),
        aggregate("bool_or", Documented, "Whether any value is true.")
            .form("bool_or(boolean) -> boolean", Engine(bool_and_or::bool_or_udaf))
            .build(),
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
