//! Where in the text an expression begins.

use crate::sql::lex::{INTERVAL_FUNCTION, TYPE_TEXT};
use datafusion::sql::sqlparser::{
    ast::{Expr, Query, SelectItem, SelectItemQualifiedWildcardKind, SetExpr, Spanned},
    tokenizer::{Location, Span},
};

/// The place of the first character of `expr`, as far as the tree keeps it: an expression that begins with a token the
/// tree drops (a parenthesis, NOT, a sign) is placed at what follows.
pub(super) fn of_expr(expr: &Expr) -> Location {
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
            Expr::Exists { subquery, .. } | Expr::Subquery(subquery) => return of_query(subquery),
            other => return first(other.span()),
        }
    }
}

fn first(span: Span) -> Location {
    span.start
}

/// The place of a query's first token that the tree keeps.
pub(super) fn of_query(query: &Query) -> Location {
    match query.body.as_ref() {
        SetExpr::Select(select) => select.select_token.0.span.start,
        SetExpr::Query(inner) => of_query(inner),
        SetExpr::Values(values) => {
            values.rows.first().and_then(|row| row.content.first()).map_or(Location::empty(), of_expr)
        }
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

/// The place of a select item.
pub(super) fn of_item(item: &SelectItem) -> Location {
    match item {
        SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. } => of_expr(expr),
        SelectItem::QualifiedWildcard(SelectItemQualifiedWildcardKind::ObjectName(name), _) => name.span().start,
        SelectItem::QualifiedWildcard(SelectItemQualifiedWildcardKind::Expr(expr), _) => of_expr(expr),
        SelectItem::Wildcard(options) => options.wildcard_token.0.span.start,
        SelectItem::ExprWithAliases { expr, .. } => of_expr(expr),
    }
}
