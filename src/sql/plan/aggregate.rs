//! GROUP BY and aggregates: which plan computes them, and what may stand above it.

use super::{Planner, Typed, attach::Which, grouping::Grouping, internal, position, semantic};
use crate::sql::{error::SqlError, functions::compare::has_doubles};
use datafusion::{
    common::{
        Column,
        tree_node::{Transformed, TreeNode, TreeNodeRecursion},
    },
    logical_expr::{
        Expr, GroupingSet, LogicalPlan, LogicalPlanBuilder,
        expr::{Exists, InSubquery},
        utils::find_aggregate_exprs,
    },
    sql::sqlparser::tokenizer::Location,
};
use std::collections::{HashMap, HashSet};

/// An expression above an aggregation, with what to say when it reads what is not grouped.
pub(super) struct Above<'q> {
    pub(super) expr: Expr,
    pub(super) at: Location,
    pub(super) text: &'q dyn std::fmt::Display,
}

impl Planner<'_> {
    /// Aggregates `plan` by `keys` and lets the expressions above read the results. Without keys and aggregates the
    /// plan stays as it is.
    pub(super) fn aggregate(
        &mut self,
        plan: LogicalPlan,
        grouping: &Grouping,
        above: Vec<Above<'_>>,
        at: Location,
    ) -> Result<(LogicalPlan, Vec<Expr>), SqlError> {
        let aggregates = find_aggregate_exprs(above.iter().map(|a| &a.expr));
        let keys = grouping.keys();
        if matches!(grouping, Grouping::None) && aggregates.is_empty() {
            return Ok((plan, above.into_iter().map(|a| a.expr).collect()));
        }
        let mut results: HashMap<Expr, Column> = HashMap::new();
        let input = plan.schema().columns();
        let mut asking: Vec<Expr> = keys.iter().map(|key| key.expr.clone()).collect();
        asking.extend(aggregates.iter().cloned());
        let (plan, mut attached) = self.attach(plan, asking, Which::All, at)?;
        let attached_aggregates = attached.split_off(keys.len());
        let plan = self.compute_keys(plan, keys, &attached, &mut results)?;
        let column = |key: &Typed| Expr::Column(results[&key.expr].clone());
        let groups: Vec<Expr> = match grouping {
            Grouping::Sets(keys, sets) => {
                let sets = sets.iter().map(|set| set.iter().map(|key| column(&keys[*key])).collect());
                vec![Expr::GroupingSet(GroupingSet::GroupingSets(sets.collect()))]
            }
            _ => {
                let mut groups: Vec<Expr> = Vec::with_capacity(keys.len());
                for key in keys.iter().map(column) {
                    if !groups.contains(&key) {
                        groups.push(key);
                    }
                }
                groups
            }
        };
        let mut named = Vec::with_capacity(aggregates.len());
        for (aggregate, attached) in aggregates.into_iter().zip(attached_aggregates) {
            let name = self.fresh_name();
            let attached = grouping_of_keys(attached, &results, at)?;
            named.push(attached.alias(&name));
            results.insert(aggregate, Column::new_unqualified(name));
        }
        let plan = LogicalPlanBuilder::from(plan)
            .aggregate(groups, named)
            .and_then(LogicalPlanBuilder::build)
            .map_err(internal)?;
        let known: HashSet<Column> = plan.schema().columns().into_iter().collect();
        let exprs = above.into_iter().map(|a| read_results(a, &results, &known, &input)).collect::<Result<_, _>>()?;
        Ok((plan, exprs))
    }

    /// Computes the grouping keys that are no plain columns below the aggregation, so that it groups by columns only.
    fn compute_keys(
        &mut self,
        plan: LogicalPlan,
        keys: &[Typed],
        attached: &[Expr],
        results: &mut HashMap<Expr, Column>,
    ) -> Result<LogicalPlan, SqlError> {
        let mut computed: Vec<Expr> = plan.schema().columns().into_iter().map(Expr::Column).collect();
        let width = computed.len();
        for (key, attached) in keys.iter().zip(attached) {
            if let Expr::Column(column) = &key.expr
                && !(key.data_type.is_nested() && has_doubles(&key.data_type))
            {
                results.insert(key.expr.clone(), column.clone());
            } else if !results.contains_key(&key.expr) {
                let name = self.fresh_name();
                let value = self.same(Typed::new(attached.clone(), key.data_type.clone()), Location::empty())?;
                computed.push(value.expr.alias(&name));
                results.insert(key.expr.clone(), Column::new_unqualified(name));
            }
        }
        if computed.len() == width {
            return Ok(plan);
        }
        LogicalPlanBuilder::from(plan).project(computed).and_then(LogicalPlanBuilder::build).map_err(internal)
    }
}

/// GROUPING() tells of keys, which the aggregation knows as columns; any other aggregate stays as it is.
fn grouping_of_keys(aggregate: Expr, results: &HashMap<Expr, Column>, at: Location) -> Result<Expr, SqlError> {
    match aggregate {
        Expr::AggregateFunction(mut call) if call.func.name() == "grouping" => {
            for arg in &mut call.params.args {
                let key = results.get(arg).cloned();
                // # inferred: Presto's words
                let message = "The arguments to GROUPING() must be expressions referenced by the GROUP BY";
                *arg = Expr::Column(key.ok_or_else(|| semantic(at, message))?);
            }
            Ok(Expr::AggregateFunction(call))
        }
        other => Ok(other),
    }
}

/// Replaces what the aggregation computed by its columns; any other column of its input is out of reach.
fn read_results(
    above: Above<'_>,
    results: &HashMap<Expr, Column>,
    known: &HashSet<Column>,
    input: &[Column],
) -> Result<Expr, SqlError> {
    let mut stray = false;
    let replaced = above.expr.transform_down(|node| {
        if let Some(column) = results.get(&node) {
            return Ok(Transformed::new(Expr::Column(column.clone()), true, TreeNodeRecursion::Jump));
        }
        if let Expr::Column(column) = &node {
            stray |= !known.contains(column);
        }
        // A subquery reads the groups as well.
        if let Expr::ScalarSubquery(subquery)
        | Expr::Exists(Exists { subquery, .. })
        | Expr::InSubquery(InSubquery { subquery, .. }) = &node
        {
            stray |= subquery.subquery.all_out_ref_exprs().iter().any(|expr| match expr {
                Expr::OuterReferenceColumn(_, column) => input.contains(column) && !known.contains(column),
                _ => false,
            });
        }
        Ok(Transformed::no(node))
    });
    let expr = replaced.map_err(internal)?.data;
    if stray {
        // # inferred: Presto's words
        let message = format!(
            "'{}' must be an aggregate expression or appear in GROUP BY clause",
            position::as_written(above.text)
        );
        return Err(semantic(above.at, message));
    }
    Ok(expr)
}
