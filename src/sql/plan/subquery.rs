//! Queries inside expressions: scalar, EXISTS, IN, ALL / ANY / SOME; they may read the columns of the query around.

use super::{
    Planner, Typed, internal, operator, position,
    scope::{Ctes, Scope, WHERE},
    semantic, unsupported,
};
use crate::sql::{error::SqlError, types};
use datafusion::{
    arrow::datatypes::DataType,
    common::{ScalarValue, Spans},
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
    ) -> Result<(LogicalPlan, Vec<DataType>), SqlError> {
        let relation = self.query(query, scope, ctes)?;
        let types = relation.columns.iter().map(|c| c.data_type.clone()).collect();
        Ok((self.exact_columns(relation)?, types))
    }

    fn single_column(
        &mut self,
        query: &ast::Query,
        scope: &Scope<'_>,
        ctes: &Ctes,
    ) -> Result<(LogicalPlan, DataType), SqlError> {
        let (plan, mut types) = self.subquery(query, scope, ctes)?;
        match (types.pop(), types.is_empty()) {
            (Some(data_type), true) => Ok((plan, data_type)),
            // # inferred: Presto's words
            _ => {
                Err(semantic(position::of_query(query), "Multiple columns returned by subquery are not yet supported"))
            }
        }
    }

    /// `(SELECT …)` as a value: null without rows, an error with more than one.
    pub(super) fn scalar_subquery(
        &mut self,
        query: &ast::Query,
        scope: &Scope<'_>,
        ctes: &Ctes,
    ) -> Result<Typed, SqlError> {
        let (plan, data_type) = self.single_column(query, scope, ctes)?;
        Ok(Typed::new(Expr::ScalarSubquery(subquery_of(plan)), data_type))
    }

    /// EXISTS. Without references to the query around it is a count, which may stand anywhere.
    pub(super) fn exists(
        &mut self,
        query: &ast::Query,
        negated: bool,
        scope: &Scope<'_>,
        ctes: &Ctes,
    ) -> Result<Typed, SqlError> {
        let at = position::of_query(query);
        let (plan, _) = self.subquery(query, scope, ctes)?;
        if !plan.all_out_ref_exprs().is_empty() {
            return Ok(Typed::boolean(Expr::Exists(Exists { subquery: subquery_of(plan), negated })));
        }
        let limited =
            LogicalPlanBuilder::from(plan).limit(0, Some(1)).and_then(LogicalPlanBuilder::build).map_err(internal)?;
        let count = self.summary(limited, "count", Typed::literal(ScalarValue::Int64(Some(1))), at)?;
        let zero = Typed::literal(ScalarValue::Int64(Some(0)));
        self.compare(count, if negated { Operator::Eq } else { Operator::Gt }, zero, at)
    }

    /// `x IN (SELECT …)`.
    pub(super) fn in_subquery(
        &mut self,
        expr: &ast::Expr,
        query: &ast::Query,
        negated: bool,
        scope: &Scope<'_>,
        ctes: &Ctes,
    ) -> Result<Typed, SqlError> {
        let at = position::of_expr(expr);
        let value = self.expr(expr, scope, ctes)?;
        let (plan, data_type) = self.single_column(query, scope, ctes)?;
        let Some(common) = types::common_type(&[value.data_type.clone(), data_type.clone()]) else {
            let (l, r) = (types::type_name(&value.data_type), types::type_name(&data_type));
            return Err(semantic(
                at,
                format!("value and result of subquery must be of the same type for IN expression: {l} vs {r}"),
            ));
        };
        let plan = self.cast_single(plan, data_type, &common)?;
        let value = value.cast_to(&common);
        if scope.no_aggregates_in != Some(WHERE) && plan.all_out_ref_exprs().is_empty() {
            let found = self.contained(plan, value, common, at)?;
            return Ok(Typed::boolean(if negated { Expr::Not(Box::new(found.expr)) } else { found.expr }));
        }
        Ok(Typed::boolean(Expr::InSubquery(InSubquery::new(Box::new(value.expr), subquery_of(plan), negated))))
    }

    /// `x IN (SELECT …)` outside WHERE, where the engine has no join for it: the values are gathered and searched, which
    /// follows the same rules for nulls. Nothing is in no rows.
    fn contained(
        &mut self,
        plan: LogicalPlan,
        value: Typed,
        common: DataType,
        at: Location,
    ) -> Result<Typed, SqlError> {
        let Some(column) = plan.schema().columns().into_iter().next() else { return Err(unsupported(at, "IN")) };
        let rows = self.summary(plan.clone(), "count", Typed::literal(ScalarValue::Int64(Some(1))), at)?;
        let values = self.summary(plan, "array_agg", Typed::new(Expr::Column(column), common), at)?;
        let empty = self.compare(rows, Operator::Eq, Typed::literal(ScalarValue::Int64(Some(0))), at)?;
        let found = self.internal_call("contains", vec![values, value], at)?;
        let nothing = Typed::literal(ScalarValue::Boolean(Some(false)));
        super::expression::case_of(vec![empty.expr], vec![nothing, found], at)
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
        left: &ast::Expr,
        op: &BinaryOperator,
        right: &ast::Expr,
        all: bool,
        scope: &Scope<'_>,
        ctes: &Ctes,
    ) -> Result<Typed, SqlError> {
        let at = position::of_expr(left);
        let ast::Expr::Subquery(query) = right else { return Err(unsupported(at, "ALL, ANY or SOME of no subquery")) };
        match (op, all) {
            (BinaryOperator::Eq, false) => return self.in_subquery(left, query, false, scope, ctes),
            (BinaryOperator::NotEq, true) => return self.in_subquery(left, query, true, scope, ctes),
            _ => {}
        }
        let op = operator::comparison_of(op).ok_or_else(|| unsupported(at, &format!("Operator {op}")))?;
        let value = self.expr(left, scope, ctes)?;
        let (plan, data_type) = self.single_column(query, scope, ctes)?;
        if !plan.all_out_ref_exprs().is_empty() {
            return Err(unsupported(at, "ALL, ANY or SOME of a correlated subquery"));
        }
        let Some(column) = plan.schema().columns().into_iter().next() else { return Err(unsupported(at, "ALL")) };
        let column = Typed::new(Expr::Column(column), data_type);
        let least = self.summary(plan.clone(), "min", column.clone(), at)?;
        let greatest = self.summary(plan.clone(), "max", column.clone(), at)?;
        let known = self.summary(plan.clone(), "count", column, at)?;
        let rows = self.summary(plan, "count", Typed::literal(ScalarValue::Int64(Some(1))), at)?;
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

    /// `(SELECT function(argument) FROM plan)`.
    fn summary(&mut self, plan: LogicalPlan, function: &str, argument: Typed, at: Location) -> Result<Typed, SqlError> {
        let udf = self.context.registry.aggregate(function);
        let udf = udf.ok_or_else(|| semantic(at, format!("Function {function} not registered")))?;
        let returned = udf.return_field(&[argument.field()]).map_err(internal)?;
        let name = self.fresh_name();
        let plan = LogicalPlanBuilder::from(plan)
            .aggregate(Vec::<Expr>::new(), [udf.call(vec![argument.expr]).alias(name)])
            .and_then(LogicalPlanBuilder::build)
            .map_err(internal)?;
        Ok(Typed::new(Expr::ScalarSubquery(subquery_of(plan)), returned.data_type().clone()))
    }
}

fn subquery_of(plan: LogicalPlan) -> Subquery {
    let outer_ref_columns = plan.all_out_ref_exprs();
    Subquery { subquery: Arc::new(plan), outer_ref_columns, spans: Spans::new() }
}
