//! Whose state a request acts on.

use std::sync::Arc;

/// An account in a region. Nothing is shared between two scopes.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Scope {
    /// Twelve digits.
    pub account: Arc<str>,
    /// Such as `us-east-1`.
    pub region: Arc<str>,
}

impl Scope {
    /// The account of callers that name none.
    pub const DEFAULT_ACCOUNT: &'static str = "000000000000";
    /// The region of callers that name none.
    pub const DEFAULT_REGION: &'static str = "us-east-1";

    /// The scope of `account` in `region`.
    #[must_use]
    pub fn new(account: &str, region: &str) -> Self {
        Self { account: account.into(), region: region.into() }
    }
}

impl Default for Scope {
    fn default() -> Self {
        Self::new(Self::DEFAULT_ACCOUNT, Self::DEFAULT_REGION)
    }
}
