//! SELECT: from FROM to LIMIT, in the order in which the clauses take effect.

use super::{
    Planner, Typed,
    aggregate::Above,
    construct, internal,
    query::{Tail, ordinal},
    scope::{Ctes, Relation, Scope, ScopeColumn, WHERE, name_of},
    semantic, unsupported,
};
use crate::{
    model::limits::QUERY_COLUMNS_MAX,
    sql::{error::SqlError, lex::syntax, types},
};
use datafusion::{
    arrow::datatypes::DataType,
    common::Column,
    logical_expr::{Expr, LogicalPlanBuilder, SortExpr},
    sql::sqlparser::{
        ast::{
            self, Distinct, ExcludeSelectItem, ObjectNamePart, SelectFlavor, SelectItem,
            SelectItemQualifiedWildcardKind, Spanned, WildcardAdditionalOptions,
        },
        tokenizer::Location,
    },
};

/// An item of the select list, wildcards spread out.
pub(super) struct Item<'q> {
    pub(super) column: ScopeColumn,
    pub(super) typed: Typed,
    pub(super) at: Location,
    pub(super) text: Text<'q>,
}

/// The item as written, for messages.
pub(super) enum Text<'q> {
    Expr(&'q ast::Expr),
    Name(String),
}

impl std::fmt::Display for Text<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Expr(expr) => expr.fmt(f),
            Self::Name(name) => name.fmt(f),
        }
    }
}

impl Planner<'_> {
    /// Plans a SELECT with the ORDER BY and LIMIT of its query.
    pub(super) fn select(
        &mut self,
        select: &ast::Select,
        tail: &Tail<'_>,
        parent: &Scope<'_>,
        ctes: &Ctes,
    ) -> Result<Relation, SqlError> {
        refuse_foreign_clauses(select)?;
        let at = select.select_token.0.span.start;
        let Relation { mut plan, columns } = self.from(&select.from, parent, ctes)?;
        let scope = Scope::inner(&columns, parent);
        if let Some(condition) = &select.selection {
            let condition = self.condition(condition, WHERE, &scope.without_aggregates(WHERE), ctes)?;
            plan = self.filter(plan, condition, at)?;
        }
        let items = self.items(select, &scope, ctes)?;
        if items.len() > QUERY_COLUMNS_MAX {
            let message = format!("The query is too complex: it selects more than {QUERY_COLUMNS_MAX} columns.");
            return Err(SqlError::Invalid(message));
        }
        let grouping = self.grouping(select, &items, &scope, ctes)?;
        let having = match &select.having {
            Some(having) => Some((self.condition(having, "HAVING clause", &scope, ctes)?, having)),
            None => None,
        };
        let outputs: Vec<(Option<String>, Typed)> =
            items.iter().map(|item| (item.column.name.clone(), item.typed.clone())).collect();
        let order_scope = scope.with_outputs(&outputs);
        let mut order = Vec::with_capacity(tail.order_by.len());
        for term in tail.order_by {
            let typed = match ordinal(&term.expr, items.len())? {
                Some(i) => items[i].typed.clone(),
                None => self.expr(&term.expr, &order_scope, ctes)?,
            };
            order.push((typed, term));
        }
        let distinct = matches!(select.distinct, Some(Distinct::Distinct));
        if distinct
            && let Some((_, term)) = order.iter().find(|(key, _)| !items.iter().any(|i| i.typed.expr == key.expr))
        {
            let message = "For SELECT DISTINCT, ORDER BY expressions must appear in select list";
            return Err(semantic(self.places.of_expr(&term.expr), message));
        }

        // Everything that stands above the grouping, in one list: items, then HAVING, then ORDER BY.
        let mut above: Vec<Above<'_>> = Vec::with_capacity(items.len() + 1 + order.len());
        for item in &items {
            above.push(Above { expr: item.typed.expr.clone(), at: item.at, text: &item.text });
        }
        let grouping = if having.is_some() { grouping.or_all() } else { grouping };
        if let Some((expr, written)) = &having {
            above.push(Above { expr: expr.clone(), at: self.places.of_expr(written), text: *written });
        }
        for (key, term) in &order {
            above.push(Above { expr: key.expr.clone(), at: self.places.of_expr(&term.expr), text: &term.expr });
        }
        let (mut plan, mut exprs) = self.aggregate(plan, &grouping, above, at)?;
        if having.is_some() {
            let condition = exprs.remove(items.len());
            plan = self.filter(plan, condition, at)?;
        }
        let (plan, exprs) = self.attach_selected(plan, exprs, at)?;
        let (plan, exprs) = self.windows(plan, exprs)?;
        self.finish(plan, exprs, items.into_iter().map(|i| (i.column, i.typed)).collect(), &order, distinct, tail.limit)
    }

    /// Projects the outputs (and sort keys that are none of them), then DISTINCT, ORDER BY, LIMIT.
    fn finish(
        &mut self,
        plan: datafusion::logical_expr::LogicalPlan,
        mut exprs: Vec<Expr>,
        items: Vec<(ScopeColumn, Typed)>,
        order: &[(Typed, &ast::OrderByExpr)],
        distinct: bool,
        limit: Option<usize>,
    ) -> Result<Relation, SqlError> {
        let sort_exprs = exprs.split_off(items.len());
        let mut outputs = exprs.clone();
        let mut names: Vec<String> = items.iter().map(|_| self.fresh_name()).collect();
        let mut keys: Vec<SortExpr> = Vec::with_capacity(order.len());
        for (expr, (typed, term)) in sort_exprs.into_iter().zip(order) {
            let at = match outputs.iter().position(|output| *output == expr) {
                Some(at) => at,
                None => {
                    outputs.push(expr.clone());
                    names.push(self.fresh_name());
                    outputs.len() - 1
                }
            };
            let key = if matches!(expr, Expr::Literal(..)) { expr } else { column(&names[at]) };
            keys.push(self.sort_key(Typed::new(key, typed.data_type.clone()), term)?);
        }
        if distinct {
            // Then the outputs are all there is, and each is one of the items.
            let values = outputs.into_iter().zip(&items).map(|(expr, (_, typed))| {
                self.same(Typed::new(expr, typed.data_type.clone()), Location::empty()).map(|same| same.expr)
            });
            outputs = values.collect::<Result<_, _>>()?;
        }
        let projected = outputs.into_iter().zip(&names).map(|(expr, name)| expr.alias(name));
        let mut builder = LogicalPlanBuilder::from(plan).project(projected).map_err(internal)?;
        if distinct {
            builder = builder.distinct().map_err(internal)?;
        }
        if !keys.is_empty() {
            builder = builder.sort(keys).map_err(internal)?;
        }
        if limit.is_some() {
            builder = builder.limit(0, limit).map_err(internal)?;
        }
        if names.len() > items.len() {
            builder = builder.project(names[..items.len()].iter().map(|n| column(n))).map_err(internal)?;
        }
        let plan = builder.build().map_err(internal)?;
        let columns = items.into_iter().zip(names).map(|((item, typed), name)| ScopeColumn {
            column: Column::new_unqualified(name),
            data_type: typed.data_type,
            qualifier: None,
            hidden: false,
            ..item
        });
        let columns = columns.collect();
        Ok(Relation { plan, columns })
    }

    fn items<'q>(
        &mut self,
        select: &'q ast::Select,
        scope: &Scope<'_>,
        ctes: &Ctes,
    ) -> Result<Vec<Item<'q>>, SqlError> {
        let mut items = Vec::with_capacity(select.projection.len());
        for item in &select.projection {
            let at = self.places.of_item(item);
            match item {
                SelectItem::UnnamedExpr(expr) => {
                    let typed = self.expr(expr, scope, ctes)?;
                    let column = named_like(expr, &typed, scope);
                    items.push(Item { column, typed, at, text: Text::Expr(expr) });
                }
                SelectItem::ExprWithAlias { expr, alias } => {
                    let name = name_of(alias)?;
                    // # observed: the service refuses a colon in an alias; # inferred: with the syntax text
                    if name.contains(':') {
                        return Err(syntax(alias.span.start));
                    }
                    let typed = self.expr(expr, scope, ctes)?;
                    let mut column = named_like(expr, &typed, scope);
                    column.name = Some(name.to_owned());
                    column.aliased = true;
                    items.push(Item { column, typed, at, text: Text::Expr(expr) });
                }
                SelectItem::Wildcard(options) => {
                    plain_wildcard(options, at)?;
                    if select.from.is_empty() {
                        return Err(semantic(at, "SELECT * not allowed in queries without FROM clause"));
                    }
                    items.extend(scope.columns().iter().filter(|c| !c.hidden).map(|c| of_column(c, at)));
                }
                SelectItem::QualifiedWildcard(SelectItemQualifiedWildcardKind::ObjectName(name), options) => {
                    let aliases = self.star_aliases(options, at)?;
                    let found = match qualified_wildcard(name, scope, at)? {
                        Some(found) => found,
                        None => self.row_wildcard(&row_named(name, at)?, scope, ctes, at)?,
                    };
                    items.extend(renamed(found, &aliases, at)?);
                }
                SelectItem::QualifiedWildcard(SelectItemQualifiedWildcardKind::Expr(expr), options) => {
                    let aliases = self.star_aliases(options, at)?;
                    let found = self.row_wildcard(expr, scope, ctes, at)?;
                    items.extend(renamed(found, &aliases, at)?);
                }
                _ => return Err(unsupported(at, "This form of select item")),
            }
        }
        Ok(items)
    }

    fn star_aliases(&self, options: &WildcardAdditionalOptions, at: Location) -> Result<Vec<String>, SqlError> {
        let aliases = aliases_of_star(options, at)?;
        if !aliases.is_empty() {
            self.inherited(at, construct::STAR_ALIASES)?;
        }
        Ok(aliases)
    }

    /// `row.*`: an item for each field.
    fn row_wildcard<'q>(
        &mut self,
        row: &ast::Expr,
        scope: &Scope<'_>,
        ctes: &Ctes,
        at: Location,
    ) -> Result<Vec<Item<'q>>, SqlError> {
        let value = self.expr(row, scope, ctes)?;
        let DataType::Struct(fields) = value.data_type.clone() else {
            // # inferred: Trino's words
            return Err(semantic(at, "expression under .* must be of type ROW"));
        };
        let mut items = Vec::with_capacity(fields.len());
        for (i, field) in fields.iter().enumerate() {
            let typed = self.row_field(value.clone(), i, at)?;
            let mut column = super::query::unnamed(Column::new_unqualified(""), typed.data_type.clone());
            column.name = types::field_name(field).map(str::to_owned);
            let text = Text::Name(column.name.clone().unwrap_or_default());
            items.push(Item { column, typed, at, text });
        }
        Ok(items)
    }
}

fn column(name: &str) -> Expr {
    Expr::Column(Column::new_unqualified(name))
}

/// A select item without alias: a plain column keeps its name, a row's field has its own, anything else has none.
/// # observed: `_col1`, `_col7` in captures
fn named_like(expr: &ast::Expr, typed: &Typed, scope: &Scope<'_>) -> ScopeColumn {
    let mut column = super::query::unnamed(Column::new_unqualified(""), typed.data_type.clone());
    match expr {
        ast::Expr::Identifier(_) | ast::Expr::CompoundIdentifier(_) => {
            let source = match &typed.expr {
                Expr::Column(c) => scope.columns().iter().find(|s| s.column == *c),
                _ => None,
            };
            let last = match expr {
                ast::Expr::Identifier(ident) => Some(ident.value.clone()),
                ast::Expr::CompoundIdentifier(parts) => parts.last().map(|p| p.value.clone()),
                _ => None,
            };
            column.name = source.map_or(last, |s| s.name.clone());
            column.origin = source.and_then(|s| s.origin.clone());
        }
        ast::Expr::CompoundFieldAccess { access_chain, .. } => {
            if let Some(ast::AccessExpr::Dot(ast::Expr::Identifier(field))) = access_chain.last() {
                column.name = Some(field.value.clone());
            }
        }
        ast::Expr::Nested(inner) => return named_like(inner, typed, scope),
        _ => {}
    }
    column
}

fn of_column<'q>(column: &ScopeColumn, at: Location) -> Item<'q> {
    let typed = Typed::new(Expr::Column(column.column.clone()), column.data_type.clone());
    let text = Text::Name(column.name.clone().unwrap_or_default());
    Item { column: ScopeColumn { aliased: false, ..column.clone() }, typed, at, text }
}

/// The names that `.* AS (a, b)` gives; [`crate::sql::lex`] writes them as EXCLUDE.
fn aliases_of_star(options: &WildcardAdditionalOptions, at: Location) -> Result<Vec<String>, SqlError> {
    let plain = WildcardAdditionalOptions { opt_exclude: None, ..options.clone() };
    plain_wildcard(&plain, at)?;
    let names: Vec<&ast::ObjectName> = match &options.opt_exclude {
        None => Vec::new(),
        Some(ExcludeSelectItem::Single(name)) => vec![name],
        Some(ExcludeSelectItem::Multiple(names)) => names.iter().collect(),
    };
    let names = names.into_iter().map(|name| match &name.0[..] {
        [ObjectNamePart::Identifier(ident)] => name_of(ident).map(str::to_owned),
        _ => Err(syntax(name.span().start)),
    });
    names.collect()
}

fn renamed<'q>(mut items: Vec<Item<'q>>, aliases: &[String], at: Location) -> Result<Vec<Item<'q>>, SqlError> {
    if !aliases.is_empty() && aliases.len() != items.len() {
        // # inferred: Trino's words
        let message =
            format!("Column alias list has {} entries but relation has {} columns", aliases.len(), items.len());
        return Err(semantic(at, message));
    }
    for (item, alias) in items.iter_mut().zip(aliases) {
        item.column.name = Some(alias.clone());
        item.column.aliased = true;
    }
    Ok(items)
}

/// The column that `name.*` names, when no relation is called so.
fn row_named(name: &ast::ObjectName, at: Location) -> Result<ast::Expr, SqlError> {
    let parts = name.0.iter().map(|part| match part {
        ObjectNamePart::Identifier(ident) => Ok(ident.clone()),
        ObjectNamePart::Function(_) => Err(syntax(at)),
    });
    Ok(ast::Expr::CompoundIdentifier(parts.collect::<Result<_, _>>()?))
}

/// `t.*` and `db.t.*`; `None` where no relation but maybe a column has that name.
fn qualified_wildcard<'q>(
    name: &ast::ObjectName,
    scope: &Scope<'_>,
    at: Location,
) -> Result<Option<Vec<Item<'q>>>, SqlError> {
    let parts = name.0.iter().map(|part| match part {
        ObjectNamePart::Identifier(ident) => name_of(ident),
        ObjectNamePart::Function(_) => Err(syntax(at)),
    });
    let parts = parts.collect::<Result<Vec<_>, _>>()?;
    let matches = |same: fn(&str, &str) -> bool| {
        let of = scope.columns().iter().filter(|c| {
            c.qualifier.as_ref().is_some_and(|q| match parts[..] {
                [relation] => same(&q.relation, relation),
                [database, relation] => q.database.as_deref() == Some(database) && &*q.relation == relation,
                _ => false,
            })
        });
        of.map(|c| of_column(c, at)).collect::<Vec<_>>()
    };
    let exact = matches(|a, b| a == b);
    let found = if exact.is_empty() { matches(str::eq_ignore_ascii_case) } else { exact };
    if !found.is_empty() {
        return Ok(Some(found));
    }
    let idents: Vec<ast::Ident> = name.0.iter().filter_map(|part| part.as_ident().cloned()).collect();
    match scope.resolve(&idents) {
        Ok(_) => Ok(None),
        Err(_) => Err(semantic(at, format!("Table '{name}' not found"))),
    }
}

fn plain_wildcard(options: &WildcardAdditionalOptions, at: Location) -> Result<(), SqlError> {
    let WildcardAdditionalOptions {
        wildcard_token: _,
        opt_ilike: None,
        opt_exclude: None,
        opt_except: None,
        opt_replace: None,
        opt_rename: None,
        opt_alias: None,
    } = options
    else {
        return Err(unsupported(at, "An option of *"));
    };
    Ok(())
}

/// The parser knows many dialects; what Timestream's SELECT does not have is refused, never dropped.
fn refuse_foreign_clauses(select: &ast::Select) -> Result<(), SqlError> {
    let at = select.select_token.0.span.start;
    let ast::Select {
        select_token: _,
        optimizer_hints,
        distinct,
        select_modifiers,
        top: None,
        top_before_distinct: _,
        projection: _,
        exclude: None,
        into: None,
        from: _,
        lateral_views,
        prewhere: None,
        selection: _,
        connect_by,
        group_by: _,
        cluster_by,
        distribute_by,
        sort_by,
        having: _,
        named_window,
        qualify: None,
        window_before_qualify: _,
        value_table_mode: None,
        flavor: SelectFlavor::Standard,
    } = select
    else {
        return Err(unsupported(at, "A clause of this SELECT (TOP, INTO, PREWHERE, QUALIFY)"));
    };
    if !named_window.is_empty() {
        return Err(unsupported(named_window[0].0.span.start, "WINDOW"));
    }
    let foreign = !optimizer_hints.is_empty()
        || select_modifiers.is_some()
        || !lateral_views.is_empty()
        || !connect_by.is_empty()
        || !cluster_by.is_empty()
        || !distribute_by.is_empty()
        || !sort_by.is_empty()
        || matches!(distinct, Some(Distinct::On(_)));
    if foreign { Err(unsupported(select.span().start.max(at), "A clause of this SELECT")) } else { Ok(()) }
}
