//! Error reports of runs. # guide: scheduledqueries-errorreport.html; # observed: their keys

use super::trigger::Trigger;
use crate::{
    catalog::scheduled_query::ScheduledQuery,
    ingest::{InputRecord, record_json},
    model::{
        id::{upper_hex, uuid},
        limits::REPORT_ERRORS_MAX,
    },
};
use serde_json::{Map, Value, json};

/// What went wrong in a run, as it is found.
#[derive(Debug, Default)]
pub(super) struct Report {
    /// Reasons with the records they are for.
    records: Vec<(String, Vec<Value>)>,
    /// Reasons with the row they are for.
    rows: Vec<(String, String)>,
    named: usize,
    /// Errors that are not named, because there are too many.
    unnamed: usize,
}

impl Report {
    /// Whether nothing went wrong.
    pub(super) fn is_empty(&self) -> bool {
        self.named == 0
    }

    /// A record that is not stored.
    pub(super) fn add_record(&mut self, reason: &str, record: &InputRecord<'_>) {
        if !self.has_room() {
            return;
        }
        let json = record_json(record);
        match self.records.iter_mut().find(|(known, _)| known == reason) {
            Some((_, records)) => records.push(json),
            None => self.records.push((reason.to_owned(), vec![json])),
        }
    }

    /// A row that makes no valid record.
    pub(super) fn add_row(&mut self, reason: &str, raw_line: &str) {
        if self.has_room() {
            self.rows.push((reason.to_owned(), raw_line.to_owned()));
        }
    }

    fn has_room(&mut self) -> bool {
        let has_room = self.named < REPORT_ERRORS_MAX;
        *(if has_room { &mut self.named } else { &mut self.unnamed }) += 1;
        has_room
    }

    /// The report's text. `id`: sixteen random bytes that name all reports of a run.
    pub(super) fn body(self, id: [u8; 16]) -> String {
        let report_id = upper_hex(&id);
        let records = self.records.into_iter().map(|(reason, records)| json!({"reason": reason, "records": records}));
        let rows = self.rows.into_iter().map(|(reason, line)| json!({"reason": reason, "rawLine": line}));
        let rest = (self.unnamed > 0).then(|| json!({"reason": format!("{} more errors", self.unnamed)}));
        let errors: Vec<Value> = records.chain(rows).chain(rest).collect();
        let mut body = Map::new();
        body.insert("reportId".to_owned(), report_id.into());
        body.insert("errors".to_owned(), errors.into());
        Value::Object(body).to_string()
    }
}

/// Where a run's report is put: `<prefix>/<id>/<invocation, s>/<AUTO|MANUAL>/<trigger, ms>/<UUID>`. # observed
pub(super) fn key(query: &ScheduledQuery, trigger: Trigger, trigger_ns: i64, random: [u8; 16]) -> String {
    let prefix = query.report.prefix.as_deref().unwrap_or_default().trim_matches('/');
    let kind = if trigger.is_manual { "MANUAL" } else { "AUTO" };
    let (seconds, millis) = (trigger.invocation_ns.div_euclid(1_000_000_000), trigger_ns.div_euclid(1_000_000));
    let key = format!("{prefix}/{}/{seconds}/{kind}/{millis}/{}", query.id, uuid(random));
    key.trim_start_matches('/').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_of_the_same_reason_stand_together() {
        let mut report = Report::default();
        assert!(report.is_empty());
        let record = InputRecord { measure_name: Some("m"), ..InputRecord::default() };
        report.add_record("late", &record);
        report.add_record("late", &record);
        report.add_row("no time", "a,b");
        let body: Value = serde_json::from_str(&report.body([1; 16])).unwrap();
        assert_eq!(body["reportId"], "01".repeat(16));
        assert_eq!(body["errors"][0]["records"].as_array().unwrap().len(), 2);
        assert_eq!(body["errors"][1], json!({"reason": "no time", "rawLine": "a,b"}));
    }
}
