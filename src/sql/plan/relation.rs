//! FROM: tables, named queries, derived tables, joins, UNNEST.

use super::{
    Planner, Typed,
    attach::{Which, nodes},
    construct, internal, ordinality, planning_error,
    query::{empty_plan, rename, unnamed},
    scope::{Ctes, Qualifier, Relation, Scope, ScopeColumn, name_of},
    semantic, unsupported,
};
use crate::{
    model::limits::{QUERY_NAMED_NODES_MAX, QUERY_RELATIONS_MAX},
    sql::{error::SqlError, types},
};
use datafusion::{
    arrow::datatypes::DataType,
    common::{Column, NullHandling, UnnestOptions},
    logical_expr::{Expr, JoinType, LogicalPlanBuilder, Operator, binary_expr},
    sql::sqlparser::{
        ast::{self, JoinConstraint, JoinOperator, ObjectName, ObjectNamePart, Spanned, TableFactor},
        tokenizer::Location,
    },
};
use std::sync::Arc;

/// UNNEST as written.
struct Unnest<'q> {
    arrays: Vec<&'q ast::Expr>,
    ordinality: bool,
    alias: Option<&'q ast::TableAlias>,
    at: Location,
}

impl Planner<'_> {
    /// Plans FROM; without one there is a single row of no columns.
    pub(super) fn from(
        &mut self,
        from: &[ast::TableWithJoins],
        parent: &Scope<'_>,
        ctes: &Ctes,
    ) -> Result<Relation, SqlError> {
        let mut left: Option<Relation> = None;
        for item in from {
            left = Some(self.table_with_joins(left, item, parent, ctes)?);
        }
        Ok(left.unwrap_or_else(|| Relation { plan: empty_plan(), columns: Vec::new() }))
    }

    fn table_with_joins(
        &mut self,
        left: Option<Relation>,
        item: &ast::TableWithJoins,
        parent: &Scope<'_>,
        ctes: &Ctes,
    ) -> Result<Relation, SqlError> {
        // UNNEST sees what stands to its left, so it is planned on top of it; anything else stands alone first.
        if let Some(unnest) = as_unnest(&item.relation)? {
            let mut relation = self.unnest(left, &unnest, false, parent, ctes)?;
            for join in &item.joins {
                relation = self.join(relation, join, parent, ctes)?;
            }
            return Ok(relation);
        }
        let mut relation = self.table_factor(&item.relation, parent, ctes)?;
        for join in &item.joins {
            relation = self.join(relation, join, parent, ctes)?;
        }
        match left {
            None => Ok(relation),
            Some(left) => cross_join(left, relation),
        }
    }

    fn table_factor(&mut self, factor: &TableFactor, parent: &Scope<'_>, ctes: &Ctes) -> Result<Relation, SqlError> {
        let at = factor.span().start;
        self.relations += 1;
        if self.relations > QUERY_RELATIONS_MAX {
            let message = format!("The query is too complex: it reads more than {QUERY_RELATIONS_MAX} relations.");
            return Err(SqlError::Invalid(message));
        }
        match factor {
            TableFactor::Table {
                name,
                alias,
                args: None,
                with_hints,
                version: None,
                with_ordinality: false,
                partitions,
                json_path: None,
                sample: None,
                index_hints,
            } if with_hints.is_empty() && partitions.is_empty() && index_hints.is_empty() => {
                let relation = self.named(name, ctes)?;
                aliased(relation, alias.as_ref())
            }
            TableFactor::Derived { lateral: false, subquery, alias, sample: None } => {
                let mut relation = self.query(subquery, parent, ctes)?;
                for column in &mut relation.columns {
                    column.qualifier = None;
                }
                aliased(relation, alias.as_ref())
            }
            TableFactor::NestedJoin { table_with_joins, alias } => {
                let relation = self.table_with_joins(None, table_with_joins, parent, ctes)?;
                aliased(relation, alias.as_ref())
            }
            TableFactor::Table { sample: Some(_), .. } => Err(unsupported(at, "TABLESAMPLE")),
            TableFactor::Derived { lateral: true, .. } => Err(unsupported(at, "LATERAL")),
            TableFactor::Table { name, args: Some(_), .. } => Err(unsupported(at, &format!("Table function {name}"))),
            TableFactor::MatchRecognize { .. } => Err(unsupported(at, "MATCH_RECOGNIZE")),
            _ => Err(unsupported(at, "This form of relation")),
        }
    }

    /// A named query, or a table with its database.
    fn named(&mut self, name: &ObjectName, ctes: &Ctes) -> Result<Relation, SqlError> {
        let at = name.span().start;
        let parts = name.0.iter().map(|part| match part {
            ObjectNamePart::Identifier(ident) => name_of(ident),
            ObjectNamePart::Function(_) => Err(unsupported(at, "A function as a table's name")),
        });
        let parts = parts.collect::<Result<Vec<_>, _>>()?;
        match parts[..] {
            [name] => match ctes.get(name) {
                Some(cte) => self.reference(cte, name),
                // # inferred: Presto's words for a table without its schema
                None => Err(semantic(at, "Schema must be specified when session schema is not set")),
            },
            [database, table] => self.table(database, table, at),
            _ => Err(unsupported(at, "A table name of more than two parts")),
        }
    }

    /// One use of a named query; each use has column names of its own.
    fn reference(&mut self, cte: &Arc<Relation>, name: &str) -> Result<Relation, SqlError> {
        self.named_nodes += nodes(&cte.plan, QUERY_NAMED_NODES_MAX);
        if self.named_nodes > QUERY_NAMED_NODES_MAX {
            let message = "The query is too complex: its named queries read each other too often.";
            return Err(SqlError::Invalid(message.to_owned()));
        }
        let plan_name = self.fresh_name();
        let relation = self.exact(Relation::clone(cte))?;
        let plan = LogicalPlanBuilder::from(relation.plan)
            .alias(plan_name.as_str())
            .and_then(LogicalPlanBuilder::build)
            .map_err(internal)?;
        let qualifier = Qualifier { database: None, relation: name.into() };
        let columns =
            relation.columns.into_iter().zip(plan.schema().columns()).map(|(column, plan_column)| ScopeColumn {
                qualifier: Some(qualifier.clone()),
                column: plan_column,
                aliased: false,
                origin: None,
                ..column
            });
        let columns = columns.collect();
        Ok(Relation { plan, columns })
    }

    /// The relation with a plan that yields exactly its columns.
    fn exact(&mut self, relation: Relation) -> Result<Relation, SqlError> {
        let named = relation.columns.clone();
        let plan = self.exact_columns(relation)?;
        let columns = named.into_iter().zip(plan.schema().columns());
        let columns = columns.map(|(column, plan_column)| ScopeColumn { column: plan_column, ..column }).collect();
        Ok(Relation { plan, columns })
    }

    fn table(&mut self, database: &str, table: &str, at: Location) -> Result<Relation, SqlError> {
        let snapshot = self.context.snapshot;
        // First of all: who may not read a table does not learn whether it exists.
        self.context.permission.read(database, table)?;
        if snapshot.database(database).is_none() {
            // # observed: aws-sdk-pandas#1036 and others
            let message = format!(
                "Requested database '{database}' not found for identifier '{database}.{table}' at line {}:{}",
                at.line, at.column
            );
            return Err(SqlError::Invalid(message));
        }
        let Some(view) = snapshot.table(database, table) else {
            // # observed: Athena connector issue 792
            let message = format!(
                "The table '{table}' does not exist in database '{database}' at line {}:{}",
                at.line, at.column
            );
            return Err(SqlError::Invalid(message));
        };
        let plan_name = self.fresh_name();
        let source = (self.context.source)(view);
        let plan = LogicalPlanBuilder::scan(plan_name.as_str(), source, None)
            .and_then(LogicalPlanBuilder::build)
            .map_err(internal)?;
        let (database, table): (Arc<str>, Arc<str>) = (database.into(), table.into());
        let qualifier = Qualifier { database: Some(Arc::clone(&database)), relation: Arc::clone(&table) };
        let schema = plan.schema();
        let columns = schema.columns().into_iter().zip(schema.fields()).map(|(column, field)| ScopeColumn {
            name: Some(field.name().clone()),
            aliased: false,
            qualifier: Some(qualifier.clone()),
            column,
            data_type: field.data_type().clone(),
            origin: Some((Arc::clone(&database), Arc::clone(&table))),
            hidden: false,
        });
        let columns = columns.collect();
        self.tables.insert(plan_name, Arc::clone(view));
        Ok(Relation { plan, columns })
    }

    fn join(
        &mut self,
        left: Relation,
        join: &ast::Join,
        parent: &Scope<'_>,
        ctes: &Ctes,
    ) -> Result<Relation, SqlError> {
        let at = join.relation.span().start;
        let (join_type, constraint) = match &join.join_operator {
            JoinOperator::Join(c) | JoinOperator::Inner(c) => (JoinType::Inner, c),
            JoinOperator::Left(c) | JoinOperator::LeftOuter(c) => (JoinType::Left, c),
            JoinOperator::Right(c) | JoinOperator::RightOuter(c) => (JoinType::Right, c),
            JoinOperator::FullOuter(c) => (JoinType::Full, c),
            JoinOperator::CrossJoin(JoinConstraint::None) => {
                return match as_unnest(&join.relation)? {
                    Some(unnest) => self.unnest(Some(left), &unnest, false, parent, ctes),
                    None => cross_join(left, self.table_factor(&join.relation, parent, ctes)?),
                };
            }
            _ => return Err(unsupported(at, "This kind of join")),
        };
        if let Some(unnest) = as_unnest(&join.relation)? {
            let outer = match join_type {
                JoinType::Inner => false,
                JoinType::Left => true,
                _ => return Err(unsupported(at, "RIGHT or FULL JOIN of UNNEST")),
            };
            return match constraint {
                JoinConstraint::On(ast::Expr::Value(v)) if v.value == ast::Value::Boolean(true) => {
                    self.unnest(Some(left), &unnest, outer, parent, ctes)
                }
                _ => Err(unsupported(at, "A join of UNNEST on another condition than true")),
            };
        }
        let right = self.table_factor(&join.relation, parent, ctes)?;
        match constraint {
            JoinConstraint::On(condition) => self.join_on(left, right, join_type, condition, parent, ctes),
            JoinConstraint::Using(names) => {
                let names = names.iter().map(|name| match &name.0[..] {
                    [ObjectNamePart::Identifier(ident)] => name_of(ident).map(str::to_owned),
                    _ => Err(unsupported(at, "A qualified name in USING")),
                });
                let names = names.collect::<Result<Vec<_>, _>>()?;
                self.join_using(left, right, join_type, &names, at)
            }
            JoinConstraint::Natural => Err(unsupported(at, "NATURAL JOIN")),
            JoinConstraint::None => Err(crate::sql::lex::syntax(at)),
        }
    }

    fn join_on(
        &mut self,
        left: Relation,
        right: Relation,
        join_type: JoinType,
        condition: &ast::Expr,
        parent: &Scope<'_>,
        ctes: &Ctes,
    ) -> Result<Relation, SqlError> {
        let mut columns = left.columns;
        columns.extend(right.columns);
        let scope = Scope::inner(&columns, parent).without_aggregates("JOIN clause");
        let at = self.places.of_expr(condition);
        let condition = self.condition(condition, "JOIN ON clause", &scope, ctes)?;
        let plan = self.join_plans(left.plan, right.plan, join_type, condition, at)?;
        Ok(Relation { plan, columns })
    }

    /// JOIN USING: the named columns come first and once, then the rest of both sides.
    fn join_using(
        &mut self,
        left: Relation,
        right: Relation,
        join_type: JoinType,
        names: &[String],
        at: Location,
    ) -> Result<Relation, SqlError> {
        let mut conditions = Vec::new();
        let mut merged = Vec::new();
        for name in names {
            let (l, r) = (self.using_column(&left, name, at)?, self.using_column(&right, name, at)?);
            let Some(common) = types::common_type(&[l.data_type.clone(), r.data_type.clone()]) else {
                let (l, r) = (types::type_name(&l.data_type), types::type_name(&r.data_type));
                return Err(semantic(at, format!("'=' cannot be applied to {l}, {r}")));
            };
            let side =
                |c: &ScopeColumn| Typed::new(Expr::Column(c.column.clone()), c.data_type.clone()).cast_to(&common).expr;
            let (left_expr, right_expr) = (side(&l), side(&r));
            conditions.push(binary_expr(left_expr.clone(), Operator::Eq, right_expr.clone()));
            let value = match join_type {
                JoinType::Right => right_expr,
                JoinType::Full => datafusion::logical_expr::when(left_expr.clone().is_not_null(), left_expr)
                    .otherwise(right_expr)
                    .map_err(internal)?,
                _ => left_expr,
            };
            merged.push((ScopeColumn { qualifier: None, origin: None, ..l }, Typed::new(value, common)));
        }
        let plan = LogicalPlanBuilder::from(left.plan)
            .join_on(right.plan, join_type, conditions)
            .and_then(LogicalPlanBuilder::build)
            .map_err(internal)?;
        let is_using =
            |c: &ScopeColumn| c.name.as_ref().is_some_and(|n| names.iter().any(|u| u.eq_ignore_ascii_case(n)));
        let rest = left.columns.into_iter().chain(right.columns).map(|column| {
            let typed = Typed::new(Expr::Column(column.column.clone()), column.data_type.clone());
            let hidden = column.hidden || is_using(&column);
            (ScopeColumn { hidden, ..column }, typed)
        });
        merged.extend(rest);
        self.project(plan, merged)
    }

    fn using_column(&self, relation: &Relation, name: &str, at: Location) -> Result<ScopeColumn, SqlError> {
        let visible = || relation.columns.iter().filter(|c| !c.hidden);
        let exact = visible().filter(|c| c.name.as_deref() == Some(name)).collect::<Vec<_>>();
        let found = if exact.is_empty() {
            visible().filter(|c| c.name.as_ref().is_some_and(|n| n.eq_ignore_ascii_case(name))).collect()
        } else {
            exact
        };
        match found[..] {
            [column] => Ok(column.clone()),
            [] => Err(semantic(at, format!("Column '{name}' is missing from one side of join"))),
            _ => Err(semantic(at, format!("Column '{name}' is ambiguous"))),
        }
    }

    /// UNNEST on top of `left`: one row for each element, several arrays side by side, the shorter ones filled with
    /// nulls. A time series yields `time` and `value`, an array of rows a column for each field.
    fn unnest(
        &mut self,
        left: Option<Relation>,
        unnest: &Unnest<'_>,
        outer: bool,
        parent: &Scope<'_>,
        ctes: &Ctes,
    ) -> Result<Relation, SqlError> {
        let left = left.unwrap_or_else(|| Relation { plan: empty_plan(), columns: Vec::new() });
        let left = self.forget_keys(left, unnest.at)?;
        let scope = Scope::inner(&left.columns, parent).without_aggregates("UNNEST");
        let mut kept: Vec<Expr> = left.columns.iter().map(|c| Expr::Column(c.column.clone())).collect();
        let (mut arrays, mut lists, mut elements) = (Vec::new(), Vec::new(), Vec::new());
        for array in &unnest.arrays {
            let typed = self.expr(array, &scope, ctes)?;
            let DataType::List(item) = &typed.data_type else {
                let message = format!("Cannot unnest type: {}", types::type_name(&typed.data_type));
                return Err(semantic(self.places.of_expr(array), message));
            };
            let item_type = item.data_type().clone();
            let name = self.fresh_name();
            arrays.push(typed.expr);
            elements.push((name.clone(), item_type));
            lists.push(Column::new_unqualified(name));
        }
        let (input, mut arrays) = self.attach(left.plan, arrays, Which::All, unnest.at)?;
        if unnest.ordinality {
            self.inherited(unnest.at, construct::ORDINALITY)?;
            let name = self.fresh_name();
            arrays.push(ordinality::ordinals(arrays.clone()));
            elements.push((name.clone(), DataType::Int64));
            lists.push(Column::new_unqualified(name));
        }
        kept.extend(arrays.into_iter().zip(&lists).map(|(array, list): (Expr, &Column)| array.alias(&list.name)));
        let handling = if outer { NullHandling::PreserveAndExpandEmpty } else { NullHandling::Drop };
        let plan = LogicalPlanBuilder::from(input)
            .project(kept)
            .and_then(|b| b.unnest_columns_with_options(lists, UnnestOptions::new().with_null_handling(handling)))
            .and_then(LogicalPlanBuilder::build)
            .map_err(|error| planning_error(error, unnest.at))?;
        let mut columns: Vec<(ScopeColumn, Typed)> = left
            .columns
            .into_iter()
            .map(|c| {
                let typed = Typed::new(Expr::Column(c.column.clone()), c.data_type.clone());
                (c, typed)
            })
            .collect();
        let mut unnested = Vec::new();
        for (name, item_type) in elements {
            let element = Typed::new(Expr::Column(Column::new_unqualified(name)), item_type);
            unnested.extend(self.element_columns(element, unnest.at)?);
        }
        if let Some(alias) = unnest.alias {
            let relation = name_of(&alias.name)?.to_owned();
            let qualifier = Qualifier { database: None, relation: relation.as_str().into() };
            let mut named: Vec<ScopeColumn> = unnested.iter().map(|(column, _)| column.clone()).collect();
            rename(&mut named, alias, &relation)?;
            for ((column, _), named) in unnested.iter_mut().zip(named) {
                *column = ScopeColumn { qualifier: Some(qualifier.clone()), ..named };
            }
        }
        columns.extend(unnested);
        self.project(plan, columns)
    }

    /// The relation without what the engine knows of keys that determine its other columns: UNNEST repeats rows.
    fn forget_keys(&mut self, relation: Relation, at: Location) -> Result<Relation, SqlError> {
        let keys = relation.plan.schema().functional_dependencies();
        if keys.is_empty() {
            return Ok(relation);
        }
        let sources: Vec<usize> = keys.iter().flat_map(|key| key.source_indices.clone()).collect();
        let plan_columns = relation.plan.schema().columns();
        let mut columns = Vec::with_capacity(relation.columns.len());
        for column in relation.columns {
            let value = Typed::new(Expr::Column(column.column.clone()), column.data_type.clone());
            let is_key = sources.iter().any(|source| plan_columns.get(*source) == Some(&column.column));
            let value = if is_key { self.internal_call("__opaque", vec![value], at)? } else { value };
            columns.push((column, value));
        }
        self.project(relation.plan, columns)
    }

    fn element_columns(&mut self, element: Typed, at: Location) -> Result<Vec<(ScopeColumn, Typed)>, SqlError> {
        let DataType::Struct(fields) = element.data_type.clone() else {
            let column = unnamed(Column::new_unqualified(""), element.data_type.clone());
            return Ok(vec![(column, element)]);
        };
        let mut columns = Vec::with_capacity(fields.len());
        for (i, field) in fields.iter().enumerate() {
            let value = self.row_field(element.clone(), i, at)?;
            let mut column = unnamed(Column::new_unqualified(""), field.data_type().clone());
            column.name = types::field_name(field).map(str::to_owned);
            columns.push((column, value));
        }
        Ok(columns)
    }
}

/// UNNEST, however the parser read it.
fn as_unnest(factor: &TableFactor) -> Result<Option<Unnest<'_>>, SqlError> {
    let at = factor.span().start;
    let (arrays, alias, ordinality) = match factor {
        TableFactor::UNNEST { alias, array_exprs, with_offset: false, with_offset_alias: None, with_ordinality } => {
            (array_exprs.iter().collect(), alias, *with_ordinality)
        }
        TableFactor::Table { name, alias, args: Some(args), with_ordinality, .. }
            if name.to_string().eq_ignore_ascii_case("unnest") =>
        {
            let arrays = args.args.iter().map(|arg| match arg {
                ast::FunctionArg::Unnamed(ast::FunctionArgExpr::Expr(expr)) => Ok(expr),
                _ => Err(unsupported(at, "This argument of UNNEST")),
            });
            (arrays.collect::<Result<Vec<_>, _>>()?, alias, *with_ordinality)
        }
        TableFactor::UNNEST { .. } => return Err(unsupported(at, "WITH OFFSET")),
        _ => return Ok(None),
    };
    Ok(Some(Unnest { arrays, ordinality, alias: alias.as_ref(), at }))
}

fn aliased(mut relation: Relation, alias: Option<&ast::TableAlias>) -> Result<Relation, SqlError> {
    let Some(alias) = alias else { return Ok(relation) };
    let name = name_of(&alias.name)?.to_owned();
    rename(&mut relation.columns, alias, &name)?;
    let qualifier = Qualifier { database: None, relation: name.into() };
    for column in &mut relation.columns {
        column.qualifier = Some(qualifier.clone());
    }
    Ok(relation)
}

fn cross_join(left: Relation, right: Relation) -> Result<Relation, SqlError> {
    let plan = LogicalPlanBuilder::from(left.plan)
        .cross_join(right.plan)
        .and_then(LogicalPlanBuilder::build)
        .map_err(internal)?;
    let mut columns = left.columns;
    columns.extend(right.columns);
    Ok(Relation { plan, columns })
}
