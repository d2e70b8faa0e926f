//! Binary operators. A chain of them, however long, becomes one flat call or a balanced tree, so that neither planning
//! nor running it nests as deep as it is long.

use super::{
    Planner, Typed,
    comparison::own_comparison,
    construct,
    scope::{Ctes, Scope},
    semantic,
};
use crate::sql::{error::SqlError, lex::syntax, types};
use datafusion::{
    arrow::datatypes::{DataType, TimeUnit},
    common::ScalarValue,
    logical_expr::{Expr, Operator, binary_expr},
    sql::sqlparser::{
        ast::{self, BinaryOperator},
        tokenizer::Location,
    },
};

/// Operators that chain: of one precedence, taken from the left.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Chain {
    Sum,
    Product,
    And,
    Or,
    Concat,
}

fn chain_of(op: &BinaryOperator) -> Option<Chain> {
    match op {
        BinaryOperator::Plus | BinaryOperator::Minus => Some(Chain::Sum),
        BinaryOperator::Multiply | BinaryOperator::Divide | BinaryOperator::Modulo => Some(Chain::Product),
        BinaryOperator::And => Some(Chain::And),
        BinaryOperator::Or => Some(Chain::Or),
        BinaryOperator::StringConcat => Some(Chain::Concat),
        _ => None,
    }
}

impl Planner<'_> {
    /// Plans a binary operation with the whole chain it heads.
    pub(super) fn binary(&mut self, expr: &ast::Expr, scope: &Scope<'_>, ctes: &Ctes) -> Result<Typed, SqlError> {
        let ast::Expr::BinaryOp { left, op, right } = expr else { return Err(syntax(self.places.of_expr(expr))) };
        let at = self.places.of_operator(op, right).unwrap_or_else(|| self.places.of_expr(left));
        let Some(chain) = chain_of(op) else {
            let op = comparison_of(op).ok_or_else(|| super::unsupported(at, &format!("Operator {op}")))?;
            let (left, right) = (self.expr(left, scope, ctes)?, self.expr(right, scope, ctes)?);
            return self.compare(left, op, right, at);
        };
        let (terms, operators) = chain_terms(expr, chain);
        let mut typed = Vec::with_capacity(terms.len());
        for term in &terms {
            typed.push((self.expr(term, scope, ctes)?, self.places.of_expr(term)));
        }
        match chain {
            Chain::And => logical(typed, Operator::And),
            Chain::Or => logical(typed, Operator::Or),
            _ => {
                let typed: Vec<Typed> = typed.into_iter().map(|(term, _)| term).collect();
                match self.chain_call(chain, &operators, &typed, at) {
                    Err(SqlError::Semantic { message, .. }) => {
                        let misfit = self.first_misfit(chain, &operators, &typed);
                        let place = terms
                            .get(misfit)
                            .zip(operators.get(misfit - 1))
                            .and_then(|(right, op)| self.places.of_operator(op, right));
                        Err(semantic(place.unwrap_or(at), message))
                    }
                    answer => answer,
                }
            }
        }
    }

    /// The operators over the first terms, one more than there are operators.
    fn chain_call(
        &mut self,
        chain: Chain,
        operators: &[&BinaryOperator],
        terms: &[Typed],
        at: Location,
    ) -> Result<Typed, SqlError> {
        if chain == Chain::Concat {
            return self.internal_call("__concat", terms.to_vec(), at);
        }
        let symbols = operators.iter().map(ToString::to_string).collect();
        let mut args = vec![Typed::literal(ScalarValue::Utf8(Some(symbols)))];
        args.extend_from_slice(terms);
        self.internal_call("__arith", args, at)
    }

    /// The first term that does not go with those before it, in a chain that has one.
    fn first_misfit(&mut self, chain: Chain, operators: &[&BinaryOperator], terms: &[Typed]) -> usize {
        let (mut fits, mut fails) = (0, terms.len() - 1);
        while fails - fits > 1 {
            let middle = fits + (fails - fits) / 2;
            match self.chain_call(chain, &operators[..middle], &terms[..=middle], Location::empty()) {
                Ok(_) => fits = middle,
                Err(_) => fails = middle,
            }
        }
        fails
    }

    /// A comparison of two values, brought to a common type.
    pub(super) fn compare(&mut self, left: Typed, op: Operator, right: Typed, at: Location) -> Result<Typed, SqlError> {
        let left = self.literal_as(left, &right.data_type, at)?;
        let right = self.literal_as(right, &left.data_type, at)?;
        let Some(common) = types::common_type(&[left.data_type.clone(), right.data_type.clone()]) else {
            let (l, r) = (types::type_name(&left.data_type), types::type_name(&right.data_type));
            return Err(semantic(at, format!("'{}' cannot be applied to {l}, {r}", symbol(op))));
        };
        if common == DataType::Null {
            return Ok(Typed::literal(ScalarValue::Boolean(None)));
        }
        let (left, right) = (left.cast_to(&common), right.cast_to(&common));
        Ok(Typed::boolean(self.compare_alike(left, op, right, at)?))
    }

    /// A comparison of two values of one type: the engine's own, which it can prune and join by, wherever that is the
    /// language's.
    fn compare_alike(&mut self, left: Typed, op: Operator, right: Typed, at: Location) -> Result<Expr, SqlError> {
        let distinct = matches!(op, Operator::IsDistinctFrom | Operator::IsNotDistinctFrom);
        if left.data_type == DataType::Float64 && self.is_stored(&left) && self.is_stored(&right) {
            // # guide: NaN cannot be written; zeros of both signs can.
            let (left, right) = (self.same(left, at)?, self.same(right, at)?);
            return Ok(binary_expr(left.expr, op, right.expr));
        }
        let own = !distinct
            && match &left.data_type {
                DataType::Float64 => !self.compares_plainly(&left, &right),
                other => other.is_nested(),
            };
        Ok(match own {
            true => own_comparison(left.expr, op, right.expr),
            false => binary_expr(left.expr, op, right.expr),
        })
    }

    /// Whether a value is a table's column.
    pub(super) fn is_stored(&self, value: &Typed) -> bool {
        match &value.expr {
            Expr::Column(column) => column.relation.as_ref().is_some_and(|t| self.tables.contains_key(t.table())),
            _ => false,
        }
    }

    /// Whether two doubles are compared by the engine as they should be: neither is NaN, and a zero of either sign is
    /// compared with none, which is so of a stored value and a literal that is no zero.
    fn compares_plainly(&self, left: &Typed, right: &Typed) -> bool {
        let literal = |value: &Typed| match value.value() {
            Some(ScalarValue::Float64(Some(number))) => number.is_finite() && *number != 0.0,
            Some(value) => value.is_null(),
            None => false,
        };
        // # guide: NaN and infinities cannot be written.
        (self.is_stored(left) && literal(right)) || (literal(left) && self.is_stored(right))
    }

    /// A varchar literal where a timestamp is expected is one, and where it is compared with a date, which then counts as
    /// one, too; other values stay as they are. # guide: examples throughout compare `time` with text · `date(time)`
    /// with text: seen from a client
    pub(super) fn literal_as(&mut self, value: Typed, expected: &DataType, at: Location) -> Result<Typed, SqlError> {
        self.expect_parameter(&value, expected);
        if !matches!(expected, DataType::Timestamp(TimeUnit::Nanosecond, None) | DataType::Date32) {
            return Ok(value);
        }
        let Some(text) = value.text() else { return Ok(value) };
        match types::parse_timestamp(text) {
            Some(ns) => Ok(Typed::literal(ScalarValue::TimestampNanosecond(Some(ns), None))),
            None => Err(semantic(at, format!("'{text}' is not a valid timestamp literal"))),
        }
    }

    /// Notes the type that a parameter's use asks for, once.
    pub(super) fn expect_parameter(&mut self, value: &Typed, expected: &DataType) {
        let Expr::Placeholder(placeholder) = &value.expr else { return };
        for (name, data_type) in &mut self.parameters {
            if placeholder.id == *name && *data_type == DataType::Null {
                *data_type = expected.clone();
            }
        }
    }

    /// BETWEEN: both ends belong to it.
    pub(super) fn between(
        &mut self,
        expr: &ast::Expr,
        negated: bool,
        (low, high): (&ast::Expr, &ast::Expr),
        scope: &Scope<'_>,
        ctes: &Ctes,
        at: Location,
    ) -> Result<Typed, SqlError> {
        let value = self.expr(expr, scope, ctes)?;
        let (low, high) = (self.expr(low, scope, ctes)?, self.expr(high, scope, ctes)?);
        let low = self.literal_as(low, &value.data_type, at)?;
        let high = self.literal_as(high, &value.data_type, at)?;
        let all = [&value, &low, &high].map(|typed| typed.data_type.clone());
        let text = low.data_type != value.data_type && value.text().is_some();
        if !text && types::common_type(&all).is_none() {
            // # inferred: Presto's words
            let [value, low, high] = all.map(|data_type| types::type_name(&data_type));
            return Err(semantic(at, format!("Cannot check if {value} is BETWEEN {low} and {high}")));
        }
        let from = self.compare(value.clone(), Operator::GtEq, low, at)?;
        let to = self.compare(value, Operator::LtEq, high, at)?;
        let within = binary_expr(from.expr, Operator::And, to.expr);
        Ok(Typed::boolean(if negated { Expr::Not(Box::new(within)) } else { within }))
    }

    /// IS [NOT] DISTINCT FROM.
    pub(super) fn distinct_from(
        &mut self,
        (left, right): (&ast::Expr, &ast::Expr),
        op: Operator,
        scope: &Scope<'_>,
        ctes: &Ctes,
        at: Location,
    ) -> Result<Typed, SqlError> {
        self.inherited(at, construct::DISTINCT_FROM)?;
        let (left, right) = (self.expr(left, scope, ctes)?, self.expr(right, scope, ctes)?);
        if left.data_type == DataType::Null && right.data_type == DataType::Null {
            return Ok(Typed::literal(ScalarValue::Boolean(Some(op == Operator::IsNotDistinctFrom))));
        }
        self.compare(left, op, right, at)
    }
}

/// The terms of the chain that `expr` heads, from left to right, and its operators.
fn chain_terms(expr: &ast::Expr, chain: Chain) -> (Vec<&ast::Expr>, Vec<&BinaryOperator>) {
    let (mut terms, mut operators) = (Vec::new(), Vec::new());
    let mut rest = expr;
    while let ast::Expr::BinaryOp { left, op, right } = rest {
        if chain_of(op) != Some(chain) {
            break;
        }
        terms.push(right.as_ref());
        operators.push(op);
        rest = left;
    }
    terms.push(rest);
    terms.reverse();
    operators.reverse();
    (terms, operators)
}

/// AND or OR over all terms, as a balanced tree: both associate.
fn logical(terms: Vec<(Typed, Location)>, op: Operator) -> Result<Typed, SqlError> {
    let mut exprs = Vec::with_capacity(terms.len());
    for (i, (term, at)) in terms.into_iter().enumerate() {
        if !matches!(term.data_type, DataType::Boolean | DataType::Null) {
            // # observed: `line 1:250: Right side of logical expression must evaluate to a boolean (actual: interval
            // day to second)`
            let side = if i == 0 { "Left" } else { "Right" };
            let name = types::type_name(&term.data_type);
            let message = format!("{side} side of logical expression must evaluate to a boolean (actual: {name})");
            return Err(semantic(at, message));
        }
        exprs.push(term.cast_to(&DataType::Boolean).expr);
    }
    while exprs.len() > 1 {
        let mut halved = Vec::with_capacity(exprs.len().div_ceil(2));
        let mut pairs = exprs.into_iter();
        while let Some(left) = pairs.next() {
            halved.push(match pairs.next() {
                Some(right) => binary_expr(left, op, right),
                None => left,
            });
        }
        exprs = halved;
    }
    let literal = Expr::Literal(ScalarValue::Boolean(None), None);
    Ok(Typed::boolean(exprs.pop().unwrap_or(literal)))
}

/// A comparison as written.
pub(super) fn comparison_of(op: &BinaryOperator) -> Option<Operator> {
    Some(match op {
        BinaryOperator::Eq => Operator::Eq,
        BinaryOperator::NotEq => Operator::NotEq,
        BinaryOperator::Lt => Operator::Lt,
        BinaryOperator::LtEq => Operator::LtEq,
        BinaryOperator::Gt => Operator::Gt,
        BinaryOperator::GtEq => Operator::GtEq,
        _ => return None,
    })
}

/// The comparison's sign in messages.
fn symbol(op: Operator) -> String {
    match op {
        Operator::NotEq => "<>".to_owned(),
        other => other.to_string(),
    }
}
