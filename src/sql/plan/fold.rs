//! `reduce_agg(x, initial, (state, x) -> state, (state, state) -> state)`: the values of a group folded into one. It is
//! planned as `reduce` over the array of the group's values; states of parts of a group, which the last lambda would
//! combine, do not arise.

use super::{
    Planner, Typed,
    call::Arguments,
    scope::{Ctes, Scope},
    semantic,
};
use crate::sql::{error::SqlError, types};
use datafusion::sql::sqlparser::{
    ast::{
        Array, BinaryOperator, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArgumentList, FunctionArguments,
        Ident, LambdaFunction, LambdaFunctionParameter, LambdaSyntax, ObjectName, OneOrManyWithParens,
    },
    tokenizer::{Location, Span},
};

const SIGNATURE: &str = "reduce_agg(T, S, function(S,T,S), function(S,S,S))";

impl Planner<'_> {
    /// Plans a call of `reduce_agg`.
    pub(super) fn reduce_agg(
        &mut self,
        function: &Function,
        arguments: &Arguments<'_>,
        scope: &Scope<'_>,
        ctes: &Ctes,
        at: Location,
    ) -> Result<Typed, SqlError> {
        let [value, initial, next @ Expr::Lambda(_), combine @ Expr::Lambda(_)] = arguments.exprs[..] else {
            return Err(semantic(at, format!("Unexpected parameters for function reduce_agg. Expected: {SIGNATURE}")));
        };
        let span = Span::new(at, at);
        // NULL is no value of a group. # trino
        let known = Expr::IsNotNull(Box::new(value.clone()));
        let filter = match &function.filter {
            Some(filter) => Expr::BinaryOp {
                left: Box::new(Expr::Nested(filter.clone())),
                op: BinaryOperator::And,
                right: Box::new(known),
            },
            None => known,
        };
        let mut values = call("array_agg", vec![value.clone()], span);
        values.filter = Some(Box::new(filter));
        values.over.clone_from(&function.over);
        if let (FunctionArguments::List(list), FunctionArguments::List(written)) = (&mut values.args, &function.args) {
            list.duplicate_treatment = written.duplicate_treatment;
            list.clauses.clone_from(&written.clauses);
        }
        let same = same_value(span);
        let folded = |values: Expr, lambda: &Expr| {
            Expr::Function(call("reduce", vec![values, initial.clone(), lambda.clone(), same.clone()], span))
        };
        let result = self.expr(&folded(Expr::Function(values), next), scope, ctes)?;
        let states = Expr::Array(Array { elem: vec![initial.clone()], named: true });
        let combined = self.expr(&folded(states, combine), scope, ctes)?;
        match types::common_type(&[result.data_type.clone(), combined.data_type.clone()]) {
            Some(common) if common == result.data_type => Ok(result),
            _ => {
                let (state, combined) = (types::type_name(&result.data_type), types::type_name(&combined.data_type));
                let message =
                    format!("The lambdas of reduce_agg must have the same result type: {state} vs {combined}");
                Err(semantic(at, message))
            }
        }
    }
}

fn call(name: &str, args: Vec<Expr>, span: Span) -> Function {
    let args = args.into_iter().map(|arg| FunctionArg::Unnamed(FunctionArgExpr::Expr(arg))).collect();
    Function {
        name: ObjectName::from(vec![Ident::with_span(span, name)]),
        uses_odbc_syntax: false,
        parameters: FunctionArguments::None,
        args: FunctionArguments::List(FunctionArgumentList { duplicate_treatment: None, args, clauses: Vec::new() }),
        filter: None,
        null_treatment: None,
        over: None,
        within_group: Vec::new(),
    }
}

/// `state -> state`
fn same_value(span: Span) -> Expr {
    let name = Ident::with_span(span, "state");
    let parameter = LambdaFunctionParameter { name: name.clone(), data_type: None };
    Expr::Lambda(LambdaFunction {
        params: OneOrManyWithParens::One(parameter),
        body: Box::new(Expr::Identifier(name)),
        syntax: LambdaSyntax::Arrow,
    })
}
