//! Subqueries that the engine cannot run where they stand, computed beside the rows that ask for them: joined to the plan
//! and read as columns.

use super::{
    Planner,
    correlate::{Domain, outer_columns},
    internal, unsupported,
};
use crate::{
    model::limits::QUERY_PLAN_NODES_MAX,
    sql::error::{SqlError, error_of},
};
use datafusion::{
    common::{
        Column, JoinType, ScalarValue,
        tree_node::{Transformed, TreeNode, TreeNodeRecursion},
    },
    logical_expr::{
        Expr, LogicalPlan, LogicalPlanBuilder,
        expr::{Exists, InSubquery},
        lit,
        utils::{conjunction, find_window_exprs, split_conjunction_owned},
    },
    sql::sqlparser::tokenizer::Location,
};
use std::collections::HashMap;

/// Which subqueries become joins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Which {
    /// All but the values that read nothing of the query around: the engine computes these once, before all else.
    NeedingJoin,
    /// All, where the engine computes none.
    All,
}

/// A plan that grows by the subqueries of the expressions above it.
struct Attachment {
    /// The plan without them: what the subqueries are asked for.
    base: LogicalPlan,
    plan: LogicalPlan,
    which: Which,
    known: HashMap<Expr, Expr>,
    at: Location,
}

/// Whether an expression has a subquery.
pub(super) fn has_subquery(expr: &Expr) -> bool {
    expr.exists(|node| {
        Ok(matches!(node, Expr::ScalarSubquery(_) | Expr::Exists(_) | Expr::InSubquery(_) | Expr::SetComparison(_)))
    })
    .unwrap_or(true)
}

/// `x [NOT] IN (subquery)` as a condition by itself, where the subquery reads nothing around it: the engine has a join
/// for that, which minds nulls.
fn is_semi_join(expr: &Expr) -> bool {
    let Expr::InSubquery(InSubquery { expr, subquery, .. }) = expr else { return false };
    !has_subquery(expr) && subquery.subquery.all_out_ref_exprs().is_empty()
}

impl Planner<'_> {
    /// Joins the subqueries of `exprs` to `plan`, and lets the expressions read their results.
    pub(super) fn attach(
        &mut self,
        plan: LogicalPlan,
        exprs: Vec<Expr>,
        which: Which,
        at: Location,
    ) -> Result<(LogicalPlan, Vec<Expr>), SqlError> {
        if !exprs.iter().any(has_subquery) {
            return Ok((plan, exprs));
        }
        let mut attachment = Attachment { base: plan.clone(), plan, which, known: HashMap::new(), at };
        let mut attached = Vec::with_capacity(exprs.len());
        for expr in exprs {
            let replaced = expr.transform_up(|node| match node {
                Expr::ScalarSubquery(_) | Expr::Exists(_) | Expr::InSubquery(_) => {
                    let column = self.attach_one(node, &mut attachment).map_err(SqlError::into_datafusion)?;
                    Ok(Transformed::yes(column))
                }
                other => Ok(Transformed::no(other)),
            });
            attached.push(replaced.map_err(error_of)?.data);
        }
        check_size(&attachment.plan)?;
        Ok((attachment.plan, attached))
    }

    /// `plan` with the rows for which `condition` holds.
    pub(super) fn filter(&mut self, plan: LogicalPlan, condition: Expr, at: Location) -> Result<LogicalPlan, SqlError> {
        // What needs no subquery comes first: fewer rows ask for one then.
        let (asking, plain): (Vec<Expr>, Vec<Expr>) =
            split_conjunction_owned(condition).into_iter().partition(has_subquery);
        let (semi_joins, asking): (Vec<Expr>, Vec<Expr>) = asking.into_iter().partition(is_semi_join);
        let keep = |plan: LogicalPlan, conditions: Vec<Expr>| match conjunction(conditions) {
            None => Ok(plan),
            Some(condition) => {
                LogicalPlanBuilder::from(plan).filter(condition).and_then(LogicalPlanBuilder::build).map_err(internal)
            }
        };
        let mut plan = keep(plan, plain)?;
        for condition in semi_joins {
            plan = keep(plan, vec![condition])?;
        }
        let (plan, asking) = self.attach(plan, asking, Which::NeedingJoin, at)?;
        keep(plan, asking)
    }

    /// A join on a condition with subqueries or without.
    pub(super) fn join_plans(
        &mut self,
        mut left: LogicalPlan,
        mut right: LogicalPlan,
        join_type: JoinType,
        condition: Expr,
        at: Location,
    ) -> Result<LogicalPlan, SqlError> {
        let (asking, mut conditions): (Vec<Expr>, Vec<Expr>) =
            split_conjunction_owned(condition).into_iter().partition(has_subquery);
        let mut above = Vec::new();
        for condition in asking {
            if join_type == JoinType::Inner {
                above.push(condition);
                continue;
            }
            // Rows without a partner stay, so the subquery has to be known before the join: on the side it reads.
            let reads = |plan: &LogicalPlan| reads_of(&condition).iter().any(|c| plan.schema().has_column(c));
            match (reads(&left), reads(&right)) {
                (true, true) => return Err(unsupported(at, "A subquery that reads both sides of an outer join")),
                (false, true) => {
                    let attached = self.attach(right, vec![condition], Which::NeedingJoin, at)?;
                    right = attached.0;
                    conditions.extend(attached.1);
                }
                _ => {
                    let attached = self.attach(left, vec![condition], Which::NeedingJoin, at)?;
                    left = attached.0;
                    conditions.extend(attached.1);
                }
            }
        }
        if conditions.is_empty() {
            conditions.push(lit(true));
        }
        let plan = LogicalPlanBuilder::from(left)
            .join_on(right, join_type, conditions)
            .and_then(LogicalPlanBuilder::build)
            .map_err(internal)?;
        match conjunction(above) {
            Some(condition) => self.filter(plan, condition, at),
            None => Ok(plan),
        }
    }

    /// Joins the subqueries of a select list; inside window functions all of them.
    pub(super) fn attach_selected(
        &mut self,
        plan: LogicalPlan,
        exprs: Vec<Expr>,
        at: Location,
    ) -> Result<(LogicalPlan, Vec<Expr>), SqlError> {
        let in_window = find_window_exprs(&exprs).iter().any(has_subquery);
        self.attach(plan, exprs, if in_window { Which::All } else { Which::NeedingJoin }, at)
    }

    fn attach_one(&mut self, node: Expr, to: &mut Attachment) -> Result<Expr, SqlError> {
        if let Some(known) = to.known.get(&node) {
            return Ok(known.clone());
        }
        let result = match &node {
            Expr::ScalarSubquery(scalar) => {
                let alone = scalar.subquery.all_out_ref_exprs().is_empty();
                if alone && to.which == Which::NeedingJoin {
                    return Ok(node);
                }
                self.attach_scalar(&scalar.subquery, to)?
            }
            Expr::Exists(Exists { subquery, negated }) => {
                let found = self.attach_exists(&subquery.subquery, to)?;
                if *negated { found.is_null() } else { found.is_not_null() }
            }
            Expr::InSubquery(InSubquery { expr, subquery, negated }) => {
                let found = self.attach_in(expr, &subquery.subquery, to)?;
                if *negated { Expr::Not(Box::new(found)) } else { found }
            }
            _ => return Ok(node),
        };
        to.known.insert(node, result.clone());
        Ok(result)
    }

    /// The subquery for all rows of the plan: with the combinations of the columns it reads, if it reads any.
    fn for_all_rows(
        &mut self,
        subquery: &LogicalPlan,
        to: &Attachment,
    ) -> Result<(LogicalPlan, Vec<Column>, Option<Domain>), SqlError> {
        check_size(&to.plan)?;
        let outer = outer_columns(subquery, &to.base);
        if outer.is_empty() {
            return Ok((subquery.clone(), Vec::new(), None));
        }
        let domain = self.domain(&to.base, outer, to.at)?;
        let (plan, keys) = self.carry(subquery, &domain)?;
        Ok((plan, keys, Some(domain)))
    }

    /// The value of a subquery that has one row at most, for each combination.
    fn attach_scalar(&mut self, subquery: &LogicalPlan, to: &mut Attachment) -> Result<Expr, SqlError> {
        let Some(value) = subquery.schema().columns().into_iter().next() else { return Ok(lit(ScalarValue::Null)) };
        let (plan, keys, domain) = self.for_all_rows(subquery, to)?;
        let name = self.fresh_name();
        let columns = keys.iter().cloned().map(Expr::Column).chain([Expr::Column(value).alias(&name)]);
        let plan =
            LogicalPlanBuilder::from(plan).project(columns).and_then(LogicalPlanBuilder::build).map_err(internal)?;
        let conditions = on_keys(&keys, domain.as_ref())?;
        join_left(to, plan, conditions)?;
        Ok(Expr::Column(Column::new_unqualified(name)))
    }

    /// A column that is not null where the subquery has rows.
    fn attach_exists(&mut self, subquery: &LogicalPlan, to: &mut Attachment) -> Result<Expr, SqlError> {
        let (plan, keys, domain) = self.for_all_rows(subquery, to)?;
        let name = self.fresh_name();
        let columns = keys.iter().cloned().map(Expr::Column).chain([lit(true).alias(&name)]);
        let plan = LogicalPlanBuilder::from(plan)
            .project(columns)
            .and_then(LogicalPlanBuilder::distinct)
            .and_then(LogicalPlanBuilder::build)
            .map_err(internal)?;
        let conditions = on_keys(&keys, domain.as_ref())?;
        join_left(to, plan, conditions)?;
        Ok(Expr::Column(Column::new_unqualified(name)))
    }

    /// `value IN (subquery)`: whether the value is among the rows, and how many rows and nulls there are.
    fn attach_in(&mut self, value: &Expr, subquery: &LogicalPlan, to: &mut Attachment) -> Result<Expr, SqlError> {
        let Some(column) = subquery.schema().columns().into_iter().next() else { return Ok(lit(false)) };
        let (plan, keys, domain) = self.for_all_rows(subquery, to)?;
        let (member, found) = (self.fresh_name(), self.fresh_name());
        let own = || keys.iter().cloned().map(Expr::Column);
        let members = LogicalPlanBuilder::from(plan.clone())
            .filter(Expr::Column(column.clone()).is_not_null())
            .and_then(|b| {
                b.project(own().chain([Expr::Column(column.clone()).alias(&member), lit(true).alias(&found)]))
            })
            .and_then(LogicalPlanBuilder::distinct)
            .and_then(LogicalPlanBuilder::build)
            .map_err(internal)?;
        let mut conditions = on_keys(&keys, domain.as_ref())?;
        conditions.push(value.clone().eq(Expr::Column(Column::new_unqualified(member))));
        join_left(to, members, conditions)?;

        let (rows, known) = (self.fresh_name(), self.fresh_name());
        // The same plan a second time, under other names for its keys.
        let renamed: Vec<(String, Column)> = keys.iter().map(|key| (self.fresh_name(), key.clone())).collect();
        let counts = LogicalPlanBuilder::from(plan)
            .aggregate(own(), [count(lit(1_i64)).alias(&rows), count(Expr::Column(column)).alias(&known)])
            .and_then(|b| {
                let keys = renamed.iter().map(|(name, key)| Expr::Column(key.clone()).alias(name));
                b.project(keys.chain([named(&rows), named(&known)]))
            })
            .and_then(LogicalPlanBuilder::build)
            .map_err(internal)?;
        let keys: Vec<Column> = renamed.into_iter().map(|(name, _)| Column::new_unqualified(name)).collect();
        let conditions = on_keys(&keys, domain.as_ref())?;
        join_left(to, counts, conditions)?;

        let unknown = || lit(ScalarValue::Boolean(None));
        datafusion::logical_expr::when(named(&found).is_not_null(), lit(true))
            .when(named(&rows).is_null().or(named(&rows).eq(lit(0_i64))), lit(false))
            .when(value.clone().is_null().or(named(&rows).not_eq(named(&known))), unknown())
            .otherwise(lit(false))
            .map_err(internal)
    }
}

/// The columns that the subqueries of an expression need, IN's value included.
fn reads_of(expr: &Expr) -> Vec<Column> {
    let mut columns = Vec::new();
    // The closure never fails, so neither does the walk.
    let _ = expr.apply(|node| {
        match node {
            Expr::ScalarSubquery(subquery) | Expr::Exists(Exists { subquery, .. }) => {
                columns.extend(outer_names(&subquery.subquery));
            }
            Expr::InSubquery(InSubquery { expr, subquery, .. }) => {
                columns.extend(outer_names(&subquery.subquery));
                columns.extend(expr.column_refs().into_iter().cloned());
            }
            _ => {}
        }
        Ok(TreeNodeRecursion::Continue)
    });
    columns
}

fn outer_names(plan: &LogicalPlan) -> impl Iterator<Item = Column> {
    plan.all_out_ref_exprs().into_iter().filter_map(|expr| match expr {
        Expr::OuterReferenceColumn(_, column) => Some(column),
        _ => None,
    })
}

fn named(name: &str) -> Expr {
    Expr::Column(Column::new_unqualified(name))
}

fn count(argument: Expr) -> Expr {
    datafusion::functions_aggregate::count::count(argument)
}

/// The keys that carry the combination against the columns around that they stand for.
fn on_keys(keys: &[Column], domain: Option<&Domain>) -> Result<Vec<Expr>, SqlError> {
    match domain {
        Some(domain) => domain.same_keys(domain.outer(), keys),
        None => Ok(Vec::new()),
    }
}

fn join_left(to: &mut Attachment, plan: LogicalPlan, mut conditions: Vec<Expr>) -> Result<(), SqlError> {
    if conditions.is_empty() {
        conditions.push(lit(true));
    }
    to.plan = LogicalPlanBuilder::from(to.plan.clone())
        .join_on(plan, JoinType::Left, conditions)
        .and_then(LogicalPlanBuilder::build)
        .map_err(internal)?;
    Ok(())
}

/// How many nodes a plan has, subqueries in its expressions included; one more than `bound` when it has more.
pub(super) fn nodes(plan: &LogicalPlan, bound: usize) -> usize {
    let mut nodes = 0_usize;
    // The closure never fails, so neither does the walk.
    let _ = plan.apply_with_subqueries(|_| {
        nodes += 1;
        Ok(if nodes > bound { TreeNodeRecursion::Stop } else { TreeNodeRecursion::Continue })
    });
    nodes
}

/// A subquery that reads columns around it repeats the plan around it, so nesting them multiplies.
fn check_size(plan: &LogicalPlan) -> Result<(), SqlError> {
    if nodes(plan, QUERY_PLAN_NODES_MAX) > QUERY_PLAN_NODES_MAX {
        return Err(SqlError::Invalid(
            "The query is too complex: its subqueries depend on each other too much.".to_owned(),
        ));
    }
    Ok(())
}
