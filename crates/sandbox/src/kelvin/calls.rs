//! The list of requests, and counters per resource.

use std::collections::{BTreeMap, VecDeque};

use serde::Serialize;

/// Requests that are kept, and the bytes of their bodies; older ones are forgotten, the counters are
/// not.
const KEPT: usize = 50_000;
const KEPT_BYTES: usize = 32 * 1024 * 1024;

/// One request to the API.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Call {
    /// Counted from 1 in the order in which the requests took effect.
    pub number: u64,
    /// Method.
    pub method: String,
    /// Path behind `/ucsschool/kelvin/`, as it was sent.
    pub path: String,
    /// Query, as it was sent.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub query: String,
    /// Status of the answer; 0 when there was none.
    pub status: u16,
    /// Kind of the failure on purpose.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<&'static str>,
    /// What was refused, in one line.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub text: String,
    /// The body as it was sent, with passwords and hashes replaced by `***`; only that of JSON.
    #[serde(skip_serializing_if = "String::is_empty", serialize_with = "as_json")]
    pub body: String,
    /// `X-Request-ID` of the answer.
    pub request_id: String,
    /// Duration in milliseconds.
    pub milliseconds: f64,
}

// The body is kept as text, which is small, and shown as what it is.
fn as_json<S: serde::Serializer>(body: &str, serializer: S) -> Result<S::Ok, S::Error> {
    let value: serde_json::Value = serde_json::from_str(body).unwrap_or_default();
    value.serialize(serializer)
}

/// How often a resource was asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Count {
    /// All requests.
    pub calls: u64,
    /// Those that did not end with a status below 400.
    pub faults: u64,
}

#[derive(Debug, Default)]
pub(super) struct Calls {
    last: u64,
    kept: VecDeque<Call>,
    bytes: usize,
    counts: BTreeMap<&'static str, BTreeMap<String, Count>>,
}

impl Calls {
    /// Adds a request; its number is given here. `label` is the path with its names left out.
    pub(super) fn push(&mut self, label: &'static str, mut call: Call) {
        self.last += 1;
        call.number = self.last;
        let methods = self.counts.entry(label).or_default();
        if !methods.contains_key(&call.method) {
            methods.insert(call.method.clone(), Count::default());
        }
        if let Some(count) = methods.get_mut(&call.method) {
            count.calls += 1;
            count.faults += u64::from(!(200..400).contains(&call.status));
        }
        self.bytes += call.body.len();
        self.kept.push_back(call);
        while self.kept.len() > KEPT || self.bytes > KEPT_BYTES {
            match self.kept.pop_front() {
                Some(old) => self.bytes -= old.body.len(),
                None => break,
            }
        }
    }

    /// Number of the newest request; 0 when there was none.
    pub(super) fn last(&self) -> u64 {
        self.last
    }

    /// Requests with a greater number, as far as they are kept.
    pub(super) fn since(&self, number: u64) -> impl DoubleEndedIterator<Item = &Call> {
        let first = self.kept.front().map_or(1, |call| call.number);
        let skip =
            usize::try_from(number.saturating_add(1).saturating_sub(first)).unwrap_or(usize::MAX);
        self.kept.range(skip.min(self.kept.len())..)
    }

    /// Counters as `PATCH users/{name}`.
    pub(super) fn counts(&self) -> BTreeMap<String, Count> {
        self.counts
            .iter()
            .flat_map(|(label, methods)| {
                methods.iter().map(move |(method, count)| (format!("{method} {label}"), *count))
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(method: &str, status: u16, body: usize) -> Call {
        Call {
            number: 0,
            method: method.to_owned(),
            path: "v1/users/".to_owned(),
            query: String::new(),
            status,
            failure: None,
            text: String::new(),
            body: "x".repeat(body),
            request_id: String::new(),
            milliseconds: 0.0,
        }
    }

    #[test]
    fn calls_are_numbered_counted_and_bounded() {
        let mut calls = Calls::default();
        for _ in 0..KEPT + 5 {
            calls.push("users/", call("GET", 200, 0));
        }
        calls.push("users/", call("POST", 0, 10));
        assert_eq!((calls.last(), calls.since(0).count()), (50_006, KEPT));
        let numbers: Vec<u64> = calls.since(50_004).map(|call| call.number).collect();
        assert_eq!(numbers, [50_005, 50_006]);
        assert_eq!(calls.since(u64::MAX).count(), 0);
        let counts = calls.counts();
        assert_eq!(counts["GET users/"], Count { calls: 50_005, faults: 0 });
        assert_eq!(counts["POST users/"], Count { calls: 1, faults: 1 });
        for _ in 0..5 {
            calls.push("users/", call("POST", 201, KEPT_BYTES / 4));
        }
        assert_eq!((calls.since(0).count(), calls.last()), (4, 50_011));
    }
}
