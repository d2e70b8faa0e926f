//! Where in the text an expression begins.

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
