//! Function calls: scalar, higher-order with lambdas, aggregate; with OVER they go to `window`.

use super::{
    Planner, Typed, construct, planning_error,
    scope::{AGGREGATE, Ctes, LAMBDA, Scope, name_of},
    semantic, undocumented, unsupported,
};
use crate::{
    model::limits::{QUERY_DOUBLINGS_MAX, QUERY_LAMBDA_NESTING_MAX},
    sql::{
        error::SqlError,
        functions::{self, Class, Entry},
        lex::syntax,
    },
};
use datafusion::{
    arrow::datatypes::{DataType, FieldRef},
    common::ScalarValue,
    logical_expr::{
        AggregateUDF, Expr, HigherOrderReturnFieldArgs, HigherOrderUDF, LambdaParametersProgress, ReturnFieldArgs,
        ScalarUDF, ValueOrLambda, cast,
        expr::{AggregateFunction, HigherOrderFunction, Lambda, NullTreatment, ScalarFunction},
        type_coercion::functions::{fields_with_udf, value_fields_with_higher_order_udf},
    },
    sql::sqlparser::{
        ast::{
            self, DuplicateTreatment, FunctionArg, FunctionArgExpr, FunctionArgumentClause, FunctionArguments,
            ObjectNamePart,
        },
        tokenizer::Location,
    },
};
use std::sync::Arc;

/// The parts of a call that only some functions take.
pub(super) struct Modifiers<'q> {
    pub(super) distinct: bool,
    pub(super) filter: Option<&'q ast::Expr>,
    pub(super) order_by: &'q [ast::OrderByExpr],
    pub(super) null_treatment: Option<NullTreatment>,
}

/// The arguments as written: `*` counts as none and is noted.
pub(super) struct Arguments<'q> {
    pub(super) exprs: Vec<&'q ast::Expr>,
    pub(super) star: bool,
    pub(super) modifiers: Modifiers<'q>,
}

impl Planner<'_> {
    /// Plans a call.
    pub(super) fn function(
        &mut self,
        function: &ast::Function,
        scope: &Scope<'_>,
        ctes: &Ctes,
        at: Location,
    ) -> Result<Typed, SqlError> {
        if let Some(interval) = self.interval_call(function, at)? {
            return Ok(interval);
        }
        let [ObjectNamePart::Identifier(ident)] = &function.name.0[..] else {
            return Err(semantic(at, format!("Function {} not registered", function.name)));
        };
        let name = ident.value.to_ascii_lowercase();
        let arguments = arguments(function, at)?;
        let has_lambda = arguments.exprs.iter().any(|arg| matches!(arg, ast::Expr::Lambda(_)));
        self.check_class(&name, has_lambda, at)?;
        if arguments.modifiers.filter.is_some() {
            self.inherited(at, construct::FILTER)?;
        }
        if !arguments.modifiers.order_by.is_empty() {
            self.inherited(at, construct::ORDERED_AGGREGATE)?;
        }
        if name == "reduce_agg" {
            return self.reduce_agg(function, &arguments, scope, ctes, at);
        }
        if function.over.is_some() {
            return self.window_call(&name, function, &arguments, scope, ctes, at);
        }
        if let Some(aggregate) = self.context.registry.aggregate(&name) {
            return self.aggregate_call(&aggregate, &arguments, function, scope, ctes, at);
        }
        if name == "grouping" {
            return self.grouping_call(&arguments, function, scope, ctes, at);
        }
        let plain = !arguments.star
            && !arguments.modifiers.distinct
            && arguments.modifiers.filter.is_none()
            && arguments.modifiers.order_by.is_empty()
            && arguments.modifiers.null_treatment.is_none();
        let scalar =
            functions::at_query_start(&name, self.context.now_ns).or_else(|| self.context.registry.scalar(&name));
        let higher_order = self.context.registry.higher_order(&name);
        match (name.as_str(), scalar, higher_order) {
            ("coalesce", Some(udf), _) if plain => self.coalesce(&udf, &arguments.exprs, scope, ctes, at),
            ("if", ..) if plain => self.if_then(&arguments.exprs, scope, ctes, at),
            ("try", ..) if plain => self.try_call(&arguments.exprs, scope, ctes, at),
            (_, _, Some(udf)) if plain && has_lambda => self.higher_order_call(&udf, &arguments.exprs, scope, ctes, at),
            // The form of `normalize(text, NFC)` is a word, not a column.
            ("normalize", Some(udf), _) if plain && matches!(arguments.exprs[..], [_, ast::Expr::Identifier(_)]) => {
                let [text, ast::Expr::Identifier(form)] = &arguments.exprs[..] else { return Err(syntax(at)) };
                let form = Typed::literal(ScalarValue::Utf8(Some(form.value.clone())));
                let text = self.expr(text, scope, ctes)?;
                self.scalar_call(&udf, vec![text, form], at)
            }
            (_, Some(udf), _) if plain => {
                let args = arguments.exprs.iter().map(|arg| self.expr(arg, scope, ctes)).collect::<Result<_, _>>()?;
                self.scalar_call(&udf, args, at)
            }
            (_, None, Some(udf)) if plain => self.higher_order_call(&udf, &arguments.exprs, scope, ctes, at),
            (_, Some(_), _) | (_, _, Some(_)) => {
                Err(semantic(at, format!("DISTINCT, FILTER, ORDER BY and * are not allowed for function {name}")))
            }
            _ if self.context.registry.window(&name).is_some() => {
                Err(semantic(at, format!("Window function {name} requires an OVER clause")))
            }
            // # inferred: Presto's words
            _ => Err(semantic(at, format!("Function {name} not registered"))),
        }
    }

    /// Refuses a function that the guide does not have, where only the guide's language is wanted. A form that takes a
    /// lambda expression may be of another class than the other forms of its name.
    fn check_class(&self, name: &str, has_lambda: bool, at: Location) -> Result<(), SqlError> {
        if !self.context.documented_only {
            return Ok(());
        }
        let takes_lambda = |entry: &Entry| entry.signatures.iter().any(|signature| signature.contains("function("));
        let named = || self.context.registry.entries().filter(|entry| entry.name == name);
        let form = named().find(|entry| takes_lambda(entry) == has_lambda).or_else(|| named().next());
        match form {
            Some(entry) if entry.class == Class::Inherited => Err(undocumented(at, &format!("Function {name}"))),
            _ => Ok(()),
        }
    }

    /// A call of a scalar function under a name of the language.
    pub(super) fn call_by_name(
        &mut self,
        name: &str,
        args: &[&ast::Expr],
        scope: &Scope<'_>,
        ctes: &Ctes,
        at: Location,
    ) -> Result<Typed, SqlError> {
        self.check_class(name, false, at)?;
        let args = args.iter().map(|arg| self.expr(arg, scope, ctes)).collect::<Result<_, _>>()?;
        self.internal_call(name, args, at)
    }

    /// A call of a registered scalar function with planned arguments.
    pub(super) fn internal_call(&mut self, name: &str, args: Vec<Typed>, at: Location) -> Result<Typed, SqlError> {
        let udf = self.context.registry.scalar(name);
        let udf = udf.ok_or_else(|| semantic(at, format!("Function {name} not registered")))?;
        self.scalar_call(&udf, args, at)
    }

    fn scalar_call(&mut self, udf: &Arc<ScalarUDF>, args: Vec<Typed>, at: Location) -> Result<Typed, SqlError> {
        let fields: Vec<FieldRef> = args.iter().map(Typed::field).collect();
        let coerced = fields_with_udf(&fields, udf.as_ref()).map_err(|error| planning_error(error, at))?;
        let args: Vec<Typed> = args
            .into_iter()
            .zip(&coerced)
            .map(|(arg, field)| {
                self.expect_parameter(&arg, field.data_type());
                arg.cast_to(field.data_type())
            })
            .collect();
        let fields: Vec<FieldRef> = args.iter().map(Typed::field).collect();
        let scalars: Vec<Option<&ScalarValue>> = args.iter().map(Typed::value).collect();
        let returned = udf
            .return_field_from_args(ReturnFieldArgs { arg_fields: &fields, scalar_arguments: &scalars })
            .map_err(|error| planning_error(error, at))?;
        let exprs = args.into_iter().map(|arg| arg.expr).collect();
        let call = Expr::ScalarFunction(ScalarFunction::new_udf(Arc::clone(udf), exprs));
        Ok(Typed::new(call, returned.data_type().clone()))
    }

    /// `coalesce(a, b, …)`, which the plan says every argument but the last of twice.
    fn coalesce(
        &mut self,
        udf: &Arc<ScalarUDF>,
        args: &[&ast::Expr],
        scope: &Scope<'_>,
        ctes: &Ctes,
        at: Location,
    ) -> Result<Typed, SqlError> {
        let Some((last, doubled)) = args.split_last() else { return self.scalar_call(udf, Vec::new(), at) };
        self.doublings += 1;
        if self.doublings > QUERY_DOUBLINGS_MAX {
            return Err(SqlError::Invalid(format!(
                "The query is too complex: its calls of coalesce nest more than {QUERY_DOUBLINGS_MAX} levels deep."
            )));
        }
        let mut planned = doubled.iter().map(|arg| self.expr(arg, scope, ctes)).collect::<Result<Vec<_>, _>>()?;
        self.doublings -= 1;
        planned.push(self.expr(last, scope, ctes)?);
        self.one_type(&planned, args.iter().copied(), "All COALESCE operands must be the same type")?;
        self.scalar_call(udf, planned, at)
    }

    /// `try(expression)`: a function of a lambda, so that it can run the expression again row by row.
    fn try_call(
        &mut self,
        args: &[&ast::Expr],
        scope: &Scope<'_>,
        ctes: &Ctes,
        at: Location,
    ) -> Result<Typed, SqlError> {
        let [inner] = args else { return Err(semantic(at, "Invalid number of arguments for 'try' function")) };
        let udf = self.context.registry.higher_order("__try");
        let udf = udf.ok_or_else(|| semantic(at, "Function try not registered"))?;
        let body = self.nested_lambda(inner, scope, ctes)?;
        let parameter = self.fresh_name();
        let data_type = body.data_type.clone();
        let lambda = Expr::Lambda(Lambda::new(vec![parameter], body.expr));
        Ok(Typed::new(Expr::HigherOrderFunction(HigherOrderFunction::new(udf, vec![lambda])), data_type))
    }

    /// A call with lambdas: the values' types give the lambdas their parameters' types, step by step where one
    /// lambda's result is another's parameter.
    fn higher_order_call(
        &mut self,
        udf: &Arc<HigherOrderUDF>,
        args: &[&ast::Expr],
        scope: &Scope<'_>,
        ctes: &Ctes,
        at: Location,
    ) -> Result<Typed, SqlError> {
        enum Argument<'q> {
            Value(Typed),
            Lambda(&'q ast::LambdaFunction),
        }
        let failed = |error| planning_error(error, at);
        let mut planned = Vec::with_capacity(args.len());
        for arg in args {
            planned.push(match arg {
                ast::Expr::Lambda(lambda) => Argument::Lambda(lambda),
                value => Argument::Value(self.expr(value, scope, ctes)?),
            });
        }
        let current: Vec<ValueOrLambda<FieldRef, ()>> = planned
            .iter()
            .map(|arg| match arg {
                Argument::Value(typed) => ValueOrLambda::Value(typed.field()),
                Argument::Lambda(_) => ValueOrLambda::Lambda(()),
            })
            .collect();
        let coerced = value_fields_with_higher_order_udf(&current, udf.as_ref()).map_err(failed)?;
        for (arg, field) in planned.iter_mut().zip(&coerced) {
            if let (Argument::Value(typed), ValueOrLambda::Value(field)) = (arg, field) {
                *typed = typed.clone().cast_to(field.data_type());
            }
        }
        let mut fields: Vec<ValueOrLambda<FieldRef, Option<FieldRef>>> = coerced
            .into_iter()
            .map(|field| match field {
                ValueOrLambda::Value(field) => ValueOrLambda::Value(field),
                ValueOrLambda::Lambda(()) => ValueOrLambda::Lambda(None),
            })
            .collect();
        for step in 0.. {
            match udf.lambda_parameters(step, &fields).map_err(failed)? {
                LambdaParametersProgress::Partial(parameters) => {
                    let mut parameters = parameters.into_iter();
                    for (arg, field) in planned.iter().zip(&mut fields) {
                        let (Argument::Lambda(lambda), ValueOrLambda::Lambda(result)) = (arg, field) else { continue };
                        if let Some(Some(parameters)) = parameters.next() {
                            let (_, body) = self.lambda(lambda, &parameters, scope, ctes, at)?;
                            *result = Some(body.field());
                        }
                    }
                    if step > udf.signature().lambda_parameters_max_iterations {
                        return Err(semantic(at, format!("Cannot find the types of the lambdas of {}", udf.name())));
                    }
                }
                LambdaParametersProgress::Complete(parameters) => {
                    let mut parameters = parameters.into_iter();
                    let (mut exprs, mut arg_fields, mut scalars) = (Vec::new(), Vec::new(), Vec::new());
                    for arg in planned {
                        match arg {
                            Argument::Value(typed) => {
                                arg_fields.push(ValueOrLambda::Value(typed.field()));
                                scalars.push(typed.value().cloned());
                                exprs.push(typed.expr);
                            }
                            Argument::Lambda(lambda) => {
                                let parameters = parameters.next().unwrap_or_default();
                                let (names, body) = self.lambda(lambda, &parameters, scope, ctes, at)?;
                                arg_fields.push(ValueOrLambda::Lambda(body.field()));
                                scalars.push(None);
                                exprs.push(Expr::Lambda(Lambda::new(names, body.expr)));
                            }
                        }
                    }
                    let scalars: Vec<Option<&ScalarValue>> = scalars.iter().map(Option::as_ref).collect();
                    let returned = udf
                        .return_field_from_args(HigherOrderReturnFieldArgs {
                            arg_fields: &arg_fields,
                            scalar_arguments: &scalars,
                        })
                        .map_err(failed)?;
                    let call = Expr::HigherOrderFunction(HigherOrderFunction::new(Arc::clone(udf), exprs));
                    return Ok(Typed::new(call, returned.data_type().clone()));
                }
            }
        }
        Err(syntax(at))
    }

    /// A lambda's parameter names in the plan, and its body.
    fn lambda(
        &mut self,
        lambda: &ast::LambdaFunction,
        parameters: &[FieldRef],
        scope: &Scope<'_>,
        ctes: &Ctes,
        at: Location,
    ) -> Result<(Vec<String>, Typed), SqlError> {
        if lambda.params.len() != parameters.len() || lambda.params.iter().any(|p| p.data_type.is_some()) {
            let message = format!(
                "Expected a lambda that takes {} argument(s) but got {}",
                parameters.len(),
                lambda.params.len()
            );
            return Err(semantic(at, message));
        }
        let mut known = scope.lambda().to_vec();
        let mut names = Vec::with_capacity(parameters.len());
        for (parameter, field) in lambda.params.iter().zip(parameters) {
            let internal = self.fresh_name();
            known.push((name_of(&parameter.name)?.to_owned(), internal.clone(), field.data_type().clone()));
            names.push(internal);
        }
        let scope = scope.with_lambda(&known).without_aggregates(LAMBDA);
        Ok((names, self.nested_lambda(&lambda.body, &scope, ctes)?))
    }

    /// The body of a lambda.
    fn nested_lambda(&mut self, body: &ast::Expr, scope: &Scope<'_>, ctes: &Ctes) -> Result<Typed, SqlError> {
        self.lambdas += 1;
        if self.lambdas > QUERY_LAMBDA_NESTING_MAX {
            return Err(SqlError::Invalid(format!(
                "The query is too complex: its lambda expressions nest more than {QUERY_LAMBDA_NESTING_MAX} levels deep."
            )));
        }
        let planned = self.expr(body, scope, ctes)?;
        self.lambdas -= 1;
        Ok(planned)
    }

    /// `grouping(key, …)`: a bit for each key, set where the row's grouping set leaves it out.
    fn grouping_call(
        &mut self,
        arguments: &Arguments<'_>,
        written: &ast::Function,
        scope: &Scope<'_>,
        ctes: &Ctes,
        at: Location,
    ) -> Result<Typed, SqlError> {
        self.inherited(at, construct::GROUPING_CALL)?;
        scope.check_aggregate("grouping operations", written, at)?;
        let args = arguments.exprs.iter().map(|arg| self.expr(arg, scope, ctes));
        let args = args.map(|arg| arg.map(|typed| typed.expr)).collect::<Result<Vec<_>, _>>()?;
        if args.is_empty() || arguments.star || arguments.modifiers.filter.is_some() || arguments.modifiers.distinct {
            return Err(syntax(at));
        }
        let udf = datafusion::functions_aggregate::grouping::grouping_udaf();
        let call = AggregateFunction::new_udf(udf, args, false, None, Vec::new(), None);
        Ok(Typed::new(cast(Expr::AggregateFunction(call), DataType::Int64), DataType::Int64))
    }

    fn aggregate_call(
        &mut self,
        udf: &Arc<AggregateUDF>,
        arguments: &Arguments<'_>,
        written: &ast::Function,
        scope: &Scope<'_>,
        ctes: &Ctes,
        at: Location,
    ) -> Result<Typed, SqlError> {
        scope.check_aggregate("aggregations", written, at)?;
        let inner = scope.without_aggregates(AGGREGATE);
        let (args, returned) = self.aggregate_arguments(udf, arguments, &inner, ctes, at)?;
        let modifiers = &arguments.modifiers;
        let filter = match modifiers.filter {
            Some(filter) => Some(Box::new(self.condition(filter, "FILTER (WHERE) clause", &inner, ctes)?)),
            None => None,
        };
        let mut order_by = Vec::new();
        for term in modifiers.order_by {
            let key = self.expr(&term.expr, &inner, ctes)?;
            order_by.push(self.sort_key(key, term)?);
        }
        if modifiers.null_treatment.is_some() {
            return Err(semantic(
                at,
                format!("Cannot specify null treatment clause for aggregate function {}", udf.name()),
            ));
        }
        let call = AggregateFunction::new_udf(Arc::clone(udf), args, modifiers.distinct, filter, order_by, None);
        Ok(Typed::new(Expr::AggregateFunction(call), returned))
    }

    /// An aggregate's arguments brought to its types, and its result's type. `count(*)` and `count()` count a constant.
    pub(super) fn aggregate_arguments(
        &mut self,
        udf: &Arc<AggregateUDF>,
        arguments: &Arguments<'_>,
        scope: &Scope<'_>,
        ctes: &Ctes,
        at: Location,
    ) -> Result<(Vec<Expr>, DataType), SqlError> {
        if arguments.star && udf.name() != "count" {
            return Err(semantic(at, format!("'*' is not an argument of {}", udf.name())));
        }
        let mut args = Vec::with_capacity(arguments.exprs.len());
        for arg in &arguments.exprs {
            args.push(self.expr(arg, scope, ctes)?);
        }
        if args.is_empty() && udf.name() == "count" {
            args.push(Typed::literal(ScalarValue::Int64(Some(1))));
        }
        let fields: Vec<FieldRef> = args.iter().map(Typed::field).collect();
        let coerced = fields_with_udf(&fields, udf.as_ref()).map_err(|error| planning_error(error, at))?;
        let args: Vec<Typed> =
            args.into_iter().zip(&coerced).map(|(arg, field)| arg.cast_to(field.data_type())).collect();
        let fields: Vec<FieldRef> = args.iter().map(Typed::field).collect();
        let returned = udf.return_field(&fields).map_err(|error| planning_error(error, at))?;
        let args = args.into_iter().map(|arg| match arguments.modifiers.distinct {
            true => self.same(arg, at).map(|arg| arg.expr),
            false => Ok(arg.expr),
        });
        Ok((args.collect::<Result<_, _>>()?, returned.data_type().clone()))
    }
}

/// What stands between a call's parentheses.
fn arguments(function: &ast::Function, at: Location) -> Result<Arguments<'_>, SqlError> {
    let ast::Function { uses_odbc_syntax: false, parameters: FunctionArguments::None, within_group, .. } = function
    else {
        return Err(syntax(at));
    };
    if !within_group.is_empty() {
        return Err(unsupported(at, "WITHIN GROUP"));
    }
    let mut arguments = Arguments {
        exprs: Vec::new(),
        star: false,
        modifiers: Modifiers {
            distinct: false,
            filter: function.filter.as_deref(),
            order_by: &[],
            null_treatment: function.null_treatment.map(null_treatment),
        },
    };
    let list = match &function.args {
        FunctionArguments::None => return Ok(arguments),
        FunctionArguments::Subquery(_) => return Err(syntax(at)),
        FunctionArguments::List(list) => list,
    };
    arguments.modifiers.distinct = matches!(list.duplicate_treatment, Some(DuplicateTreatment::Distinct));
    for clause in &list.clauses {
        match clause {
            FunctionArgumentClause::OrderBy(terms) => arguments.modifiers.order_by = terms,
            FunctionArgumentClause::IgnoreOrRespectNulls(treatment) => {
                arguments.modifiers.null_treatment = Some(null_treatment(*treatment));
            }
            _ => return Err(unsupported(at, "This clause in a call")),
        }
    }
    for arg in &list.args {
        match arg {
            FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => arguments.exprs.push(expr),
            FunctionArg::Unnamed(FunctionArgExpr::Wildcard) if list.args.len() == 1 => arguments.star = true,
            _ => return Err(syntax(at)),
        }
    }
    Ok(arguments)
}

/// The arguments of a call that takes nothing but expressions.
pub(super) fn plain_arguments(function: &ast::Function, at: Location) -> Result<Vec<&ast::Expr>, SqlError> {
    Ok(arguments(function, at)?.exprs)
}

fn null_treatment(treatment: ast::NullTreatment) -> NullTreatment {
    match treatment {
        ast::NullTreatment::IgnoreNulls => NullTreatment::IgnoreNulls,
        ast::NullTreatment::RespectNulls => NullTreatment::RespectNulls,
    }
}
