//! Policies as IAM writes them: who may do what to what. # guide: IAM, reference_policies_elements.html
//!
//! What is not enforced is refused, never passed over: conditions, principals, variables, unknown members.

use super::{
    access::Action,
    limits::{POLICY_PATTERN_BYTES_MAX, POLICY_STATEMENTS_MAX},
};
use serde::{
    Deserialize, Deserializer,
    de::{self, IgnoredAny, IntoDeserializer, MapAccess, SeqAccess, Visitor, value::MapAccessDeserializer},
};
use std::{fmt, marker::PhantomData};

/// Actions of the service that this server has nothing for, but that policies name.
/// # guide: service authorization reference, list_timestream.html
const OTHER_ACTIONS: [&str; 4] = [
    "timestream:GetAwsBackupStatus",
    "timestream:GetAwsRestoreStatus",
    "timestream:StartAwsBackupJob",
    "timestream:StartAwsRestoreJob",
];

/// Why a policy is not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PolicyError {
    /// Not one of the versions of the language.
    #[error("the Version of a policy is 2012-10-17 or 2008-10-17, not {0}")]
    Version(String),
    /// An element that is not enforced.
    #[error("{0} is not enforced by Timebrook: remove it from the policy")]
    Unenforced(&'static str),
    /// An element and its opposite, or neither.
    #[error("a statement has either {0} or Not{0}")]
    Alternatives(&'static str),
    /// An element that names nothing.
    #[error("{0} is empty")]
    Empty(&'static str),
    /// A variable, such as `${aws:username}`.
    #[error("{0} holds a policy variable, which is not enforced by Timebrook: write out what it stands for")]
    Variable(String),
    /// Not `*` and not `service:Action`.
    #[error("{0} is no action: actions are * or of the form timestream:Select")]
    Action(String),
    /// An action that the service does not have.
    #[error("timestream has no action {0}")]
    UnknownAction(String),
    /// Not `*` and not a resource name.
    #[error("{0} is no resource: resources are * or ARNs of six parts")]
    Resource(String),
    /// More than is taken.
    #[error("a policy may have {POLICY_STATEMENTS_MAX} statements, and its texts {POLICY_PATTERN_BYTES_MAX} bytes")]
    TooLarge,
}

/// What policies say of an action, the weightiest last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Decision {
    /// Nothing: that is a no.
    NotAllowed,
    /// Yes.
    Allowed,
    /// No, whatever allows it.
    Denied,
}

/// Statements that allow and deny.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "PolicyForm")]
pub struct Policy(Vec<Statement>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Statement {
    effect: Effect,
    actions: Patterns,
    resources: Patterns,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
enum Effect {
    Allow,
    Deny,
}

/// What a statement covers: what matches one of these, or none.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Patterns {
    patterns: Vec<String>,
    is_negated: bool,
}

impl Policy {
    /// What it says of an action (`timestream:Select`) on a resource that has these names.
    #[must_use]
    pub fn decide(&self, action: &str, resource_names: &[String]) -> Decision {
        let decisions =
            self.0.iter().filter(|statement| statement.covers(action, resource_names)).map(|statement| match statement
                .effect
            {
                Effect::Allow => Decision::Allowed,
                Effect::Deny => Decision::Denied,
            });
        decisions.max().unwrap_or(Decision::NotAllowed)
    }

    /// The other services whose actions it names: what it says of them is not asked.
    pub fn other_services(&self) -> impl Iterator<Item = &str> {
        let named = self.0.iter().flat_map(|statement| &statement.actions.patterns);
        let services = named.filter_map(|pattern| Some(pattern.split_once(':')?.0));
        services.filter(|service| !["timestream", "iam"].iter().any(|own| own.eq_ignore_ascii_case(service)))
    }
}

impl Statement {
    fn covers(&self, action: &str, resource_names: &[String]) -> bool {
        let is_action = |pattern: &str| matches(&pattern.to_ascii_lowercase(), &action.to_ascii_lowercase());
        let is_resource = |pattern: &str| resource_names.iter().any(|name| matches(pattern, name));
        self.actions.cover(is_action) && self.resources.cover(is_resource)
    }
}

impl Patterns {
    fn cover(&self, matches: impl Fn(&str) -> bool) -> bool {
        self.patterns.iter().any(|pattern| matches(pattern)) != self.is_negated
    }
}

/// Whether `text` is as `pattern` says: `?` is any character, `*` any run of them. A `*` at the end of one of the parts
/// that colons separate goes beyond it, any other stays within. # guide: IAM, reference_policies_elements_resource.html
fn matches(pattern: &str, text: &str) -> bool {
    let text: Vec<char> = text.chars().collect();
    // Whether the pattern so far matches that many characters of the text.
    let mut reached = vec![false; text.len() + 1];
    reached[0] = true;
    let mut rest = pattern.chars().peekable();
    while let Some(part) = rest.next() {
        let mut next = vec![false; text.len() + 1];
        if part == '*' {
            let goes_beyond = matches!(rest.peek(), None | Some(':'));
            for i in 0..=text.len() {
                let goes_on = i > 0 && next[i - 1] && (goes_beyond || text[i - 1] != ':');
                next[i] = reached[i] || goes_on;
            }
        } else {
            for (i, character) in text.iter().enumerate() {
                next[i + 1] = reached[i] && (part == '?' || part == *character);
            }
        }
        reached = next;
    }
    reached[text.len()]
}

/// A policy as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct PolicyForm {
    version: Option<String>,
    #[serde(rename = "Id")]
    _id: Option<String>,
    statement: OneOrMany<StatementForm>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct StatementForm {
    #[serde(rename = "Sid")]
    _sid: Option<String>,
    effect: Effect,
    action: Option<OneOrMany<String>>,
    not_action: Option<OneOrMany<String>>,
    resource: Option<OneOrMany<String>>,
    not_resource: Option<OneOrMany<String>>,
    condition: Option<IgnoredAny>,
    principal: Option<IgnoredAny>,
    not_principal: Option<IgnoredAny>,
}

/// A value, or a list of them. Read by hand, so that an error says where in the value it is.
struct OneOrMany<T>(Vec<T>);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for OneOrMany<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Values<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for Values<T> {
            type Value = OneOrMany<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a value or a list of values")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
                T::deserialize(text.into_deserializer()).map(|value| OneOrMany(vec![value]))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
                T::deserialize(MapAccessDeserializer::new(map)).map(|value| OneOrMany(vec![value]))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
                let mut values = Vec::new();
                while let Some(value) = list.next_element()? {
                    values.push(value);
                }
                Ok(OneOrMany(values))
            }
        }

        deserializer.deserialize_any(Values(PhantomData))
    }
}

impl TryFrom<PolicyForm> for Policy {
    type Error = PolicyError;

    fn try_from(form: PolicyForm) -> Result<Self, PolicyError> {
        if let Some(version) = form.version.filter(|version| !["2012-10-17", "2008-10-17"].contains(&version.as_str()))
        {
            return Err(PolicyError::Version(version));
        }
        let statements = form.statement.0;
        if statements.len() > POLICY_STATEMENTS_MAX {
            return Err(PolicyError::TooLarge);
        }
        Ok(Self(statements.into_iter().map(Statement::try_from).collect::<Result<_, _>>()?))
    }
}

impl TryFrom<StatementForm> for Statement {
    type Error = PolicyError;

    fn try_from(form: StatementForm) -> Result<Self, PolicyError> {
        let unenforced =
            [("Condition", form.condition), ("Principal", form.principal), ("NotPrincipal", form.not_principal)];
        if let Some((name, _)) = unenforced.into_iter().find(|(_, value)| value.is_some()) {
            return Err(PolicyError::Unenforced(name));
        }
        let actions = Patterns::of("Action", form.action, form.not_action)?;
        let resources = Patterns::of("Resource", form.resource, form.not_resource)?;
        actions.patterns.iter().try_for_each(|action| check_action(action))?;
        resources.patterns.iter().try_for_each(|resource| check_resource(resource))?;
        Ok(Self { effect: form.effect, actions, resources })
    }
}

impl Patterns {
    fn of(
        name: &'static str,
        given: Option<OneOrMany<String>>,
        negated: Option<OneOrMany<String>>,
    ) -> Result<Self, PolicyError> {
        let (patterns, is_negated) = match (given, negated) {
            (Some(given), None) => (given.0, false),
            (None, Some(negated)) => (negated.0, true),
            _ => return Err(PolicyError::Alternatives(name)),
        };
        if patterns.is_empty() {
            return Err(PolicyError::Empty(name));
        }
        for pattern in &patterns {
            if pattern.len() > POLICY_PATTERN_BYTES_MAX {
                return Err(PolicyError::TooLarge);
            }
            if pattern.contains("${") {
                return Err(PolicyError::Variable(pattern.clone()));
            }
        }
        Ok(Self { patterns, is_negated })
    }
}

fn check_action(pattern: &str) -> Result<(), PolicyError> {
    if pattern == "*" {
        return Ok(());
    }
    let lower = pattern.to_ascii_lowercase();
    let is_name = |text: &str, more: &str| {
        !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || more.contains(c))
    };
    match lower.split_once(':') {
        Some((service, action)) if is_name(service, "") && is_name(action, "*?") => {
            let mut known = Action::ALL.iter().map(|action| action.name()).chain(OTHER_ACTIONS);
            // A name that is misspelt in a denial would deny nothing.
            match service == "timestream" && !known.any(|name| matches(&lower, &name.to_ascii_lowercase())) {
                true => Err(PolicyError::UnknownAction(pattern.to_owned())),
                false => Ok(()),
            }
        }
        _ => Err(PolicyError::Action(pattern.to_owned())),
    }
}

fn check_resource(pattern: &str) -> Result<(), PolicyError> {
    let is_arn = || pattern.starts_with("arn:") && pattern.splitn(6, ':').count() == 6;
    if pattern == "*" || is_arn() { Ok(()) } else { Err(PolicyError::Resource(pattern.to_owned())) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns() {
        let cases = [
            ("*", "", true),
            ("*", "arn:aws:s3:::b/k", true),
            ("a", "a", true),
            ("a", "A", false),
            ("a", "ab", false),
            ("", "", true),
            ("", "a", false),
            ("a*c", "abbc", true),
            ("a*c", "ac", true),
            ("a*c*", "abcbcd", true),
            ("a?c", "abc", true),
            ("a?c", "ac", false),
            ("?", "ö", true),
            ("*/table/*", "database/d/table/t", true),
            ("**", "x", true),
            // # guide: IAM, reference_policies_elements_resource.html: within a part, or beyond it at its end
            (
                "arn:aws:timestream:*:123456789012:database/d",
                "arn:aws:timestream:us-east-1:123456789012:database/d",
                true,
            ),
            ("arn:aws:timestream:us-*-1:1:database/d", "arn:aws:timestream:us-east-1:1:database/d", true),
            ("arn:aws:timestream:us*1:database/d", "arn:aws:timestream:us-east-1:1:database/d", false),
            ("arn:aws:timestream:*", "arn:aws:timestream:us-east-1:1:database/d", true),
            ("arn:aws:timestream:*:database/d", "arn:aws:timestream:us-east-1:1:database/d", true),
            ("arn:aws:timestream:?:1:x", "arn:aws:timestream:::1:x", true),
        ];
        for (pattern, text, expect) in cases {
            assert_eq!(matches(pattern, text), expect, "{pattern} {text}");
        }
    }

    fn decide(statements: &str, action: &str, resource: &str) -> Decision {
        let policy: Policy =
            serde_json::from_str(&format!(r#"{{"Version":"2012-10-17","Statement":{statements}}}"#)).unwrap();
        policy.decide(action, &[resource.to_owned()])
    }

    #[test]
    fn statements_allow_and_deny() {
        use Decision::{Allowed, Denied, NotAllowed};
        let table = "arn:aws:timestream:us-east-1:1:database/d/table/t";
        let cases = [
            ("[]", NotAllowed),
            (r#"{"Effect":"Allow","Action":"*","Resource":"*"}"#, Allowed),
            (r#"{"Sid":"a","Effect":"Allow","Action":"timestream:Select","Resource":"*"}"#, Allowed),
            (r#"{"Effect":"Allow","Action":"TimeStream:sELECT","Resource":"*"}"#, Allowed),
            (r#"{"Effect":"Allow","Action":"timestream:SelectValues","Resource":"*"}"#, NotAllowed),
            (r#"{"Effect":"Allow","Action":"timestream:Sel*","Resource":"*"}"#, Allowed),
            (r#"{"Effect":"Allow","Action":["s3:*","timestream:?elect"],"Resource":"*"}"#, Allowed),
            (r#"{"Effect":"Allow","Action":"s3:*","Resource":"*"}"#, NotAllowed),
            (r#"{"Effect":"Allow","NotAction":"timestream:Select","Resource":"*"}"#, NotAllowed),
            (r#"{"Effect":"Allow","NotAction":["iam:*"],"Resource":"*"}"#, Allowed),
            (r#"{"Effect":"Allow","Action":"*","Resource":"arn:aws:timestream:*:1:database/d/table/*"}"#, Allowed),
            (r#"{"Effect":"Allow","Action":"*","Resource":"arn:aws:timestream:*:1:database/D/table/*"}"#, NotAllowed),
            (r#"{"Effect":"Allow","Action":"*","Resource":"arn:aws:timestream:*:2:*"}"#, NotAllowed),
            (r#"{"Effect":"Allow","Action":"*","NotResource":"arn:aws:timestream:*:1:database/d/*"}"#, NotAllowed),
            (r#"{"Effect":"Allow","Action":"*","NotResource":["arn:aws:s3:::*"]}"#, Allowed),
            (r#"{"Effect":"Deny","Action":"timestream:*","Resource":"*"}"#, Denied),
            (
                r#"[{"Effect":"Deny","Action":"*","Resource":"*"},{"Effect":"Allow","Action":"*","Resource":"*"}]"#,
                Denied,
            ),
            (
                r#"[{"Effect":"Allow","Action":"*","Resource":"*"},
                    {"Effect":"Deny","NotAction":"timestream:Select","Resource":"*"}]"#,
                Allowed,
            ),
            (
                r#"[{"Effect":"Allow","Action":"*","Resource":"*"},
                    {"Effect":"Deny","Action":"*","NotResource":"arn:aws:timestream:us-east-1:1:database/e*"}]"#,
                Denied,
            ),
        ];
        for (statements, expect) in cases {
            assert_eq!(decide(statements, "timestream:Select", table), expect, "{statements}");
        }
    }

    #[test]
    fn what_is_not_enforced_is_refused() {
        let check = |policy: &str, expect: &str| {
            let error = serde_json::from_str::<Policy>(policy).unwrap_err().to_string();
            assert!(error.contains(expect), "{policy}: {error}");
        };
        let statement = |more: &str| format!(r#"{{"Statement":[{{"Effect":"Allow",{more}}}]}}"#);
        let any = r#""Action":"*","Resource":"*""#;
        check(&statement(&format!(r#"{any},"Condition":{{"Bool":{{}}}}"#)), "Condition is not enforced");
        check(&statement(&format!(r#"{any},"Principal":"*""#)), "Principal is not enforced");
        check(&statement(&format!(r#"{any},"NotPrincipal":{{}}"#)), "NotPrincipal is not enforced");
        check(&statement(r#""Action":"*""#), "either Resource or NotResource");
        check(&statement(r#""Resource":"*""#), "either Action or NotAction");
        check(&statement(r#""Action":"*","NotAction":"s3:*","Resource":"*""#), "either Action or NotAction");
        check(&statement(r#""Action":[],"Resource":"*""#), "Action is empty");
        check(&statement(r#""Action":"*","Resource":[]"#), "Resource is empty");
        check(&statement(r#""Action":"Select","Resource":"*""#), "Select is no action");
        check(&statement(r#""Action":"time*:Select","Resource":"*""#), "time*:Select is no action");
        check(&statement(r#""Action":":","Resource":"*""#), ": is no action");
        check(&statement(r#""Action":"timestream:Selct","Resource":"*""#), "timestream has no action timestream:Selct");
        check(&statement(r#""Action":"*","Resource":"database/d""#), "database/d is no resource");
        check(&statement(r#""Action":"*","Resource":"arn:aws:timestream:*""#), "is no resource");
        check(
            &statement(r#""Action":"*","Resource":"arn:aws:timestream:us-east-1:1:database/${aws:username}""#),
            "holds a policy variable",
        );
        check(r#"{"Version":"2025-01-01","Statement":[]}"#, "not 2025-01-01");
        check(r#"{"Version":"2012-10-17"}"#, "missing field `Statement`");
        check(r#"{"Statement":[],"More":1}"#, "unknown field `More`");
        check(r#"{"Statement":[],"Statement":[]}"#, "duplicate field");
        check(&statement(&format!(r#"{any},"Actions":"*""#)), "unknown field `Actions`");
        check(&statement(&format!(r#"{any},"Effect":"Deny""#)), "duplicate field `Effect`");
        check(r#"{"Statement":{"Effect":"allow","Action":"*","Resource":"*"}}"#, "unknown variant `allow`");
        check(r#"{"Statement":7}"#, "expected a value or a list of values");
        check(&statement(r#""Action":[7],"Resource":"*""#), "expected a string");
        check(r#"7"#, "invalid type");
        check(&statement(&format!(r#""Action":"s3:{}","Resource":"*""#, "a".repeat(3_000))), "2048 bytes");
        let many = vec![format!(r#"{{"Effect":"Allow",{any}}}"#); 1_001].join(",");
        check(&format!(r#"{{"Statement":[{many}]}}"#), "1000 statements");
    }

    #[test]
    fn every_action_has_a_name_of_its_own() {
        let mut names: Vec<_> = Action::ALL.iter().map(|action| action.name()).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), Action::ALL.len());
    }

    #[test]
    fn other_services_are_named() {
        let policy: Policy = serde_json::from_str(
            r#"{"Statement":{"Effect":"Allow","Action":["timestream:*","s3:Get*","*","iam:PassRole"],"Resource":"*"}}"#,
        )
        .unwrap();
        assert_eq!(policy.other_services().collect::<Vec<_>>(), ["s3"]);
    }
}
