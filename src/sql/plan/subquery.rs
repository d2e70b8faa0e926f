//! Queries inside expressions: scalar, EXISTS, IN, ALL / ANY / SOME; they may read the columns of the query around.

use super::{
    Planner, Typed, internal, operator, planning_error,
    scope::{Ctes, Scope},
    semantic,
    single::single,
    unsupported,
};
use crate::{
    model::limits::QUERY_SUBQUERY_NESTING_MAX,
    sql::{error::SqlError, types},
};
use datafusion::{
    arrow::datatypes::DataType,
    common::{Column, ScalarValue, Spans},
    logical_expr::{
        Expr, LogicalPlan, LogicalPlanBuilder, Operator, Subquery,
        expr::{Exists, InSubquery},
    },
    sql::sqlparser::{
        ast::{self, BinaryOperator},
        tokenizer::Location,
    },
};
use std::sync::Arc;

impl Planner<'_> {
    /// A subquery's plan and the types of its columns.
    fn subquery(
        &mut self,
        query: &ast::Query,
        scope: &Scope<'_>,
        ctes: &Ctes,
        at: Location,
    ) -> Result<(LogicalPlan, Vec<DataType>), SqlError> {
        if !scope.lambda().is_empty() {
            // # inferred: Presto's words
            return Err(semantic(at, "Lambda expression cannot contain subqueries"));
        }
        self.subqueries += 1;
        if self.subqueries > QUERY_SUBQUERY_NESTING_MAX {
            return Err(SqlError::Invalid(format!(
                "The query is too complex: its subqueries nest more than {QUERY_SUBQUERY_NESTING_MAX} levels deep."
            )));
        }
        let relation = self.query(query, scope, ctes)?;
        self.subqueries -= 1;
        let types = relation.columns.iter().map(|c| c.data_type.clone()).collect();
        Ok((self.exact_columns(relation)?, types))
    }

    fn single_column(
        &mut self,
        query: &ast::Query,
        scope: &Scope<'_>,
        ctes: &Ctes,
        at: Location,
    ) -> Result<(LogicalPlan, DataType), SqlError> {
        let (plan, mut types) = self.subquery(query, scope, ctes, at)?;
        let found = types.len();
        match types.pop() {
            Some(data_type) if found == 1 => Ok((plan, data_type)),
            // # presto: its words
            _ => {
                let message = format!("Multiple columns returned by subquery are not yet supported. Found {found}");
                Err(semantic(at, message))
            }
        }
    }

    /// `(SELECT …)` as a value: null without rows, an error with more than one.
    pub(super) fn scalar_subquery(
        &mut self,
        query: &ast::Query,
        scope: &Scope<'_>,
        ctes: &Ctes,
        at: Location,
    ) -> Result<Typed, SqlError> {
        let (plan, data_type) = self.single_column(query, scope, ctes, at)?;
        let plan = if one_row_at_most(&plan) { plan } else { self.single_row(plan, at)? };
        Ok(Typed::new(Expr::ScalarSubquery(subquery_of(plan)), data_type))
    }

    /// The only row of a plan of one column; a second row is an error when it runs.
    fn single_row(&mut self, plan: LogicalPlan, at: Location) -> Result<LogicalPlan, SqlError> {
        let Some(column) = plan.schema().columns().into_iter().next() else {
            return Err(unsupported(at, "A subquery"));
        };
        let value = single().call(vec![Expr::Column(column)]).alias(self.fresh_name());
        LogicalPlanBuilder::from(plan)
            .aggregate(Vec::<Expr>::new(), [value])
            .and_then(LogicalPlanBuilder::build)
            .map_err(internal)
    }

    /// EXISTS. Without references to the query around it is a count, which may stand anywhere.
    pub(super) fn exists(
        &mut self,
        query: &ast::Query,
        negated: bool,
        scope: &Scope<'_>,
        ctes: &Ctes,
        at: Location,
    ) -> Result<Typed, SqlError> {
        let (plan, _) = self.subquery(query, scope, ctes, at)?;
        if !plan.all_out_ref_exprs().is_empty() {
            return Ok(Typed::boolean(Expr::Exists(Exists { subquery: subquery_of(plan), negated })));
        }
        let limited =
            LogicalPlanBuilder::from(plan).limit(0, Some(1)).and_then(LogicalPlanBuilder::build).map_err(internal)?;
        let count = self.summary(limited, "count", Typed::literal(ScalarValue::Int64(Some(1))), at)?;
        let zero = Typed::literal(ScalarValue::Int64(Some(0)));
        self.compare(count, if negated { Operator::Eq } else { Operator::Gt }, zero, at)
    }

    /// `x IN (SELECT …)`; `what` is how messages call it.
    pub(super) fn in_subquery(
        &mut self,
        (expr, query, negated): (&ast::Expr, &ast::Query, bool),
        what: &str,
        scope: &Scope<'_>,
        ctes: &Ctes,
        at: Location,
    ) -> Result<Typed, SqlError> {
        let value = self.expr(expr, scope, ctes)?;
        let (plan, data_type) = self.single_column(query, scope, ctes, at)?;
        let Some(common) = types::common_type(&[value.data_type.clone(), data_type.clone()]) else {
            return Err(semantic(at, mismatch(what, &value.data_type, &data_type)));
        };
        let plan = self.cast_single(plan, data_type, &common)?;
        let value = value.cast_to(&common);
        Ok(Typed::boolean(Expr::InSubquery(InSubquery::new(Box::new(value.expr), subquery_of(plan), negated))))
    }

    fn cast_single(&mut self, plan: LogicalPlan, from: DataType, to: &DataType) -> Result<LogicalPlan, SqlError> {
        let Some(column) = plan.schema().columns().into_iter().next() else { return Ok(plan) };
        let name = self.fresh_name();
        let cast = Typed::new(Expr::Column(column), from).cast_to(to).expr.alias(name);
        LogicalPlanBuilder::from(plan).project([cast]).and_then(LogicalPlanBuilder::build).map_err(internal)
    }

    /// `x < ALL (SELECT …)`, `x = ANY (VALUES …)`: comparisons with the least and the greatest value, minding nulls.
    pub(super) fn quantified(
        &mut self,
        (left, op, right): (&ast::Expr, &BinaryOperator, &ast::Expr),
        all: bool,
        scope: &Scope<'_>,
        ctes: &Ctes,
        at: Location,
    ) -> Result<Typed, SqlError> {
        let ast::Expr::Subquery(query) = right else { return Err(unsupported(at, "ALL, ANY or SOME of no subquery")) };
        match (op, all) {
            (BinaryOperator::Eq, false) => {
                return self.in_subquery((left, query, false), QUANTIFIED, scope, ctes, at);
            }
            (BinaryOperator::NotEq, true) => return self.in_subquery((left, query, true), QUANTIFIED, scope, ctes, at),
            _ => {}
        }
        let op = operator::comparison_of(op).ok_or_else(|| unsupported(at, &format!("Operator {op}")))?;
        let value = self.expr(left, scope, ctes)?;
        let (plan, data_type) = self.single_column(query, scope, ctes, at)?;
        if types::common_type(&[value.data_type.clone(), data_type.clone()]).is_none() {
            return Err(semantic(at, mismatch(QUANTIFIED, &value.data_type, &data_type)));
        }
        let [least, greatest, known, rows] = self.summary_of_all(plan, data_type, at)?;
        // The bound that decides: `x < ALL` asks for the least, `x < ANY` for the greatest; equality needs both.
        let decided = match (op, all) {
            (Operator::Lt | Operator::LtEq, true) | (Operator::Gt | Operator::GtEq, false) => {
                self.compare(value, op, least, at)?
            }
            (Operator::Lt | Operator::LtEq, false) | (Operator::Gt | Operator::GtEq, true) => {
                self.compare(value, op, greatest, at)?
            }
            (Operator::Eq, _) => {
                let low = self.compare(value.clone(), Operator::Eq, least, at)?;
                let high = self.compare(value, Operator::Eq, greatest, at)?;
                Typed::boolean(low.expr.and(high.expr))
            }
            _ => {
                let low = self.compare(value.clone(), Operator::NotEq, least, at)?;
                let high = self.compare(value, Operator::NotEq, greatest, at)?;
                Typed::boolean(low.expr.or(high.expr))
            }
        };
        let boolean = |value: Option<bool>| Typed::literal(ScalarValue::Boolean(value));
        let zero = Typed::literal(ScalarValue::Int64(Some(0)));
        let empty = self.compare(rows.clone(), Operator::Eq, zero, at)?.expr;
        let settled = if all { Expr::Not(Box::new(decided.expr.clone())) } else { decided.expr.clone() };
        let has_nulls = self.compare(rows, Operator::NotEq, known, at)?.expr;
        super::expression::case_of(
            vec![empty, settled, has_nulls],
            vec![boolean(Some(all)), boolean(Some(!all)), boolean(None), decided],
            at,
        )
    }

    /// The least and the greatest value of a plan of one column, how many values are not null, and how many there are.
    fn summary_of_all(&mut self, plan: LogicalPlan, data_type: DataType, at: Location) -> Result<[Typed; 4], SqlError> {
        let Some(column) = plan.schema().columns().into_iter().next() else { return Err(unsupported(at, "ALL")) };
        let column = Typed::new(Expr::Column(column), data_type);
        let one = Typed::literal(ScalarValue::Int64(Some(1)));
        let (mut aggregates, mut results) = (Vec::new(), Vec::new());
        for (function, argument) in
            [("min", column.clone()), ("max", column.clone()), ("count", column), ("count", one)]
        {
            let (call, returned) = self.aggregate_of(function, argument, at)?;
            let name = self.fresh_name();
            aggregates.push(call.alias(&name));
            results.push(Typed::new(Expr::Column(Column::new_unqualified(name)), returned));
        }
        let row = self.internal_call("__row", results, at)?;
        let name = self.fresh_name();
        let plan = LogicalPlanBuilder::from(plan)
            .aggregate(Vec::<Expr>::new(), aggregates)
            .and_then(|b| b.project([row.expr.alias(name)]))
            .and_then(LogicalPlanBuilder::build)
            .map_err(internal)?;
        let row = Typed::new(Expr::ScalarSubquery(subquery_of(plan)), row.data_type);
        let mut field = |index| self.row_field(row.clone(), index, at);
        Ok([field(0)?, field(1)?, field(2)?, field(3)?])
    }

    /// `(SELECT function(argument) FROM plan)`.
    fn summary(&mut self, plan: LogicalPlan, function: &str, argument: Typed, at: Location) -> Result<Typed, SqlError> {
        let (call, returned) = self.aggregate_of(function, argument, at)?;
        let name = self.fresh_name();
        let plan = LogicalPlanBuilder::from(plan)
            .aggregate(Vec::<Expr>::new(), [call.alias(name)])
            .and_then(LogicalPlanBuilder::build)
            .map_err(internal)?;
        Ok(Typed::new(Expr::ScalarSubquery(subquery_of(plan)), returned))
    }

    fn aggregate_of(&self, function: &str, argument: Typed, at: Location) -> Result<(Expr, DataType), SqlError> {
        let udf = self.context.registry.aggregate(function);
        let udf = udf.ok_or_else(|| semantic(at, format!("Function {function} not registered")))?;
        let returned = udf.return_field(&[argument.field()]).map_err(|error| planning_error(error, at))?;
        Ok((udf.call(vec![argument.expr]), returned.data_type().clone()))
    }
}

/// How messages call a value and a subquery. # presto: its words
pub(super) const IN: &str = "value and result of subquery must be of the same type for IN expression";
const QUANTIFIED: &str = "Value expression and result of subquery must be of the same type for quantified comparison";

fn mismatch(what: &str, value: &DataType, subquery: &DataType) -> String {
    format!("{what}: {} vs {}", types::type_name(value), types::type_name(subquery))
}

/// Whether a plan is known to have one row at most.
fn one_row_at_most(plan: &LogicalPlan) -> bool {
    match plan {
        LogicalPlan::Aggregate(aggregate) => aggregate.group_expr.is_empty(),
        LogicalPlan::Projection(projection) => one_row_at_most(&projection.input),
        LogicalPlan::Filter(filter) => one_row_at_most(&filter.input),
        LogicalPlan::SubqueryAlias(alias) => one_row_at_most(&alias.input),
        LogicalPlan::EmptyRelation(_) => true,
        LogicalPlan::Values(values) => values.values.len() <= 1,
        LogicalPlan::Limit(limit) => {
            matches!(limit.fetch.as_deref(), Some(Expr::Literal(ScalarValue::Int64(Some(0 | 1)), _)))
        }
        _ => false,
    }
}

fn subquery_of(plan: LogicalPlan) -> Subquery {
    let outer_ref_columns = plan.all_out_ref_exprs();
    Subquery { subquery: Arc::new(plan), outer_ref_columns, spans: Spans::new() }
}
