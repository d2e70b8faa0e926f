//! Where in the text an expression stands.
//!
//! The tree keeps the places of names, literals and some words; what it drops (operators, parentheses, signs, CAST, …) is
//! found in the tokens beside those.

use crate::sql::lex::{INTERVAL_FUNCTION, TYPE_TEXT};
use datafusion::sql::sqlparser::{
    ast::{
        BinaryOperator, Expr, Query, SelectItem, SelectItemQualifiedWildcardKind, SetExpr, Spanned, UnaryOperator,
        Values,
    },
    keywords::Keyword,
    tokenizer::{Location, Token, TokenWithSpan},
};

/// The tokens of a query in their order, to find the places that the tree drops.
#[derive(Debug)]
pub(in crate::sql) struct Places(Vec<(Location, Token)>);

impl Places {
    /// Of the tokens that the parser reads.
    pub(in crate::sql) fn new(tokens: &[TokenWithSpan]) -> Self {
        Self(tokens.iter().map(|token| (token.span.start, token.token.clone())).collect())
    }

    /// The place that a message about `expr` names: of an operation its operator, of a predicate its first word after the
    /// value, of anything else its first token. # presto: the AST's locations
    pub(super) fn of_expr(&self, expr: &Expr) -> Location {
        let operation = match expr {
            Expr::Nested(inner) => return self.of_expr(inner),
            Expr::BinaryOp { op, right, .. } => self.of_operator(op, right),
            Expr::AnyOp { compare_op, right, .. } | Expr::AllOp { compare_op, right, .. } => {
                self.start_of_quantified(right).and_then(|after| self.operator_before(compare_op, after))
            }
            Expr::IsDistinctFrom(_, right) => self.start(right).and_then(|after| self.word_at(after, 3, Keyword::IS)),
            Expr::IsNotDistinctFrom(_, right) => {
                self.start(right).and_then(|after| self.word_at(after, 4, Keyword::IS))
            }
            Expr::Between { low, .. } => self.start(low).and_then(|after| self.predicate(after, 1, Keyword::BETWEEN)),
            Expr::Like { pattern, .. } => self.start(pattern).and_then(|after| self.predicate(after, 1, Keyword::LIKE)),
            Expr::InList { list, .. } => {
                list.first().and_then(|item| self.start(item)).and_then(|after| self.predicate(after, 2, Keyword::IN))
            }
            Expr::InSubquery { subquery, .. } => {
                self.start_of_query(subquery).and_then(|after| self.predicate(after, 2, Keyword::IN))
            }
            _ => None,
        };
        operation.unwrap_or_else(|| self.start(expr).map_or_else(|| first_kept(expr), |index| self.0[index].0))
    }

    /// The place of an operator, whose right operand is `right`.
    pub(super) fn of_operator(&self, op: &BinaryOperator, right: &Expr) -> Option<Location> {
        self.start(right).and_then(|after| self.operator_before(op, after))
    }

    /// The place of the word that stands right before `expr`.
    pub(super) fn of_word_before(&self, word: Keyword, expr: &Expr) -> Option<Location> {
        self.start(expr).and_then(|after| self.word_at(after, 1, word))
    }

    /// The place of a select item.
    pub(super) fn of_item(&self, item: &SelectItem) -> Location {
        match item {
            SelectItem::UnnamedExpr(expr)
            | SelectItem::ExprWithAlias { expr, .. }
            | SelectItem::ExprWithAliases { expr, .. } => self.of_expr(expr),
            SelectItem::QualifiedWildcard(SelectItemQualifiedWildcardKind::ObjectName(name), _) => name.span().start,
            SelectItem::QualifiedWildcard(SelectItemQualifiedWildcardKind::Expr(expr), _) => self.of_expr(expr),
            SelectItem::Wildcard(options) => options.wildcard_token.0.span.start,
        }
    }

    /// The place of the set operator before its right operand.
    pub(super) fn of_set_operator(&self, right: &SetExpr) -> Option<Location> {
        let after = self.start_of_body(right)?;
        let quantifier = |word: Keyword| self.word_at(after, 1, word).is_some();
        let back = if quantifier(Keyword::ALL) || quantifier(Keyword::DISTINCT) { 2 } else { 1 };
        let operators = [Keyword::UNION, Keyword::INTERSECT, Keyword::EXCEPT];
        operators.iter().find_map(|operator| self.word_at(after, back, *operator))
    }

    /// The place of VALUES.
    pub(super) fn of_values(&self, values: &Values) -> Location {
        let first = first_value(values);
        let place = first.and_then(|first| self.start(first)).and_then(|start| self.start_of_values(start));
        place.map_or_else(|| first.map_or(Location::empty(), first_kept), |index| self.0[index].0)
    }

    /// The token that `expr` begins with, dropped or not.
    fn start(&self, expr: &Expr) -> Option<usize> {
        let (mut expr, mut dropped) = (expr, 0);
        let kept = loop {
            expr = match expr {
                Expr::BinaryOp { left, .. } | Expr::AnyOp { left, .. } | Expr::AllOp { left, .. } => left,
                Expr::IsNull(inner)
                | Expr::IsNotNull(inner)
                | Expr::IsDistinctFrom(inner, _)
                | Expr::IsNotDistinctFrom(inner, _)
                | Expr::InList { expr: inner, .. }
                | Expr::InSubquery { expr: inner, .. }
                | Expr::Between { expr: inner, .. }
                | Expr::Like { expr: inner, .. }
                | Expr::CompoundFieldAccess { root: inner, .. } => inner,
                other => match opening(other) {
                    Some((tokens, inner)) => {
                        dropped += tokens;
                        inner
                    }
                    None => break other,
                },
            };
        };
        let start = match kept {
            Expr::Exists { subquery, negated } => {
                self.start_of_query(subquery)?.checked_sub(if *negated { 3 } else { 2 })
            }
            Expr::Subquery(query) => self.start_of_query(query)?.checked_sub(1),
            // `DATE 'text'`
            Expr::TypedString(typed) => self.index(typed.value.span.start)?.checked_sub(1),
            kept => self.index(first_kept(kept)),
        };
        start?.checked_sub(dropped)
    }

    fn start_of_query(&self, query: &Query) -> Option<usize> {
        if let Some(with) = &query.with {
            return self.index(with.with_token.0.span.start);
        }
        self.start_of_body(&query.body)
    }

    fn start_of_body(&self, body: &SetExpr) -> Option<usize> {
        let mut body = body;
        while let SetExpr::SetOperation { left, .. } = body {
            body = left;
        }
        match body {
            SetExpr::Select(select) => self.index(select.select_token.0.span.start),
            SetExpr::Query(inner) => self.start_of_query(inner)?.checked_sub(1),
            SetExpr::Values(values) => self.start_of_values(self.start(first_value(values)?)?),
            _ => None,
        }
    }

    /// VALUES before its first row's first value.
    fn start_of_values(&self, first: usize) -> Option<usize> {
        let dropped = |index: &usize| {
            let token = &self.0[*index].1;
            *token == Token::LParen || is_word(token, Keyword::ROW)
        };
        let values = (0..first).rev().find(|index| !dropped(index))?;
        is_word(&self.0[values].1, Keyword::VALUES).then_some(values)
    }

    /// Where the parenthesis of a quantified comparison's subquery is preceded by ALL, ANY or SOME.
    fn start_of_quantified(&self, right: &Expr) -> Option<usize> {
        self.start(right)?.checked_sub(1)
    }

    /// The token at a place. The parentheses that [`crate::sql::lex`] adds stand where the token inside them does.
    fn index(&self, at: Location) -> Option<usize> {
        let mut index = self.0.partition_point(|(place, _)| *place < at);
        let parenthesis = |index: usize| matches!(self.0[index].1, Token::LParen | Token::RParen);
        while index + 1 < self.0.len() && parenthesis(index) && self.0[index + 1].0 == at {
            index += 1;
        }
        self.0.get(index).is_some_and(|(place, _)| *place == at).then_some(index)
    }

    fn word_at(&self, after: usize, back: usize, word: Keyword) -> Option<Location> {
        let (place, token) = self.0.get(after.checked_sub(back)?)?;
        is_word(token, word).then_some(*place)
    }

    /// The word of a predicate, or the NOT before it.
    fn predicate(&self, after: usize, back: usize, word: Keyword) -> Option<Location> {
        let place = self.word_at(after, back, word)?;
        Some(self.word_at(after, back + 1, Keyword::NOT).unwrap_or(place))
    }

    fn operator_before(&self, op: &BinaryOperator, after: usize) -> Option<Location> {
        let (place, token) = self.0.get(after.checked_sub(1)?)?;
        let same = match op {
            BinaryOperator::And => is_word(token, Keyword::AND),
            BinaryOperator::Or => is_word(token, Keyword::OR),
            BinaryOperator::NotEq => *token == Token::Neq,
            other => token.to_string() == other.to_string(),
        };
        same.then_some(*place)
    }
}

/// What an expression has inside at its beginning, and how many tokens stand before that which the tree drops.
fn opening(expr: &Expr) -> Option<(usize, &Expr)> {
    Some(match expr {
        Expr::Nested(inner) => (1, inner),
        Expr::UnaryOp { op: UnaryOperator::Not | UnaryOperator::Minus | UnaryOperator::Plus, expr } => (1, expr),
        Expr::Cast { expr, .. } | Expr::Ceil { expr, .. } | Expr::Floor { expr, .. } => (2, expr),
        Expr::Position { expr, .. } | Expr::Substring { expr, .. } => (2, expr),
        Expr::Extract { expr, .. } => (4, expr),
        Expr::Interval(interval) => (1, &interval.value),
        Expr::Array(array) if array.named => (2, array.elem.first()?),
        Expr::Tuple(items) => (1, items.first()?),
        Expr::Trim { expr, trim_where: None, trim_what: None, .. } => (2, expr),
        Expr::Trim { trim_where, trim_what: Some(what), .. } => (if trim_where.is_some() { 3 } else { 2 }, what),
        _ => return None,
    })
}

fn is_word(token: &Token, keyword: Keyword) -> bool {
    matches!(token, Token::Word(word) if word.quote_style.is_none() && word.keyword == keyword)
}

fn first_value(values: &Values) -> Option<&Expr> {
    values.rows.first().and_then(|row| row.content.first())
}

/// The place of the first token of `expr` that the tree keeps.
pub(super) fn first_kept(expr: &Expr) -> Location {
    let mut expr = expr;
    loop {
        expr = match expr {
            Expr::BinaryOp { left, .. } | Expr::AnyOp { left, .. } | Expr::AllOp { left, .. } => left,
            Expr::Nested(inner)
            | Expr::IsNull(inner)
            | Expr::IsNotNull(inner)
            | Expr::IsDistinctFrom(inner, _)
            | Expr::IsNotDistinctFrom(inner, _)
            | Expr::UnaryOp { expr: inner, .. }
            | Expr::InList { expr: inner, .. }
            | Expr::InSubquery { expr: inner, .. }
            | Expr::Between { expr: inner, .. }
            | Expr::Like { expr: inner, .. }
            | Expr::Cast { expr: inner, .. }
            | Expr::CompoundFieldAccess { root: inner, .. } => inner,
            Expr::Identifier(ident) => return ident.span.start,
            Expr::CompoundIdentifier(parts) => return parts.first().map_or(Location::empty(), |p| p.span.start),
            Expr::Value(value) => return value.span.start,
            Expr::Function(function) => return function.name.span().start,
            Expr::Case { case_token, .. } => return case_token.0.span.start,
            Expr::Exists { subquery, .. } | Expr::Subquery(subquery) => return of_query(subquery),
            other => return other.span().start,
        }
    }
}

/// The place of a query's first token that the tree keeps.
pub(super) fn of_query(query: &Query) -> Location {
    match query.body.as_ref() {
        SetExpr::Select(select) => select.select_token.0.span.start,
        SetExpr::Query(inner) => of_query(inner),
        SetExpr::Values(values) => first_value(values).map_or(Location::empty(), first_kept),
        _ => Location::empty(),
    }
}

/// A part of the query for a message, without the forms that [`crate::sql::lex`] brings into it.
pub(super) fn as_written(part: &dyn std::fmt::Display) -> String {
    let text = part.to_string();
    let mut written = String::with_capacity(text.len());
    let mut rest = text.as_str();
    while let Some((before, function, after)) =
        [INTERVAL_FUNCTION, TYPE_TEXT].iter().filter_map(|f| split_call(rest, f)).min_by_key(|found| found.0.len())
    {
        let Some(end) = closing(after) else { break };
        let argument = &after[..end];
        written.push_str(before);
        written.push_str(if function == INTERVAL_FUNCTION { argument.trim_matches('\'') } else { argument });
        rest = &after[end + 1..];
    }
    written.push_str(rest);
    written
}

/// What stands before a call of `function`, and what after its parenthesis.
fn split_call<'t, 'f>(text: &'t str, function: &'f str) -> Option<(&'t str, &'f str, &'t str)> {
    let (before, after) = text.split_once(function)?;
    Some((before, function, after.strip_prefix('(')?))
}

/// Where the parenthesis closes that was open before `text`.
fn closing(text: &str) -> Option<usize> {
    let mut depth = 0_usize;
    for (at, c) in text.char_indices() {
        match c {
            '(' => depth += 1,
            ')' if depth == 0 => return Some(at),
            ')' => depth -= 1,
            _ => {}
        }
    }
    None
}
