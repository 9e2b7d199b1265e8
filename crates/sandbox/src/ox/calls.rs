//! The list of calls, and counters per operation.

use std::collections::{BTreeMap, VecDeque};

use serde::Serialize;

/// Calls that are kept; older ones are forgotten, the counters are not.
const KEPT: usize = 100_000;

/// One SOAP call.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Call {
    /// Counted from 1 in the order in which the calls took effect.
    pub number: u64,
    /// Name of the service.
    pub service: &'static str,
    /// Name of the operation; empty when the request could not be read.
    pub operation: String,
    /// Context that was named.
    pub context: Option<i32>,
    /// Name or id of the object that was named.
    pub object: String,
    /// `ok`, the name of the fault, `soap:Client` for a request that could not be read, or the kind
    /// of the failure on purpose.
    pub outcome: String,
    /// Text of the fault, without exception id.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub text: String,
    /// Duration in milliseconds.
    pub milliseconds: f64,
}

/// How often an operation was called.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Count {
    /// All calls.
    pub calls: u64,
    /// Those that did not end in `ok`.
    pub faults: u64,
}

#[derive(Debug, Default)]
pub(crate) struct Calls {
    last: u64,
    kept: VecDeque<Call>,
    counts: BTreeMap<(&'static str, String), Count>,
}

impl Calls {
    /// Adds a call; its number is given here.
    pub(crate) fn push(&mut self, mut call: Call) {
        self.last += 1;
        call.number = self.last;
        // Two look-ups, but no new key for each call.
        let is_fault = call.outcome != "ok";
        let key = (call.service, call.operation.clone());
        let count = self.counts.entry(key).or_default();
        count.calls += 1;
        count.faults += u64::from(is_fault);
        if self.kept.len() >= KEPT {
            self.kept.pop_front();
        }
        self.kept.push_back(call);
    }

    /// Number of the newest call; 0 when there was none.
    pub(crate) fn last(&self) -> u64 {
        self.last
    }

    /// Calls with a greater number, as far as they are kept.
    pub(crate) fn since(&self, number: u64) -> impl DoubleEndedIterator<Item = &Call> {
        let first = self.kept.front().map_or(1, |call| call.number);
        let skip =
            usize::try_from(number.saturating_add(1).saturating_sub(first)).unwrap_or(usize::MAX);
        self.kept.range(skip.min(self.kept.len())..)
    }

    /// Counters as `Service.operation`.
    pub(crate) fn counts(&self) -> BTreeMap<String, Count> {
        self.counts
            .iter()
            .map(|((service, operation), count)| (format!("{service}.{operation}"), *count))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(operation: &str, outcome: &str) -> Call {
        Call {
            number: 0,
            service: "OXUserService",
            operation: operation.to_owned(),
            context: Some(10),
            object: String::new(),
            outcome: outcome.to_owned(),
            text: String::new(),
            milliseconds: 0.0,
        }
    }

    #[test]
    fn calls_are_numbered_counted_and_bounded() {
        let mut calls = Calls::default();
        for _ in 0..KEPT + 5 {
            calls.push(call("exists", "ok"));
        }
        calls.push(call("create", "StorageException"));
        assert_eq!(calls.last(), 100_006);
        assert_eq!(calls.since(0).count(), KEPT);
        assert_eq!(
            calls.since(100_004).map(|call| call.number).collect::<Vec<_>>(),
            [100_005, 100_006]
        );
        assert_eq!(calls.since(u64::MAX).count(), 0);
        let counts = calls.counts();
        assert_eq!(counts["OXUserService.exists"], Count { calls: 100_005, faults: 0 });
        assert_eq!(counts["OXUserService.create"], Count { calls: 1, faults: 1 });
    }
}
