//! The state of an account: disabled, locked, expired (udm-ldap.md 3.6, 3.7).

use chrono::DateTime;
use serde_json::{Value, json};

use super::attribute::attribute;
use super::date;
use super::view::View;

/// `"1"` only if Samba, Kerberos and POSIX all say so. What is missing says "enabled".
pub(super) fn disabled(view: &View<'_>) -> Option<Value> {
    let posix = view
        .number(const { attribute("shadowExpire") })
        .is_some_and(|day| day == 1 || day < date::to_days(view.today()))
        || view.text(const { attribute("userPassword") }).is_some_and(is_locked_hash);
    Some(view.flag(has_samba_flag(view, 'D') && has_kerberos_bit(view, 1 << 7) && posix))
}

/// Too many wrong passwords, as Samba or Kerberos see it.
pub(super) fn locked(view: &View<'_>) -> Option<Value> {
    Some(view.flag(is_locked(view)))
}

pub(super) fn is_locked(view: &View<'_>) -> bool {
    has_samba_flag(view, 'L') || has_kerberos_bit(view, 1 << 17)
}

/// The flags in `[UD         ]`.
fn has_samba_flag(view: &View<'_>, flag: char) -> bool {
    view.text(const { attribute("sambaAcctFlags") }).is_some_and(|flags| flags.contains(flag))
}

fn has_kerberos_bit(view: &View<'_>, bit: i64) -> bool {
    view.number(const { attribute("krb5KDCFlags") }).is_some_and(|flags| flags & bit != 0)
}

/// A `!` directly after the scheme: `{crypt}!$6$…`.
fn is_locked_hash(hash: &str) -> bool {
    hash.strip_prefix('{')
        .and_then(|rest| rest.split_once('}'))
        .is_some_and(|(_, rest)| rest.starts_with('!'))
}

/// When the password was last wrong: `0`, or the time in UTC.
pub(super) fn locked_time(view: &View<'_>) -> Option<Value> {
    let text = view.text(const { attribute("sambaBadPasswordTime") })?;
    if text == "0" {
        return Some(Value::from(text));
    }
    let seconds = bad_password_seconds(text)?;
    let time = DateTime::from_timestamp(seconds, 0)?;
    Some(Value::from(time.format("%Y%m%d%H%M%SZ").to_string()))
}

/// Windows counts tenths of microseconds since 1601. A result before 1970 is no sensible time of a
/// wrong password: old Samba versions wrote Unix seconds into the same attribute.
fn bad_password_seconds(text: &str) -> Option<i64> {
    const TICKS_TO_1970: i64 = 116_444_736_000_000_000;
    const TICKS_A_SECOND: i64 = 10_000_000;
    let number: i64 = text.trim().parse().ok()?;
    match number.checked_sub(TICKS_TO_1970) {
        Some(ticks) if ticks >= 0 => Some(ticks / TICKS_A_SECOND),
        _ => Some(number),
    }
}

/// When a locked account opens again: empty unless locked and the domain's duration is known.
pub(super) fn unlock_time(view: &View<'_>) -> Option<Value> {
    let text = is_locked(view)
        .then(|| view.text(const { attribute("sambaBadPasswordTime") }))
        .flatten()
        .filter(|&text| text != "0")
        .and_then(bad_password_seconds)
        .zip(view.related.lockout_seconds())
        .and_then(|(since, duration)| {
            if duration == 0 {
                return Some("unlimited".to_owned());
            }
            let time = DateTime::from_timestamp(since.checked_add(duration)?, 0)?;
            Some(time.format("%Y-%m-%d %H:%M:%S").to_string())
        });
    Some(Value::from(text.unwrap_or_default()))
}

/// The first of three attributes that is there and says something.
pub(super) fn user_expiry(view: &View<'_>) -> Option<Value> {
    const DAY: i64 = 86_400;
    let kerberos = || {
        let text = view.text(const { attribute("krb5ValidEnd") })?;
        Some(date::of_generalised(text).unwrap_or_else(|| text.to_owned()))
    };
    // Samba stores the last day, UDM the first one without access.
    let samba = || {
        let seconds = view.number(const { attribute("sambaKickoffTime") })?;
        date::of_seconds(seconds.checked_add(DAY)?)
    };
    // 1 is how a disabled account is marked, not a day.
    let posix = || {
        let days = view.number(const { attribute("shadowExpire") })?;
        if days == 1 { None } else { date::of_days(days) }
    };
    Some(kerberos().or_else(samba).or_else(posix).map_or(Value::Null, Value::from))
}

/// Last change plus maximum age.
pub(super) fn password_expiry(view: &View<'_>) -> Option<Value> {
    Some(password_expiry_day(view).and_then(date::of_days).map_or(Value::Null, Value::from))
}

fn password_expiry_day(view: &View<'_>) -> Option<i64> {
    let changed = view.number(const { attribute("shadowLastChange") })?;
    changed.checked_add(view.number(const { attribute("shadowMax") })?)
}

pub(super) fn password_change_next_login(view: &View<'_>) -> Option<Value> {
    let at_once = view.number(const { attribute("shadowLastChange") }) == Some(0);
    let expired =
        || password_expiry_day(view).is_some_and(|day| day <= date::to_days(view.today()));
    Some(view.flag(at_once || expired()))
}

/// Date, time and zone as a list; empty when the account was never inactive.
pub(super) fn activation_date(view: &View<'_>) -> Option<Value> {
    let start = view.text(const { attribute("krb5ValidStart") });
    let day = start.and_then(date::of_generalised);
    Some(match (start, day) {
        (Some(start), Some(day)) => {
            let time = date::time_of_generalised(start).unwrap_or_else(|| "00:00".to_owned());
            json!([day, time, "UTC"])
        }
        _ => Value::Array(Vec::new()),
    })
}

/// The hash. A secret: only when asked for.
pub(super) fn password(view: &View<'_>) -> Option<Value> {
    view.with_password()
        .then(|| view.text(const { attribute("userPassword") }).map(Value::from))
        .flatten()
}
