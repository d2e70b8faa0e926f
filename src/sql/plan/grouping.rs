//! GROUP BY: keys, grouping sets, and GROUPING().

use super::{
    Planner, Typed, construct,
    query::ordinal,
    scope::{Ctes, Scope},
    select::Item,
    semantic, unsupported,
};
use crate::{
    model::limits::QUERY_GROUPING_SETS_MAX,
    sql::{error::SqlError, lex::DISTINCT_GROUPS},
};
use datafusion::sql::sqlparser::{
    ast::{self, GroupByExpr},
    tokenizer::Location,
};

/// What a query groups by.
pub(super) enum Grouping {
    /// Not at all, unless an aggregate asks for it.
    None,
    /// One set of keys; without any, all rows are one group.
    Keys(Vec<Typed>),
    /// Several sets, each by its keys' indices.
    Sets(Vec<Typed>, Vec<Vec<usize>>),
}

impl Grouping {
    /// Every key once.
    pub(super) fn keys(&self) -> &[Typed] {
        match self {
            Self::None => &[],
            Self::Keys(keys) | Self::Sets(keys, _) => keys,
        }
    }

    /// With HAVING a query groups all its rows, if it groups by nothing else.
    pub(super) fn or_all(self) -> Self {
        match self {
            Self::None => Self::Keys(Vec::new()),
            other => other,
        }
    }
}

/// The keys met so far, each once, and the sets of one grouping element after another.
struct Elements {
    keys: Vec<Typed>,
    sets: Vec<Vec<usize>>,
}

impl Elements {
    fn index(&mut self, key: Typed) -> usize {
        match self.keys.iter().position(|known| known.expr == key.expr) {
            Some(index) => index,
            None => {
                self.keys.push(key);
                self.keys.len() - 1
            }
        }
    }

    /// Each set so far with each of these.
    fn combine(&mut self, alternatives: &[Vec<usize>], at: Location) -> Result<(), SqlError> {
        let count = self.sets.len().saturating_mul(alternatives.len());
        if count > QUERY_GROUPING_SETS_MAX {
            // # inferred: Presto's words and bound
            let message =
                format!("GROUP BY has {count} grouping sets but can contain at most {QUERY_GROUPING_SETS_MAX}");
            return Err(semantic(at, message));
        }
        let mut combined = Vec::with_capacity(count);
        for set in &self.sets {
            for more in alternatives {
                let mut set = set.clone();
                set.extend(more.iter().filter(|index| !set.contains(index)).copied().collect::<Vec<_>>());
                combined.push(set);
            }
        }
        self.sets = combined;
        Ok(())
    }
}

impl Planner<'_> {
    /// Plans GROUP BY over the columns of `scope`; ordinals are `items`.
    pub(super) fn grouping(
        &mut self,
        select: &ast::Select,
        items: &[Item<'_>],
        scope: &Scope<'_>,
        ctes: &Ctes,
    ) -> Result<Grouping, SqlError> {
        let at = select.select_token.0.span.start;
        let GroupByExpr::Expressions(exprs, modifiers) = &select.group_by else {
            return Err(unsupported(at, "GROUP BY ALL"));
        };
        if !modifiers.is_empty() {
            return Err(unsupported(at, "A modifier of GROUP BY"));
        }
        if exprs.is_empty() {
            return Ok(Grouping::None);
        }
        let scope = scope.without_aggregates("GROUP BY clause");
        let mut elements = Elements { keys: Vec::new(), sets: vec![Vec::new()] };
        let (mut several, mut distinct) = (false, false);
        for expr in exprs {
            let at = self.places.of_expr(expr);
            if matches!(expr, ast::Expr::Identifier(ident) if ident.value == DISTINCT_GROUPS) {
                distinct = true;
                continue;
            }
            let alternatives = match expr {
                ast::Expr::GroupingSets(sets) => self.key_lists(sets, &mut elements, items, &scope, ctes)?,
                ast::Expr::Rollup(lists) => {
                    let lists = self.key_lists(lists, &mut elements, items, &scope, ctes)?;
                    (0..=lists.len()).rev().map(|n| lists[..n].concat()).collect()
                }
                ast::Expr::Cube(lists) => {
                    let lists = self.key_lists(lists, &mut elements, items, &scope, ctes)?;
                    subsets(&lists, at)?
                }
                // `GROUP BY ()` is the one group of all rows; `GROUP BY (a, b)` groups by both.
                ast::Expr::Tuple(parts) => {
                    self.key_lists(std::slice::from_ref(parts), &mut elements, items, &scope, ctes)?
                }
                _ => {
                    let key = self.key(expr, items, &scope, ctes)?;
                    vec![vec![elements.index(key)]]
                }
            };
            if matches!(expr, ast::Expr::GroupingSets(_) | ast::Expr::Rollup(_) | ast::Expr::Cube(_)) {
                several = true;
                self.inherited(at, construct::GROUPING_SETS)?;
            }
            elements.combine(&alternatives, at)?;
        }
        if !several {
            return Ok(Grouping::Keys(elements.keys));
        }
        let mut sets = elements.sets;
        if distinct {
            sets.iter_mut().for_each(|set| set.sort_unstable());
            let mut seen = std::collections::HashSet::new();
            sets.retain(|set| seen.insert(set.clone()));
        }
        Ok(Grouping::Sets(elements.keys, sets))
    }

    fn key_lists(
        &mut self,
        lists: &[Vec<ast::Expr>],
        elements: &mut Elements,
        items: &[Item<'_>],
        scope: &Scope<'_>,
        ctes: &Ctes,
    ) -> Result<Vec<Vec<usize>>, SqlError> {
        let mut indices = Vec::with_capacity(lists.len());
        for list in lists {
            let mut set = Vec::with_capacity(list.len());
            for expr in list {
                let key = self.key(expr, items, scope, ctes)?;
                set.push(elements.index(key));
            }
            indices.push(set);
        }
        Ok(indices)
    }

    /// An expression over the input, or the select item that an ordinal names.
    fn key(&mut self, expr: &ast::Expr, items: &[Item<'_>], scope: &Scope<'_>, ctes: &Ctes) -> Result<Typed, SqlError> {
        let at = self.places.of_expr(expr);
        let position = ordinal(expr, items.len())
            .map_err(|_| semantic(at, format!("GROUP BY position {expr} is not in select list")))?;
        let Some(i) = position else { return self.expr(expr, scope, ctes) };
        if !datafusion::logical_expr::utils::find_aggregate_exprs([&items[i].typed.expr]).is_empty() {
            let message = format!("GROUP BY clause cannot contain aggregations: ['{}']", items[i].text);
            return Err(semantic(at, message));
        }
        Ok(items[i].typed.clone())
    }
}

/// All ways to take some of the lists, the fullest first.
fn subsets(lists: &[Vec<usize>], at: Location) -> Result<Vec<Vec<usize>>, SqlError> {
    if lists.len() >= usize::BITS as usize || 1 << lists.len() > QUERY_GROUPING_SETS_MAX {
        let message = format!("GROUP BY has more than {QUERY_GROUPING_SETS_MAX} grouping sets");
        return Err(semantic(at, message));
    }
    let taken = |mask: usize| {
        lists.iter().enumerate().filter(move |(i, _)| mask & (1 << (lists.len() - 1 - i)) != 0).flat_map(|(_, l)| l)
    };
    Ok((0..1_usize << lists.len()).rev().map(|mask| taken(mask).copied().collect()).collect())
}
