//! Expressions: names, literals, conditionals, casts, subscripts, predicates.

use super::{
    Planner, Typed, construct,
    scope::{Ctes, Scope},
    semantic, subquery, unsupported,
};
use crate::sql::{
    dialect::LIKE_ESCAPE,
    error::SqlError,
    functions::operators::like::{MISPLACED_ESCAPE, engine_pattern},
    lex::{INTERVAL_FUNCTION, TYPE_TEXT, syntax},
    plan::Parameters,
    types::{self, IntervalValue},
};
use datafusion::{
    arrow::datatypes::{DataType, Field},
    common::ScalarValue,
    logical_expr::{
        Case, Expr, Like, Operator,
        expr::{InList, Placeholder},
    },
    sql::sqlparser::{
        ast::{
            self, AccessExpr, CastKind, CeilFloorKind, DateTimeField, ExtractSyntax, Subscript, UnaryOperator, Value,
        },
        keywords::Keyword,
        tokenizer::Location,
    },
};

impl Planner<'_> {
    /// Plans an expression over the columns of `scope`.
    pub(super) fn expr(&mut self, expr: &ast::Expr, scope: &Scope<'_>, ctes: &Ctes) -> Result<Typed, SqlError> {
        let at = self.places.of_expr(expr);
        match expr {
            ast::Expr::Identifier(ident) => self.name(std::slice::from_ref(ident), scope, at),
            ast::Expr::CompoundIdentifier(parts) => self.name(parts, scope, at),
            ast::Expr::CompoundFieldAccess { root, access_chain } => self.access(root, access_chain, scope, ctes, at),
            ast::Expr::Nested(inner) => self.expr(inner, scope, ctes),
            ast::Expr::Value(value) => self.literal(&value.value, at),
            ast::Expr::TypedString(typed) => self.typed_literal(typed, at),
            ast::Expr::UnaryOp { op, expr } => self.unary(*op, expr, scope, ctes, at),
            ast::Expr::BinaryOp { .. } => self.binary(expr, scope, ctes),
            ast::Expr::IsNull(inner) => Ok(Typed::boolean(self.expr(inner, scope, ctes)?.expr.is_null())),
            ast::Expr::IsNotNull(inner) => Ok(Typed::boolean(self.expr(inner, scope, ctes)?.expr.is_not_null())),
            ast::Expr::IsDistinctFrom(l, r) => self.distinct_from((l, r), Operator::IsDistinctFrom, scope, ctes, at),
            ast::Expr::IsNotDistinctFrom(l, r) => {
                self.distinct_from((l, r), Operator::IsNotDistinctFrom, scope, ctes, at)
            }
            ast::Expr::Between { expr, negated, low, high } => {
                self.between(expr, *negated, (low, high), scope, ctes, at)
            }
            ast::Expr::InList { expr, list, negated } => self.in_list(expr, list, *negated, scope, ctes, at),
            ast::Expr::InSubquery { expr, subquery, negated } => {
                self.in_subquery((expr, subquery, *negated), subquery::IN, scope, ctes, at)
            }
            ast::Expr::Exists { subquery, negated } => self.exists(subquery, *negated, scope, ctes, at),
            ast::Expr::Subquery(query) => self.scalar_subquery(query, scope, ctes, at),
            ast::Expr::AnyOp { left, compare_op, right, .. } => {
                self.quantified((left, compare_op, right), false, scope, ctes, at)
            }
            ast::Expr::AllOp { left, compare_op, right } => {
                self.quantified((left, compare_op, right), true, scope, ctes, at)
            }
            ast::Expr::Like { negated, any: false, expr, pattern, escape_char } => {
                self.like((expr, pattern, escape_char.as_ref()), *negated, scope, ctes, at)
            }
            ast::Expr::Case { operand, conditions, else_result, .. } => {
                self.case(operand.as_deref(), conditions, else_result.as_deref(), scope, ctes, at)
            }
            ast::Expr::Cast { kind, expr, data_type, array: false, format: None } => {
                self.cast(kind, expr, data_type, scope, ctes, at)
            }
            ast::Expr::Tuple(items) => {
                let items = self.exprs(items, scope, ctes)?;
                self.internal_call("__row", items, at)
            }
            ast::Expr::Array(ast::Array { elem, named: true }) => {
                let items = self.exprs(elem, scope, ctes)?;
                self.one_type(&items, elem, "All ARRAY elements must be the same type")?;
                self.internal_call("__array", items, at)
            }
            ast::Expr::Extract { field, syntax: ExtractSyntax::From, expr } => {
                self.extract(field, expr, scope, ctes, at)
            }
            ast::Expr::Function(function) => self.function(function, scope, ctes, at),
            other => self.function_form(other, scope, ctes, at),
        }
    }

    /// The functions that the grammar writes in a form of their own.
    fn function_form(
        &mut self,
        expr: &ast::Expr,
        scope: &Scope<'_>,
        ctes: &Ctes,
        at: Location,
    ) -> Result<Typed, SqlError> {
        match expr {
            ast::Expr::Interval(interval) => self.interval(interval, at),
            ast::Expr::Ceil { expr, field: CeilFloorKind::DateTimeField(DateTimeField::NoDateTime) } => {
                self.call_by_name("ceil", &[expr], scope, ctes, at)
            }
            ast::Expr::Floor { expr, field: CeilFloorKind::DateTimeField(DateTimeField::NoDateTime) } => {
                self.call_by_name("floor", &[expr], scope, ctes, at)
            }
            // `position(needle IN text)` is `strpos(text, needle)`.
            ast::Expr::Position { expr, r#in } => self.call_by_name("strpos", &[r#in, expr], scope, ctes, at),
            ast::Expr::Substring { expr, substring_from: Some(from), substring_for, .. } => {
                let mut args: Vec<&ast::Expr> = vec![expr, from];
                args.extend(substring_for.as_deref());
                self.call_by_name("substr", &args, scope, ctes, at)
            }
            ast::Expr::Trim { trim_where, trim_what, expr, trim_characters: None } => {
                if trim_where.is_some() || trim_what.is_some() {
                    self.inherited(at, construct::TRIM_SIDES)?;
                }
                let name = match trim_where {
                    None | Some(ast::TrimWhereField::Both) => "trim",
                    Some(ast::TrimWhereField::Leading) => "ltrim",
                    Some(ast::TrimWhereField::Trailing) => "rtrim",
                };
                let mut args: Vec<&ast::Expr> = vec![expr];
                args.extend(trim_what.as_deref());
                self.call_by_name(name, &args, scope, ctes, at)
            }
            ast::Expr::AtTimeZone { .. } => Err(unsupported(at, "AT TIME ZONE")),
            ast::Expr::Lambda(_) => Err(semantic(at, "Lambda expression should always be used inside a function")),
            ast::Expr::Map(_) | ast::Expr::Dictionary(_) => Err(unsupported(at, "MAP")),
            _ => Err(unsupported(at, "This form of expression")),
        }
    }

    pub(super) fn exprs(
        &mut self,
        exprs: &[ast::Expr],
        scope: &Scope<'_>,
        ctes: &Ctes,
    ) -> Result<Vec<Typed>, SqlError> {
        exprs.iter().map(|expr| self.expr(expr, scope, ctes)).collect()
    }

    /// An expression that must be a condition. # observed: `Right side of logical expression must …` and its family
    pub(super) fn condition(
        &mut self,
        expr: &ast::Expr,
        clause: &str,
        scope: &Scope<'_>,
        ctes: &Ctes,
    ) -> Result<Expr, SqlError> {
        let typed = self.expr(expr, scope, ctes)?;
        match typed.data_type {
            DataType::Boolean => Ok(typed.expr),
            DataType::Null => Ok(typed.cast_to(&DataType::Boolean).expr),
            ref other => {
                let message = format!("{clause} must evaluate to a boolean: actual type {}", types::type_name(other));
                Err(semantic(self.places.of_expr(expr), message))
            }
        }
    }

    fn name(&mut self, parts: &[ast::Ident], scope: &Scope<'_>, at: Location) -> Result<Typed, SqlError> {
        let (mut typed, fields) = scope.resolve(parts)?;
        for field in fields {
            typed = self.named_field(typed, field, at)?;
        }
        Ok(typed)
    }

    fn named_field(&mut self, row: Typed, field: &ast::Ident, at: Location) -> Result<Typed, SqlError> {
        let DataType::Struct(fields) = &row.data_type else {
            let message = format!("Expression is not of type ROW: {}", types::type_name(&row.data_type));
            return Err(semantic(at, message));
        };
        let labels = || fields.iter().map(|field| types::field_name(field)).enumerate();
        let exact = labels().find(|(_, label)| *label == Some(&*field.value));
        let alike = || labels().find(|(_, label)| label.is_some_and(|l| l.eq_ignore_ascii_case(&field.value)));
        match exact.or_else(alike) {
            Some((i, _)) => self.row_field(row, i, at),
            None => Err(semantic(field.span.start, format!("Column '{}' does not exist", field.value))),
        }
    }

    /// The field of a row at an index.
    pub(super) fn row_field(&mut self, row: Typed, index: usize, at: Location) -> Result<Typed, SqlError> {
        let index = i64::try_from(index).unwrap_or(i64::MAX);
        self.internal_call("__field", vec![row, Typed::literal(ScalarValue::Int64(Some(index)))], at)
    }

    /// `root[i].field…`
    fn access(
        &mut self,
        root: &ast::Expr,
        chain: &[AccessExpr],
        scope: &Scope<'_>,
        ctes: &Ctes,
        at: Location,
    ) -> Result<Typed, SqlError> {
        let mut value = self.expr(root, scope, ctes)?;
        for step in chain {
            value = match step {
                AccessExpr::Dot(ast::Expr::Identifier(field)) => self.named_field(value, field, at)?,
                AccessExpr::Subscript(Subscript::Index { index }) if matches!(value.data_type, DataType::Struct(_)) => {
                    self.row_subscript(value, index, at)?
                }
                AccessExpr::Subscript(Subscript::Index { index }) => {
                    let index = self.expr(index, scope, ctes)?;
                    let list = matches!(value.data_type, DataType::List(_));
                    if !list || !matches!(index.data_type, DataType::Int32 | DataType::Int64 | DataType::Null) {
                        // # inferred: Presto's words
                        let (index, value) = (types::type_name(&index.data_type), types::type_name(&value.data_type));
                        return Err(semantic(at, format!("Cannot use {index} for subscript of {value}")));
                    }
                    self.internal_call("__subscript", vec![value, index], at)?
                }
                AccessExpr::Subscript(Subscript::Slice { .. }) => return Err(syntax(at)),
                AccessExpr::Dot(other) => return Err(syntax(self.places.of_expr(other))),
            };
        }
        Ok(value)
    }

    /// `row[n]`: a field by its number, from 1. # trino: its words
    fn row_subscript(&mut self, row: Typed, index: &ast::Expr, at: Location) -> Result<Typed, SqlError> {
        self.inherited(at, construct::ROW_SUBSCRIPT)?;
        let place = self.places.of_expr(index);
        let ast::Expr::Value(ast::ValueWithSpan { value: Value::Number(digits, _), .. }) = index else {
            return Err(semantic(place, "Subscript expression on ROW requires a constant index"));
        };
        let number = number(digits, place)?;
        let Some(ScalarValue::Int32(Some(number))) = number.value() else {
            let given = types::type_name(&number.data_type);
            return Err(semantic(place, format!("Subscript expression on ROW requires integer index, found {given}")));
        };
        let DataType::Struct(fields) = &row.data_type else { return Err(syntax(at)) };
        let count = fields.len();
        match usize::try_from(*number).unwrap_or_default() {
            0 => Err(semantic(place, format!("Invalid subscript index: {number}. ROW indices start at 1"))),
            n if n > count => Err(semantic(place, format!("Subscript index out of bounds: {n}, max value is {count}"))),
            n => self.row_field(row, n - 1, at),
        }
    }

    fn literal(&mut self, value: &Value, at: Location) -> Result<Typed, SqlError> {
        let value = match value {
            Value::Number(digits, _) => return number(digits, at),
            Value::SingleQuotedString(text) => ScalarValue::Utf8(Some(text.clone())),
            Value::UnicodeStringLiteral(text) => {
                self.inherited(at, construct::UNICODE_TEXT)?;
                ScalarValue::Utf8(Some(text.clone()))
            }
            Value::Boolean(value) => ScalarValue::Boolean(Some(*value)),
            Value::Null => ScalarValue::Null,
            Value::HexStringLiteral(digits) => ScalarValue::Binary(Some(hex(digits).ok_or_else(|| {
                semantic(at, "Binary literal must contain an even number of digits, all hexadecimal")
            })?)),
            Value::Placeholder(name) if name.starts_with('@') => return self.parameter(&name[1..], at),
            _ => return Err(syntax(at)),
        };
        Ok(Typed::literal(value))
    }

    /// `@name`: its type is what its use asks for; it has a value only where one is bound.
    fn parameter(&mut self, name: &str, at: Location) -> Result<Typed, SqlError> {
        let no_value = || semantic(at, format!("Parameter '@{name}' has no value"));
        match self.context.parameters {
            Parameters::None => return Err(no_value()),
            Parameters::Bound(values) => {
                let value = values.get(name).ok_or_else(no_value)?;
                return Ok(Typed::literal(ScalarValue::TimestampNanosecond(Some(*value), None)));
            }
            Parameters::Unbound => {}
        }
        if !self.parameters.iter().any(|(known, _)| known == name) {
            self.parameters.push((name.to_owned(), DataType::Null));
        }
        let unknown = Field::new(name, DataType::Null, true);
        Ok(Typed::new(
            Expr::Placeholder(Placeholder::new_with_field(name.to_owned(), Some(unknown.into()))),
            DataType::Null,
        ))
    }

    fn typed_literal(&mut self, typed: &ast::TypedString, at: Location) -> Result<Typed, SqlError> {
        let Value::SingleQuotedString(text) = &typed.value.value else { return Err(syntax(at)) };
        let name = typed.data_type.to_string().to_ascii_lowercase();
        let invalid = |kind: &str| semantic(at, format!("'{text}' is not a valid {kind} literal"));
        let value = match name.as_str() {
            "timestamp" => ScalarValue::TimestampNanosecond(
                Some(types::parse_timestamp(text).ok_or_else(|| invalid("timestamp"))?),
                None,
            ),
            "date" => ScalarValue::Date32(Some(types::parse_date(text).ok_or_else(|| invalid("date"))?)),
            "time" => ScalarValue::Time64Nanosecond(Some(types::parse_time(text).ok_or_else(|| invalid("time"))?)),
            other => {
                let value = Typed::literal(ScalarValue::Utf8(Some(text.clone())));
                let target = Typed::literal(ScalarValue::Utf8(Some(other.to_owned())));
                return self.internal_call("__cast", vec![value, target], at);
            }
        };
        Ok(Typed::literal(value))
    }

    /// `INTERVAL '2' DAY`, `INTERVAL '1-2' YEAR TO MONTH`, `INTERVAL '1 02:03:04' DAY TO SECOND`.
    fn interval(&mut self, interval: &ast::Interval, at: Location) -> Result<Typed, SqlError> {
        let text = match interval.value.as_ref() {
            ast::Expr::Value(value) => match &value.value {
                Value::SingleQuotedString(text) => text.clone(),
                // `INTERVAL 30 MINUTE` stands once in the guide. # guide: query-insights.html
                Value::Number(digits, false) => digits.clone(),
                _ => return Err(syntax(at)),
            },
            _ => return Err(syntax(at)),
        };
        let Some(from) = &interval.leading_field else { return Err(syntax(at)) };
        let from = from.to_string().to_ascii_lowercase();
        let unit = match &interval.last_field {
            Some(to) => format!("{from} to {}", to.to_string().to_ascii_lowercase()),
            None => from,
        };
        let value = types::parse_interval(&text, &unit).map_err(|message| semantic(at, message))?;
        Ok(Typed::literal(interval_value(value)))
    }

    fn unary(
        &mut self,
        op: UnaryOperator,
        inner: &ast::Expr,
        scope: &Scope<'_>,
        ctes: &Ctes,
        at: Location,
    ) -> Result<Typed, SqlError> {
        match op {
            UnaryOperator::Not => {
                let value = self.expr(inner, scope, ctes)?;
                match value.data_type {
                    DataType::Boolean | DataType::Null => {
                        Ok(Typed::boolean(Expr::Not(Box::new(value.cast_to(&DataType::Boolean).expr))))
                    }
                    ref other => {
                        let name = types::type_name(other);
                        Err(semantic(
                            self.places.of_expr(inner),
                            format!("Value of logical NOT expression must evaluate to a boolean (actual: {name})"),
                        ))
                    }
                }
            }
            UnaryOperator::Minus => {
                // `-9223372036854775808` has no positive counterpart, so a literal is read with its sign.
                if let ast::Expr::Value(value) = inner
                    && let Value::Number(digits, _) = &value.value
                {
                    return number(&format!("-{digits}"), at);
                }
                let value = self.expr(inner, scope, ctes)?;
                self.internal_call("__neg", vec![value], at)
            }
            UnaryOperator::Plus => {
                let value = self.expr(inner, scope, ctes)?;
                match &value.data_type {
                    DataType::Int32 | DataType::Int64 | DataType::Float64 | DataType::Null => Ok(value),
                    // # presto: its words
                    other => {
                        let name = types::type_name(other);
                        Err(semantic(at, format!("Unary '+' operator cannot by applied to {name} type")))
                    }
                }
            }
            _ => Err(syntax(at)),
        }
    }

    fn case(
        &mut self,
        operand: Option<&ast::Expr>,
        conditions: &[ast::CaseWhen],
        otherwise: Option<&ast::Expr>,
        scope: &Scope<'_>,
        ctes: &Ctes,
        at: Location,
    ) -> Result<Typed, SqlError> {
        let operand = operand.map(|o| self.expr(o, scope, ctes)).transpose()?;
        let (mut whens, mut results) = (Vec::new(), Vec::new());
        for when in conditions {
            let condition = match &operand {
                None => self.condition(&when.condition, "CASE WHEN clause", scope, ctes)?,
                Some(operand) => {
                    let value = self.expr(&when.condition, scope, ctes)?;
                    let place = self.places.of_word_before(Keyword::WHEN, &when.condition).unwrap_or(at);
                    let both = [operand.data_type.clone(), value.data_type.clone()];
                    if types::common_type(&both).is_none() && !is_timestamp_text(operand, &value) {
                        // # inferred: Presto's words
                        let message = format!(
                            "CASE operand type does not match WHEN clause operand type: {} vs {}",
                            types::type_name(&both[0]),
                            types::type_name(&both[1])
                        );
                        return Err(semantic(place, message));
                    }
                    self.compare(operand.clone(), Operator::Eq, value, place)?.expr
                }
            };
            whens.push(condition);
            results.push(self.expr(&when.result, scope, ctes)?);
        }
        results.push(match otherwise {
            Some(otherwise) => self.expr(otherwise, scope, ctes)?,
            None => Typed::literal(ScalarValue::Null),
        });
        let all: Vec<DataType> = results.iter().map(|result| result.data_type.clone()).collect();
        let at = match types::common_type(&all) {
            Some(_) => at,
            // # trino: it points at the result that does not go with those before
            None => {
                let misfit = conditions.get(first_misfit(&all).0).map(|when| &when.result);
                misfit.or(otherwise).map_or(at, |e| self.places.of_expr(e))
            }
        };
        case_of(whens, results, at)
    }

    /// `if(condition, then[, otherwise])`.
    pub(super) fn if_then(
        &mut self,
        args: &[&ast::Expr],
        scope: &Scope<'_>,
        ctes: &Ctes,
        at: Location,
    ) -> Result<Typed, SqlError> {
        let (condition, then, otherwise) = match args {
            [condition, then] => (condition, then, None),
            [condition, then, otherwise] => (condition, then, Some(otherwise)),
            _ => return Err(semantic(at, "Invalid number of arguments for 'if' function")),
        };
        let when = self.condition(condition, "IF condition", scope, ctes)?;
        let then = self.expr(then, scope, ctes)?;
        let otherwise = match otherwise {
            Some(otherwise) => self.expr(otherwise, scope, ctes)?,
            None => Typed::literal(ScalarValue::Null),
        };
        if types::common_type(&[then.data_type.clone(), otherwise.data_type.clone()]).is_none() {
            // # presto: its words
            let [then, otherwise] = [then, otherwise].map(|typed| types::type_name(&typed.data_type));
            return Err(semantic(at, format!("Result types for IF must be the same: {then} vs {otherwise}")));
        }
        case_of(vec![when], vec![then, otherwise], at)
    }

    /// Checks that values have a type in common. # presto: the error stands at the first that does not go with those
    /// before it, and names what those have in common
    pub(super) fn one_type<'e>(
        &self,
        values: &[Typed],
        written: impl IntoIterator<Item = &'e ast::Expr>,
        what: &str,
    ) -> Result<(), SqlError> {
        let all: Vec<DataType> = values.iter().map(|value| value.data_type.clone()).collect();
        if all.is_empty() || types::common_type(&all).is_some() {
            return Ok(());
        }
        let (misfit, before) = first_misfit(&all);
        let at = written.into_iter().nth(misfit).map_or(Location::empty(), |expr| self.places.of_expr(expr));
        Err(semantic(at, format!("{what}: {before}")))
    }

    fn cast(
        &mut self,
        kind: &CastKind,
        inner: &ast::Expr,
        data_type: &ast::DataType,
        scope: &Scope<'_>,
        ctes: &Ctes,
        at: Location,
    ) -> Result<Typed, SqlError> {
        let name = match kind {
            CastKind::Cast => "__cast",
            CastKind::TryCast => "__try_cast",
            _ => return Err(syntax(at)),
        };
        let ast::DataType::Custom(type_name, modifiers) = data_type else { return Err(syntax(at)) };
        let text = match (type_name.to_string().as_str(), &modifiers[..]) {
            (TYPE_TEXT, [text]) => text.trim_start_matches('\'').trim_end_matches('\'').replace("''", "'"),
            _ => return Err(syntax(at)),
        };
        let value = self.expr(inner, scope, ctes)?;
        self.internal_call(name, vec![value, Typed::literal(ScalarValue::Utf8(Some(text)))], at)
    }

    fn extract(
        &mut self,
        field: &DateTimeField,
        expr: &ast::Expr,
        scope: &Scope<'_>,
        ctes: &Ctes,
        at: Location,
    ) -> Result<Typed, SqlError> {
        let field = field.to_string().to_ascii_lowercase();
        let value = self.expr(expr, scope, ctes)?;
        self.internal_call("__extract", vec![Typed::literal(ScalarValue::Utf8(Some(field))), value], at)
    }

    fn in_list(
        &mut self,
        expr: &ast::Expr,
        list: &[ast::Expr],
        negated: bool,
        scope: &Scope<'_>,
        ctes: &Ctes,
        at: Location,
    ) -> Result<Typed, SqlError> {
        let value = self.expr(expr, scope, ctes)?;
        let items = self.exprs(list, scope, ctes)?;
        let items: Vec<Typed> =
            items.into_iter().map(|item| self.literal_as(item, &value.data_type, at)).collect::<Result<_, _>>()?;
        let value = items.iter().try_fold(value, |value, item| self.literal_as(value, &item.data_type, at))?;
        let mut all: Vec<DataType> = items.iter().map(|i| i.data_type.clone()).collect();
        all.push(value.data_type.clone());
        let Some(common) = types::common_type(&all) else {
            all.rotate_right(1);
            let (place, before) = first_misfit(&all);
            let item = place.checked_sub(1).and_then(|item| list.get(item)).unwrap_or(expr);
            let at = self.places.of_expr(item);
            return Err(semantic(at, format!("IN value and list items must be the same type: {before}")));
        };
        let value = value.cast_to(&common);
        let simple = |item: &Typed| item.value().is_some() && !common.is_nested();
        if (common.is_nested() || common == DataType::Float64) && !items.iter().all(simple) {
            // Compared one by one, for the rules of NaN and of nulls inside.
            let mut any: Option<Expr> = None;
            for item in items {
                let equal = self.compare(value.clone(), Operator::Eq, item, at)?.expr;
                any = Some(any.map_or(equal.clone(), |any| any.or(equal)));
            }
            let any = any.unwrap_or(Expr::Literal(ScalarValue::Boolean(Some(false)), None));
            return Ok(Typed::boolean(if negated { Expr::Not(Box::new(any)) } else { any }));
        }
        let list = items.into_iter().map(|item| item.cast_to(&common).expr).collect();
        Ok(Typed::boolean(Expr::InList(InList::new(Box::new(value.expr), list, negated))))
    }

    /// LIKE has no escape character unless one is given; the engine's has the backslash, so patterns are rewritten.
    fn like(
        &mut self,
        (expr, pattern, escape): (&ast::Expr, &ast::Expr, Option<&ast::ValueWithSpan>),
        negated: bool,
        scope: &Scope<'_>,
        ctes: &Ctes,
        at: Location,
    ) -> Result<Typed, SqlError> {
        let value = self.varchar(expr, "Left side of LIKE expression", scope, ctes)?;
        // An escape that is no literal stands with the pattern.
        let (pattern, escape_expr) = match pattern {
            ast::Expr::Function(call) if call.name.to_string() == LIKE_ESCAPE => {
                match super::call::plain_arguments(call, at)?[..] {
                    [pattern, escape] => (pattern, Some(escape)),
                    _ => return Err(syntax(at)),
                }
            }
            pattern => (pattern, None),
        };
        let pattern_at = self.places.of_expr(pattern);
        let pattern = self.varchar(pattern, "Pattern for LIKE expression", scope, ctes)?;
        let escape = match (escape, escape_expr) {
            (Some(literal), _) => Some((self.literal(&literal.value, literal.span.start)?, literal.span.start)),
            (None, Some(expr)) => Some((self.expr(expr, scope, ctes)?, self.places.of_expr(expr))),
            (None, None) => None,
        };
        let escape = escape.map(|(value, at)| as_varchar(value, "Escape for LIKE expression", at)).transpose()?;
        let character = escape.as_ref().and_then(Typed::text).map(|text| {
            let mut characters = text.chars();
            characters.next().filter(|_| characters.next().is_none())
        });
        let character = match character {
            Some(None) => return Err(semantic(at, "Escape string must be a single character")),
            Some(character) => character,
            None => None,
        };
        let literal = escape.is_none() || character.is_some();
        let pattern = match pattern.value() {
            Some(ScalarValue::Utf8(Some(text))) if literal => {
                let text = engine_pattern(text, character).ok_or_else(|| semantic(pattern_at, MISPLACED_ESCAPE))?;
                Expr::Literal(ScalarValue::Utf8(Some(text)), None)
            }
            _ => {
                let args = std::iter::once(pattern).chain(escape).collect();
                self.internal_call("__like_pattern", args, pattern_at)?.expr
            }
        };
        Ok(Typed::boolean(Expr::Like(Like::new(negated, Box::new(value.expr), Box::new(pattern), None, false))))
    }

    fn varchar(&mut self, expr: &ast::Expr, what: &str, scope: &Scope<'_>, ctes: &Ctes) -> Result<Typed, SqlError> {
        let value = self.expr(expr, scope, ctes)?;
        as_varchar(value, what, self.places.of_expr(expr))
    }

    /// An interval literal's function call, or `None` for any other function.
    pub(super) fn interval_call(&self, function: &ast::Function, at: Location) -> Result<Option<Typed>, SqlError> {
        if function.name.to_string() != INTERVAL_FUNCTION {
            return Ok(None);
        }
        let args = super::call::plain_arguments(function, at)?;
        let text = match args[..] {
            [ast::Expr::Value(ast::ValueWithSpan { value: Value::SingleQuotedString(text), .. })] => text,
            _ => return Err(syntax(at)),
        };
        let value = types::parse_duration(text).map_err(|message| semantic(at, message))?;
        Ok(Some(Typed::literal(interval_value(value))))
    }
}

fn as_varchar(value: Typed, what: &str, at: Location) -> Result<Typed, SqlError> {
    match value.data_type {
        DataType::Utf8 | DataType::Null => Ok(value.cast_to(&DataType::Utf8)),
        ref other => {
            let message = format!("{what} must evaluate to a varchar (actual: {})", types::type_name(other));
            Err(semantic(at, message))
        }
    }
}

/// The first of several types that goes with none of those before it, and what those have in common. # trino: its
/// messages name the latter
fn first_misfit(all: &[DataType]) -> (usize, String) {
    let fits = |count: usize| types::common_type(&all[..count]);
    let place = (1..all.len()).find(|place| fits(place + 1).is_none()).unwrap_or_default();
    (place, fits(place).map_or_else(String::new, |common| types::type_name(&common)))
}

/// CASE over conditions and one result more than them, the last for when none holds.
pub(super) fn case_of(whens: Vec<Expr>, results: Vec<Typed>, at: Location) -> Result<Typed, SqlError> {
    let all: Vec<DataType> = results.iter().map(|r| r.data_type.clone()).collect();
    let Some(common) = types::common_type(&all) else {
        return Err(semantic(at, format!("All CASE results must be the same type: {}", first_misfit(&all).1)));
    };
    let mut results: Vec<Expr> = results.into_iter().map(|r| r.cast_to(&common).expr).collect();
    let otherwise = results.pop().map(Box::new);
    let branches = whens.into_iter().zip(results).map(|(w, r)| (Box::new(w), Box::new(r))).collect();
    Ok(Typed::new(Expr::Case(Case::new(None, branches, otherwise)), common))
}

/// Whether one of two values is a timestamp and the other a text that may stand for one.
fn is_timestamp_text(left: &Typed, right: &Typed) -> bool {
    let timestamp = |value: &Typed| matches!(value.data_type, DataType::Timestamp(..));
    (timestamp(left) && right.text().is_some()) || (timestamp(right) && left.text().is_some())
}

fn interval_value(value: IntervalValue) -> ScalarValue {
    match value {
        IntervalValue::DayToSecond(ns) => ScalarValue::DurationNanosecond(Some(ns)),
        IntervalValue::YearToMonth(months) => ScalarValue::IntervalYearMonth(Some(months)),
    }
}

/// A number as written: INTEGER where it fits, else BIGINT; with a point or exponent DOUBLE. # observed: `1` is INTEGER
fn number(digits: &str, at: Location) -> Result<Typed, SqlError> {
    if digits.contains(['.', 'e', 'E']) {
        let value: f64 = digits.parse().map_err(|_| syntax(at))?;
        return Ok(Typed::literal(ScalarValue::Float64(Some(value))));
    }
    let value: i64 = digits.parse().map_err(|_| semantic(at, format!("Invalid numeric literal: {digits}")))?;
    Ok(Typed::literal(match i32::try_from(value) {
        Ok(small) => ScalarValue::Int32(Some(small)),
        Err(_) => ScalarValue::Int64(Some(value)),
    }))
}

fn hex(digits: &str) -> Option<Vec<u8>> {
    let digits: Vec<u8> = digits.bytes().filter(|b| !b.is_ascii_whitespace()).collect();
    let pairs = digits.chunks(2).map(|pair| match pair {
        [high, low] => u8::from_str_radix(std::str::from_utf8(&[*high, *low]).ok()?, 16).ok(),
        _ => None,
    });
    pairs.collect()
}
