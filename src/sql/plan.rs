//! A parsed query to a logical plan: names, types and the language's rules, decided here and nowhere else.
//!
//! The plan is built directly rather than through DataFusion's SQL front end, so that every name is resolved by
//! Timestream's rules, every type by Presto's, every error carries its place, and no function or coercion of another
//! dialect can slip in. Inside the plan each column has a name of our own (`c7`, or `t2.hostname` for a table's), so
//! nothing there is ever ambiguous; what the user called it is kept beside the plan.

mod aggregate;
mod attach;
mod call;
mod comparison;
mod correlate;
mod expression;
mod fold;
mod grouping;
mod operator;
mod ordinality;
mod position;
mod query;
mod recursion;
mod relation;
mod scope;
mod select;
mod single;
mod subquery;
mod window;

use super::{
    construct::{self, Construct, Support},
    error::{SqlError, error_of},
    functions::{Registry, conversion::cast::implicit},
    permission::Permission,
};
use crate::engine::{Snapshot, TableView};
use datafusion::{
    arrow::datatypes::{DataType, Field, FieldRef},
    common::ScalarValue,
    error::DataFusionError,
    logical_expr::{Cast, Expr, LogicalPlan},
    sql::sqlparser::{ast, tokenizer::Location},
};

pub(super) use position::Places;
use scope::{Ctes, Scope};
use std::{collections::BTreeMap, sync::Arc};

/// A column of a query's result.
#[derive(Clone, Debug)]
pub struct OutputColumn {
    /// As the user sees it: alias, column name, or `_col<position>`.
    pub label: String,
    /// Whether the label is an alias.
    pub aliased: bool,
    /// The type of its values.
    pub data_type: DataType,
    /// For a plain column of a table: database and table.
    pub origin: Option<(Arc<str>, Arc<str>)>,
}

/// A planned query.
#[derive(Debug)]
pub(super) struct Planned {
    /// What to run; its columns stand in the order of `columns`.
    pub(super) plan: LogicalPlan,
    /// The result's columns.
    pub(super) columns: Vec<OutputColumn>,
    /// The tables scanned, by the name they carry in the plan.
    pub(super) tables: BTreeMap<String, Arc<TableView>>,
    /// Parameters (`@name`, without the `@`) in order of appearance, with the type their use asks for.
    pub(super) parameters: Vec<(String, DataType)>,
}

/// What `@name` parameters stand for.
#[derive(Clone, Debug, Default)]
pub enum Parameters {
    /// Query: there are none. # model: Query takes no values for parameters
    #[default]
    None,
    /// PrepareQuery: any, for values that are not known yet.
    Unbound,
    /// Scheduled queries: these, for timestamps in nanoseconds since the epoch.
    Bound(BTreeMap<&'static str, i64>),
}

/// What a query is planned against.
pub(super) struct Context<'a> {
    /// Databases and tables.
    pub(super) snapshot: &'a Snapshot,
    /// What the caller may read.
    pub(super) permission: Permission<'a>,
    /// Functions.
    pub(super) registry: &'a Registry,
    /// The query's start, nanoseconds since the epoch: what `now()` answers and what is visible.
    pub(super) now_ns: i64,
    /// Makes a table's scan; the name is the one it carries in the plan.
    pub(super) source: &'a dyn Fn(&Arc<TableView>) -> Arc<dyn datafusion::logical_expr::TableSource>,
    /// What `@name` parameters stand for.
    pub(super) parameters: &'a Parameters,
    /// Whether what only Presto documents is refused.
    pub(super) documented_only: bool,
}

/// Plans a query; `places` are those of its tokens.
///
/// # Errors
/// [`SqlError::Semantic`] and [`SqlError::Syntax`] with the place of the mistake; [`SqlError::Invalid`] without one.
pub(super) fn plan(query: &ast::Query, places: &Places, context: &Context<'_>) -> Result<Planned, SqlError> {
    let mut planner = Planner {
        context,
        places,
        next_column: 0,
        tables: BTreeMap::new(),
        parameters: Vec::new(),
        relations: 0,
        subqueries: 0,
        lambdas: 0,
        doublings: 0,
        named_nodes: 0,
    };
    let root = Scope::root();
    let relation = planner.query(query, &root, &Ctes::default())?;
    if let Some(i) = relation.columns.iter().position(|c| has_varbinary(&c.data_type)) {
        // # model: Datum and ScalarType have no form for it
        let message = format!(
            "Column {} of the result is of type varbinary, which results cannot carry: use to_hex or to_base64",
            i + 1
        );
        return Err(semantic(position::of_query(query), message));
    }
    if planner.tables.is_empty() {
        context.permission.read_nothing()?;
    }
    let columns = relation.columns.iter().enumerate().map(|(i, c)| OutputColumn {
        label: c.name.clone().unwrap_or_else(|| format!("_col{i}")),
        aliased: c.aliased,
        data_type: c.data_type.clone(),
        origin: c.origin.clone(),
    });
    let columns = columns.collect();
    let plan = planner.exact_columns(relation)?;
    Ok(Planned { plan, columns, tables: planner.tables, parameters: planner.parameters })
}

fn has_varbinary(data_type: &DataType) -> bool {
    match data_type {
        DataType::Binary | DataType::LargeBinary | DataType::BinaryView => true,
        DataType::List(item) => has_varbinary(item.data_type()),
        DataType::Struct(fields) => fields.iter().any(|field| has_varbinary(field.data_type())),
        _ => false,
    }
}

/// The state of planning one query.
struct Planner<'a> {
    context: &'a Context<'a>,
    places: &'a Places,
    /// Counts the names given to columns and tables.
    next_column: usize,
    tables: BTreeMap<String, Arc<TableView>>,
    parameters: Vec<(String, DataType)>,
    /// Relations joined so far, bounded because each deepens the plan.
    relations: usize,
    /// Subqueries in expressions that are being planned, one inside the other.
    subqueries: usize,
    /// How many lambdas, one in the other, are being planned.
    lambdas: usize,
    /// How many calls that the plan says twice, one in the other, are being planned.
    doublings: usize,
    /// Nodes of the named queries' plans, counted at each use.
    named_nodes: usize,
}

/// An expression with its type.
#[derive(Clone, Debug)]
struct Typed {
    expr: Expr,
    data_type: DataType,
}

impl Typed {
    fn new(expr: Expr, data_type: DataType) -> Self {
        Self { expr, data_type }
    }

    fn literal(value: ScalarValue) -> Self {
        let data_type = value.data_type();
        Self { expr: Expr::Literal(value, None), data_type }
    }

    fn boolean(expr: Expr) -> Self {
        Self { expr, data_type: DataType::Boolean }
    }

    /// The value, when it is a literal.
    fn value(&self) -> Option<&ScalarValue> {
        match &self.expr {
            Expr::Literal(value, _) => Some(value),
            _ => None,
        }
    }

    /// The text, when it is a varchar literal.
    fn text(&self) -> Option<&str> {
        match self.value() {
            Some(ScalarValue::Utf8(Some(text))) => Some(text),
            _ => None,
        }
    }

    fn field(&self) -> FieldRef {
        Arc::new(Field::new("", self.data_type.clone(), true))
    }

    /// The same value as `target`, which the caller knows it converts to without loss of meaning.
    fn cast_to(self, target: &DataType) -> Self {
        if self.data_type == *target {
            return self;
        }
        if let Some(value) = self.value() {
            let cast = if value.is_null() { ScalarValue::try_from(target) } else { value.cast_to(target) };
            if let Ok(value) = cast {
                return Self { expr: Expr::Literal(value, None), data_type: target.clone() };
            }
        }
        let expr = match target.is_nested() {
            true => implicit(self.expr, target),
            false => Expr::Cast(Cast::new(Box::new(self.expr), target.clone())),
        };
        Self { expr, data_type: target.clone() }
    }
}

impl Planner<'_> {
    /// A column name that nothing else in this query's plan has.
    fn fresh_name(&mut self) -> String {
        self.next_column += 1;
        format!("c{}", self.next_column)
    }

    /// Refuses a construct that the guide does not have, where only the guide's language is wanted.
    fn inherited(&self, at: Location, what: Construct) -> Result<(), SqlError> {
        debug_assert_eq!(what.support, Support::Inherited, "{}", what.name);
        if self.context.documented_only { Err(undocumented(at, what.name)) } else { Ok(()) }
    }
}

/// What `--documented-only` refuses.
fn undocumented(at: Location, what: &str) -> SqlError {
    semantic(at, format!("{what} is not in the developer guide, and --documented-only is set"))
}

/// A semantic error at a place, in Presto's form.
fn semantic(at: Location, message: impl Into<String>) -> SqlError {
    SqlError::Semantic { line: at.line.max(1), column: at.column.max(1), message: message.into() }
}

/// What the language does not have, or not yet.
fn unsupported(at: Location, what: &str) -> SqlError {
    semantic(at, format!("{what} is not supported"))
}

/// An error of DataFusion or of a function, met while planning what stands at `at`.
fn planning_error(error: DataFusionError, at: Location) -> SqlError {
    match error_of(error) {
        SqlError::Invalid(message) | SqlError::Execution(message) => semantic(at, message),
        other => other,
    }
}

/// An error of DataFusion that no query should be able to cause.
fn internal(error: DataFusionError) -> SqlError {
    error_of(error)
}
