//! Faults on request: chosen operations fail, wait or lose their answers, so that users see what their programs make of it.

use crate::{
    model::limits::{FAULT_DELAY_SECONDS_MAX, FAULTS_MAX},
    sql::types::{IntervalValue, parse_duration},
};
use fastrand::Rng;
use serde::{Deserialize, Serialize};
use std::sync::{Mutex, PoisonError};
use timebrook_protocol::Operation;

/// What an operation that is hit does.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Fault {
    /// ThrottlingException.
    Throttle,
    /// InternalServerException.
    Internal,
    /// Begins so many nanoseconds later.
    Delay(i64),
    /// Nothing is done, and the connection ends without an answer.
    Drop,
    /// All is done, and the connection ends without an answer.
    DropAnswer,
    /// WriteRecords rejects a share of its records, 0 to 1, chosen by a seed.
    Reject(f64, u64),
}

/// A fault as it is asked for.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct FaultRequest {
    /// The operation, such as `WriteRecords`; all when it is absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    operation: Option<String>,
    effect: Effect,
    /// Of `delay`: how long, such as `500ms`.
    #[serde(skip_serializing_if = "Option::is_none")]
    delay: Option<String>,
    /// Of `reject`: which share of the records, more than 0 and up to 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    share: Option<f64>,
    /// Only the first so many calls.
    #[serde(skip_serializing_if = "Option::is_none")]
    count: Option<u64>,
    /// Only every so-many-th call.
    #[serde(skip_serializing_if = "Option::is_none")]
    every: Option<u64>,
    /// Only this share of the calls, chosen by the seed.
    #[serde(skip_serializing_if = "Option::is_none")]
    probability: Option<f64>,
    /// What chance follows: the same seed makes the same choices.
    #[serde(default)]
    seed: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
enum Effect {
    Throttle,
    Internal,
    Delay,
    Drop,
    DropAnswer,
    Reject,
}

/// The faults to be made, as a document.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct FaultList {
    faults: Vec<FaultRequest>,
}

/// A fault that was asked for, and how often it had its chance.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct FaultCount {
    #[serde(flatten)]
    request: FaultRequest,
    /// Calls of its operation.
    calls: u64,
    /// Calls that it hit.
    hits: u64,
}

/// The faults that are being made.
#[derive(Debug, Default)]
pub(crate) struct Faults(Mutex<Vec<Rule>>);

#[derive(Debug)]
struct Rule {
    count: FaultCount,
    /// `None`: all.
    operation: Option<Operation>,
    delay_ns: i64,
    rng: Rng,
}

impl Faults {
    /// The faults of a document such as `{"faults":[{"operation":"WriteRecords","effect":"throttle","count":3}]}`.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub(crate) fn parse(json: &[u8]) -> Result<Self, String> {
        let faults = Self::default();
        faults.replace(json)?;
        Ok(faults)
    }

    /// Makes the faults of a document from now on, and no others.
    ///
    /// # Errors
    /// What is wrong with it, in words; nothing changes then.
    pub(crate) fn replace(&self, json: &[u8]) -> Result<(), String> {
        let FaultList { faults } = serde_json::from_slice(json).map_err(|error| error.to_string())?;
        if faults.len() > FAULTS_MAX {
            return Err(format!("there can be at most {FAULTS_MAX} faults"));
        }
        let rules = faults.into_iter().map(Rule::new).collect::<Result<Vec<_>, _>>()?;
        *self.rules() = rules;
        Ok(())
    }

    /// Makes no faults any more.
    pub(crate) fn clear(&self) {
        self.rules().clear();
    }

    /// The faults and how often they had their chance.
    pub(crate) fn counts(&self) -> Vec<FaultCount> {
        self.rules().iter().map(|rule| rule.count.clone()).collect()
    }

    /// What befalls a call of `operation`: of the faults that hit it, the first. Those behind it do not see the call.
    pub(crate) fn next(&self, operation: Operation) -> Option<Fault> {
        let mut rules = self.rules();
        rules.iter_mut().filter(|rule| rule.operation.is_none_or(|only| only == operation)).find_map(Rule::next)
    }

    fn rules(&self) -> std::sync::MutexGuard<'_, Vec<Rule>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Rule {
    fn new(request: FaultRequest) -> Result<Self, String> {
        let operation = request.operation.as_deref().map(operation).transpose()?;
        let delay_ns = match (request.effect, &request.delay) {
            (Effect::Delay, Some(text)) => delay_ns(text)?,
            (Effect::Delay, None) => return Err("the effect delay needs \"delay\", such as \"500ms\"".to_owned()),
            (_, Some(_)) => return Err("\"delay\" is of the effect delay only".to_owned()),
            (_, None) => 0,
        };
        match (request.effect, request.share) {
            (Effect::Reject, _) if operation.is_some_and(|operation| operation != Operation::WriteRecords) => {
                return Err("the effect reject is of WriteRecords only".to_owned());
            }
            (Effect::Reject, Some(share)) if is_share(share) => {}
            (Effect::Reject, _) => return Err("the effect reject needs \"share\", more than 0 and up to 1".to_owned()),
            (_, Some(_)) => return Err("\"share\" is of the effect reject only".to_owned()),
            (_, None) => {}
        }
        let FaultRequest { count, every, probability, seed, .. } = request;
        if usize::from(count.is_some()) + usize::from(every.is_some()) + usize::from(probability.is_some()) > 1 {
            return Err("only one of \"count\", \"every\" and \"probability\" can be given".to_owned());
        }
        if count == Some(0) || every == Some(0) {
            return Err("\"count\" and \"every\" must be at least 1".to_owned());
        }
        if probability.is_some_and(|probability| !is_share(probability)) {
            return Err("\"probability\" must be more than 0 and up to 1".to_owned());
        }
        // A share of records can only be rejected where there are some.
        let operation = if request.effect == Effect::Reject { Some(Operation::WriteRecords) } else { operation };
        let count = FaultCount { request, calls: 0, hits: 0 };
        Ok(Self { count, operation, delay_ns, rng: Rng::with_seed(seed) })
    }

    /// What it does to the next call.
    fn next(&mut self) -> Option<Fault> {
        let Self { count: FaultCount { request, calls, hits }, delay_ns, rng, .. } = self;
        *calls += 1;
        let is_hit = match (request.count, request.every, request.probability) {
            (Some(count), _, _) => *calls <= count,
            (_, Some(every), _) => *calls % every == 0,
            (_, _, Some(probability)) => rng.f64() < probability,
            _ => true,
        };
        if !is_hit {
            return None;
        }
        *hits += 1;
        Some(match request.effect {
            Effect::Throttle => Fault::Throttle,
            Effect::Internal => Fault::Internal,
            Effect::Delay => Fault::Delay(*delay_ns),
            Effect::Drop => Fault::Drop,
            Effect::DropAnswer => Fault::DropAnswer,
            Effect::Reject => Fault::Reject(request.share.unwrap_or_default(), rng.u64(..)),
        })
    }
}

fn operation(name: &str) -> Result<Operation, String> {
    let found = Operation::ALL.into_iter().find(|operation| operation.name() == name);
    found.ok_or_else(|| format!("there is no operation {name}"))
}

fn is_share(share: f64) -> bool {
    share > 0.0 && share <= 1.0
}

fn delay_ns(text: &str) -> Result<i64, String> {
    match parse_duration(text)? {
        IntervalValue::DayToSecond(ns) if (1..=FAULT_DELAY_SECONDS_MAX * 1_000_000_000).contains(&ns) => Ok(ns),
        _ => Err(format!("\"delay\" must be more than nothing and at most {FAULT_DELAY_SECONDS_MAX}s")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Operation::{Query, WriteRecords};

    /// What befalls calls, one after the other.
    fn check(faults: &str, calls: &[Operation], expect: &[Option<Fault>]) {
        let faults = Faults::parse(format!(r#"{{"faults":[{faults}]}}"#).as_bytes()).unwrap();
        let found: Vec<_> = calls.iter().map(|operation| faults.next(*operation)).collect();
        assert_eq!(found, expect);
    }

    #[test]
    fn faults_hit_the_calls_they_are_for() {
        let throttle = Some(Fault::Throttle);
        check(r#"{"effect":"throttle"}"#, &[Query, WriteRecords], &[throttle, throttle]);
        check(r#"{"operation":"Query","effect":"throttle"}"#, &[Query, WriteRecords], &[throttle, None]);
        check(
            r#"{"operation":"Query","effect":"internal","count":2}"#,
            &[Query, WriteRecords, Query, Query],
            &[Some(Fault::Internal), None, Some(Fault::Internal), None],
        );
        check(
            r#"{"effect":"drop","every":3}"#,
            &[Query; 6],
            &[None, None, Some(Fault::Drop), None, None, Some(Fault::Drop)],
        );
        check(r#"{"effect":"drop_answer"}"#, &[Query], &[Some(Fault::DropAnswer)]);
        check(r#"{"effect":"delay","delay":"500ms"}"#, &[Query], &[Some(Fault::Delay(500_000_000))]);
        // The first that hits; the next only when it does not.
        check(
            r#"{"effect":"throttle","count":1},{"effect":"internal","count":1}"#,
            &[Query, Query, Query],
            &[throttle, Some(Fault::Internal), None],
        );
        check(r#"{"effect":"reject","share":0.5}"#, &[Query], &[None]);
    }

    #[test]
    fn chance_follows_its_seed() {
        let hits = |seed: u64| {
            let json = format!(r#"{{"faults":[{{"effect":"throttle","probability":0.25,"seed":{seed}}}]}}"#);
            let faults = Faults::parse(json.as_bytes()).unwrap();
            (0..1_000).map(|_| faults.next(Query).is_some()).collect::<Vec<_>>()
        };
        assert_eq!(hits(1), hits(1));
        assert_ne!(hits(1), hits(2));
        let count = hits(1).into_iter().filter(|hit| *hit).count();
        assert!((200..300).contains(&count), "{count}");
    }

    #[test]
    fn what_happened_is_counted() {
        let faults = Faults::parse(br#"{"faults":[{"operation":"Query","effect":"throttle","count":1}]}"#).unwrap();
        for operation in [Query, Query, WriteRecords] {
            faults.next(operation);
        }
        let counts = serde_json::to_value(faults.counts()).unwrap();
        let expect = serde_json::json!([
            {"operation": "Query", "effect": "throttle", "count": 1, "seed": 0, "calls": 2, "hits": 1}
        ]);
        assert_eq!(counts, expect);
        faults.clear();
        assert_eq!(faults.next(Query), None);
    }

    #[test]
    fn what_is_no_fault_is_refused() {
        for (fault, words) in [
            (r#"{"effect":"explode"}"#, "unknown variant"),
            ("{}", "missing field"),
            (r#"{"effect":"throttle","often":1}"#, "unknown field"),
            (r#"{"effect":"throttle","operation":"Insert"}"#, "no operation Insert"),
            (r#"{"effect":"delay"}"#, "needs \"delay\""),
            (r#"{"effect":"delay","delay":"soon"}"#, "soon"),
            (r#"{"effect":"delay","delay":"0s"}"#, "more than nothing"),
            (r#"{"effect":"delay","delay":"1d"}"#, "at most"),
            (r#"{"effect":"throttle","delay":"1s"}"#, "effect delay only"),
            (r#"{"effect":"reject"}"#, "needs \"share\""),
            (r#"{"effect":"reject","share":1.5}"#, "needs \"share\""),
            (r#"{"effect":"reject","share":0.5,"operation":"Query"}"#, "WriteRecords only"),
            (r#"{"effect":"throttle","share":0.5}"#, "effect reject only"),
            (r#"{"effect":"throttle","count":1,"every":1}"#, "only one of"),
            (r#"{"effect":"throttle","count":0}"#, "at least 1"),
            (r#"{"effect":"throttle","probability":2}"#, "\"probability\""),
        ] {
            let error = Faults::parse(format!(r#"{{"faults":[{fault}]}}"#).as_bytes()).unwrap_err();
            assert!(error.contains(words), "{fault}: {error}");
        }
        let many = vec![r#"{"effect":"throttle"}"#; FAULTS_MAX + 1].join(",");
        assert!(Faults::parse(format!(r#"{{"faults":[{many}]}}"#).as_bytes()).is_err());
        assert!(Faults::parse(b"[]").is_err());
    }
}
