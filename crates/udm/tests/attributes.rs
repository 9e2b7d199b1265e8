//! The tables of the mapping against the list of all properties.

use std::collections::{BTreeMap, BTreeSet};

use idspool_udm::Module;
use idspool_udm::mapping::{Property, attributes, attributes_of, properties};

/// The property that the list does not have: the OX documents describe it (ox-provisioning.md 5.4).
const EXTRA: &str = "oxDeputyPermissionGivenTo";

/// Derived properties that the list attributes to something else than the mapping reads.
fn read_for(module: Module, property: &str, listed: &str) -> BTreeSet<String> {
    let also: &[&str] = match (module, property) {
        // Falls back to the server's own list, without a reverse search.
        (Module::Group, "memberOf") => &["memberOf"],
        (Module::User, "mailForwardAddress" | "mailForwardCopyToSelf") => {
            &["mailPrimaryAddress", "mailForwardCopyToSelf", "mailForwardAddress"]
        }
        (Module::User, "country") => &["st"],
        // Empty unless locked.
        (Module::User, "unlockTime") => &["sambaAcctFlags", "krb5KDCFlags"],
        // Depends on the expiry of the password.
        (Module::User, "pwdChangeNextLogin") => &["shadowMax"],
        _ => &[],
    };
    let listed = listed.split(';').filter(|name| !name.is_empty() && *name != "binary");
    listed.chain(also.iter().copied()).map(str::to_owned).collect()
}

/// Fields of a CSV line; quoted fields may contain commas.
fn fields(line: &str) -> Vec<String> {
    let mut quoted = false;
    let separated = |character: char| {
        quoted ^= character == '"';
        character == ',' && !quoted
    };
    line.split(separated).map(|field| field.trim_matches('"').to_owned()).collect()
}

#[test]
fn every_property_is_mapped_as_the_list_says() {
    let csv = include_str!("data/attributes.csv");
    let mut listed: BTreeMap<Module, BTreeMap<String, Vec<String>>> = BTreeMap::new();
    for line in csv.lines().skip(1) {
        let fields = fields(line);
        let module = fields[0].parse().unwrap();
        listed.entry(module).or_default().insert(fields[1].clone(), fields);
    }
    for module in Module::ALL {
        let rows = listed.remove(&module).unwrap();
        let mapped: Vec<Property> = properties(module).collect();
        let names: Vec<&str> = mapped.iter().map(|property| property.name).collect();
        assert!(names.is_sorted(), "{module} is sorted");
        let without_extra = names.iter().filter(|name| **name != EXTRA).copied();
        assert!(without_extra.eq(rows.keys().map(String::as_str)), "{module}: {names:?}");
        for property in mapped.iter().filter(|property| property.name != EXTRA) {
            let row = &rows[property.name];
            let read: BTreeSet<String> =
                property.attributes.iter().map(|&a| a.to_owned()).collect();
            assert_eq!(read, read_for(module, property.name, &row[2]), "{}", property.name);
            let fits = match row[3].as_str() {
                "single" => &["Text", "LowerText", "Name", "Derived", "WriteOnly"][..],
                "int" => &["Number", "Integer"],
                "multi" => &["List", "Derived"],
                "dn-list" => &["List", "Derived"],
                "dn" => &["Text", "Derived"],
                "date" => &["Text", "Day", "Derived"],
                "base64" => &["Base64", "Derived"],
                "bool" if row[4] == "OK" => &["OkOrNot"],
                "bool" if row[4] == "TRUE" => &["TrueOrFalse"],
                "bool" => &["Derived", "WriteOnly"],
                "derived" => &["Derived"],
                other => panic!("kind {other}"),
            };
            assert!(fits.contains(&property.kind), "{}: {}", property.name, property.kind);
            assert_eq!(
                property.kind == "WriteOnly",
                row[6].starts_with("write-only"),
                "{}",
                property.name
            );
        }
    }
    assert!(listed.is_empty(), "modules without a table: {:?}", listed.keys());
}

#[test]
fn what_is_requested_covers_what_is_read_and_no_keys() {
    for module in Module::ALL {
        let requested = attributes_of(module);
        for property in properties(module) {
            for attribute in property.attributes {
                assert!(requested.contains(attribute), "{attribute} of {module}");
                assert!(attributes().contains(attribute), "{attribute}");
            }
        }
        for always in ["entryUUID", "objectClass", "univentionObjectType", "univentionObjectFlag"] {
            assert!(requested.contains(&always), "{always} of {module}");
        }
    }
    for secret in ["krb5Key", "sambaNTPassword", "pwhistory"] {
        assert!(!attributes().contains(&secret));
    }
}
