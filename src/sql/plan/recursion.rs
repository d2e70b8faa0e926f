//! WITH RECURSIVE: the recursive part repeated as often as it may run. # trino: it is planned so there, too

use super::{
    Planner, internal,
    query::{rename, unnamed},
    scope::{Ctes, Relation, Scope, ScopeColumn, name_of},
    semantic, unsupported,
};
use crate::{
    model::limits::QUERY_RECURSION_MAX,
    sql::error::{SqlError, invalid},
};
use datafusion::{
    arrow::datatypes::DataType,
    common::Column,
    error::Result as PlanResult,
    logical_expr::{
        ColumnarValue, LogicalPlan, LogicalPlanBuilder, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Union,
        Volatility,
    },
    sql::sqlparser::ast::{self, SetExpr, SetOperator, SetQuantifier},
};
use std::{ops::ControlFlow, sync::Arc};

impl Planner<'_> {
    /// A named query of WITH RECURSIVE: `seed UNION [ALL] step`, where the step reads the query's own name; `None` when
    /// it does not, and is a query like any other.
    pub(super) fn recursive(
        &mut self,
        cte: &ast::Cte,
        scope: &Scope<'_>,
        ctes: &Ctes,
    ) -> Result<Option<Relation>, SqlError> {
        let name = name_of(&cte.alias.name)?;
        if !reads(&cte.query, name) {
            return Ok(None);
        }
        let at = cte.alias.name.span.start;
        let SetExpr::SetOperation { op: SetOperator::Union, set_quantifier, left, right } = cte.query.body.as_ref()
        else {
            return Err(semantic(at, format!("recursive reference to '{name}' outside of UNION")));
        };
        if cte.query.order_by.is_some() || cte.query.limit_clause.is_some() || cte.query.with.is_some() {
            return Err(unsupported(at, "WITH, ORDER BY or LIMIT in a recursive query"));
        }
        if cte.alias.columns.is_empty() {
            // # inferred: Trino's words
            return Err(semantic(at, format!("missing column aliases in recursive WITH query '{name}'")));
        }
        let distinct = match set_quantifier {
            SetQuantifier::All => false,
            SetQuantifier::None | SetQuantifier::Distinct => true,
            _ => return Err(unsupported(at, "BY NAME")),
        };
        let mut seed = self.set_expr(left, scope, ctes)?;
        rename(&mut seed.columns, &cte.alias, name)?;
        let types: Vec<DataType> = seed.columns.iter().map(|c| c.data_type.clone()).collect();
        let named = seed.columns.clone();
        let mut steps: Vec<LogicalPlan> = Vec::new();
        let mut last = seed;
        for step in 0..=QUERY_RECURSION_MAX {
            let mut inner = ctes.clone();
            inner.0.insert(name.to_owned(), Arc::new(last.clone()));
            let next = self.set_expr(right, scope, &inner)?;
            let found: Vec<DataType> = next.columns.iter().map(|c| c.data_type.clone()).collect();
            if found != types {
                // # inferred: Trino's words, for each column; its coercions are left out
                let message = format!("recursion step relation output types of '{name}' are not those of its base");
                return Err(semantic(at, message));
            }
            steps.push(self.exact_columns(last)?);
            last = Relation { columns: own_columns(&named, &next), plan: next.plan };
            if step == QUERY_RECURSION_MAX {
                let limit = ScalarUDF::from(TooDeep { signature: Signature::nullary(Volatility::Volatile) });
                let plan = LogicalPlanBuilder::from(self.exact_columns(last.clone())?)
                    .filter(limit.call(Vec::new()))
                    .and_then(LogicalPlanBuilder::build)
                    .map_err(internal)?;
                steps.push(plan);
            }
        }
        let steps = steps.into_iter().map(Arc::new).collect();
        let union = LogicalPlan::Union(Union::try_new_with_loose_types(steps).map_err(internal)?);
        let plan = match distinct {
            true => LogicalPlanBuilder::from(union).distinct().and_then(LogicalPlanBuilder::build).map_err(internal)?,
            false => union,
        };
        let columns = plan.schema().columns().into_iter().zip(&named);
        let columns = columns.map(|(column, named)| ScopeColumn { column, ..named.clone() }).collect();
        Ok(Some(Relation { plan, columns }))
    }
}

/// The columns of a step under the names of the query.
fn own_columns(named: &[ScopeColumn], step: &Relation) -> Vec<ScopeColumn> {
    named
        .iter()
        .zip(&step.columns)
        .map(|(named, column)| ScopeColumn {
            name: named.name.clone(),
            aliased: true,
            ..unnamed(Column::clone(&column.column), column.data_type.clone())
        })
        .collect()
}

/// Whether a query reads a relation of that name.
fn reads(query: &ast::Query, name: &str) -> bool {
    ast::visit_relations(query, |relation| match &relation.0[..] {
        [part] if part.as_ident().is_some_and(|ident| ident.value.eq_ignore_ascii_case(name)) => ControlFlow::Break(()),
        _ => ControlFlow::Continue(()),
    })
    .is_break()
}

/// Fails at the first row that gets so far.
#[derive(Debug, PartialEq, Eq, Hash)]
struct TooDeep {
    signature: Signature,
}

impl ScalarUDFImpl for TooDeep {
    fn name(&self) -> &'static str {
        "__too_deep"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _types: &[DataType]) -> PlanResult<DataType> {
        Ok(DataType::Boolean)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> PlanResult<ColumnarValue> {
        if args.number_rows == 0 {
            return Ok(ColumnarValue::Scalar(datafusion::common::ScalarValue::Boolean(Some(false))));
        }
        // # trino: the words, without the advice to set a property that there is not
        Err(invalid(format!("Recursion depth limit exceeded ({QUERY_RECURSION_MAX})")))
    }
}
