//! WriteRecords.

use super::{Api, Ctx};
use crate::{
    engine::Engine,
    ingest::{self, Ingested, InputMeasureValue, InputRecord, Queued, RecordType, TimeUnit, WriteRequest},
    model::{
        access::{Access, Action, Resource},
        record::{Dimension, MeasureType, RejectedRecord},
        scope::Scope,
    },
    outbound::objects::Objects,
};
use timebrook_protocol::{
    RejectedRecord as WireRejectedRecord, ServiceError, decode, encode,
    shapes::write::{self as wire, MeasureValueType, RecordsIngested, WriteRecordsRequest, WriteRecordsResponse},
};

/// Writes records: the request's body to the response's body.
///
/// # Errors
/// RejectedRecordsException when some records are not stored (all others are); any other error when none is.
pub(super) async fn write_records(api: &Api, ctx: &Ctx, body: &[u8]) -> Result<Vec<u8>, ServiceError> {
    let report_id = || api.sql.clock().random_bytes();
    write(&api.engine, &api.objects, (&ctx.scope, &ctx.access), ctx.now_ns, body, ctx.rejects, report_id).await
}

async fn write(
    engine: &Engine,
    objects: &Objects,
    caller: (&Scope, &Access),
    now_ns: i64,
    body: &[u8],
    rejects: Option<(f64, u64)>,
    report_id: impl FnOnce() -> [u8; 16],
) -> Result<Vec<u8>, ServiceError> {
    let (queued, left_out) = queue(engine, caller, now_ns, body, rejects, report_id).await?;
    let ingested = queued.stored(objects).await?;
    let mut rejected: Vec<_> = ingested.rejected.iter().map(rejected_record).collect();
    if let Some(left_out) = left_out {
        rejected = left_out.beside(rejected);
    }
    if rejected.is_empty() { Ok(encode(&response(&ingested))) } else { Err(ServiceError::rejected_records(rejected)) }
}

/// All that needs the request. It is dropped before the log is synced, by the thread that has read it.
async fn queue(
    engine: &Engine,
    (scope, access): (&Scope, &Access),
    now_ns: i64,
    body: &[u8],
    rejects: Option<(f64, u64)>,
    report_id: impl FnOnce() -> [u8; 16],
) -> Result<(Queued, Option<LeftOut>), ServiceError> {
    let incoming = engine.incoming().await;
    let request: WriteRecordsRequest<'_> = decode(body)?;
    access.check(Action::WriteRecords, Resource::Table(&request.database_name, &request.table_name))?;
    let parts = Parts::of(&request);
    let mut records: Vec<_> = parts.records(&request).collect();
    let left_out = rejects.map(|(share, seed)| LeftOut::choose(&mut records, share, seed));
    let request = WriteRequest {
        database: &request.database_name,
        table: &request.table_name,
        common: parts.common(&request),
        records: &records,
    };
    let queued = ingest::queue_records(engine, scope, &request, now_ns, incoming, report_id).await?;
    Ok((queued, left_out))
}

/// The records that a fault rejects, whatever they are: they are not written.
struct LeftOut {
    /// The places of the others in the request.
    kept: Vec<usize>,
    /// Their own places.
    lost: Vec<usize>,
}

impl LeftOut {
    /// Takes a share of the records out.
    fn choose(records: &mut Vec<InputRecord<'_>>, share: f64, seed: u64) -> Self {
        let mut rng = fastrand::Rng::with_seed(seed);
        let (lost, kept): (Vec<_>, Vec<_>) = (0..records.len()).partition(|_| rng.f64() < share);
        let mut next = 0..records.len();
        records.retain(|_| next.next().is_some_and(|place| kept.binary_search(&place).is_ok()));
        Self { kept, lost }
    }

    /// These rejections together with those of the records that were written.
    fn beside(self, written: Vec<WireRejectedRecord>) -> Vec<WireRejectedRecord> {
        let index = |place: usize| i32::try_from(place).unwrap_or(i32::MAX);
        let moved = written.into_iter().map(|record| {
            let place = usize::try_from(record.record_index).ok().and_then(|i| self.kept.get(i).copied());
            WireRejectedRecord { record_index: place.map_or(record.record_index, index), ..record }
        });
        let lost = self.lost.iter().map(|place| WireRejectedRecord {
            record_index: index(*place),
            reason: "A fault that was asked for rejects the record.".to_owned(),
            existing_version: None,
        });
        let mut all: Vec<_> = moved.chain(lost).collect();
        all.sort_by_key(|record| record.record_index);
        all
    }
}

/// The dimensions and measure values of all records as ingestion takes them: in one list each, common ones first.
struct Parts<'a> {
    dimensions: Vec<Dimension<'a>>,
    measure_values: Vec<InputMeasureValue<'a>>,
}

impl<'a> Parts<'a> {
    fn of(request: &'a WriteRecordsRequest<'_>) -> Self {
        let records = request.common_attributes.iter().chain(&request.records);
        let (mut dimensions, mut measure_values) = (
            Vec::with_capacity(records.clone().map(dimension_count).sum()),
            Vec::with_capacity(records.clone().map(measure_value_count).sum()),
        );
        for record in records {
            let own = record.dimensions.iter().flatten();
            dimensions.extend(own.map(|d| Dimension { name: &d.name, value: &d.value }));
            let own = record.measure_values.iter().flatten();
            measure_values.extend(own.map(|v| InputMeasureValue {
                name: &v.name,
                value: &v.value,
                value_type: record_type(v.r#type),
            }));
        }
        Self { dimensions, measure_values }
    }

    fn common(&'a self, request: &'a WriteRecordsRequest<'_>) -> InputRecord<'a> {
        let common = request.common_attributes.as_ref();
        common.map(|record| self.record(record, &mut 0, &mut 0)).unwrap_or_default()
    }

    fn records(&'a self, request: &'a WriteRecordsRequest<'_>) -> impl Iterator<Item = InputRecord<'a>> {
        let common = request.common_attributes.as_ref();
        let mut next_dimension = common.map_or(0, dimension_count);
        let mut next_value = common.map_or(0, measure_value_count);
        request.records.iter().map(move |record| self.record(record, &mut next_dimension, &mut next_value))
    }

    /// A record whose dimensions and measure values are the next ones of the lists.
    fn record(
        &'a self,
        record: &'a wire::Record<'_>,
        next_dimension: &mut usize,
        next_value: &mut usize,
    ) -> InputRecord<'a> {
        let (dimension, value) = (*next_dimension, *next_value);
        *next_dimension += dimension_count(record);
        *next_value += measure_value_count(record);
        InputRecord {
            dimensions: &self.dimensions[dimension..*next_dimension],
            measure_name: record.measure_name.as_deref(),
            measure_value: record.measure_value.as_deref(),
            record_type: record.measure_value_type.map(record_type),
            measure_values: &self.measure_values[value..*next_value],
            time: record.time.as_deref(),
            time_unit: record.time_unit.map(time_unit),
            version: record.version,
        }
    }
}

fn dimension_count(record: &wire::Record<'_>) -> usize {
    record.dimensions.as_ref().map_or(0, |dimensions| dimensions.len())
}

fn measure_value_count(record: &wire::Record<'_>) -> usize {
    record.measure_values.as_ref().map_or(0, Vec::len)
}

fn record_type(given: MeasureValueType) -> RecordType {
    match given {
        MeasureValueType::Double => RecordType::Single(MeasureType::Double),
        MeasureValueType::Bigint => RecordType::Single(MeasureType::Bigint),
        MeasureValueType::Varchar => RecordType::Single(MeasureType::Varchar),
        MeasureValueType::Boolean => RecordType::Single(MeasureType::Boolean),
        MeasureValueType::Timestamp => RecordType::Single(MeasureType::Timestamp),
        MeasureValueType::Multi => RecordType::Multi,
    }
}

fn time_unit(given: wire::TimeUnit) -> TimeUnit {
    match given {
        wire::TimeUnit::Seconds => TimeUnit::Seconds,
        wire::TimeUnit::Milliseconds => TimeUnit::Milliseconds,
        wire::TimeUnit::Microseconds => TimeUnit::Microseconds,
        wire::TimeUnit::Nanoseconds => TimeUnit::Nanoseconds,
    }
}

/// # observed: all three counters are always there
fn response(ingested: &Ingested) -> WriteRecordsResponse {
    let count = |n: u64| Some(i32::try_from(n).unwrap_or(i32::MAX));
    WriteRecordsResponse {
        records_ingested: Some(RecordsIngested {
            total: count(ingested.memory + ingested.magnetic),
            memory_store: count(ingested.memory),
            magnetic_store: count(ingested.magnetic),
        }),
    }
}

fn rejected_record(record: &RejectedRecord) -> WireRejectedRecord {
    WireRejectedRecord {
        record_index: i32::try_from(record.index).unwrap_or(i32::MAX),
        reason: record.reason.to_string(),
        existing_version: record.reason.existing_version(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        catalog::Tags,
        clock::Clock,
        engine::{EngineConfig, NewTable},
    };

    const NOW_NS: i64 = 1_700_000_000_000_000_000;

    /// Sends bodies to a new table, one after the other, and says what the last one is answered.
    async fn check(bodies: &[&str], expect: Result<&str, (u16, &str)>) {
        let scope = Scope::default();
        let engine = Engine::open(EngineConfig::default(), Clock::manual(NOW_NS)).await.unwrap();
        engine.create_database(&scope, "db", None, Tags::new(), NOW_NS).await.unwrap();
        engine.create_table(&scope, "db", "tbl", NewTable::default(), NOW_NS).await.unwrap();
        let mut answer = Ok(Vec::new());
        for body in bodies {
            let caller = (&scope, Access::unrestricted());
            answer = write(&engine, &Objects::in_memory(), caller, NOW_NS, body.as_bytes(), None, || [0; 16]).await;
        }
        let answer = answer.map_err(|error| (error.status(), error.body()));
        let answer = answer.as_ref().map(|body| str::from_utf8(body).unwrap());
        assert_eq!(answer.map_err(|(status, body)| (*status, str::from_utf8(body).unwrap())), expect);
    }

    #[tokio::test]
    async fn records_are_counted() {
        let body = r#"{"DatabaseName":"db","TableName":"tbl",
            "CommonAttributes":{"Dimensions":[{"Name":"host","Value":"a"}],"Time":"1700000000000","MeasureValueType":"MULTI"},
            "Records":[
                {"MeasureName":"m","MeasureValues":[{"Name":"x","Value":"1","Type":"BIGINT"}]},
                {"MeasureName":"n","Dimensions":[{"Name":"az","Value":"1"}],
                 "MeasureValues":[{"Name":"x","Value":"1","Type":"BIGINT"},{"Name":"y","Value":"s","Type":"VARCHAR"}]}]}"#;
        // # observed: all three counters
        let expect = r#"{"RecordsIngested":{"Total":2,"MemoryStore":2,"MagneticStore":0}}"#;
        check(&[body], Ok(expect)).await;
        check(&[body, body], Ok(expect)).await;
    }

    #[tokio::test]
    async fn rejected_records_are_listed_with_their_versions() {
        let body = |version: i64, value: &str| {
            format!(
                r#"{{"DatabaseName":"db","TableName":"tbl","Records":[
                    {{"Dimensions":[{{"Name":"host","Value":"a"}}],"MeasureName":"m","MeasureValue":"{value}",
                      "Time":"1700000000000","Version":{version}}},
                    {{"Dimensions":[{{"Name":"host","Value":"a"}}],"MeasureName":"m","MeasureValue":"1","Time":"0"}}]}}"#
            )
        };
        // # observed: the texts and where ExistingVersion stands
        let message = r#""Message":"One or more records have been rejected. See RejectedRecords for details.""#;
        let outside = r#"{"RecordIndex":1,"Reason":"The record timestamp is outside the time range [2023-11-14T15:53:20.000Z, 2023-11-14T22:33:20.000Z) of the memory store."}"#;
        let answer = |first: &str| {
            format!(
                r#"{{"__type":"com.amazonaws.timestream.v20181101#RejectedRecordsException",{message},"RejectedRecords":[{first}{outside}]}}"#
            )
        };
        check(&[&body(1, "1")], Err((419, &answer("")))).await;
        let lower = r#"{"RecordIndex":0,"Reason":"The record version 2 is lower than the existing version 200. A higher version is required to update the measure value.","ExistingVersion":200},"#;
        check(&[&body(200, "1"), &body(2, "2")], Err((419, &answer(lower)))).await;
        let same = r#"{"RecordIndex":0,"Reason":"A record already exists with the same time, dimensions, measure name, and record version. A higher record version must be specified in order to update the measure value. Specifying record version is supported by the latest SDKs."},"#;
        check(&[&body(200, "1"), &body(200, "2")], Err((419, &answer(same)))).await;
    }

    #[tokio::test]
    async fn a_refused_request_is_a_validation_exception() {
        let body =
            r#"{"DatabaseName":"db","TableName":"tbl","Records":[{"MeasureName":"m","MeasureValue":"1","Time":"0"}]}"#;
        let expect = r#"{"__type":"com.amazonaws.timestream.v20181101#ValidationException","Message":"At least one dimension is required for a record."}"#;
        check(&[body], Err((400, expect))).await;
        let body = r#"{"DatabaseName":"db","TableName":"none","Records":[{"Dimensions":[{"Name":"h","Value":"a"}],"MeasureName":"m","MeasureValue":"1","Time":"0"}]}"#;
        let expect = r#"{"__type":"com.amazonaws.timestream.v20181101#ResourceNotFoundException","Message":"The table none does not exist."}"#;
        check(&[body], Err((404, expect))).await;
    }
}
