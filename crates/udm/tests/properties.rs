//! What must hold for all input, looked for at random.

use idspool_udm::mapping::{Mapper, Related, properties};
use idspool_udm::{
    ConvertedItem, Entry, EntryUuid, ItemHead, ListenerItem, Module, OldData, UserPasswords, dn,
    value,
};
use idspool_udm::{Encoding, dn::Dn};
use proptest::prelude::*;
use serde_json::{Map, Value};

/// Values of naming attributes: anything, and much of what is special.
fn name() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-zA-Z0-9. -]{1,12}",
        "[ ,+\"\\\\<>;=#a-cßÄäÉ]{1,8}",
        any::<String>().prop_filter("names have a character", |name| !name.is_empty()),
    ]
}

/// A DN as parts: attribute, value.
fn parts() -> impl Strategy<Value = Vec<(&'static str, String)>> {
    let attribute = prop::sample::select(vec!["cn", "uid", "ou", "dc", "l", "2.5.4.3"]);
    prop::collection::vec((attribute, name()), 1..5)
}

/// Spells a value; `style` chooses how its special characters are escaped.
fn spell(value: &str, style: u8) -> String {
    let mut out = String::new();
    let last = value.chars().count().saturating_sub(1);
    for (at, character) in value.chars().enumerate() {
        let at_an_end = at == 0 || at == last;
        let special = ",+\"\\<>;=".contains(character)
            || (at == 0 && character == '#')
            || (at_an_end && character == ' ')
            || character.is_control();
        let backslash_will_do = character.is_ascii_punctuation() || character == ' ';
        if special && style.is_multiple_of(2) && backslash_will_do {
            out.push('\\');
            out.push(character);
        } else if special || style == 3 {
            for byte in character.to_string().bytes() {
                let hex = format!("\\{byte:02x}");
                out.push_str(&if style == 1 { hex.to_uppercase() } else { hex });
            }
        } else {
            out.push(character);
        }
    }
    out
}

fn write(parts: &[(&str, String)], style: u8, blanks: bool, upper: bool) -> String {
    let spelled = parts.iter().map(|(attribute, value)| {
        let attribute = if upper { attribute.to_uppercase() } else { (*attribute).to_owned() };
        let equals = if blanks { " = " } else { "=" };
        format!("{attribute}{equals}{}", spell(value, style))
    });
    spelled.collect::<Vec<_>>().join(if blanks { " ,  " } else { "," })
}

fn json(depth: u32) -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(depth, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(any::<String>(), inner, 0..4)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

fn item() -> impl Strategy<Value = ConvertedItem> {
    let object = prop::collection::btree_map(any::<String>(), json(3), 0..6)
        .prop_map(|map| map.into_iter().collect::<Map<String, Value>>());
    (
        "[a-f0-9-]{1,36}",
        any::<String>(),
        any::<String>(),
        prop::option::of(object),
        prop::option::of(prop::collection::vec(any::<String>(), 0..4)),
        any::<bool>(),
        prop::option::of(old_data()),
        prop::option::of(user_passwords()),
    )
        .prop_map(
            |(id, udm_object_type, dn, object, options, resync, old_data, user_passwords)| {
                ConvertedItem {
                    id,
                    udm_object_type,
                    dn,
                    object,
                    options,
                    resync,
                    old_data,
                    user_passwords,
                }
            },
        )
}

fn old_data() -> impl Strategy<Value = OldData> {
    let texts = || prop::collection::vec(any::<String>(), 0..3);
    let text = || prop::option::of(any::<String>());
    (text(), texts(), text(), texts()).prop_map(|(record_uid, schools, source_uid, users)| {
        OldData { record_uid, schools, source_uid, users }
    })
}

fn user_passwords() -> impl Strategy<Value = UserPasswords> {
    let texts = || prop::collection::vec(any::<String>(), 0..3);
    (texts(), any::<String>(), texts(), any::<i64>(), any::<i64>()).prop_map(
        |(
            user_password,
            samba_nt_password,
            krb5_key,
            krb5_key_version_number,
            samba_pwd_last_set,
        )| {
            UserPasswords {
                user_password,
                samba_nt_password,
                krb5_key,
                krb5_key_version_number,
                samba_pwd_last_set,
            }
        },
    )
}

/// Entries with attributes the mapping knows and values it may not expect.
fn entry() -> impl Strategy<Value = Entry> {
    let attribute = prop::sample::select(idspool_udm::mapping::attributes());
    let bytes = prop_oneof![
        "[0-9]{1,20}".prop_map(String::into_bytes),
        "-?[0-9]{17,19}".prop_map(String::into_bytes),
        "(\\[[UDLX ]{0,12}\\])|(-rw [a-z]{0,3}:?/{0,3}[a-z/]{0,8})".prop_map(String::into_bytes),
        "[0-9a-f]{42}".prop_map(String::into_bytes),
        any::<String>().prop_map(String::into_bytes),
        prop::collection::vec(any::<u8>(), 0..40),
    ];
    (any::<String>(), prop::collection::vec((attribute, bytes), 0..40)).prop_map(|(dn, pairs)| {
        let mut entry = Entry::new(dn);
        for (name, value) in pairs {
            entry.push(name, value);
        }
        entry
    })
}

proptest! {
    // A failing input is printed, and becomes a test of its own by hand.
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn all_spellings_of_a_dn_have_one_key(parts in parts(), style in 0u8..4, other in 0u8..4) {
        let plain = write(&parts, style, false, false);
        let key = dn::normalize(&plain).unwrap().into_owned();
        for (blanks, upper) in [(false, false), (true, false), (true, true)] {
            let spelling = write(&parts, other, blanks, upper);
            prop_assert_eq!(&*dn::normalize(&spelling).unwrap(), &key, "{} {}", plain, spelling);
            // The short way and the long way agree.
            prop_assert_eq!(&Dn::parse(&spelling).unwrap().normalized(), &key);
        }
    }

    #[test]
    fn a_key_is_its_own_key_and_a_spelling_of_the_dn(parts in parts(), style in 0u8..4) {
        let text = write(&parts, style, false, false);
        let key = dn::normalize(&text).unwrap().into_owned();
        prop_assert_eq!(&*dn::normalize(&key).unwrap(), &key);
        let plain = Dn::parse(&text).unwrap().to_string();
        prop_assert_eq!(&*dn::normalize(&plain).unwrap(), &key);
    }

    #[test]
    fn case_does_not_count(parts in parts()) {
        let text = write(&parts, 0, false, false);
        let swapped = ascii_swapped(&text);
        prop_assert_eq!(dn::key(&text), dn::key(&swapped));
    }

    #[test]
    fn any_text_is_a_dn_or_an_error_and_its_key_is_stable(text in any::<String>()) {
        let _ = Dn::parse(&text);
        let key = dn::key(&text).into_owned();
        prop_assert_eq!(&*dn::key(&key), &key);
        let _ = (dn::is_user(&text), dn::first_value(&text));
    }

    #[test]
    fn dn_like_text_never_panics(text in "[cnuid=,;+ \\\\#\"0-9a-fA-FäÄ]{0,30}") {
        if let Ok(dn) = Dn::parse(&text) {
            prop_assert_eq!(Dn::parse(&dn.to_string()).unwrap().normalized(), dn.normalized());
            let _ = dn.parent();
        }
        let key = dn::key(&text).into_owned();
        prop_assert_eq!(&*dn::key(&key), &key);
    }

    #[test]
    fn items_survive_both_forms(item in item()) {
        let queued = item.to_queue_bytes();
        prop_assert_eq!(&ConvertedItem::parse(&queued).unwrap(), &item);
        let head = ItemHead::parse(&queued).unwrap();
        prop_assert_eq!(&head, &ItemHead::from(&item));
        prop_assert_eq!(&ItemHead::scan(&queued).unwrap(), &head);
        let kept = item.to_snapshot_bytes();
        prop_assert!(kept.is_ascii());
        prop_assert_eq!(ConvertedItem::parse(&kept).unwrap(), ConvertedItem { resync: false, old_data: None, user_passwords: None, ..item });
    }

    #[test]
    fn a_scan_is_right_or_silent(item in item(), length in 0usize..700, at in 0usize..300, byte: u8) {
        let mut bytes = item.to_queue_bytes();
        if let Some(changed) = bytes.get_mut(at) {
            *changed = byte;
        }
        let prefix = &bytes[..bytes.len().min(length)];
        if let (Some(scanned), Ok(head)) = (ItemHead::scan(prefix), ItemHead::parse(&bytes)) {
            prop_assert_eq!(scanned, head);
        }
    }

    #[test]
    fn readers_take_any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = ListenerItem::parse(&bytes);
        let _ = ConvertedItem::parse(&bytes);
        let _ = ItemHead::parse(&bytes);
        let _ = ItemHead::scan(&bytes);
    }

    #[test]
    fn a_head_that_parses_is_that_of_the_item(value in json(4), object in json(2), options in json(2)) {
        let mut map = Map::new();
        for (key, value) in [("id", Value::from("a")), ("udm_object_type", value), ("dn", "b".into()),
            ("object", object), ("options", options)] {
            map.insert(key.to_owned(), value);
        }
        let bytes = Value::Object(map).to_string().into_bytes();
        let head = ItemHead::parse(&bytes).ok();
        prop_assert_eq!(head, ConvertedItem::parse(&bytes).ok().as_ref().map(ItemHead::from));
    }

    #[test]
    fn listener_items_survive(dn in "[^ ].{0,40}", kind: String, command: String, resync: bool) {
        let item = ListenerItem {
            entry_uuid: "0f3c9c6a-0000-103f-8000-000000000001".parse::<EntryUuid>().unwrap(),
            dn,
            object_type: kind,
            command,
            resync,
        };
        if !item.dn.trim().is_empty() {
            prop_assert_eq!(ListenerItem::parse(&item.to_bytes()).unwrap(), item);
        }
    }

    #[test]
    fn both_encodings_read_alike_whatever_the_entry_holds(entry in entry(), old: bool, days in 0i32..800_000) {
        let today = chrono::NaiveDate::from_num_days_from_ce_opt(days).unwrap_or_default();
        let related = Related::default();
        for module in Module::ALL {
            let make = |encoding| {
                Mapper::new(encoding, today).country_from_state(old).object(module, &entry, &related)
            };
            let (raw, typed) = (make(Encoding::Raw), make(Encoding::Typed));
            prop_assert!(raw.keys().eq(typed.keys()));
            for (key, raw) in &raw {
                let typed = &typed[key];
                let (raw, typed) = (Some(raw), Some(typed));
                match typed {
                    Some(Value::Bool(set)) => {
                        let kind = properties(module).find(|p| p.name == key).unwrap().kind;
                        let yes = match kind {
                            "OkOrNot" => value::OK,
                            "TrueOrFalse" => value::TRUE,
                            _ => value::ONE,
                        };
                        prop_assert_eq!(value::is_set(raw, yes), *set, "{}", key);
                    }
                    Some(Value::Number(_)) => {
                        prop_assert_eq!(value::integer(raw), value::integer(typed), "{}", key);
                    }
                    Some(Value::String(_)) => prop_assert_eq!(raw, typed, "{}", key),
                    _ => {}
                }
            }
            let id: EntryUuid = "0f3c9c6a-0000-103f-8000-000000000001".parse().unwrap();
            let item = Mapper::new(Encoding::Raw, today).item(&id, module, &entry, &related, false);
            prop_assert_eq!(&ConvertedItem::parse(&item.to_queue_bytes()).unwrap(), &item);
        }
    }
}

/// Upper case to lower and the other way, ASCII only, hex digits of escapes included.
fn ascii_swapped(text: &str) -> String {
    let swap = |c: char| {
        if c.is_ascii_lowercase() { c.to_ascii_uppercase() } else { c.to_ascii_lowercase() }
    };
    text.chars().map(swap).collect()
}
