//! awsJson1.0: requests decoded in one pass, answers encoded.

mod plain;

use std::{fmt, marker::PhantomData};

use plain::NotPlain;
use serde::{
    Deserialize, Deserializer, Serialize,
    de::{self, IgnoredAny, MapAccess},
};

use crate::{
    error::ServiceError,
    shapes::{Input, Output},
    validate,
};

/// The input in a request's body.
///
/// One pass makes the typed value, which borrows from the body, and its constraints are checked on it. Only when
/// something is wrong is the body read a second time, to find and word everything that is. Members that the model does
/// not know are skipped, members that are `null` count as absent, of members that are there twice the last one counts,
/// and an empty body counts as `{}`.
///
/// # Errors
///
/// SerializationException when the body is not JSON or a value is of the wrong type; ValidationException (the
/// framework's) with every violation when a constraint does not hold.
pub fn decode<'a, T: Input<'a>>(body: &'a [u8]) -> Result<T, ServiceError> {
    // Checked once for the whole body rather than for each of its strings.
    let body = str::from_utf8(body).map_err(|error| validate::not_json().with_source(error))?;
    let body = if body.is_empty() { "{}" } else { body };
    match plain::read::<T>(body).or_else(|NotPlain| serde_json::from_str(body)) {
        Ok(input) if input.conforms() => Ok(input),
        Ok(_) => Err(validate::explain(body, T::SHAPE, None)),
        Err(error) => Err(validate::explain(body, T::SHAPE, Some(error))),
    }
}

/// The body of an answer.
#[must_use]
pub fn encode<T: Output>(output: &T) -> Vec<u8> {
    to_bytes(output)
}

/// The JSON of a value whose keys are all strings, as all of ours are.
pub(crate) fn to_bytes<T: Serialize>(value: &T) -> Vec<u8> {
    serde_json::to_vec(value).expect("a value with string keys can be written to memory")
}

/// A structure that is decoded from the members of a JSON object, and from nothing else. (What serde derives would also
/// take an array, and refuse a member that is there twice.)
pub(crate) trait Object<'de>: Sized {
    /// The structure with these members.
    fn from_members<A: MapAccess<'de>>(members: A) -> Result<Self, A::Error>;
}

/// Decodes a structure from a JSON object.
pub(crate) fn decode_object<'de, T: Object<'de>, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
    deserializer.deserialize_map(ObjectVisitor(PhantomData))
}

struct ObjectVisitor<T>(PhantomData<T>);

impl<'de, T: Object<'de>> de::Visitor<'de> for ObjectVisitor<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, members: A) -> Result<T, A::Error> {
        T::from_members(members)
    }
}

/// Decodes a list, or `None` from `null`.
pub(crate) struct OptionalList<T>(PhantomData<T>);

/// Elements that there is room for when the first one is read. (Serde's own begins with four, and moves them often.)
const LIST_CAPACITY: usize = 16;

impl<T> OptionalList<T> {
    /// For lists of `T`.
    pub(crate) fn new() -> Self {
        Self(PhantomData)
    }
}

impl<'de, T: Deserialize<'de>> de::DeserializeSeed<'de> for OptionalList<T> {
    type Value = Option<Vec<T>>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_option(self)
    }
}

impl<'de, T: Deserialize<'de>> de::Visitor<'de> for OptionalList<T> {
    type Value = Option<Vec<T>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_none<E: de::Error>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_seq(self)
    }

    fn visit_seq<A: de::SeqAccess<'de>>(self, mut elements: A) -> Result<Self::Value, A::Error> {
        let Some(first) = elements.next_element()? else { return Ok(Some(Vec::new())) };
        let mut list = Vec::with_capacity(LIST_CAPACITY);
        list.push(first);
        while let Some(element) = elements.next_element()? {
            list.push(element);
        }
        Ok(Some(list))
    }
}

/// Reads over the value of a member that the model does not know. It nests as deeply as it likes: nothing recurses here.
pub(crate) fn skip_value<'de, A: MapAccess<'de>>(members: &mut A) -> Result<(), A::Error> {
    members.next_value::<IgnoredAny>().map(drop)
}

/// A required member, or the error that it is missing.
pub(crate) fn required<T, E: de::Error>(member: Option<T>, name: &'static str) -> Result<T, E> {
    member.ok_or_else(|| E::missing_field(name))
}

#[cfg(test)]
mod tests {
    use super::{decode, encode};
    use crate::{
        ErrorCode, NoOutput, ServiceError, Text, Timestamp,
        shapes::{query, write},
    };

    const WRITE: &str = r#"{"DatabaseName":"bench","TableName":"t","CommonAttributes":{"Version":7,"TimeUnit":"SECONDS"},
        "Records":[{"Dimensions":[{"Name":"host","Value":"host-1"},{"Name":"region","Value":"us-\u0065ast-1"}],
        "MeasureName":"cpu","MeasureValue":"13.5","MeasureValueType":"DOUBLE","Time":"1700000000000"},
        {"MeasureValueType":"MULTI","MeasureValues":[{"Name":"a","Value":"1","Type":"BIGINT"}]}]}"#;

    #[test]
    fn a_request_is_decoded_without_copying_its_text() {
        let request: write::WriteRecordsRequest = decode(WRITE.as_bytes()).unwrap();
        assert!(request.database_name == "bench" && request.database_name.is_borrowed());
        let common = request.common_attributes.unwrap();
        assert_eq!((common.version, common.time_unit), (Some(7), Some(write::TimeUnit::Seconds)));
        let [first, second] = request.records.as_slice() else { panic!("two records") };
        let dimensions = first.dimensions.as_deref().unwrap();
        assert!(dimensions[0].value == "host-1" && dimensions[0].value.is_borrowed());
        // An escape cannot be borrowed.
        assert!(dimensions[1].value == "us-east-1" && !dimensions[1].value.is_borrowed());
        assert_eq!(first.measure_value_type, Some(write::MeasureValueType::Double));
        assert_eq!(first.measure_values, None);
        assert_eq!(second.measure_values.as_deref().unwrap()[0].r#type, write::MeasureValueType::Bigint);
        assert_eq!(second.dimensions, None);
    }

    #[test]
    fn unknown_members_and_nulls_are_as_if_absent() {
        let cases = [
            "",
            "{}",
            " { } ",
            r#"{"MaxResults":null,"NextToken":null}"#,
            r#"{"Unknown":{"a":[1,{"b":null}]},"maxResults":0}"#,
        ];
        for body in cases {
            let request: write::ListDatabasesRequest = decode(body.as_bytes()).unwrap();
            assert_eq!(request, write::ListDatabasesRequest::default(), "{body}");
        }
        let deep = format!(r#"{{"Unknown":{}{},"MaxResults":5}}"#, "[".repeat(100_000), "]".repeat(100_000));
        assert_eq!(decode::<write::ListDatabasesRequest>(deep.as_bytes()).unwrap().max_results, Some(5));
    }

    #[test]
    fn the_last_of_two_equal_members_counts() {
        let request: write::ListDatabasesRequest = decode(br#"{"MaxResults":3,"MaxResults":4}"#).unwrap();
        assert_eq!(request.max_results, Some(4));
        let request: write::ListDatabasesRequest = decode(br#"{"MaxResults":3,"MaxResults":null}"#).unwrap();
        assert_eq!(request.max_results, None);
    }

    #[test]
    fn moments_are_seconds() {
        let body = br#"{"ScheduledQueryArn":"arn:aws:x","InvocationTime":1677167593.266}"#;
        let request: query::ExecuteScheduledQueryRequest = decode(body).unwrap();
        assert_eq!(request.invocation_time, Timestamp { millis: 1_677_167_593_266 });
    }

    #[test]
    fn answers_leave_out_what_is_absent() {
        fn check<T: super::Output>(output: &T, expect: &str) {
            assert_eq!(String::from_utf8(encode(output)).unwrap(), expect);
        }
        check(&NoOutput, "{}");
        check(&write::TagResourceResponse {}, "{}");
        check(&write::ListDatabasesResponse::default(), "{}");
        // # observed: all three counters
        let ingested = write::RecordsIngested { total: Some(2), memory_store: Some(2), magnetic_store: Some(0) };
        check(
            &write::WriteRecordsResponse { records_ingested: Some(ingested) },
            r#"{"RecordsIngested":{"Total":2,"MemoryStore":2,"MagneticStore":0}}"#,
        );
        let database = write::Database {
            arn: Some("arn:aws:timestream:us-east-1:000000000000:database/d".into()),
            table_count: Some(0),
            creation_time: Some(Timestamp { millis: 1_677_167_593_266 }),
            ..write::Database::default()
        };
        check(
            &write::DescribeDatabaseResponse { database: Some(database) },
            r#"{"Database":{"Arn":"arn:aws:timestream:us-east-1:000000000000:database/d","TableCount":0,"CreationTime":1677167593.266}}"#,
        );
        let scalar = |text: &'static str| query::Datum { scalar_value: Some(text.into()), ..query::Datum::default() };
        let null = query::Datum { null_value: Some(true), ..query::Datum::default() };
        let varchar = query::Type { scalar_type: Some(query::ScalarType::Varchar), ..query::Type::default() };
        let response = query::QueryResponse {
            query_id: "AE".into(),
            rows: vec![query::Row { data: vec![scalar("a\"b"), null] }],
            column_info: vec![query::ColumnInfo { name: Some("x".into()), r#type: varchar }],
            ..query::QueryResponse::default()
        };
        check(
            &response,
            r#"{"QueryId":"AE","Rows":[{"Data":[{"ScalarValue":"a\"b"},{"NullValue":true}]}],"ColumnInfo":[{"Name":"x","Type":{"ScalarType":"VARCHAR"}}]}"#,
        );
    }

    /// Whatever a body is turned into, the answer is a value or one of the two errors.
    fn never_panics(body: &[u8]) {
        let decoded: Result<write::WriteRecordsRequest, ServiceError> = decode(body);
        if let Err(error) = decoded {
            assert!(matches!(error.code, ErrorCode::SerializationException | ErrorCode::CoralValidation), "{error}");
            assert!(!error.body().is_empty());
        }
    }

    #[test]
    fn no_mutation_of_a_request_panics() {
        let original = WRITE.as_bytes();
        for end in 0..original.len() {
            never_panics(&original[..end]);
        }
        for position in 0..original.len() {
            for byte in [0, b'"', b'\\', b'{', b'}', b'[', b']', b',', b':', b'0', b'-', b'e', b' ', 0x80, 0xC3, 0xFF] {
                let mut body = original.to_vec();
                body[position] = byte;
                never_panics(&body);
            }
            let mut shorter = original.to_vec();
            shorter.remove(position);
            never_panics(&shorter);
        }
    }

    #[test]
    fn no_value_in_place_of_another_panics() {
        let replacements = [
            "null",
            "true",
            "0",
            "-1",
            "1e400",
            "1e-400",
            "99999999999999999999999",
            "9223372036854775808",
            "\"\"",
            "[]",
            "{}",
            "[null]",
            "[[]]",
            "[{}]",
            "\"\\ud800\"",
            "\"\\u0000\"",
            "NaN",
        ];
        // Every value of the request begins after a colon.
        for (colon, _) in WRITE.match_indices(':') {
            let rest = &WRITE[colon + 1..];
            let mut values = serde_json::Deserializer::from_str(rest).into_iter::<serde_json::Value>();
            if !matches!(values.next(), Some(Ok(_))) {
                continue;
            }
            let after = &rest[values.byte_offset()..];
            for replacement in replacements {
                never_panics(format!("{}:{replacement}{after}", &WRITE[..colon]).as_bytes());
            }
        }
    }

    #[test]
    fn depth_does_not_exhaust_the_stack() {
        for opening in ["[", "{\"a\":", "{\"Records\":[", "{\"Records\":[{\"Dimensions\":"] {
            never_panics(opening.repeat(100_000).as_bytes());
            never_panics(format!("{{\"Records\":{}", opening.repeat(100_000)).as_bytes());
            never_panics(format!("{{\"Unknown\":{}", opening.repeat(100_000)).as_bytes());
        }
    }

    #[test]
    fn text_converts_from_both_kinds_of_string() {
        let (borrowed, owned): (Text, Text) = ("a".into(), String::from("a").into());
        assert_eq!(borrowed, owned);
    }
}
