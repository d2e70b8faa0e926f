//! What a caller may do: actions on resources, and whose policies decide.

use super::{
    arn,
    policy::{Decision, Policy},
    scope::Scope,
};
use std::sync::Arc;

/// What a policy allows or denies.
///
/// # guide: service authorization reference, list_timestream.html
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the names say it all: they are those of policies")]
pub enum Action {
    CancelQuery,
    CreateBatchLoadTask,
    CreateDatabase,
    CreateScheduledQuery,
    CreateTable,
    DeleteDatabase,
    DeleteScheduledQuery,
    DeleteTable,
    DescribeAccountSettings,
    DescribeBatchLoadTask,
    DescribeDatabase,
    DescribeEndpoints,
    DescribeScheduledQuery,
    DescribeTable,
    ExecuteScheduledQuery,
    ListBatchLoadTasks,
    ListDatabases,
    ListMeasures,
    ListScheduledQueries,
    ListTables,
    ListTagsForResource,
    PassRole,
    PrepareQuery,
    ResumeBatchLoadTask,
    Select,
    SelectValues,
    TagResource,
    Unload,
    UntagResource,
    UpdateAccountSettings,
    UpdateDatabase,
    UpdateScheduledQuery,
    UpdateTable,
    WriteRecords,
}

impl Action {
    /// Every action that this server asks policies about.
    pub const ALL: [Self; 34] = [
        Self::CancelQuery,
        Self::CreateBatchLoadTask,
        Self::CreateDatabase,
        Self::CreateScheduledQuery,
        Self::CreateTable,
        Self::DeleteDatabase,
        Self::DeleteScheduledQuery,
        Self::DeleteTable,
        Self::DescribeAccountSettings,
        Self::DescribeBatchLoadTask,
        Self::DescribeDatabase,
        Self::DescribeEndpoints,
        Self::DescribeScheduledQuery,
        Self::DescribeTable,
        Self::ExecuteScheduledQuery,
        Self::ListBatchLoadTasks,
        Self::ListDatabases,
        Self::ListMeasures,
        Self::ListScheduledQueries,
        Self::ListTables,
        Self::ListTagsForResource,
        Self::PassRole,
        Self::PrepareQuery,
        Self::ResumeBatchLoadTask,
        Self::Select,
        Self::SelectValues,
        Self::TagResource,
        Self::Unload,
        Self::UntagResource,
        Self::UpdateAccountSettings,
        Self::UpdateDatabase,
        Self::UpdateScheduledQuery,
        Self::UpdateTable,
        Self::WriteRecords,
    ];

    /// The name in policies, with its service: `timestream:Select`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::CancelQuery => "timestream:CancelQuery",
            Self::CreateBatchLoadTask => "timestream:CreateBatchLoadTask",
            Self::CreateDatabase => "timestream:CreateDatabase",
            Self::CreateScheduledQuery => "timestream:CreateScheduledQuery",
            Self::CreateTable => "timestream:CreateTable",
            Self::DeleteDatabase => "timestream:DeleteDatabase",
            Self::DeleteScheduledQuery => "timestream:DeleteScheduledQuery",
            Self::DeleteTable => "timestream:DeleteTable",
            Self::DescribeAccountSettings => "timestream:DescribeAccountSettings",
            Self::DescribeBatchLoadTask => "timestream:DescribeBatchLoadTask",
            Self::DescribeDatabase => "timestream:DescribeDatabase",
            Self::DescribeEndpoints => "timestream:DescribeEndpoints",
            Self::DescribeScheduledQuery => "timestream:DescribeScheduledQuery",
            Self::DescribeTable => "timestream:DescribeTable",
            Self::ExecuteScheduledQuery => "timestream:ExecuteScheduledQuery",
            Self::ListBatchLoadTasks => "timestream:ListBatchLoadTasks",
            Self::ListDatabases => "timestream:ListDatabases",
            Self::ListMeasures => "timestream:ListMeasures",
            Self::ListScheduledQueries => "timestream:ListScheduledQueries",
            Self::ListTables => "timestream:ListTables",
            Self::ListTagsForResource => "timestream:ListTagsForResource",
            Self::PassRole => "iam:PassRole",
            Self::PrepareQuery => "timestream:PrepareQuery",
            Self::ResumeBatchLoadTask => "timestream:ResumeBatchLoadTask",
            Self::Select => "timestream:Select",
            Self::SelectValues => "timestream:SelectValues",
            Self::TagResource => "timestream:TagResource",
            Self::Unload => "timestream:Unload",
            Self::UntagResource => "timestream:UntagResource",
            Self::UpdateAccountSettings => "timestream:UpdateAccountSettings",
            Self::UpdateDatabase => "timestream:UpdateDatabase",
            Self::UpdateScheduledQuery => "timestream:UpdateScheduledQuery",
            Self::UpdateTable => "timestream:UpdateTable",
            Self::WriteRecords => "timestream:WriteRecords",
        }
    }
}

/// What an action is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resource<'a> {
    /// Nothing in particular: only a policy's `*` covers it. # guide: security_iam_service-with-iam.html
    Any,
    /// A database of the caller's scope.
    Database(&'a str),
    /// All databases of the caller's scope, present and future.
    Databases,
    /// A table of the caller's scope.
    Table(&'a str, &'a str),
    /// What this resource name names.
    Arn(&'a str),
}

impl Resource<'_> {
    /// The names that policies may know it by, the one that errors name first.
    fn names(self, scope: &Scope) -> Vec<String> {
        match self {
            Self::Any => vec!["*".to_owned()],
            Self::Database(database) => {
                let arn = arn::database(scope, database);
                // # guide: security_iam_id-based-policy-examples.html writes ListTables on a database so
                let closed = format!("{arn}/");
                vec![arn, closed]
            }
            // # inferred
            Self::Databases => vec![arn::database(scope, "*")],
            Self::Table(database, table) => vec![arn::table(scope, database, table)],
            Self::Arn(arn) => vec![arn.to_owned()],
        }
    }
}

/// Who calls, and what they may do.
#[derive(Debug)]
pub struct Principal {
    /// Such as `arn:aws:iam::123456789012:user/ci`.
    pub arn: String,
    /// What decides; `None` for the root user, who may do everything.
    pub policies: Option<Vec<Policy>>,
}

/// The policies refuse an action. # observed: the text up to the action; # guide: IAM, troubleshoot_access-denied.html
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("User: {user} is not authorized to perform: {action}{on} {why}")]
pub struct AccessDenied {
    user: String,
    action: &'static str,
    /// ` on resource: …`, or nothing.
    on: String,
    why: String,
}

/// What a request may do, in its account and region.
#[derive(Clone, Debug)]
pub struct Access(
    /// Who calls, and where; `None`: everything is allowed.
    Option<(Arc<Principal>, Scope)>,
);

impl Access {
    /// Everything: who calls is not asked.
    #[must_use]
    pub fn unrestricted() -> &'static Self {
        static EVERYTHING: Access = Access(None);
        &EVERYTHING
    }

    /// What a principal's policies allow in a scope.
    #[must_use]
    pub fn of(principal: Arc<Principal>, scope: Scope) -> Self {
        Self(Some((principal, scope)))
    }

    /// The caller's resource name, where it is known.
    #[must_use]
    pub fn principal_arn(&self) -> Option<&str> {
        self.0.as_ref().map(|(principal, _)| principal.arn.as_str())
    }

    /// Asks for a permission.
    ///
    /// # Errors
    /// [`AccessDenied`] unless a policy allows the action and none denies it.
    pub fn check(&self, action: Action, resource: Resource<'_>) -> Result<(), AccessDenied> {
        self.ask(action, resource, |decision| decision == Decision::Allowed)
    }

    /// Asks only whether a policy denies the action, for what another action allows already.
    ///
    /// # Errors
    /// [`AccessDenied`] when one does.
    pub fn check_not_denied(&self, action: Action, resource: Resource<'_>) -> Result<(), AccessDenied> {
        self.ask(action, resource, |decision| decision != Decision::Denied)
    }

    fn ask(
        &self,
        action: Action,
        resource: Resource<'_>,
        is_enough: impl Fn(Decision) -> bool,
    ) -> Result<(), AccessDenied> {
        let Some((principal, scope)) = &self.0 else { return Ok(()) };
        let Some(policies) = &principal.policies else { return Ok(()) };
        let names = resource.names(scope);
        let decisions = policies.iter().map(|policy| policy.decide(action.name(), &names));
        let decision = decisions.max().unwrap_or(Decision::NotAllowed);
        if is_enough(decision) {
            return Ok(());
        }
        Err(AccessDenied {
            user: principal.arn.clone(),
            action: action.name(),
            on: match resource {
                Resource::Any => String::new(),
                _ => format!(" on resource: {}", names[0]),
            },
            why: match decision {
                Decision::Denied => "with an explicit deny in an identity-based policy".to_owned(),
                _ => format!("because no identity-based policy allows the {} action", action.name()),
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn access(policy: &str) -> Access {
        let policies = Some(vec![serde_json::from_str(policy).unwrap()]);
        let principal = Principal { arn: "arn:aws:iam::123456789012:user/ci".to_owned(), policies };
        Access::of(Arc::new(principal), Scope::new("123456789012", "us-east-1"))
    }

    fn check(policy: &str, action: Action, resource: Resource<'_>, expect: Result<(), &str>) {
        let outcome = access(policy).check(action, resource).map_err(|error| error.to_string());
        assert_eq!(outcome, expect.map_err(str::to_owned));
    }

    /// # guide: security_iam_id-based-policy-examples.html, Limit a query by table
    const ALL_BUT_ONE: &str = r#"{"Version":"2012-10-17","Statement":[
        {"Effect":"Allow","Action":["timestream:Select"],
         "Resource":"arn:aws:timestream:us-east-1:123456789012:database/sampleDB/table/*"},
        {"Effect":"Deny","Action":["timestream:Select"],
         "Resource":"arn:aws:timestream:us-east-1:123456789012:database/sampleDB/table/DevOps"}]}"#;

    #[test]
    fn errors_are_in_the_words_of_iam() {
        let devops = Resource::Table("sampleDB", "DevOps");
        check(ALL_BUT_ONE, Action::Select, Resource::Table("sampleDB", "other"), Ok(()));
        check(
            ALL_BUT_ONE,
            Action::Select,
            devops,
            Err(
                "User: arn:aws:iam::123456789012:user/ci is not authorized to perform: timestream:Select on resource: \
                 arn:aws:timestream:us-east-1:123456789012:database/sampleDB/table/DevOps with an explicit deny in an \
                 identity-based policy",
            ),
        );
        check(
            ALL_BUT_ONE,
            Action::WriteRecords,
            devops,
            Err(
                "User: arn:aws:iam::123456789012:user/ci is not authorized to perform: timestream:WriteRecords on resource: \
                 arn:aws:timestream:us-east-1:123456789012:database/sampleDB/table/DevOps because no identity-based policy \
                 allows the timestream:WriteRecords action",
            ),
        );
        check(
            ALL_BUT_ONE,
            Action::DescribeEndpoints,
            Resource::Any,
            Err(
                "User: arn:aws:iam::123456789012:user/ci is not authorized to perform: timestream:DescribeEndpoints because \
                 no identity-based policy allows the timestream:DescribeEndpoints action",
            ),
        );
    }

    #[test]
    fn a_database_may_end_with_a_slash() {
        // # guide: security_iam_id-based-policy-examples.html, List all tables in a database
        let policy = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["timestream:ListTables"],
            "Resource":"arn:aws:timestream:us-east-1:123456789012:database/sampleDB/"}]}"#;
        check(policy, Action::ListTables, Resource::Database("sampleDB"), Ok(()));
        assert!(access(policy).check(Action::ListTables, Resource::Database("sampleDB2")).is_err());
        assert!(access(policy).check(Action::ListTables, Resource::Databases).is_err());
        let all = policy.replace("sampleDB/", "*");
        check(&all, Action::ListTables, Resource::Databases, Ok(()));
        check(&all, Action::ListTables, Resource::Database("sampleDB"), Ok(()));
        assert!(access(&all).check(Action::ListTables, Resource::Any).is_err(), "only * covers nothing in particular");
    }

    #[test]
    fn who_is_not_asked_and_the_root_user_may_do_everything() {
        let root = Principal { arn: "arn:aws:iam::123456789012:root".to_owned(), policies: None };
        let root = Access::of(Arc::new(root), Scope::default());
        for action in Action::ALL {
            assert_eq!(Access::unrestricted().check(action, Resource::Any), Ok(()));
            assert_eq!(root.check(action, Resource::Any), Ok(()));
        }
    }

    #[test]
    fn a_denial_is_seen_where_no_permission_is_needed() {
        let table = Resource::Table("sampleDB", "DevOps");
        let denied = |policy: &str| access(policy).check_not_denied(Action::Select, table).is_err();
        assert!(denied(ALL_BUT_ONE));
        assert!(!denied(&ALL_BUT_ONE.replace("Deny", "Allow")));
        assert!(!denied(r#"{"Statement":[]}"#));
    }
}
