//! What is wrong with a request, in the service's words. Runs only for requests that are refused.

use std::fmt::Write as _;

use serde_json::{Map, Number, Value};

use crate::{
    constraints::{Bounds, Kind, ListLimits, Member, Structure, TextLimits},
    error::{ErrorCode, ServiceError},
    text::has_length,
    timestamp::Timestamp,
};

/// Violations that are printed; the others are only counted. # inferred
const VIOLATIONS_PRINTED_MAX: usize = 100;
/// Characters of a value that are printed. The service prints a value in full (# observed), which for a list is most of
/// the request. # inferred
const VALUE_CHARACTERS_MAX: usize = 1_024;
/// Stands for the value of a sensitive shape inside a printed structure. # inferred
const REDACTED: &str = "*** Sensitive Data Redacted ***";

/// The error for a body that did not decode into `shape` (`error` says why) or that violates a constraint of it.
pub(crate) fn explain(body: &str, shape: &'static Structure, error: Option<serde_json::Error>) -> ServiceError {
    let refusal = match serde_json::from_str::<Value>(body) {
        Ok(Value::Object(members)) => Walk::default().run(shape, &members),
        // # sister services: a list at the top has a text, other values and what is not JSON at all have none
        Ok(Value::Array(_)) => Some(serialization(LIST_NOT_EXPECTED)),
        Ok(_) | Err(_) => Some(not_json()),
    };
    // The walk sees what the decoder saw, except for members that are there twice: it knows only the last one.
    let refusal = refusal.unwrap_or_else(not_json);
    match error {
        Some(source) => refusal.with_source(source),
        None => refusal,
    }
}

/// # sister services
const LIST_NOT_EXPECTED: &str = "Start of list found where not expected";
/// # sister services
const STRUCTURE_NOT_EXPECTED: &str = "Start of structure or map found where not expected.";
/// # sister services
const UNEXPECTED_TYPE: &str = "Unexpected field type";

/// The error for a body that is no JSON object.
pub(crate) fn not_json() -> ServiceError {
    serialization("")
}

fn serialization(message: &str) -> ServiceError {
    ServiceError::new(ErrorCode::SerializationException, message)
}

/// The service's answer to a value of the wrong type, as a message.
struct WrongType(String);

/// A walk over a request along its shape.
#[derive(Default)]
struct Walk {
    /// Where the walk is, such as `records.1.member.dimensions`.
    path: String,
    /// The violations so far, as they are printed.
    violations: Vec<String>,
    /// How many there are.
    count: usize,
}

impl Walk {
    /// What is wrong with the structure, if anything is. A value of the wrong type stops the walk: the service decodes a
    /// request before it validates it.
    fn run(mut self, shape: &Structure, members: &Map<String, Value>) -> Option<ServiceError> {
        match self.structure(shape, members) {
            Err(WrongType(message)) => Some(serialization(&message)),
            Ok(()) if self.count == 0 => None,
            Ok(()) => {
                let plural = if self.count == 1 { "" } else { "s" };
                let text = format!("{} validation error{plural} detected: {}", self.count, self.violations.join("; "));
                Some(ServiceError::new(ErrorCode::CoralValidation, text))
            }
        }
    }

    fn structure(&mut self, shape: &Structure, members: &Map<String, Value>) -> Result<(), WrongType> {
        for member in shape.members {
            let length = self.path.len();
            if length > 0 {
                self.path.push('.');
            }
            self.path.push_str(member.path);
            match members.get(member.name) {
                None | Some(Value::Null) if member.required => self.must_not_be_null(&member.kind),
                None | Some(Value::Null) => {}
                Some(value) => self.value(&member.kind, value)?,
            }
            self.path.truncate(length);
        }
        Ok(())
    }

    fn value(&mut self, kind: &Kind, value: &Value) -> Result<(), WrongType> {
        match (kind, value) {
            (Kind::Text(limits), Value::String(text)) => self.text(limits, text),
            (Kind::Integer(range), Value::Number(number)) => {
                self.integer(*range, number, (i32::MIN.into(), i32::MAX.into()), kind)?;
            }
            (Kind::Long(range), Value::Number(number)) => self.integer(*range, number, (i64::MIN, i64::MAX), kind)?,
            (Kind::Double, Value::Number(_)) | (Kind::Boolean, Value::Bool(_)) => {}
            (Kind::Timestamp, Value::Number(number)) => {
                let moment = number.as_f64().and_then(Timestamp::from_seconds);
                moment.map(drop).ok_or_else(|| cannot_be_converted(value, kind))?;
            }
            (Kind::List(limits), Value::Array(elements)) => self.list(limits, kind, elements, value)?,
            (Kind::Structure(shape), Value::Object(members)) => self.structure(shape, members)?,
            _ => return Err(cannot_be_converted(value, kind)),
        }
        Ok(())
    }

    fn text(&mut self, limits: &TextLimits, text: &str) {
        let printed = if limits.sensitive { None } else { Some(shortened(text.to_owned())) };
        let (min, max) = (limits.length.min.unwrap_or(0), limits.length.max.unwrap_or(i64::MAX));
        let (least, most) = (usize::try_from(min).unwrap_or(0), usize::try_from(max).unwrap_or(usize::MAX));
        if !has_length(text, least, usize::MAX) {
            self.violation(printed.as_deref(), &format!("Member must have length greater than or equal to {min}"));
        }
        if !has_length(text, 0, most) {
            self.violation(printed.as_deref(), &format!("Member must have length less than or equal to {max}"));
        }
        if let Some(pattern) = limits.pattern
            && !pattern.matches(text)
        {
            let expect = format!("Member must satisfy regular expression pattern: {}", pattern.as_str());
            self.violation(printed.as_deref(), &expect);
        }
        if !limits.values.is_empty() && !limits.values.contains(&text) {
            // # observed; the set's order is not specified
            let expect = format!("Member must satisfy enum value set: [{}]", limits.values.join(", "));
            self.violation(printed.as_deref(), &expect);
        }
    }

    fn integer(
        &mut self,
        range: Bounds,
        number: &Number,
        (least, most): (i64, i64),
        kind: &Kind,
    ) -> Result<(), WrongType> {
        let value = number.as_i128().ok_or_else(|| cannot_be_converted(&Value::Number(number.clone()), kind))?;
        if let Some(min) = range.min
            && value < min.into()
        {
            let expect = format!("Member must have value greater than or equal to {min}");
            self.violation(Some(&number.to_string()), &expect);
        } else if let Some(max) = range.max
            && value > max.into()
        {
            self.violation(Some(&number.to_string()), &format!("Member must have value less than or equal to {max}"));
        } else if !(i128::from(least)..=i128::from(most)).contains(&value) {
            return Err(cannot_be_converted(&Value::Number(number.clone()), kind));
        }
        Ok(())
    }

    fn list(&mut self, limits: &ListLimits, kind: &Kind, elements: &[Value], value: &Value) -> Result<(), WrongType> {
        let length = i64::try_from(elements.len()).unwrap_or(i64::MAX);
        if let Some(min) = limits.length.min
            && length < min
        {
            let expect = format!("Member must have length greater than or equal to {min}");
            self.violation(Some(&printed(kind, value)), &expect);
        }
        if let Some(max) = limits.length.max
            && length > max
        {
            // # observed: the list is printed
            let expect = format!("Member must have length less than or equal to {max}");
            self.violation(Some(&printed(kind, value)), &expect);
        }
        for (index, element) in elements.iter().enumerate() {
            let length = self.path.len();
            // # observed: positions begin with 1
            let _ = write!(self.path, ".{}.member", index + 1);
            match element {
                Value::Null => self.must_not_be_null(limits.element),
                element => self.value(limits.element, element)?,
            }
            self.path.truncate(length);
        }
        Ok(())
    }

    fn must_not_be_null(&mut self, kind: &Kind) {
        let sensitive = matches!(kind, Kind::Text(limits) if limits.sensitive);
        // No quotes around null. # observed
        let value = if sensitive { "Value" } else { "Value null" };
        self.push(value, "Member must not be null");
    }

    /// Adds a violation; the value of a sensitive shape is not given.
    fn violation(&mut self, value: Option<&str>, expect: &str) {
        match value {
            Some(value) => self.push(&format!("Value '{value}'"), expect),
            None => self.push("Value", expect),
        }
    }

    fn push(&mut self, value: &str, expect: &str) {
        self.count += 1;
        if self.violations.len() < VIOLATIONS_PRINTED_MAX {
            let text = format!("{value} at '{}' failed to satisfy constraint: {expect}", self.path);
            self.violations.push(text);
        }
    }
}

/// The framework's text for a JSON value that is not of the member's type. # sister services
fn cannot_be_converted(value: &Value, kind: &Kind) -> WrongType {
    let class = match kind {
        Kind::Text(_) => "String",
        Kind::Integer(_) => "Integer",
        Kind::Long(_) => "Long",
        Kind::Double => "Double",
        Kind::Boolean => "Boolean",
        Kind::Timestamp => "Date", // # inferred
        Kind::List(_) | Kind::Structure(_) => "",
    };
    let found = match value {
        Value::Object(_) => return WrongType(STRUCTURE_NOT_EXPECTED.to_owned()),
        Value::Array(_) => return WrongType(LIST_NOT_EXPECTED.to_owned()),
        _ if class.is_empty() => return WrongType(UNEXPECTED_TYPE.to_owned()),
        Value::String(_) if class == "Boolean" => return WrongType("Unexpected token received from parser".to_owned()),
        Value::String(_) => "STRING_VALUE",
        Value::Bool(true) => "TRUE_VALUE",
        Value::Bool(false) => "FALSE_VALUE",
        Value::Number(number) if number.is_f64() => "DECIMAL_VALUE",
        Value::Number(_) => "NUMBER_VALUE",
        Value::Null => "NULL_VALUE",
    };
    WrongType(format!("{found} cannot be converted to {class}"))
}

/// A value as violations print it: `[a, b]`, `Record(measureName=cpu, time=null, …)`. # sister services
fn printed(kind: &Kind, value: &Value) -> String {
    let mut text = String::new();
    print(&mut text, kind, value);
    shortened(text)
}

fn print(text: &mut String, kind: &Kind, value: &Value) {
    // Whatever is longer than is printed need not be made.
    if text.len() > VALUE_CHARACTERS_MAX * 4 {
        return;
    }
    match (kind, value) {
        (Kind::Text(limits), Value::String(_)) if limits.sensitive => text.push_str(REDACTED),
        (_, Value::String(string)) => text.push_str(string),
        (Kind::List(limits), Value::Array(elements)) => {
            text.push('[');
            for (index, element) in elements.iter().enumerate() {
                text.push_str(if index > 0 { ", " } else { "" });
                print(text, limits.element, element);
            }
            text.push(']');
        }
        (Kind::Structure(shape), Value::Object(members)) => {
            let _ = write!(text, "{}(", shape.name);
            for (index, Member { name, path, kind, .. }) in shape.members.iter().enumerate() {
                let _ = write!(text, "{}{path}=", if index > 0 { ", " } else { "" });
                print(text, kind, members.get(*name).unwrap_or(&Value::Null));
            }
            text.push(')');
        }
        // A number, true, false or null; or a value of the wrong type, for which the request is refused anyway.
        (_, value) => {
            let _ = write!(text, "{value}");
        }
    }
}

fn shortened(mut text: String) -> String {
    if let Some((end, _)) = text.char_indices().nth(VALUE_CHARACTERS_MAX) {
        text.truncate(end);
        text.push_str("...");
    }
    text
}

#[cfg(test)]
mod tests {
    use crate::{
        Input, decode,
        shapes::{query, write},
    };

    /// Decodes `body` and compares the answer: the error's name, its namespace's last part and its message, or "ok".
    fn check<'a, T: Input<'a>>(body: &'a str, expect: &str) {
        let answer = match decode::<T>(body.as_bytes()) {
            Ok(_) => "ok".to_owned(),
            Err(error) => {
                let namespace = error.code.namespace().rsplit('.').next().unwrap_or_default();
                format!("{namespace}#{} {} {}", error.code.name(), error.status(), error.message)
            }
        };
        assert_eq!(answer, expect, "{body}");
    }

    fn violations<'a, T: Input<'a>>(body: &'a str, expect: &str) {
        check::<T>(body, &format!("validate#ValidationException 400 {expect}"));
    }

    fn wrong_type<'a, T: Input<'a>>(body: &'a str, expect: &str) {
        check::<T>(body, &format!("service#SerializationException 400 {expect}"));
    }

    #[test]
    fn one_violation_of_each_kind() {
        type Create<'a> = write::CreateDatabaseRequest<'a>;
        type List<'a> = write::ListDatabasesRequest<'a>;
        // # sister services for the wording, # observed for the enum's and the list's
        violations::<Create>(
            "{}",
            "1 validation error detected: Value null at 'databaseName' failed to satisfy constraint: Member must not be null",
        );
        violations::<Create>(
            r#"{"DatabaseName":null}"#,
            "1 validation error detected: Value null at 'databaseName' failed to satisfy constraint: Member must not be null",
        );
        violations::<Create>(
            r#"{"DatabaseName":"a b c"}"#,
            "1 validation error detected: Value 'a b c' at 'databaseName' failed to satisfy constraint: Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+",
        );
        violations::<List>(
            r#"{"MaxResults":0}"#,
            "1 validation error detected: Value '0' at 'maxResults' failed to satisfy constraint: Member must have value greater than or equal to 1",
        );
        violations::<List>(
            r#"{"MaxResults":99999999999}"#,
            "1 validation error detected: Value '99999999999' at 'maxResults' failed to satisfy constraint: Member must have value less than or equal to 20",
        );
        violations::<write::CreateTableRequest>(
            r#"{"DatabaseName":"abc","TableName":"abc","Schema":{"CompositePartitionKey":[]}}"#,
            "1 validation error detected: Value '[]' at 'schema.compositePartitionKey' failed to satisfy constraint: Member must have length greater than or equal to 1",
        );
        violations::<write::WriteRecordsRequest>(
            r#"{"DatabaseName":"d","TableName":"t","Records":[{"Dimensions":[{"Name":"n","Value":"v","DimensionValueType":"BIGINT"}]}]}"#,
            "1 validation error detected: Value 'BIGINT' at 'records.1.member.dimensions.1.member.dimensionValueType' failed to satisfy constraint: Member must satisfy enum value set: [VARCHAR]",
        );
        violations::<write::ListTagsForResourceRequest>(
            r#"{"ResourceARN":""}"#,
            "1 validation error detected: Value '' at 'resourceARN' failed to satisfy constraint: Member must have length greater than or equal to 1",
        );
    }

    #[test]
    fn several_violations_make_one_message() {
        violations::<write::CreateTableRequest>(
            r#"{"DatabaseName":"","RetentionProperties":{"MemoryStoreRetentionPeriodInHours":8767,"MagneticStoreRetentionPeriodInDays":0}}"#,
            "5 validation errors detected: \
             Value '' at 'databaseName' failed to satisfy constraint: Member must have length greater than or equal to 1; \
             Value '' at 'databaseName' failed to satisfy constraint: Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+; \
             Value null at 'tableName' failed to satisfy constraint: Member must not be null; \
             Value '8767' at 'retentionProperties.memoryStoreRetentionPeriodInHours' failed to satisfy constraint: Member must have value less than or equal to 8766; \
             Value '0' at 'retentionProperties.magneticStoreRetentionPeriodInDays' failed to satisfy constraint: Member must have value greater than or equal to 1",
        );
        // # observed: empty dimension values and measure values are refused
        violations::<write::WriteRecordsRequest>(
            r#"{"DatabaseName":"d","TableName":"t","Records":[{},{"Dimensions":[{"Name":"n","Value":""}],"MeasureValue":""}]}"#,
            "2 validation errors detected: \
             Value '' at 'records.2.member.dimensions.1.member.value' failed to satisfy constraint: Member must have length greater than or equal to 1; \
             Value '' at 'records.2.member.measureValue' failed to satisfy constraint: Member must have length greater than or equal to 1",
        );
    }

    #[test]
    fn sensitive_values_are_not_printed() {
        // # sister services
        violations::<query::QueryRequest>(
            r#"{"QueryString":"","ClientToken":"too-short"}"#,
            "2 validation errors detected: \
             Value at 'queryString' failed to satisfy constraint: Member must have length greater than or equal to 1; \
             Value at 'clientToken' failed to satisfy constraint: Member must have length greater than or equal to 32",
        );
    }

    #[test]
    fn lists_and_structures_are_printed() {
        let record = r#"{"MeasureName":"cpu","Dimensions":[{"Name":"n","Value":"v"}],"Version":2}"#;
        let body = format!(r#"{{"DatabaseName":"d","TableName":"t","Records":[{}]}}"#, vec![record; 101].join(","));
        let message = decode::<write::WriteRecordsRequest>(body.as_bytes()).unwrap_err().message;
        // # observed: the list is printed; # sister services for how
        let one = "Record(dimensions=[Dimension(name=n, value=v, dimensionValueType=null)], measureName=cpu, \
                   measureValue=null, measureValueType=null, time=null, timeUnit=null, version=2, measureValues=null)";
        assert!(message.starts_with(&format!("1 validation error detected: Value '[{one}, {one}, ")), "{message}");
        let end = "...' at 'records' failed to satisfy constraint: Member must have length less than or equal to 100";
        assert!(message.ends_with(end), "{message}");
        assert!(message.len() < 1_300);
    }

    #[test]
    fn what_is_printed_is_bounded() {
        let long = "ä".repeat(3_000);
        let body = format!(r#"{{"DatabaseName":"d","TableName":"t","Records":[{{"MeasureValue":"{long}"}}]}}"#);
        let message = decode::<write::WriteRecordsRequest>(body.as_bytes()).unwrap_err().message;
        assert!(message.contains(&format!("Value '{}...' at", "ä".repeat(1_024))));
        let dimension = r#"{"Name":"","Value":""}"#;
        let record = format!(r#"{{"Dimensions":[{}]}}"#, vec![dimension; 128].join(","));
        let body = format!(r#"{{"DatabaseName":"d","TableName":"t","Records":[{}]}}"#, vec![record; 100].join(","));
        let message = decode::<write::WriteRecordsRequest>(body.as_bytes()).unwrap_err().message;
        // Each dimension violates two constraints.
        assert!(message.starts_with("25600 validation errors detected: "));
        assert_eq!(message.matches("failed to satisfy").count(), 100);
    }

    #[test]
    fn null_elements_are_violations() {
        violations::<write::WriteRecordsRequest>(
            r#"{"DatabaseName":"d","TableName":"t","Records":[null]}"#,
            "1 validation error detected: Value null at 'records.1.member' failed to satisfy constraint: Member must not be null",
        );
    }

    #[test]
    fn values_of_the_wrong_type() {
        type List<'a> = write::ListDatabasesRequest<'a>;
        type Create<'a> = write::CreateDatabaseRequest<'a>;
        // # sister services
        wrong_type::<Create>(r#"{"DatabaseName":5}"#, "NUMBER_VALUE cannot be converted to String");
        wrong_type::<Create>(r#"{"DatabaseName":5.5}"#, "DECIMAL_VALUE cannot be converted to String");
        wrong_type::<Create>(r#"{"DatabaseName":true}"#, "TRUE_VALUE cannot be converted to String");
        wrong_type::<Create>(r#"{"DatabaseName":{}}"#, "Start of structure or map found where not expected.");
        wrong_type::<Create>(r#"{"DatabaseName":[]}"#, "Start of list found where not expected");
        wrong_type::<Create>(
            r#"{"DatabaseName":"abc","Tags":{}}"#,
            "Start of structure or map found where not expected.",
        );
        wrong_type::<Create>(r#"{"DatabaseName":"abc","Tags":"x"}"#, "Unexpected field type");
        wrong_type::<Create>(r#"{"DatabaseName":"abc","Tags":[["a","b"]]}"#, "Start of list found where not expected");
        wrong_type::<List>(r#"{"MaxResults":"5"}"#, "STRING_VALUE cannot be converted to Integer");
        wrong_type::<List>(r#"{"MaxResults":false}"#, "FALSE_VALUE cannot be converted to Integer");
        wrong_type::<List>(r#"{"MaxResults":1.5}"#, "DECIMAL_VALUE cannot be converted to Integer");
        wrong_type::<query::PrepareQueryRequest>(
            r#"{"QueryString":"SELECT 1","ValidateOnly":"yes"}"#,
            "Unexpected token received from parser",
        );
        wrong_type::<query::ExecuteScheduledQueryRequest>(
            r#"{"ScheduledQueryArn":"a","InvocationTime":"2020-01-01"}"#,
            "STRING_VALUE cannot be converted to Date",
        );
        wrong_type::<write::WriteRecordsRequest>(
            r#"{"DatabaseName":"d","TableName":"t","Records":[{"Version":9223372036854775808}]}"#,
            "NUMBER_VALUE cannot be converted to Long",
        );
        // A wrong type is told before any violation.
        wrong_type::<Create>(r#"{"DatabaseName":"","KmsKeyId":1}"#, "NUMBER_VALUE cannot be converted to String");
    }

    #[test]
    fn bodies_that_are_no_object() {
        type List<'a> = write::ListDatabasesRequest<'a>;
        // # sister services
        wrong_type::<List>("[]", "Start of list found where not expected");
        for body in [
            "null",
            "1",
            "\"x\"",
            "{",
            "{}}",
            "{\"MaxResults\":}",
            "{'MaxResults':1}",
            "{\"MaxResults\":1,}",
            "abc",
            " ",
        ] {
            wrong_type::<List>(body, "");
        }
        let not_utf8 = decode::<List>(b"{\"NextToken\":\"\xFF\"}").unwrap_err();
        assert_eq!(not_utf8.message, "");
        assert_eq!(not_utf8.code.name(), "SerializationException");
    }
}
