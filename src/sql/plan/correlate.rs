//! Subqueries that read columns of the query around them, rewritten to plans that read none: the subquery's plan is run
//! for all combinations of these columns' values at once, and yields each row with the combination it belongs to.
//!
//! The combinations (the domain) are joined in where the plan reads them first, however deep, and kept from there on up:
//! an aggregation groups by them as well, a window is divided by them, LIMIT counts within them. It is the way of Neumann
//! and Kemper, "Unnesting Arbitrary Queries"; the optimiser then turns the join and the filter above it into a hash join
//! wherever the two are compared for equality.

use super::{Planner, Typed, internal, query::empty_plan, unsupported};
use crate::sql::{error::SqlError, table::uncounted};
use datafusion::{
    arrow::datatypes::DataType,
    common::{
        Column, JoinType, NullEquality, ScalarValue,
        tree_node::{Transformed, TreeNode, TreeNodeRecursion},
    },
    logical_expr::{
        Aggregate, Distinct, Expr, ExprSchemable, GroupingSet, Join, Limit, LogicalPlan, LogicalPlanBuilder, Sort,
        SortExpr, Union, Unnest, Values, Window, WindowFrame, WindowFunctionDefinition,
        expr::{AggregateFunction, AggregateFunctionParams, Alias, WindowFunction},
        lit,
    },
    sql::sqlparser::tokenizer::Location,
};
use std::sync::Arc;

/// The columns of the query around that a subquery reads, and all combinations of their values.
pub(super) struct Domain {
    /// The columns, as the query around calls them.
    outer: Vec<Column>,
    /// One row for each combination, its columns in the order of `outer`.
    plan: LogicalPlan,
    /// Where the subquery stands, for messages.
    at: Location,
}

/// A plan and, in it, the columns that say which combination a row belongs to, in the order of the domain's.
pub(super) type Carried = (LogicalPlan, Vec<Column>);

/// The columns of `around` that `plan` reads as a subquery of it.
pub(super) fn outer_columns(plan: &LogicalPlan, around: &LogicalPlan) -> Vec<Column> {
    let schema = around.schema();
    let read = plan.all_out_ref_exprs().into_iter().filter_map(|expr| match expr {
        Expr::OuterReferenceColumn(_, column) if schema.has_column(&column) => Some(column),
        _ => None,
    });
    read.collect()
}

/// Whether two values are the same, nulls included, as comparisons of values that are never null: so that the engine may
/// hash them, and nothing that is joined to them later is taken for a comparison where null equals null.
pub(super) fn same(left: &Typed, right: &Typed) -> Result<Expr, SqlError> {
    let (l, r) = (left.expr.clone(), right.expr.clone());
    let filler = Expr::Literal(ScalarValue::new_default(&left.data_type).map_err(internal)?, None);
    let known = |value: Expr| {
        datafusion::logical_expr::when(value.clone().is_null(), filler.clone()).otherwise(value).map_err(internal)
    };
    Ok(l.clone().is_null().eq(r.clone().is_null()).and(known(l)?.eq(known(r)?)))
}

impl Planner<'_> {
    /// The combinations of values that `outer`, columns of `around`, take.
    pub(super) fn domain(
        &mut self,
        around: &LogicalPlan,
        outer: Vec<Column>,
        at: Location,
    ) -> Result<Domain, SqlError> {
        let mut volatile = false;
        let walked = around.apply_with_subqueries(|node| {
            volatile |= node.expressions().iter().any(Expr::is_volatile);
            Ok(TreeNodeRecursion::Continue)
        });
        walked.map_err(internal)?;
        if volatile {
            // The plan around is read twice, and would not be the same twice.
            return Err(unsupported(at, "A correlated subquery beside a relation of random values"));
        }
        let columns = outer.iter().map(|column| Expr::Column(column.clone()).alias(self.fresh_name()));
        let columns: Vec<Expr> = columns.collect();
        let plan = LogicalPlanBuilder::from(uncounted(around).map_err(internal)?)
            .project(columns)
            .and_then(LogicalPlanBuilder::distinct)
            .and_then(LogicalPlanBuilder::build)
            .map_err(internal)?;
        Ok(Domain { outer, plan, at })
    }

    /// One use of the domain, under names of its own.
    fn use_of(&mut self, domain: &Domain) -> Result<Carried, SqlError> {
        let schema = domain.plan.schema();
        let mut named = Vec::with_capacity(domain.outer.len());
        let mut keys = Vec::with_capacity(domain.outer.len());
        for (column, field) in schema.columns().into_iter().zip(schema.fields()) {
            let value = Typed::new(Expr::Column(column), field.data_type().clone());
            // The engine must not conclude from what it knows of keys here to rows that UNNEST or a join repeats.
            let value = self.internal_call("__opaque", vec![value], domain.at)?;
            let name = self.fresh_name();
            named.push(value.expr.alias(&name));
            keys.push(Column::new_unqualified(name));
        }
        let plan = LogicalPlanBuilder::from(domain.plan.clone())
            .project(named)
            .and_then(LogicalPlanBuilder::build)
            .map_err(internal)?;
        Ok((plan, keys))
    }

    /// `plan` for every combination of the domain, its references to the columns around replaced.
    pub(super) fn carry(&mut self, plan: &LogicalPlan, domain: &Domain) -> Result<Carried, SqlError> {
        if !domain.is_read_by(plan) {
            let (combinations, keys) = self.use_of(domain)?;
            let plan = LogicalPlanBuilder::from(combinations)
                .cross_join(plan.clone())
                .and_then(LogicalPlanBuilder::build)
                .map_err(internal)?;
            return Ok((plan, keys));
        }
        match plan {
            LogicalPlan::Projection(projection) => {
                let (input, keys) = self.carry(&projection.input, domain)?;
                let mut exprs = domain.replace_all(&projection.expr, &keys)?;
                exprs.extend(keys.iter().cloned().map(Expr::Column));
                built(LogicalPlanBuilder::from(input).project(exprs), keys)
            }
            LogicalPlan::Filter(filter) => {
                let (input, keys) = self.carry(&filter.input, domain)?;
                let predicate = domain.replace(filter.predicate.clone(), &keys)?;
                built(LogicalPlanBuilder::from(input).filter(predicate), keys)
            }
            LogicalPlan::Aggregate(aggregate) => self.carry_aggregate(aggregate, domain),
            LogicalPlan::Window(window) => self.carry_window(window, domain),
            LogicalPlan::Join(join) => self.carry_join(join, domain),
            LogicalPlan::Sort(sort) => {
                let (input, keys) = self.carry(&sort.input, domain)?;
                let order = domain.replace_order(&sort.expr, &keys)?;
                built(LogicalPlanBuilder::from(input).sort(order), keys)
            }
            LogicalPlan::Limit(limit) => self.carry_limit(limit, domain),
            LogicalPlan::Union(union) => self.carry_union(union, domain),
            LogicalPlan::Distinct(Distinct::All(input)) => {
                let (input, keys) = self.carry(input, domain)?;
                built(LogicalPlanBuilder::from(input).distinct(), keys)
            }
            LogicalPlan::SubqueryAlias(alias) => {
                let (input, keys) = self.carry(&alias.input, domain)?;
                let keys = keys.into_iter().map(|key| Column::new(Some(alias.alias.clone()), key.name));
                let keys = keys.collect();
                built(LogicalPlanBuilder::from(input).alias(alias.alias.clone()), keys)
            }
            LogicalPlan::Values(values) => self.carry_values(values, domain),
            LogicalPlan::Unnest(unnest) => self.carry_unnest(unnest, domain),
            _ => Err(unsupported(domain.at, "A correlated subquery of this form")),
        }
    }

    /// An aggregation groups by the combination as well. Without keys of its own it has one group even of no rows, so
    /// every combination gets a row at least, which the aggregates leave out.
    fn carry_aggregate(&mut self, aggregate: &Aggregate, domain: &Domain) -> Result<Carried, SqlError> {
        let (input, keys) = self.carry(&aggregate.input, domain)?;
        let groups = domain.replace_all(&aggregate.group_expr, &keys)?;
        let aggregates = domain.replace_all(&aggregate.aggr_expr, &keys)?;
        if !groups.is_empty() {
            let groups = grouped_also_by(groups, &keys);
            return built(LogicalPlanBuilder::from(input).aggregate(groups, aggregates), keys);
        }
        let present = self.fresh_name();
        let mut columns: Vec<Expr> = input.schema().columns().into_iter().map(Expr::Column).collect();
        columns.push(lit(true).alias(&present));
        let input =
            LogicalPlanBuilder::from(input).project(columns).and_then(LogicalPlanBuilder::build).map_err(internal)?;
        let (combinations, all) = self.use_of(domain)?;
        let condition = domain.same_keys(&all, &keys)?;
        let present = Expr::Column(Column::new_unqualified(present)).is_not_null();
        let aggregates = aggregates.into_iter().map(|aggregate| filtered(aggregate, &present));
        let aggregates = aggregates.collect::<Result<Vec<_>, _>>()?;
        let builder = LogicalPlanBuilder::from(combinations)
            .join_on(input, JoinType::Left, condition)
            .and_then(|joined| joined.aggregate(all.iter().cloned().map(Expr::Column), aggregates));
        built(builder, all)
    }

    /// Windows never reach into another combination.
    fn carry_window(&mut self, window: &Window, domain: &Domain) -> Result<Carried, SqlError> {
        let (input, keys) = self.carry(&window.input, domain)?;
        let exprs = window.window_expr.iter().map(|expr| {
            // What stands above asks for it by the name that the expression gave it.
            let name = expr.schema_name().to_string();
            let replaced = domain.replace(expr.clone(), &keys)?.transform(|node| match node {
                Expr::WindowFunction(mut function) => {
                    function.params.partition_by.extend(keys.iter().cloned().map(Expr::Column));
                    Ok(Transformed::yes(Expr::WindowFunction(function)))
                }
                other => Ok(Transformed::no(other)),
            });
            Ok(replaced.map_err(internal)?.data.unalias().alias(name))
        });
        let exprs = exprs.collect::<Result<Vec<_>, SqlError>>()?;
        built(LogicalPlanBuilder::from(input).window(exprs), keys)
    }

    /// A join within each combination. A side that knows nothing of it is left alone, where rows of it that find no
    /// partner are not kept.
    fn carry_join(&mut self, join: &Join, domain: &Domain) -> Result<Carried, SqlError> {
        let reads_left = domain.is_read_by(&join.left);
        let reads_right = domain.is_read_by(&join.right);
        let carry_left = reads_left || !reads_right || keeps_left(join.join_type);
        let carry_right = reads_right || keeps_right(join.join_type);
        let alone = |plan: &LogicalPlan| (plan.clone(), Vec::new());
        let (left, left_keys) = if carry_left { self.carry(&join.left, domain)? } else { alone(&join.left) };
        let (right, right_keys) = if carry_right { self.carry(&join.right, domain)? } else { alone(&join.right) };
        let keys = if carry_left { &left_keys } else { &right_keys };
        if join.null_aware {
            return Err(unsupported(domain.at, "A correlated subquery with NOT IN of this form"));
        }
        let mut conditions = Vec::new();
        for (l, r) in &join.on {
            let (l, r) = (domain.replace(l.clone(), keys)?, domain.replace(r.clone(), keys)?);
            conditions.push(match join.null_equality {
                NullEquality::NullEqualsNothing => l.eq(r),
                // INTERSECT and EXCEPT.
                NullEquality::NullEqualsNull => {
                    let typed = |expr: Expr, plan: &LogicalPlan| -> Result<Typed, SqlError> {
                        let data_type = expr.get_type(plan.schema()).map_err(internal)?;
                        Ok(Typed::new(expr, data_type))
                    };
                    let (l, r) = (typed(l, &left)?, typed(r, &right)?);
                    same(&l, &r)?
                }
            });
        }
        if let Some(filter) = &join.filter {
            conditions.push(domain.replace(filter.clone(), keys)?);
        }
        if carry_left && carry_right {
            conditions.extend(domain.same_keys(&left_keys, &right_keys)?);
        }
        if conditions.is_empty() {
            conditions.push(lit(true));
        }
        let joined = LogicalPlanBuilder::from(left).join_on(right, join.join_type, conditions);
        match join.join_type {
            JoinType::Full => self.merge_keys(joined.map_err(internal)?, &left_keys, &right_keys, domain),
            JoinType::Right | JoinType::RightSemi | JoinType::RightAnti => built(joined, right_keys),
            _ => built(joined, if carry_left { left_keys } else { right_keys }),
        }
    }

    /// After a FULL JOIN a row's combination is on the side that it has.
    fn merge_keys(
        &mut self,
        joined: LogicalPlanBuilder,
        left: &[Column],
        right: &[Column],
        domain: &Domain,
    ) -> Result<Carried, SqlError> {
        let plan = joined.build().map_err(internal)?;
        let mut columns: Vec<Expr> = plan.schema().columns().into_iter().map(Expr::Column).collect();
        let mut keys = Vec::with_capacity(left.len());
        for (l, r) in left.iter().zip(right) {
            let name = self.fresh_name();
            let (l, r) = (Expr::Column(l.clone()), Expr::Column(r.clone()));
            let either = datafusion::logical_expr::when(l.clone().is_not_null(), l).otherwise(r).map_err(internal)?;
            columns.push(either.alias(&name));
            keys.push(Column::new_unqualified(name));
        }
        debug_assert_eq!(keys.len(), domain.outer.len(), "a key for each column");
        built(LogicalPlanBuilder::from(plan).project(columns), keys)
    }

    /// LIMIT counts within each combination.
    fn carry_limit(&mut self, limit: &Limit, domain: &Domain) -> Result<Carried, SqlError> {
        let Some(Expr::Literal(ScalarValue::Int64(Some(count)), _)) = limit.fetch.as_deref() else {
            return Err(unsupported(domain.at, "A correlated subquery with this LIMIT"));
        };
        let (input, order): (&LogicalPlan, &[SortExpr]) = match limit.input.as_ref() {
            LogicalPlan::Sort(Sort { expr, input, .. }) => (input.as_ref(), expr),
            other => (other, &[]),
        };
        let (input, keys) = self.carry(input, domain)?;
        let columns: Vec<Expr> = input.schema().columns().into_iter().map(Expr::Column).collect();
        let Some(row_number) = self.context.registry.window("row_number") else {
            return Err(unsupported(domain.at, "A correlated subquery with LIMIT"));
        };
        let name = self.fresh_name();
        let order = domain.replace_order(order, &keys)?;
        let mut number = WindowFunction::new(WindowFunctionDefinition::WindowUDF(row_number), Vec::new());
        number.params.window_frame = WindowFrame::new((!order.is_empty()).then_some(false));
        number.params.order_by = order;
        number.params.partition_by = keys.iter().cloned().map(Expr::Column).collect();
        let number = Expr::WindowFunction(Box::new(number)).alias(&name);
        let within = Expr::Column(Column::new_unqualified(name)).lt_eq(lit(u64::try_from(*count).unwrap_or(0)));
        let builder = LogicalPlanBuilder::from(input)
            .window([number])
            .and_then(|numbered| numbered.filter(within))
            .and_then(|first| first.project(columns));
        built(builder, keys)
    }

    /// The operands of UNION line up by position, so each is brought to its own columns and then the keys.
    fn carry_union(&mut self, union: &Union, domain: &Domain) -> Result<Carried, SqlError> {
        let mut inputs = Vec::with_capacity(union.inputs.len());
        let names: Vec<String> = domain.outer.iter().map(|_| self.fresh_name()).collect();
        for input in &union.inputs {
            let columns = input.schema().columns();
            let (plan, keys) = self.carry(input, domain)?;
            let keys = keys.into_iter().zip(&names).map(|(key, name)| Expr::Column(key).alias(name));
            let plan = LogicalPlanBuilder::from(plan)
                .project(columns.into_iter().map(Expr::Column).chain(keys))
                .and_then(LogicalPlanBuilder::build)
                .map_err(internal)?;
            inputs.push(Arc::new(plan));
        }
        let plan = LogicalPlan::Union(Union::try_new_with_loose_types(inputs).map_err(internal)?);
        Ok((plan, names.into_iter().map(Column::new_unqualified).collect()))
    }

    /// VALUES whose cells read columns around: a row each.
    fn carry_values(&mut self, values: &Values, domain: &Domain) -> Result<Carried, SqlError> {
        let columns = values.schema.columns();
        let mut rows = Vec::with_capacity(values.values.len());
        for row in &values.values {
            let named = row.iter().zip(&columns).map(|(cell, column)| cell.clone().alias(&column.name));
            let row = LogicalPlanBuilder::from(empty_plan())
                .project(named)
                .and_then(LogicalPlanBuilder::build)
                .map_err(internal)?;
            rows.push(Arc::new(row));
        }
        if let [row] = &rows[..] {
            return self.carry(row, domain);
        }
        let union = Union::try_new_with_loose_types(rows).map_err(internal)?;
        self.carry_union(&union, domain)
    }

    fn carry_unnest(&mut self, unnest: &Unnest, domain: &Domain) -> Result<Carried, SqlError> {
        let (input, keys) = self.carry(&unnest.input, domain)?;
        let builder = LogicalPlanBuilder::from(input)
            .unnest_columns_with_options(unnest.exec_columns.clone(), unnest.options.clone());
        built(builder, keys)
    }
}

impl Domain {
    /// Whether a plan reads any of the columns.
    fn is_read_by(&self, plan: &LogicalPlan) -> bool {
        plan.all_out_ref_exprs().iter().any(|expr| self.index(expr).is_some())
    }

    fn index(&self, expr: &Expr) -> Option<usize> {
        let Expr::OuterReferenceColumn(_, column) = expr else { return None };
        self.outer.iter().position(|outer| outer == column)
    }

    /// The expression with the columns around replaced by the keys that carry them.
    fn replace(&self, expr: Expr, keys: &[Column]) -> Result<Expr, SqlError> {
        let replaced = expr.transform(|node| match self.index(&node).and_then(|index| keys.get(index)) {
            Some(key) => Ok(Transformed::yes(Expr::Column(key.clone()))),
            None => Ok(Transformed::no(node)),
        });
        Ok(replaced.map_err(internal)?.data)
    }

    fn replace_all(&self, exprs: &[Expr], keys: &[Column]) -> Result<Vec<Expr>, SqlError> {
        exprs.iter().map(|expr| self.replace(expr.clone(), keys)).collect()
    }

    fn replace_order(&self, order: &[SortExpr], keys: &[Column]) -> Result<Vec<SortExpr>, SqlError> {
        order.iter().map(|key| Ok(SortExpr { expr: self.replace(key.expr.clone(), keys)?, ..key.clone() })).collect()
    }

    /// The types of the columns.
    fn types(&self) -> impl Iterator<Item = &DataType> {
        self.plan.schema().fields().iter().map(|field| field.data_type())
    }

    /// Rows of one combination.
    pub(super) fn same_keys(&self, left: &[Column], right: &[Column]) -> Result<Vec<Expr>, SqlError> {
        let typed = |column: &Column, data_type: &DataType| Typed::new(Expr::Column(column.clone()), data_type.clone());
        left.iter()
            .zip(right)
            .zip(self.types())
            .map(|((left, right), data_type)| same(&typed(left, data_type), &typed(right, data_type)))
            .collect()
    }

    /// The columns, as the query around calls them.
    pub(super) fn outer(&self) -> &[Column] {
        &self.outer
    }
}

fn built(builder: datafusion::error::Result<LogicalPlanBuilder>, keys: Vec<Column>) -> Result<Carried, SqlError> {
    Ok((builder.and_then(LogicalPlanBuilder::build).map_err(internal)?, keys))
}

fn keeps_left(join_type: JoinType) -> bool {
    matches!(join_type, JoinType::Left | JoinType::Full | JoinType::LeftSemi | JoinType::LeftAnti | JoinType::LeftMark)
}

fn keeps_right(join_type: JoinType) -> bool {
    matches!(
        join_type,
        JoinType::Right | JoinType::Full | JoinType::RightSemi | JoinType::RightAnti | JoinType::RightMark
    )
}

/// GROUP BY, and by the combination in each of its sets.
fn grouped_also_by(groups: Vec<Expr>, keys: &[Column]) -> Vec<Expr> {
    let keys = || keys.iter().cloned().map(Expr::Column);
    match &groups[..] {
        [Expr::GroupingSet(GroupingSet::GroupingSets(sets))] => {
            let sets = sets.iter().map(|set| set.iter().cloned().chain(keys()).collect()).collect();
            vec![Expr::GroupingSet(GroupingSet::GroupingSets(sets))]
        }
        _ => groups.into_iter().chain(keys()).collect(),
    }
}

/// An aggregate, named or not, over the rows for which `condition` holds as well.
fn filtered(aggregate: Expr, condition: &Expr) -> Result<Expr, SqlError> {
    match aggregate {
        Expr::Alias(Alias { expr, name, .. }) => Ok(filtered(*expr, condition)?.alias(name)),
        Expr::AggregateFunction(AggregateFunction { func, params }) => {
            let filter = match params.filter {
                Some(filter) => filter.and(condition.clone()),
                None => condition.clone(),
            };
            let params = AggregateFunctionParams { filter: Some(Box::new(filter)), ..params };
            Ok(Expr::AggregateFunction(AggregateFunction { func, params }))
        }
        other => Ok(other),
    }
}
