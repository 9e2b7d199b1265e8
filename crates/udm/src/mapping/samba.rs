//! Properties that Samba keeps in forms of its own.

use serde_json::Value;

use super::attribute::attribute;
use super::view::{View, list};

const WEEKDAYS: [&str; 7] = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];

/// What follows the last hyphen of the SID; `null` when there is none, because the key is always
/// there.
pub(super) fn user_rid(view: &View<'_>) -> Option<Value> {
    Some(rid(view).map_or(Value::Null, |rid| view.integer(rid)))
}

/// The same, but only if it is a number.
pub(super) fn group_rid(view: &View<'_>) -> Option<Value> {
    let rid = rid(view)?;
    let is_number = !rid.is_empty() && rid.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| view.integer(rid))
}

fn rid<'a>(view: &View<'a>) -> Option<&'a str> {
    view.text(const { attribute("sambaSID") })?.rsplit('-').next()
}

/// Separated by commas in one value.
pub(super) fn workstations(view: &View<'_>) -> Option<Value> {
    let text = view.text(const { attribute("sambaUserWorkstations") })?;
    Some(list(text.split(',')))
}

/// The hours of the week in which logging in is allowed: 21 octets in hex, of each the least
/// significant bit first, hour 0 being Sunday 00:00. Anything else is no such mask and left out.
pub(super) fn logon_hours(view: &View<'_>) -> Option<Value> {
    let text = view.text(const { attribute("sambaLogonHours") })?;
    let digits: Option<Vec<u32>> = text.chars().map(|digit| digit.to_digit(16)).collect();
    let digits = digits.filter(|digits| digits.len() == 42)?;
    let mut hours = Vec::with_capacity(168);
    for (octet, pair) in digits.chunks_exact(2).enumerate() {
        let bits = pair.iter().fold(0, |bits, digit| bits << 4 | digit);
        for bit in (0..8).filter(|bit| bits & (1 << bit) != 0) {
            let hour = octet * 8 + bit;
            hours.push(if view.is_typed() { spelled(hour) } else { Value::from(hour) });
        }
    }
    Some(Value::Array(hours))
}

/// `Sun 0-1` for hour 0.
fn spelled(hour: usize) -> Value {
    let day = WEEKDAYS.get(hour / 24).copied().unwrap_or_default();
    let hour = hour % 24;
    Value::from(format!("{day} {hour}-{}", hour + 1))
}
