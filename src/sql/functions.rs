//! The functions of the query language: what is not registered here does not exist.
//!
//! A family is a folder, a function (or a tight group sharing one kernel) is a file: signature, documentation, code, and
//! beside it `<name>.slt` with the guide's examples and `<name>.edge.slt` with our own decisions. Names that begin with
//! `__` are for the rewriter, which refuses them in a user's text.

pub mod aggregate;
pub mod array;
pub mod binary;
pub mod bitwise;
pub mod call;
pub mod compare;
pub mod conditional;
pub mod conversion;
pub mod datetime;
#[cfg(test)]
mod examples;
pub mod lambda;
pub mod lists;
pub mod math;
pub mod operators;
pub mod random;
pub mod regexp;
pub mod scalar;
pub mod signature;
pub mod string;
pub mod timeseries;
pub mod window;

use datafusion::logical_expr::{AggregateUDF, HigherOrderUDF, ScalarUDF, WindowUDF};
use std::{collections::HashMap, sync::Arc};

/// The part of the language a function belongs to: a chapter of the guide, a folder here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Family {
    /// avg, max_by, …
    Aggregate,
    /// cardinality, element_at, …
    Array,
    /// md5, to_hex, …
    Binary,
    /// bitwise_and, bit_count, …
    Bitwise,
    /// coalesce, greatest, …
    Conditional,
    /// cast, typeof.
    Conversion,
    /// bin, date_trunc, …
    DateTime,
    /// transform, reduce, …: functions that take a lambda expression.
    Lambda,
    /// abs, round, …
    Math,
    /// What operators and constructors are rewritten to; not for users.
    Operator,
    /// regexp_like, regexp_replace, …
    Regexp,
    /// length, split, …
    String,
    /// create_time_series, interpolate_linear, …
    TimeSeries,
    /// rank, lag, …
    Window,
}

/// Where a function's existence is known from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Class {
    /// The developer guide describes or uses it.
    Documented,
    /// The guide is silent; Presto, from which the language is derived, has it.
    Inherited,
    /// Ours, for the rewriter.
    Internal,
}

/// What the compatibility table says about a function.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Lower-case name.
    pub name: &'static str,
    /// The family it belongs to.
    pub family: Family,
    /// Where it is known from.
    pub class: Class,
    /// One text for each form: `bin(timestamp, interval day to second) -> timestamp`.
    pub signatures: Vec<&'static str>,
    /// One line.
    pub summary: &'static str,
}

/// A function and its entry, as a family's `functions()` lists them.
#[derive(Debug)]
pub(crate) struct Function {
    entry: Entry,
    definition: Definition,
}

#[derive(Debug)]
enum Definition {
    Scalar(Arc<ScalarUDF>),
    Aggregate(Arc<AggregateUDF>),
    HigherOrder(Arc<HigherOrderUDF>),
    /// One with a lambda among its arguments, the other without.
    ScalarOrLambda(Arc<ScalarUDF>, Arc<HigherOrderUDF>),
    Window(Arc<WindowUDF>),
    /// Made by the planner: for each query ([`at_query_start`]), or out of the grammar.
    Planner,
}

/// Every function of the language, by lower-case name.
#[derive(Debug)]
pub struct Registry {
    entries: Vec<Entry>,
    scalars: HashMap<&'static str, Arc<ScalarUDF>>,
    higher_orders: HashMap<&'static str, Arc<HigherOrderUDF>>,
    aggregates: HashMap<&'static str, Arc<AggregateUDF>>,
    windows: HashMap<&'static str, Arc<WindowUDF>>,
}

impl Default for Registry {
    fn default() -> Self {
        Self::new()
    }
}

impl Registry {
    /// Builds the registry with a fixed sequence of random numbers.
    #[must_use]
    pub fn new() -> Self {
        Self::with_seed([0; 16])
    }

    /// Builds the registry; done once per process. `seed` decides what random functions give.
    #[must_use]
    pub fn with_seed(seed: [u8; 16]) -> Self {
        let mut registry = Self {
            entries: Vec::new(),
            scalars: HashMap::new(),
            higher_orders: HashMap::new(),
            aggregates: HashMap::new(),
            windows: HashMap::new(),
        };
        let families = [
            operators::functions(),
            random::functions(&Arc::new(random::Generator::new(seed))),
            conversion::functions(),
            datetime::functions(),
            aggregate::functions(),
            lambda::functions(),
            conditional::functions(),
            math::functions(),
            regexp::functions(),
            string::functions(),
            array::functions(),
            binary::functions(),
            bitwise::functions(),
            timeseries::functions(),
            window::functions(),
        ];
        for Function { entry, definition } in families.into_iter().flatten() {
            match definition {
                Definition::Scalar(function) => drop(registry.scalars.insert(entry.name, function)),
                Definition::Aggregate(function) => drop(registry.aggregates.insert(entry.name, function)),
                Definition::HigherOrder(function) => drop(registry.higher_orders.insert(entry.name, function)),
                Definition::ScalarOrLambda(scalar, higher_order) => {
                    registry.scalars.insert(entry.name, scalar);
                    registry.higher_orders.insert(entry.name, higher_order);
                }
                Definition::Window(function) => drop(registry.windows.insert(entry.name, function)),
                Definition::Planner => {}
            }
            // A name may stand for a scalar function and for one that takes lambdas, with an entry each: `array_sort`.
            registry.entries.push(entry);
        }
        registry.entries.sort_by_key(|entry| (entry.family, entry.name));
        registry
    }

    /// The scalar function of that name. Those of [`at_query_start`] are not here.
    #[must_use]
    pub fn scalar(&self, name: &str) -> Option<Arc<ScalarUDF>> {
        self.scalars.get(name).cloned()
    }

    /// The function of that name whose arguments may be lambda expressions.
    #[must_use]
    pub fn higher_order(&self, name: &str) -> Option<Arc<HigherOrderUDF>> {
        self.higher_orders.get(name).cloned()
    }

    /// The aggregate of that name; each may be used with OVER as well.
    #[must_use]
    pub fn aggregate(&self, name: &str) -> Option<Arc<AggregateUDF>> {
        self.aggregates.get(name).cloned()
    }

    /// The function of that name that exists only with OVER.
    #[must_use]
    pub fn window(&self, name: &str) -> Option<Arc<WindowUDF>> {
        self.windows.get(name).cloned()
    }

    /// What the compatibility table lists, by family and name; the rewriter's functions included.
    pub fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.entries.iter()
    }
}

/// A function whose value is the moment the query started, in nanoseconds since the epoch: now, ago, current_date,
/// current_time, current_timestamp, localtime, localtimestamp. `None` for any other name.
#[must_use]
pub fn at_query_start(name: &str, now_ns: i64) -> Option<Arc<ScalarUDF>> {
    datetime::now::at_query_start(name, now_ns)
}

/// `now()` of a query that started at `now_ns`.
#[must_use]
pub fn now(now_ns: i64) -> Arc<ScalarUDF> {
    datetime::now::now(now_ns)
}

/// `ago(interval)` of a query that started at `now_ns`.
#[must_use]
pub fn ago(now_ns: i64) -> Arc<ScalarUDF> {
    datetime::now::ago(now_ns)
}
