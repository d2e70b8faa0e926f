//! Requests derived from the service models' constraints: for every operation and every member, at any depth, the values
//! at the edges of what is allowed and just beyond, each enum value, each missing required member, a wrong type.

use serde_json::{Map, Value, json};
use timebrook_protocol::{
    Operation, Service,
    constraints::{Bounds, Kind, ListLimits, Member, Structure, TextLimits},
};

/// A request and what validation must answer to it.
pub(crate) struct Case {
    /// What it calls.
    pub(crate) operation: Operation,
    /// Whose input the body is, where both services have the operation.
    pub(crate) service: Service,
    /// The request's body.
    pub(crate) body: String,
    /// The expected answer.
    pub(crate) expect: Expect,
}

/// What validation must answer.
pub(crate) enum Expect {
    /// The request is valid. What the service says to it afterwards is another matter.
    Valid,
    /// The request is refused with status 400.
    Refused {
        /// `__type` of the answer.
        error_type: &'static str,
        /// How the message begins.
        message_start: String,
        /// How the message ends. Together they leave out at most a printed list.
        message_end: String,
    },
}

const VIOLATION: &str = "com.amazon.coral.validate#ValidationException";
const WRONG_TYPE: &str = "com.amazon.coral.service#SerializationException";

impl Case {
    /// Compares an answer with what is expected. The error says what differs.
    pub(crate) fn check(&self, status: u16, body: &[u8]) -> Result<(), String> {
        let answer: Value = serde_json::from_slice(body).map_err(|error| format!("{self}: not JSON: {error}"))?;
        let text = |name: &str| answer[name].as_str().unwrap_or_default();
        let (error_type, message) = (text("__type"), format!("{}{}", text("message"), text("Message")));
        let right = match &self.expect {
            Expect::Valid => error_type != VIOLATION && error_type != WRONG_TYPE,
            Expect::Refused { error_type: expect, message_start, message_end } => {
                status == 400
                    && error_type == *expect
                    && message.starts_with(message_start)
                    && message.ends_with(message_end)
            }
        };
        if right { Ok(()) } else { Err(format!("{self}: answered {status} {error_type} {message}")) }
    }
}

impl std::fmt::Display for Case {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let body: String = self.body.chars().take(300).collect();
        write!(f, "{} ({:?}) {body} ", self.operation.name(), self.service)?;
        match &self.expect {
            Expect::Valid => f.write_str("is valid"),
            Expect::Refused { error_type, message_start, message_end } => {
                write!(f, "is refused with {error_type} {message_start}…{message_end}")
            }
        }
    }
}

/// Every case of every operation.
pub(crate) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for operation in Operation::ALL {
        for &(service, shape) in operation.inputs() {
            cases.push(Case { operation, service, body: minimal(shape, service).to_string(), expect: Expect::Valid });
            for variation in of_structure(shape, service) {
                let (body, expect) = (variation.value.to_string(), variation.outcome.expect());
                cases.push(Case { operation, service, body, expect });
            }
        }
    }
    cases
}

/// A value for some place in a request, and what comes of it.
struct Variation {
    value: Value,
    outcome: Outcome,
}

enum Outcome {
    Valid,
    /// The violations, in order, each with its path relative to the value (empty, or beginning with a dot).
    Violations(Vec<Violation>),
    WrongType(String),
}

struct Violation {
    /// Such as `Value 'ab'`; only how it begins when the value is a list.
    subject: String,
    path: String,
    constraint: String,
}

impl Outcome {
    /// The outcome for the whole request when the value lies at `.path` below it.
    fn below(mut self, path: &str) -> Self {
        if let Self::Violations(violations) = &mut self {
            for violation in violations {
                violation.path = format!(".{path}{}", violation.path);
            }
        }
        self
    }

    fn expect(self) -> Expect {
        match self {
            Self::Valid => Expect::Valid,
            Self::WrongType(text) => {
                Expect::Refused { error_type: WRONG_TYPE, message_start: text.clone(), message_end: text }
            }
            Self::Violations(violations) => {
                let plural = if violations.len() == 1 { "" } else { "s" };
                let mut message_start = format!("{} validation error{plural} detected: ", violations.len());
                message_start.push_str(&violations[0].subject);
                let rest = |violation: &Violation| {
                    let path = violation.path.trim_start_matches('.');
                    format!(" at '{path}' failed to satisfy constraint: {}", violation.constraint)
                };
                let mut message_end = rest(&violations[0]);
                for violation in &violations[1..] {
                    message_end.push_str(&format!("; {}{}", violation.subject, rest(violation)));
                }
                Expect::Refused { error_type: VIOLATION, message_start, message_end }
            }
        }
    }
}

fn violated(subject: impl Into<String>, constraint: impl Into<String>) -> Violation {
    Violation { subject: subject.into(), path: String::new(), constraint: constraint.into() }
}

fn outcome(violations: Vec<Violation>) -> Outcome {
    if violations.is_empty() { Outcome::Valid } else { Outcome::Violations(violations) }
}

/// The structure with its required members only, each with a valid value.
fn minimal(shape: &Structure, service: Service) -> Value {
    let required = shape.members.iter().filter(|member| member.required);
    Value::Object(required.map(|member| (member.name.to_owned(), sample(member, service))).collect())
}

fn sample(member: &Member, service: Service) -> Value {
    valid(&member.kind, member.name, service)
}

fn valid(kind: &Kind, name: &str, service: Service) -> Value {
    match kind {
        Kind::Text(limits) => match limits.values {
            [first, ..] => json!(first),
            [] => json!(text_of_length(
                limits.length.min.unwrap_or(1).max(3).min(limits.length.max.unwrap_or(3)),
                name,
                service
            )),
        },
        Kind::Integer(range) | Kind::Long(range) => json!(range.min.unwrap_or(1)),
        Kind::Double => json!(0.5),
        Kind::Boolean => json!(true),
        Kind::Timestamp => json!(1_677_167_593.266),
        Kind::List(limits) => {
            let one = valid(limits.element, name, service);
            json!(vec![one; usize::try_from(limits.length.min.unwrap_or(0)).unwrap_or(0)])
        }
        Kind::Structure(shape) => minimal(shape, service),
    }
}

/// A text of so many characters that every pattern of the models allows. A resource's name, where it is long enough,
/// says which service it is of: both have operations under the same target.
fn text_of_length(length: i64, name: &str, service: Service) -> String {
    let length = usize::try_from(length).expect("a length");
    let prefix = match (name, service) {
        ("ResourceARN", Service::Query) => "arn:aws:timestream:us-east-1:000000000000:scheduled-query/",
        ("ResourceARN", _) => "arn:aws:timestream:us-east-1:000000000000:database/",
        _ => "",
    };
    let prefix = if prefix.len() < length { prefix } else { "" };
    let filler = if name == "TaskId" { "A" } else { "a" };
    format!("{prefix}{}", filler.repeat(length - prefix.len()))
}

fn of_structure(shape: &Structure, service: Service) -> Vec<Variation> {
    let mut variations = Vec::new();
    let Value::Object(minimal) = minimal(shape, service) else { return variations };
    for member in shape.members {
        let with = |value: Option<Value>| {
            let mut members: Map<String, Value> = minimal.clone();
            members.remove(member.name);
            members.extend(value.map(|value| (member.name.to_owned(), value)));
            Value::Object(members)
        };
        for absent in [None, Some(Value::Null)] {
            let outcome = if member.required { outcome(vec![null(&member.kind)]) } else { Outcome::Valid };
            variations.push(Variation { value: with(absent), outcome: outcome.below(member.path) });
        }
        for Variation { value, outcome } in of_kind(&member.kind, member.name, service) {
            variations.push(Variation { value: with(Some(value)), outcome: outcome.below(member.path) });
        }
    }
    variations
}

fn null(kind: &Kind) -> Violation {
    let sensitive = matches!(kind, Kind::Text(limits) if limits.sensitive);
    violated(if sensitive { "Value" } else { "Value null" }, "Member must not be null")
}

fn of_kind(kind: &Kind, name: &str, service: Service) -> Vec<Variation> {
    let (mut variations, wrong) = match kind {
        Kind::Text(limits) => {
            (of_text(limits, name, service), (json!(5), "NUMBER_VALUE cannot be converted to String"))
        }
        Kind::Integer(range) => (of_range(*range), (json!("5"), "STRING_VALUE cannot be converted to Integer")),
        Kind::Long(range) => (of_range(*range), (json!("5"), "STRING_VALUE cannot be converted to Long")),
        Kind::Double => (vec![], (json!("5"), "STRING_VALUE cannot be converted to Double")),
        Kind::Boolean => (of_boolean(), (json!("yes"), "Unexpected token received from parser")),
        Kind::Timestamp => (vec![], (json!("5"), "STRING_VALUE cannot be converted to Date")),
        Kind::List(limits) => (of_list(limits, name, service), (json!("x"), "Unexpected field type")),
        Kind::Structure(shape) => (of_structure(shape, service), (json!("x"), "Unexpected field type")),
    };
    variations.push(Variation { value: wrong.0, outcome: Outcome::WrongType(wrong.1.to_owned()) });
    variations
}

fn of_boolean() -> Vec<Variation> {
    [true, false].map(|value| Variation { value: json!(value), outcome: Outcome::Valid }).into()
}

/// Lengths or values at the edges of a range and one beyond.
fn edges(bounds: Bounds) -> Vec<i64> {
    let mut edges = Vec::new();
    edges.extend(bounds.min.into_iter().flat_map(|min| [min - 1, min]));
    edges.extend(bounds.max.into_iter().flat_map(|max| [max, max + 1]));
    edges
}

fn of_range(range: Bounds) -> Vec<Variation> {
    let violations = |value: i64| {
        let subject = format!("Value '{value}'");
        if let Some(min) = range.min.filter(|min| value < *min) {
            return vec![violated(subject, format!("Member must have value greater than or equal to {min}"))];
        }
        if let Some(max) = range.max.filter(|max| value > *max) {
            return vec![violated(subject, format!("Member must have value less than or equal to {max}"))];
        }
        vec![]
    };
    edges(range)
        .into_iter()
        .map(|value| Variation { value: json!(value), outcome: outcome(violations(value)) })
        .collect()
}

fn of_text(limits: &TextLimits, name: &str, service: Service) -> Vec<Variation> {
    let mut texts: Vec<String> = limits.values.iter().map(|value| (*value).to_owned()).collect();
    if !limits.values.is_empty() {
        texts.extend(["NO_SUCH_VALUE".to_owned(), limits.values[0].to_lowercase(), String::new()]);
    }
    let lengths = edges(limits.length).into_iter().filter(|length| *length >= 0);
    texts.extend(lengths.map(|length| text_of_length(length, name, service)));
    if limits.pattern.is_some() {
        // Four characters that no pattern allows; every shape with a pattern allows the length.
        texts.push("ä ~€".to_owned());
    }
    texts.into_iter().map(|text| text_variation(limits, text)).collect()
}

fn text_variation(limits: &TextLimits, text: String) -> Variation {
    let length = i64::try_from(text.chars().count()).expect("a length");
    let subject = if limits.sensitive { "Value".to_owned() } else { format!("Value '{}'", shortened(&text)) };
    let mut violations = Vec::new();
    if let Some(min) = limits.length.min.filter(|min| length < *min) {
        violations.push(violated(&subject, format!("Member must have length greater than or equal to {min}")));
    }
    if let Some(max) = limits.length.max.filter(|max| length > *max) {
        violations.push(violated(&subject, format!("Member must have length less than or equal to {max}")));
    }
    if let Some(pattern) = limits.pattern.filter(|pattern| !pattern.matches(&text)) {
        let constraint = format!("Member must satisfy regular expression pattern: {}", pattern.as_str());
        violations.push(violated(&subject, constraint));
    }
    if !limits.values.is_empty() && !limits.values.contains(&text.as_str()) {
        let constraint = format!("Member must satisfy enum value set: [{}]", limits.values.join(", "));
        violations.push(violated(&subject, constraint));
    }
    Variation { value: json!(text), outcome: outcome(violations) }
}

/// Long values are printed up to 1,024 characters. # inferred
fn shortened(text: &str) -> String {
    let mut shortened: String = text.chars().take(1_024).collect();
    if shortened.len() < text.len() {
        shortened.push_str("...");
    }
    shortened
}

fn of_list(limits: &ListLimits, name: &str, service: Service) -> Vec<Variation> {
    let mut variations = Vec::new();
    let one = valid(limits.element, name, service);
    for length in edges(limits.length).into_iter().filter(|length| *length >= 0) {
        let mut violations = Vec::new();
        if let Some(min) = limits.length.min.filter(|min| length < *min) {
            violations.push(violated("Value '[", format!("Member must have length greater than or equal to {min}")));
        }
        if let Some(max) = limits.length.max.filter(|max| length > *max) {
            violations.push(violated("Value '[", format!("Member must have length less than or equal to {max}")));
        }
        let value = json!(vec![one.clone(); usize::try_from(length).expect("a length")]);
        variations.push(Variation { value, outcome: outcome(violations) });
    }
    // Positions count from 1, so an element in the second place is at 2.
    let null = Variation { value: Value::Null, outcome: outcome(vec![null(limits.element)]) };
    for Variation { value, outcome } in of_kind(limits.element, name, service).into_iter().chain([null]) {
        variations.push(Variation { value: json!([one, value]), outcome: outcome.below("2.member") });
    }
    variations
}
