//! WITH, set operations, VALUES, and the ORDER BY and LIMIT that close a query.

use super::{
    Planner, Typed,
    attach::Which,
    construct, internal, planning_error, position,
    scope::{Ctes, Relation, Scope, ScopeColumn, name_of},
    semantic, unsupported,
};
use crate::sql::{
    error::SqlError,
    functions::compare::{has_doubles, is_orderable},
    types,
};
use datafusion::{
    arrow::datatypes::DataType,
    common::{Column, ScalarValue},
    logical_expr::{
        Distinct, Expr, LogicalPlan, LogicalPlanBuilder, SortExpr, Union, WindowFunctionDefinition,
        expr::WindowFunction,
    },
    sql::sqlparser::{
        ast::{self, LimitClause, OrderByKind, Query, SetExpr, SetOperator, SetQuantifier, Spanned},
        tokenizer::Location,
    },
};
use std::sync::Arc;

/// The ORDER BY and LIMIT of a query.
pub(super) struct Tail<'q> {
    pub(super) order_by: &'q [ast::OrderByExpr],
    pub(super) limit: Option<usize>,
}

impl Planner<'_> {
    /// Plans a query inside `scope`.
    pub(super) fn query(&mut self, query: &Query, scope: &Scope<'_>, ctes: &Ctes) -> Result<Relation, SqlError> {
        let Query {
            with,
            body,
            order_by,
            limit_clause,
            fetch,
            locks,
            for_clause,
            settings,
            format_clause,
            pipe_operators,
        } = query;
        let at = position::of_query(query);
        let foreign = fetch.is_some()
            || !locks.is_empty()
            || for_clause.is_some()
            || settings.is_some()
            || format_clause.is_some()
            || !pipe_operators.is_empty();
        if foreign {
            return Err(unsupported(at, "A clause after the query (FETCH, FOR, SETTINGS, FORMAT)"));
        }
        let mut ctes = ctes.clone();
        if let Some(with) = with {
            self.with(with, scope, &mut ctes)?;
        }
        let tail = Tail { order_by: order_terms(order_by.as_ref(), at)?, limit: limit_of(limit_clause.as_ref(), at)? };
        match body.as_ref() {
            SetExpr::Select(select) => self.select(select, &tail, scope, &ctes),
            other => {
                let relation = self.set_expr(other, scope, &ctes)?;
                self.order_and_limit(relation, &tail, scope, &ctes)
            }
        }
    }

    fn with(&mut self, with: &ast::With, scope: &Scope<'_>, ctes: &mut Ctes) -> Result<(), SqlError> {
        if with.recursive {
            self.inherited(with.with_token.0.span.start, construct::RECURSIVE)?;
        }
        let mut names: Vec<String> = Vec::new();
        for cte in &with.cte_tables {
            let at = cte.alias.name.span.start;
            if cte.from.is_some() || cte.materialized.is_some() {
                return Err(unsupported(at, "FROM or MATERIALIZED in WITH"));
            }
            let name = name_of(&cte.alias.name)?.to_owned();
            if names.iter().any(|known| known.eq_ignore_ascii_case(&name)) {
                // # inferred: Presto's words
                return Err(semantic(at, format!("WITH query name '{name}' specified more than once")));
            }
            names.push(name.clone());
            let recursive = if with.recursive { self.recursive(cte, scope, ctes)? } else { None };
            let relation = match recursive {
                Some(relation) => relation,
                None => {
                    let mut relation = self.query(&cte.query, scope, ctes)?;
                    rename(&mut relation.columns, &cte.alias, &name)?;
                    relation
                }
            };
            ctes.0.insert(name, Arc::new(relation));
        }
        Ok(())
    }

    pub(super) fn set_expr(&mut self, body: &SetExpr, scope: &Scope<'_>, ctes: &Ctes) -> Result<Relation, SqlError> {
        match body {
            SetExpr::Select(select) => self.select(select, &Tail { order_by: &[], limit: None }, scope, ctes),
            SetExpr::Query(query) => self.query(query, scope, ctes),
            SetExpr::Values(values) => self.values(values, scope, ctes),
            SetExpr::SetOperation { op, set_quantifier, .. } => {
                let operands = operands(body, *op, *set_quantifier);
                self.set_operation(*op, *set_quantifier, &operands, scope, ctes)
            }
            other => Err(unsupported(other.span().start, "This statement inside a query")),
        }
    }

    fn set_operation(
        &mut self,
        op: SetOperator,
        quantifier: SetQuantifier,
        operands: &[&SetExpr],
        scope: &Scope<'_>,
        ctes: &Ctes,
    ) -> Result<Relation, SqlError> {
        let at = operands.first().map_or(Location::empty(), |o| o.span().start);
        let all = match quantifier {
            SetQuantifier::All => true,
            SetQuantifier::None | SetQuantifier::Distinct => false,
            _ => return Err(unsupported(at, "BY NAME")),
        };
        let relations =
            operands.iter().map(|operand| self.set_expr(operand, scope, ctes)).collect::<Result<Vec<_>, _>>()?;
        let places: Vec<Location> = operands.iter().map(|o| self.places.of_set_operator(o).unwrap_or(at)).collect();
        let relations = self.same_types(relations, op, &places)?;
        let names = relations[0].columns.clone();
        let plans = relations.into_iter().map(|r| r.plan);
        let plan = match (op, all) {
            (SetOperator::Union, _) => {
                let inputs = plans.map(Arc::new).collect();
                let union = LogicalPlan::Union(Union::try_new_with_loose_types(inputs).map_err(internal)?);
                if all { union } else { LogicalPlan::Distinct(Distinct::All(Arc::new(union))) }
            }
            (SetOperator::Intersect | SetOperator::Except, _) => {
                let combine = match op {
                    SetOperator::Intersect => LogicalPlanBuilder::intersect,
                    _ => LogicalPlanBuilder::except,
                };
                let mut operands = Vec::new();
                for plan in plans {
                    operands.push(if all { self.numbered_repeats(plan, at)? } else { plan });
                }
                operands
                    .into_iter()
                    .map(Ok)
                    .reduce(|l, r| combine(l?, r?, false))
                    .unwrap_or_else(|| Ok(empty_plan()))
                    .map_err(internal)?
            }
            _ => return Err(unsupported(at, &op.to_string())),
        };
        Ok(relation_of(plan, &names))
    }

    /// The plan with a number more: a row's first occurrence is 1, its second 2, and so on. So numbered, rows are all
    /// different, and the set operations of distinct rows are those of ALL.
    fn numbered_repeats(&mut self, plan: LogicalPlan, at: Location) -> Result<LogicalPlan, SqlError> {
        let Some(row_number) = self.context.registry.window("row_number") else {
            return Err(unsupported(at, "ALL in this set operation"));
        };
        let mut number = WindowFunction::new(WindowFunctionDefinition::WindowUDF(row_number), Vec::new());
        number.params.partition_by = plan.schema().columns().into_iter().map(Expr::Column).collect();
        let number = Expr::WindowFunction(Box::new(number)).alias(self.fresh_name());
        LogicalPlanBuilder::from(plan).window([number]).and_then(LogicalPlanBuilder::build).map_err(internal)
    }

    /// Brings the columns of all operands to common types, under names of their own; `places` are those of the operators
    /// before the operands.
    fn same_types(
        &mut self,
        relations: Vec<Relation>,
        op: SetOperator,
        places: &[Location],
    ) -> Result<Vec<Relation>, SqlError> {
        let types = |relation: &Relation| relation.columns.iter().map(|c| c.data_type.clone()).collect::<Vec<_>>();
        let mut targets = types(&relations[0]);
        let width = targets.len();
        for (relation, at) in relations.iter().zip(places).skip(1) {
            // # presto: its words
            if relation.columns.len() != width {
                let other = relation.columns.len();
                return Err(semantic(*at, format!("{op} query has different number of fields: {width}, {other}")));
            }
            for (i, (target, other)) in targets.iter_mut().zip(types(relation)).enumerate() {
                *target = types::common_type(&[target.clone(), other.clone()]).ok_or_else(|| {
                    let (first, other) = (types::type_name(target), types::type_name(&other));
                    semantic(*at, format!("column {} in {op} query has incompatible types: {first}, {other}", i + 1))
                })?;
            }
        }
        relations
            .into_iter()
            .map(|relation| {
                let columns = relation.columns.iter().zip(&targets).map(|(column, target)| {
                    let typed = Typed::new(Expr::Column(column.column.clone()), column.data_type.clone());
                    (column.clone(), typed.cast_to(target))
                });
                let columns = columns.collect();
                self.project(relation.plan, columns)
            })
            .collect()
    }

    /// A relation of exactly these expressions, each under a fresh name.
    pub(super) fn project(
        &mut self,
        plan: LogicalPlan,
        columns: Vec<(ScopeColumn, Typed)>,
    ) -> Result<Relation, SqlError> {
        let mut exprs = Vec::with_capacity(columns.len());
        let mut named = Vec::with_capacity(columns.len());
        for (column, typed) in columns {
            let name = self.fresh_name();
            exprs.push(typed.expr.alias(&name));
            named.push(ScopeColumn { column: Column::new_unqualified(name), data_type: typed.data_type, ..column });
        }
        let plan =
            LogicalPlanBuilder::from(plan).project(exprs).and_then(LogicalPlanBuilder::build).map_err(internal)?;
        Ok(Relation { plan, columns: named })
    }

    /// The plan of a relation, yielding exactly its columns in order.
    pub(super) fn exact_columns(&mut self, relation: Relation) -> Result<LogicalPlan, SqlError> {
        let schema = relation.plan.schema();
        let exact = schema.fields().len() == relation.columns.len()
            && schema.columns().iter().zip(&relation.columns).all(|(have, want)| *have == want.column);
        if exact {
            return Ok(relation.plan);
        }
        let columns = relation.columns.into_iter().map(|c| {
            let typed = Typed::new(Expr::Column(c.column.clone()), c.data_type.clone());
            (c, typed)
        });
        let columns = columns.collect();
        Ok(self.project(relation.plan, columns)?.plan)
    }

    fn values(&mut self, values: &ast::Values, scope: &Scope<'_>, ctes: &Ctes) -> Result<Relation, SqlError> {
        let at = self.places.of_values(values);
        let scope = scope.without_aggregates("VALUES");
        let mut rows = Vec::with_capacity(values.rows.len());
        for row in &values.rows {
            let items = row_items(&row.content);
            rows.push(items.iter().map(|item| self.expr(item, &scope, ctes)).collect::<Result<Vec<_>, _>>()?);
        }
        let columns = column_types(&rows).map_err(|message| semantic(at, message))?;
        let rows = rows.into_iter().map(|row| {
            row.into_iter().zip(&columns).map(|(cell, target)| cell.cast_to(target).expr).collect::<Vec<_>>()
        });
        let plan = LogicalPlanBuilder::values(rows.collect())
            .and_then(LogicalPlanBuilder::build)
            .map_err(|error| planning_error(error, at))?;
        let named = plan.schema().columns().into_iter().zip(columns).map(|(column, data_type)| {
            let typed = Typed::new(Expr::Column(column.clone()), data_type.clone());
            (unnamed(column, data_type), typed)
        });
        let named = named.collect();
        self.project(plan, named)
    }

    fn order_and_limit(
        &mut self,
        relation: Relation,
        tail: &Tail<'_>,
        parent: &Scope<'_>,
        ctes: &Ctes,
    ) -> Result<Relation, SqlError> {
        let mut plan = relation.plan;
        if !tail.order_by.is_empty() {
            let scope = Scope::inner(&relation.columns, parent).without_aggregates("ORDER BY clause");
            let mut keys = Vec::new();
            for term in tail.order_by {
                let typed = match ordinal(&term.expr, relation.columns.len())? {
                    Some(i) => {
                        let column = &relation.columns[i];
                        Typed::new(Expr::Column(column.column.clone()), column.data_type.clone())
                    }
                    None => self.expr(&term.expr, &scope, ctes)?,
                };
                keys.push(typed);
            }
            let types: Vec<DataType> = keys.iter().map(|key| key.data_type.clone()).collect();
            let keys = keys.into_iter().map(|key| key.expr).collect();
            let at = self.places.of_expr(&tail.order_by[0].expr);
            let (attached, keys) = self.attach(plan, keys, Which::NeedingJoin, at)?;
            let keys = keys.into_iter().zip(types).map(|(key, data_type)| Typed::new(key, data_type));
            let keys = keys.zip(tail.order_by).map(|(key, term)| self.sort_key(key, term));
            let keys = keys.collect::<Result<Vec<_>, _>>()?;
            plan =
                LogicalPlanBuilder::from(attached).sort(keys).and_then(LogicalPlanBuilder::build).map_err(internal)?;
        }
        let mut builder = LogicalPlanBuilder::from(plan);
        if tail.limit.is_some() {
            builder = builder.limit(0, tail.limit).map_err(internal)?;
        }
        Ok(Relation { plan: builder.build().map_err(internal)?, columns: relation.columns })
    }
}

/// The operands of a chain of one and the same set operation. UNION associates, so its chain, however long, becomes one
/// node; the others are taken two by two.
fn operands(body: &SetExpr, op: SetOperator, quantifier: SetQuantifier) -> Vec<&SetExpr> {
    let mut reversed = Vec::new();
    let mut rest = body;
    while let SetExpr::SetOperation { left, op: o, set_quantifier: q, right } = rest {
        if *o != op || *q != quantifier {
            break;
        }
        reversed.push(right.as_ref());
        rest = left;
        if op != SetOperator::Union {
            break;
        }
    }
    reversed.push(rest);
    reversed.reverse();
    reversed
}

/// The cells of a row: `((a, b))` and `ROW(a, b)` are rows of two. # guide: the doubly parenthesised form
fn row_items(content: &[ast::Expr]) -> &[ast::Expr] {
    match content {
        [ast::Expr::Tuple(items)] => items,
        [ast::Expr::Nested(inner)] => row_items(std::slice::from_ref(inner)),
        other => other,
    }
}

/// The types of the columns of VALUES; else what is wrong with the rows. # presto: its words
fn column_types(rows: &[Vec<Typed>]) -> Result<Vec<DataType>, String> {
    let types = |row: &[Typed]| row.iter().map(|cell| cell.data_type.clone()).collect::<Vec<_>>();
    let first = rows.first().map(|row| types(row)).unwrap_or_default();
    let mut columns = first.clone();
    for row in rows {
        let row = types(row);
        let pairs = columns.iter().zip(&row).map(|(column, cell)| types::common_type(&[column.clone(), cell.clone()]));
        columns = match pairs.collect::<Option<Vec<_>>>() {
            Some(common) if row.len() == columns.len() => common,
            _ => {
                let [first, row] = [first, row].map(|types| types::type_names(&types));
                return Err(format!("Values rows have mismatched types: [{first}] vs [{row}]"));
            }
        };
    }
    Ok(columns)
}

/// A plan's columns under the names of `like`.
fn relation_of(plan: LogicalPlan, like: &[ScopeColumn]) -> Relation {
    let columns = plan.schema().columns().into_iter().zip(plan.schema().fields().iter()).zip(like).map(
        |((column, field), like)| ScopeColumn {
            column,
            data_type: field.data_type().clone(),
            qualifier: None,
            origin: None,
            ..like.clone()
        },
    );
    let columns = columns.collect();
    Relation { plan, columns }
}

/// A column without a name.
pub(super) fn unnamed(column: Column, data_type: DataType) -> ScopeColumn {
    ScopeColumn { name: None, aliased: false, qualifier: None, column, data_type, origin: None, hidden: false }
}

/// A plan of one row without columns.
pub(super) fn empty_plan() -> LogicalPlan {
    LogicalPlanBuilder::empty(true).build().unwrap_or_else(|_| LogicalPlan::default())
}

/// Gives a relation's columns the names of an alias list, if there is one.
pub(super) fn rename(columns: &mut [ScopeColumn], alias: &ast::TableAlias, relation: &str) -> Result<(), SqlError> {
    let at = alias.name.span.start;
    if alias.at.is_some() || alias.columns.iter().any(|c| c.data_type.is_some()) {
        return Err(unsupported(at, "A type in a column alias list"));
    }
    let visible = columns.iter().filter(|c| !c.hidden).count();
    if !alias.columns.is_empty() && alias.columns.len() != visible {
        let message = format!(
            "Column alias list has {} entries but '{relation}' has {visible} columns available",
            alias.columns.len()
        );
        return Err(semantic(at, message));
    }
    for (column, name) in columns.iter_mut().filter(|c| !c.hidden).zip(&alias.columns) {
        column.name = Some(name_of(&name.name)?.to_owned());
        column.aliased = true;
        column.origin = None;
    }
    Ok(())
}

fn order_terms(order_by: Option<&ast::OrderBy>, at: Location) -> Result<&[ast::OrderByExpr], SqlError> {
    match order_by {
        None => Ok(&[]),
        Some(ast::OrderBy { kind: OrderByKind::Expressions(terms), interpolate: None }) => {
            if terms.iter().any(|t| t.with_fill.is_some()) {
                return Err(unsupported(at, "WITH FILL"));
            }
            Ok(terms)
        }
        Some(_) => Err(unsupported(at, "ORDER BY ALL")),
    }
}

fn limit_of(clause: Option<&LimitClause>, at: Location) -> Result<Option<usize>, SqlError> {
    match clause {
        None => Ok(None),
        Some(LimitClause::LimitOffset { limit, offset: None, limit_by }) if limit_by.is_empty() => match limit {
            None => Ok(None),
            Some(ast::Expr::Value(value)) => match &value.value {
                ast::Value::Number(digits, false) => match digits.parse() {
                    Ok(count) => Ok(Some(count)),
                    Err(_) => Err(semantic(value.span.start, format!("Invalid limit: {digits}"))),
                },
                _ => Err(crate::sql::lex::syntax(value.span.start)),
            },
            Some(other) => Err(crate::sql::lex::syntax(position::first_kept(other))),
        },
        // # inferred: the grammar of the guide has no OFFSET; pages come by NextToken
        Some(_) => Err(unsupported(at, "OFFSET")),
    }
}

/// The zero-based output that an ordinal (`ORDER BY 2`) names.
pub(super) fn ordinal(expr: &ast::Expr, outputs: usize) -> Result<Option<usize>, SqlError> {
    let ast::Expr::Value(value) = expr else { return Ok(None) };
    let ast::Value::Number(digits, _) = &value.value else { return Ok(None) };
    match digits.parse::<usize>() {
        Ok(n) if (1..=outputs).contains(&n) => Ok(Some(n - 1)),
        _ => Err(semantic(value.span.start, format!("ORDER BY position {digits} is not in select list"))),
    }
}

impl Planner<'_> {
    /// A sort key; nulls come last in both directions unless said otherwise. # observed: the JDBC driver's
    /// nullsAreSortedAtEnd
    pub(super) fn sort_key(&mut self, key: Typed, term: &ast::OrderByExpr) -> Result<SortExpr, SqlError> {
        let at = self.places.of_expr(&term.expr);
        if !is_orderable(&key.data_type) {
            // # trino: its words
            let (name, text) = (types::type_name(&key.data_type), position::as_written(&term.expr));
            let message = format!("Type {name} is not orderable, and therefore cannot be used in ORDER BY: {text}");
            return Err(semantic(at, message));
        }
        let asc = term.options.asc.unwrap_or(true);
        let nulls_first = term.options.nulls_first.unwrap_or(false);
        // A constant key orders nothing; as a bare literal it would be taken for a position further down.
        let expr = match key.expr {
            Expr::Literal(ScalarValue::Int32(_) | ScalarValue::Int64(_), _) => {
                Expr::Literal(ScalarValue::Boolean(Some(true)), None)
            }
            expr => self.same(Typed::new(expr, key.data_type), at)?.expr,
        };
        Ok(SortExpr::new(expr, asc, nulls_first))
    }

    /// What the engine may compare by its bits in place of a value: -0.0 and 0.0 are one, and so are all NaN.
    pub(super) fn same(&mut self, value: Typed, at: Location) -> Result<Typed, SqlError> {
        match has_doubles(&value.data_type) {
            true => self.internal_call("__same", vec![value], at),
            false => Ok(value),
        }
    }
}
