//! The two ways a converted item is written.

use serde_json::{Map, Number, Value};

use super::ConvertedItem;

/// One line; what [`super::ItemHead`] needs first, then `object`.
pub(super) fn queue_bytes(item: &ConvertedItem) -> Vec<u8> {
    // Most items are one to four kilobytes.
    let mut out = Vec::with_capacity(2048);
    out.extend_from_slice(b"{\"id\":");
    write_compact(&mut out, &item.id);
    out.extend_from_slice(b",\"udm_object_type\":");
    write_compact(&mut out, &item.udm_object_type);
    out.extend_from_slice(b",\"dn\":");
    write_compact(&mut out, &item.dn);
    if item.resync {
        out.extend_from_slice(b",\"resync\":true");
    }
    out.extend_from_slice(b",\"options\":");
    write_compact(&mut out, &item.options);
    out.extend_from_slice(b",\"object\":");
    write_compact(&mut out, &item.object);
    if let Some(old_data) = &item.old_data {
        out.extend_from_slice(b",\"old_data\":");
        write_compact(&mut out, old_data);
    }
    if let Some(passwords) = &item.user_passwords {
        out.extend_from_slice(b",\"user_passwords\":");
        write_compact(&mut out, passwords);
    }
    out.extend_from_slice(b"}\n");
    out
}

fn write_compact(out: &mut Vec<u8>, value: &impl serde::Serialize) {
    // Writing text, lists of text and JSON values into memory has no way to fail.
    let written = serde_json::to_writer(out, value);
    debug_assert!(written.is_ok(), "JSON into memory: {written:?}");
}

/// As Python's `json.dumps(item, indent=4, sort_keys=True)`.
pub(super) fn snapshot_bytes(item: &ConvertedItem) -> Vec<u8> {
    let mut out = Vec::with_capacity(4096);
    out.extend_from_slice(b"{\n    \"dn\": ");
    write_text(&mut out, &item.dn);
    out.extend_from_slice(b",\n    \"id\": ");
    write_text(&mut out, &item.id);
    out.extend_from_slice(b",\n    \"object\": ");
    match &item.object {
        None => out.extend_from_slice(b"null"),
        Some(object) => write_map(&mut out, object, 1),
    }
    out.extend_from_slice(b",\n    \"options\": ");
    match &item.options {
        None => out.extend_from_slice(b"null"),
        Some(options) => {
            write_list(&mut out, options.iter(), 1, |out, option, _| write_text(out, option));
        }
    }
    out.extend_from_slice(b",\n    \"udm_object_type\": ");
    write_text(&mut out, &item.udm_object_type);
    out.extend_from_slice(b"\n}");
    out
}

/// Depth is that of the parsed value, which serde_json limits to 128.
fn write_value(out: &mut Vec<u8>, value: &Value, depth: usize) {
    match value {
        Value::Null => out.extend_from_slice(b"null"),
        Value::Bool(true) => out.extend_from_slice(b"true"),
        Value::Bool(false) => out.extend_from_slice(b"false"),
        Value::Number(number) => write_number(out, number),
        Value::String(text) => write_text(out, text),
        Value::Array(list) => write_list(out, list.iter(), depth, write_value),
        Value::Object(map) => write_map(out, map, depth),
    }
}

fn write_list<'a, T: 'a>(
    out: &mut Vec<u8>,
    list: impl ExactSizeIterator<Item = &'a T>,
    depth: usize,
    write: impl Fn(&mut Vec<u8>, &T, usize),
) {
    if list.len() == 0 {
        out.extend_from_slice(b"[]");
        return;
    }
    for (at, value) in list.enumerate() {
        out.push(if at == 0 { b'[' } else { b',' });
        new_line(out, depth + 1);
        write(out, value, depth + 1);
    }
    new_line(out, depth);
    out.push(b']');
}

fn write_map(out: &mut Vec<u8>, map: &Map<String, Value>, depth: usize) {
    if map.is_empty() {
        out.extend_from_slice(b"{}");
        return;
    }
    // The map is sorted unless some dependency switched serde_json to insertion order; byte order
    // of UTF-8 is Python's order by code point.
    let mut entries: Vec<(&String, &Value)> = map.iter().collect();
    entries.sort_by_key(|&(key, _)| key);
    for (at, (key, value)) in entries.into_iter().enumerate() {
        out.push(if at == 0 { b'{' } else { b',' });
        new_line(out, depth + 1);
        write_text(out, key);
        out.extend_from_slice(b": ");
        write_value(out, value, depth + 1);
    }
    new_line(out, depth);
    out.push(b'}');
}

fn new_line(out: &mut Vec<u8>, depth: usize) {
    out.push(b'\n');
    for _ in 0..depth {
        out.extend_from_slice(b"    ");
    }
}

/// Integers are the same everywhere; Python writes other numbers with at least one digit behind
/// the point, and with an exponent of at least two digits below 1e-4 and from 1e16 on.
fn write_number(out: &mut Vec<u8>, number: &Number) {
    if !number.is_f64() {
        out.extend_from_slice(number.to_string().as_bytes());
        return;
    }
    let float = number.as_f64().unwrap_or_default();
    let scientific = format!("{float:e}");
    let (digits, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or_default();
    let text = if (-4..16).contains(&exponent) {
        format!("{float:?}")
    } else {
        let sign = if exponent < 0 { '-' } else { '+' };
        format!("{digits}e{sign}{:02}", exponent.unsigned_abs())
    };
    out.extend_from_slice(text.as_bytes());
}

fn write_text(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    let mut rest = text;
    while let Some(at) = rest.find(|c: char| !matches!(c, ' '..='~') || c == '"' || c == '\\') {
        let (plain, behind) = rest.split_at(at);
        out.extend_from_slice(plain.as_bytes());
        let mut characters = behind.chars();
        if let Some(character) = characters.next() {
            write_escape(out, character);
        }
        rest = characters.as_str();
    }
    out.extend_from_slice(rest.as_bytes());
    out.push(b'"');
}

fn write_escape(out: &mut Vec<u8>, character: char) {
    let short = match character {
        '"' => b'"',
        '\\' => b'\\',
        '\n' => b'n',
        '\r' => b'r',
        '\t' => b't',
        '\u{8}' => b'b',
        '\u{c}' => b'f',
        _ => {
            let mut units = [0; 2];
            for unit in character.encode_utf16(&mut units) {
                out.extend_from_slice(format!("\\u{unit:04x}").as_bytes());
            }
            return;
        }
    };
    out.extend_from_slice(&[b'\\', short]);
}
