//! Names in sight: columns of the relations in FROM, of enclosing queries, lambda parameters, named queries.

use super::{Typed, position, semantic};
use crate::sql::{error::SqlError, lex};
use datafusion::{
    arrow::datatypes::{DataType, Field, FieldRef},
    common::Column,
    logical_expr::{Expr, LogicalPlan, expr::LambdaVariable},
    sql::sqlparser::{
        ast::{self, Ident},
        tokenizer::Location,
    },
};
use std::{collections::BTreeMap, sync::Arc};

/// What [`Scope::without_aggregates`] is told for WHERE, whose subqueries become joins.
pub(super) const WHERE: &str = "WHERE clause";

/// What [`Scope::without_aggregates`] is told for the arguments of an aggregate.
pub(super) const AGGREGATE: &str = "Aggregate function argument";
/// What [`Scope::without_aggregates`] is told for the body of a lambda.
pub(super) const LAMBDA: &str = "Lambda expression";

/// An identifier's text, once it is known not to be a reserved word.
pub(super) fn name_of(ident: &Ident) -> Result<&str, SqlError> {
    // The parser takes a text for an alias, too.
    let text = ident.quote_style.is_some_and(|quote| quote != '"');
    if text || (ident.quote_style.is_none() && lex::is_reserved(&ident.value)) {
        Err(lex::syntax(ident.span.start))
    } else {
        Ok(&ident.value)
    }
}

/// What a column's relation is called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Qualifier {
    /// For a table that has no alias: its database.
    pub(super) database: Option<Arc<str>>,
    /// The alias or the table's name.
    pub(super) relation: Arc<str>,
}

/// A column of a relation.
#[derive(Clone, Debug)]
pub(super) struct ScopeColumn {
    /// What the user may call it; `None` for an unnamed expression.
    pub(super) name: Option<String>,
    /// Whether the name is an alias given in a select list.
    pub(super) aliased: bool,
    /// Its relation's name, if that has one.
    pub(super) qualifier: Option<Qualifier>,
    /// What the plan calls it.
    pub(super) column: Column,
    /// The type of its values.
    pub(super) data_type: DataType,
    /// For a column of a table: database and table.
    pub(super) origin: Option<(Arc<str>, Arc<str>)>,
    /// Seen only by its qualified name: the columns that JOIN USING merged.
    pub(super) hidden: bool,
}

/// A plan and the columns it yields.
#[derive(Clone, Debug)]
pub(super) struct Relation {
    pub(super) plan: LogicalPlan,
    pub(super) columns: Vec<ScopeColumn>,
}

/// The named queries in sight, by name.
#[derive(Clone, Debug, Default)]
pub(super) struct Ctes(pub(super) BTreeMap<String, Arc<Relation>>);

impl Ctes {
    /// By exact name, else by the only name that differs in case alone.
    pub(super) fn get(&self, name: &str) -> Option<&Arc<Relation>> {
        self.0.get(name).or_else(|| {
            let mut alike = self.0.iter().filter(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, cte)| cte);
            let found = alike.next();
            if alike.next().is_some() { None } else { found }
        })
    }
}

/// The columns in sight, inner queries first.
#[derive(Clone, Copy)]
pub(super) struct Scope<'a> {
    columns: &'a [ScopeColumn],
    /// Results of the select list, seen before the columns (in ORDER BY).
    outputs: &'a [(Option<String>, Typed)],
    /// Parameters of the lambdas around, the innermost last: the user's name, the plan's name and the type.
    lambda: &'a [(String, String, DataType)],
    parent: Option<&'a Scope<'a>>,
    /// What is being planned, when aggregates and window functions cannot stand in it.
    no_aggregates_in: Option<&'static str>,
}

/// What a dotted name begins with.
struct Found<'a> {
    column: &'a ScopeColumn,
    /// How many parts of the name it took.
    parts: usize,
}

impl<'a> Scope<'a> {
    pub(super) fn root() -> Self {
        Self { columns: &[], outputs: &[], lambda: &[], parent: None, no_aggregates_in: None }
    }

    /// A scope of `columns` inside `parent`.
    pub(super) fn inner(columns: &'a [ScopeColumn], parent: &'a Scope<'a>) -> Self {
        Self { columns, outputs: &[], lambda: &[], parent: Some(parent), no_aggregates_in: None }
    }

    /// The same, while planning `clause`, which takes no aggregates.
    pub(super) fn without_aggregates(self, clause: &'static str) -> Self {
        Self { no_aggregates_in: Some(clause), ..self }
    }

    /// Refuses an aggregate, a window function or GROUPING where it cannot stand. # inferred: Presto's words
    pub(super) fn check_aggregate(&self, what: &str, call: &ast::Function, at: Location) -> Result<(), SqlError> {
        let Some(clause) = self.no_aggregates_in else { return Ok(()) };
        let call = position::as_written(call);
        let message = match clause {
            AGGREGATE => format!("Cannot nest {what} inside aggregation: [{call}]"),
            LAMBDA => format!("{clause} cannot contain {what}: [{call}]"),
            _ => format!("{clause} cannot contain aggregations, window functions or grouping operations: [{call}]"),
        };
        Err(semantic(at, message))
    }

    /// The same, with a select list's results seen first.
    pub(super) fn with_outputs(self, outputs: &'a [(Option<String>, Typed)]) -> Self {
        Self { outputs, ..self }
    }

    /// The same, with a lambda's parameters seen first.
    pub(super) fn with_lambda(self, lambda: &'a [(String, String, DataType)]) -> Self {
        Self { lambda, ..self }
    }

    pub(super) fn lambda(&self) -> &'a [(String, String, DataType)] {
        self.lambda
    }

    pub(super) fn columns(&self) -> &'a [ScopeColumn] {
        self.columns
    }

    /// Resolves a dotted name; what follows the column's own name is left as row fields.
    pub(super) fn resolve<'p>(&self, parts: &'p [Ident]) -> Result<(Typed, &'p [Ident]), SqlError> {
        let names = parts.iter().map(name_of).collect::<Result<Vec<_>, _>>()?;
        let at = parts.first().map_or(Location::empty(), |part| part.span.start);
        if let Some((_, internal, data_type)) = pick(self.lambda.iter().rev(), names[0], |l| Some(&l.0)).first() {
            let field: FieldRef = Arc::new(Field::new(internal, data_type.clone(), true));
            let variable = LambdaVariable::new(internal.clone(), Some(field));
            return Ok((Typed::new(Expr::LambdaVariable(variable), data_type.clone()), &parts[1..]));
        }
        if names.len() == 1 && !self.outputs.is_empty() {
            let alike = pick(self.outputs.iter(), names[0], |o| o.0.as_ref());
            if let Some((_, typed)) = alike.first() {
                if alike.iter().any(|(_, other)| other.expr != typed.expr) {
                    return Err(semantic(at, format!("Column '{}' is ambiguous", names[0])));
                }
                return Ok((typed.clone(), &[]));
            }
        }
        let mut scope = Some(self);
        let mut outer = false;
        while let Some(current) = scope {
            if let Some(Found { column, parts: used }) = current.find(&names, at)? {
                let expr = if outer {
                    let field = Field::new(column.column.name(), column.data_type.clone(), true);
                    Expr::OuterReferenceColumn(Arc::new(field), column.column.clone())
                } else {
                    Expr::Column(column.column.clone())
                };
                return Ok((Typed::new(expr, column.data_type.clone()), &parts[used..]));
            }
            scope = current.parent;
            outer = true;
        }
        // # observed: `line 1:76: Column 'vehicleName' does not exist`
        Err(semantic(at, format!("Column '{}' does not exist", names.join("."))))
    }

    /// Looks a dotted name up in this scope alone, the longest qualifier first.
    fn find(&self, names: &[&str], at: Location) -> Result<Option<Found<'a>>, SqlError> {
        let ambiguous = || semantic(at, format!("Column '{}' is ambiguous", names.join(".")));
        if let [database, relation, column, ..] = names {
            let of_table = |c: &&ScopeColumn| {
                c.qualifier
                    .as_ref()
                    .is_some_and(|q| q.database.as_deref() == Some(database) && &*q.relation == *relation)
            };
            match pick(self.columns.iter().filter(of_table), column, |c| c.name.as_ref())[..] {
                [] => {}
                [found] => return Ok(Some(Found { column: found, parts: 3 })),
                _ => return Err(ambiguous()),
            }
        }
        if let [relation, column, ..] = names {
            let qualified = pick(self.columns.iter().filter(|c| c.qualifier.is_some()), relation, |c| {
                c.qualifier.as_ref().map(|q| &*q.relation)
            });
            match pick(qualified.into_iter(), column, |c| c.name.as_ref())[..] {
                [] => {}
                [found] => return Ok(Some(Found { column: found, parts: 2 })),
                _ => return Err(ambiguous()),
            }
        }
        match pick(self.columns.iter().filter(|c| !c.hidden), names[0], |c| c.name.as_ref())[..] {
            [] => Ok(None),
            [found] => Ok(Some(Found { column: found, parts: 1 })),
            _ => Err(ambiguous()),
        }
    }
}

/// The items of that exact name, else those whose name differs in case alone. # inferred: Presto ignores case, the
/// service stores names as written
fn pick<'i, T, S: AsRef<str> + ?Sized + 'i>(
    items: impl Iterator<Item = &'i T> + Clone,
    name: &str,
    name_of: impl Fn(&'i T) -> Option<&'i S>,
) -> Vec<&'i T> {
    let exact: Vec<_> = items.clone().filter(|item| name_of(item).is_some_and(|n| n.as_ref() == name)).collect();
    if !exact.is_empty() {
        return exact;
    }
    items.filter(|item| name_of(item).is_some_and(|n| n.as_ref().eq_ignore_ascii_case(name))).collect()
}
