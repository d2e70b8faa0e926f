//! Changes of scheduled queries.

use super::{
    Engine, EngineError,
    control::{Decision, LiveCatalog, quota},
};
use crate::{
    catalog::{
        scheduled_query::{ScheduledQuery, SharedQuery},
        state::{Change, ScopeState},
    },
    model::{arn, limits::SCHEDULED_QUERIES_PER_ACCOUNT_MAX, scope::Scope},
};
use std::sync::Arc;

/// How long a client token stands for the query that it created. # model: CreateScheduledQuery
const TOKEN_LIFETIME_NS: i64 = 8 * 3_600_000_000_000;

impl Engine {
    /// Creates a scheduled query. A request that is repeated, by its token, within eight hours creates nothing new and
    /// answers what it created then. # model: CreateScheduledQuery
    ///
    /// # Errors
    /// [`EngineError::TokenReused`], [`EngineError::QuotaExceeded`], [`EngineError::Storage`].
    pub async fn create_scheduled_query(
        &self,
        scope: &Scope,
        query: ScheduledQuery,
    ) -> Result<SharedQuery, EngineError> {
        let (scope, query) = (scope.clone(), Arc::new(query));
        let created = Arc::clone(&query);
        self.change_unless_done(
            move |catalog| {
                if let Some(earlier) = repeated(catalog, &scope, &query)? {
                    return Ok(Decision::Done(earlier));
                }
                let count = catalog.scope(&scope).map_or(0, |state| state.scheduled_queries().len());
                if count >= SCHEDULED_QUERIES_PER_ACCOUNT_MAX {
                    return Err(quota("scheduled queries", SCHEDULED_QUERIES_PER_ACCOUNT_MAX));
                }
                Ok(Decision::Change(Box::new(Change::PutScheduledQuery { scope, query })))
            },
            move |_| Ok(created),
        )
        .await
    }

    /// Changes a scheduled query.
    ///
    /// # Errors
    /// [`EngineError::ScheduledQueryNotFound`], those of `change`, [`EngineError::Storage`].
    pub async fn change_scheduled_query(
        &self,
        scope: &Scope,
        id: &str,
        change: impl FnOnce(&ScheduledQuery) -> Result<ScheduledQuery, EngineError> + Send + 'static,
    ) -> Result<SharedQuery, EngineError> {
        let (scope, id, of) = (scope.clone(), Arc::<str>::from(id), (scope.clone(), Arc::<str>::from(id)));
        self.change(
            move |catalog| {
                let query = Arc::new(change(scheduled_query(catalog, &scope, &id)?)?);
                Ok(Change::PutScheduledQuery { scope, query })
            },
            move |catalog| scheduled_query(catalog, &of.0, &of.1).cloned(),
        )
        .await
    }

    /// Deletes a scheduled query.
    ///
    /// # Errors
    /// [`EngineError::ScheduledQueryNotFound`], [`EngineError::Storage`].
    pub async fn delete_scheduled_query(&self, scope: &Scope, id: &str) -> Result<SharedQuery, EngineError> {
        let gone = self.scheduled_query(scope, id)?;
        let (scope, id) = (scope.clone(), Arc::<str>::from(id));
        self.change(
            move |catalog| {
                scheduled_query(catalog, &scope, &id)?;
                Ok(Change::DeleteScheduledQuery { scope, id })
            },
            move |_| Ok(gone),
        )
        .await
    }

    /// A scheduled query.
    ///
    /// # Errors
    /// [`EngineError::ScheduledQueryNotFound`].
    pub fn scheduled_query(&self, scope: &Scope, id: &str) -> Result<SharedQuery, EngineError> {
        scheduled_query(&self.inner.catalog(), scope, id).cloned()
    }

    /// Every scheduled query of a scope, by id.
    #[must_use]
    pub fn scheduled_queries(&self, scope: &Scope) -> Vec<SharedQuery> {
        let catalog = self.inner.catalog();
        catalog.scope(scope).map(|state| state.scheduled_queries().cloned().collect()).unwrap_or_default()
    }

    /// Every scheduled query there is.
    #[must_use]
    pub fn all_scheduled_queries(&self) -> Vec<(Scope, SharedQuery)> {
        let catalog = self.inner.catalog();
        let each = |(scope, state): (&Scope, &Arc<ScopeState<_>>)| {
            state.scheduled_queries().map(|query| (scope.clone(), Arc::clone(query))).collect::<Vec<_>>()
        };
        catalog.scopes().flat_map(each).collect()
    }
}

/// The query that a request with the same token created.
fn repeated(catalog: &LiveCatalog, scope: &Scope, query: &ScheduledQuery) -> Result<Option<SharedQuery>, EngineError> {
    let Some(state) = catalog.scope(scope) else { return Ok(None) };
    let is_recent = |earlier: &&SharedQuery| {
        query.client_token.is_some()
            && earlier.client_token == query.client_token
            && query.created_ns.saturating_sub(earlier.created_ns) < TOKEN_LIFETIME_NS
    };
    match state.scheduled_queries().find(is_recent) {
        Some(earlier) if earlier.is_asked_for_again_by(query) => Ok(Some(Arc::clone(earlier))),
        Some(_) => Err(EngineError::TokenReused),
        None => Ok(None),
    }
}

fn scheduled_query<'a>(catalog: &'a LiveCatalog, scope: &Scope, id: &str) -> Result<&'a SharedQuery, EngineError> {
    let query = catalog.scope(scope).and_then(|state| state.scheduled_query(id));
    query.ok_or_else(|| EngineError::ScheduledQueryNotFound(arn::scheduled_query(scope, id)))
}
