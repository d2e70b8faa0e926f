//! `/_timebrook/faults`: looks at the faults that are being made, makes others, makes none.

use super::text_error;
use crate::server::{
    faults::Faults,
    reply::{JSON, Reply},
};
use http::{Method, StatusCode};
use serde_json::json;

/// Answers the faults, after replacing (POST) or ending (DELETE) them.
pub(super) fn answer(faults: &Faults, method: &Method, body: &[u8]) -> Reply {
    match *method {
        Method::POST => {
            if let Err(error) = faults.replace(body) {
                return text_error(StatusCode::BAD_REQUEST, &format!("send {{\"faults\":[…]}}: {error}"));
            }
        }
        Method::DELETE => faults.clear(),
        _ => {}
    }
    Reply::ok(JSON, json!({"faults": faults.counts()}).to_string())
}
