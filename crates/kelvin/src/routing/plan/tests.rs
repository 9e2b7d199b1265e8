//! Who is told what, rule by rule; `histories`: whatever happens.

use std::collections::HashSet;
use std::sync::Arc;

use idspool_spool::ItemName;
use idspool_udm::school::Containers;
use serde_json::{Value, json};

use super::*;
use crate::conf::SchoolMapping;
use crate::routing::accept::judge;
use crate::routing::current::{Hashes, Service};

mod histories;

fn name(text: &str) -> AuthorityName {
    text.parse().unwrap()
}

fn mapping(pairs: &[(&str, &str)]) -> Arc<SchoolMapping> {
    Arc::new(SchoolMapping::new(
        pairs.iter().map(|(school, authority)| ((*school).to_owned(), name(authority))),
    ))
}

fn routes(authorities: &[&str], pairs: &[(&str, &str)]) -> Routes {
    let service = Service { is_active: true, hashes: Hashes::Never };
    let authorities = authorities.iter().map(|authority| (name(authority), service)).collect();
    Routes { authorities, mapping: mapping(pairs) }
}

/// Out queues and what lies in `old/`.
#[derive(Debug, Default)]
struct FakeQueues {
    waiting: HashSet<(AuthorityName, ItemName)>,
    snapshots: HashSet<(AuthorityName, String)>,
}

impl Queues for FakeQueues {
    fn waits(&self, authority: &AuthorityName, item: &ItemName) -> bool {
        self.waiting.contains(&(authority.clone(), item.clone()))
    }

    fn has_snapshot(&self, authority: &AuthorityName, id: &str) -> bool {
        self.snapshots.contains(&(authority.clone(), id.to_owned()))
    }
}

fn user(schools: &[&str], record_uid: &str) -> ConvertedItem {
    parse(json!({"id": "u", "dn": "uid=u,dc=x", "udm_object_type": "users/user",
                 "options": ["default", "ucsschoolStudent"],
                 "object": {"school": schools, "ucsschoolRecordUID": record_uid, "ucsschoolSourceUID": "SIS"}}))
}

fn deleted_user() -> ConvertedItem {
    parse(json!({"id": "u", "dn": "uid=u,dc=x", "udm_object_type": "users/user"}))
}

fn class(school: &str, object: Value) -> ConvertedItem {
    let dn = format!("cn={school}-1a,cn=klassen,cn=schueler,cn=groups,ou={school},dc=x");
    parse(
        json!({"id": "c", "dn": dn, "udm_object_type": "groups/group", "options": [], "object": object}),
    )
}

fn parse(value: Value) -> ConvertedItem {
    ConvertedItem::parse_dump(value.to_string().as_bytes()).unwrap()
}

struct Site {
    routes: Routes,
    queues: FakeQueues,
    known: Option<Known>,
    given: u32,
}

impl Site {
    fn new(authorities: &[&str], pairs: &[(&str, &str)]) -> Self {
        Self {
            routes: routes(authorities, pairs),
            queues: FakeQueues::default(),
            known: None,
            given: 0,
        }
    }

    fn plan(&self, item: &ConvertedItem) -> Plan {
        let planning = Planning {
            name: "in.json",
            item,
            before: self.known.as_ref(),
            routes: &self.routes,
            queues: &self.queues,
            now: DateTime::from_timestamp(1_000_000, 0).unwrap(),
        };
        planning.plan(judge(item, &Containers::default()))
    }

    /// As if it was routed and nothing delivered yet: the names of those that got it, with `-` where it takes
    /// the object away.
    fn route(&mut self, item: &ConvertedItem) -> Vec<String> {
        let plan = self.plan(item);
        let mut next = plan.next;
        for copy in plan.copies.iter().filter(|copy| copy.is_last) {
            self.given += 1;
            let given: ItemName =
                format!("2026-01-01-00-00-00-{:06}.json", self.given).parse().unwrap();
            self.queues.waiting.insert((copy.authority.clone(), given.clone()));
            next.as_mut().unwrap().told.get_mut(&copy.authority).unwrap().last = Some(given);
        }
        if next.is_some() {
            self.known = next;
        }
        shown(&plan.copies)
    }

    fn deliver_all(&mut self) {
        self.queues.waiting.clear();
    }

    fn set_snapshot(&mut self, authority: &str, id: &str) {
        self.queues.snapshots.insert((name(authority), id.to_owned()));
    }
}

fn shown(copies: &[Copy]) -> Vec<String> {
    let shown = |copy: &Copy| format!("{}{}", if copy.is_last { "-" } else { "" }, copy.authority);
    copies.iter().map(shown).collect()
}

const NOBODY: [&str; 0] = [];

#[test]
fn a_user_goes_to_the_authorities_of_present_and_former_schools() {
    let mut site = Site::new(&["a", "b"], &[("S1", "a"), ("s2", "a"), ("S3", "b")]);
    assert_eq!(site.route(&user(&["s1", "other"], "1")), ["a"]);
    assert_eq!(site.route(&user(&["S2"], "1")), ["a"], "another school of the same authority");
    assert_eq!(site.route(&user(&["S2", "S3"], "1")), ["a", "b"]);
    assert_eq!(site.route(&user(&["S3"], "1")), ["b", "-a"]);
    assert_eq!(site.route(&user(&["S3"], "1")), ["b", "-a"], "the mapping may change before that");
    site.deliver_all();
    assert_eq!(site.route(&user(&["S3"], "1")), ["b"], "and did so");
    assert_eq!(site.route(&user(&["S1"], "1")), ["a", "-b"]);
    site.deliver_all();
    assert_eq!(site.route(&deleted_user()), ["-a"]);
    assert_eq!(site.route(&deleted_user()), NOBODY);
}

#[test]
fn a_former_authority_is_told_again_when_the_item_was_removed_and_the_user_is_still_there() {
    let mut site = Site::new(&["a", "b"], &[("S1", "a"), ("S3", "b")]);
    site.route(&user(&["S1"], "1"));
    site.set_snapshot("a", "u");
    site.route(&user(&["S3"], "1"));
    site.deliver_all();
    assert_eq!(site.route(&user(&["S3"], "3")), ["b", "-a"]);
    assert_eq!(site.route(&deleted_user()), ["-a", "-b"]);
    assert_eq!(site.route(&deleted_user()), NOBODY, "the deletion waits");
    site.deliver_all();
    assert_eq!(site.route(&deleted_user()), ["-a"], "still there");
}

#[test]
fn old_data_are_those_that_the_authority_was_told() {
    let old = |site: &Site, item: &ConvertedItem, authority: &str| {
        let copies = site.plan(item).copies;
        let copy = copies.into_iter().find(|copy| copy.authority == name(authority)).unwrap();
        copy.old_data.map(|old| (old.schools, old.record_uid, old.source_uid))
    };
    let told = |schools: &[&str], record_uid: &str| {
        let schools = schools.iter().map(|&school| school.to_owned()).collect::<Vec<_>>();
        Some((schools, Some(record_uid.to_owned()), Some("SIS".to_owned())))
    };
    let mut site = Site::new(&["a", "b"], &[("S1", "a"), ("S3", "b")]);
    assert_eq!(old(&site, &user(&["S1"], "1"), "a"), None);
    site.route(&user(&["S1", "X"], "1"));
    assert_eq!(old(&site, &user(&["S3"], "2"), "a"), told(&["S1", "X"], "1"));
    site.set_snapshot("a", "u");
    site.route(&user(&["S3"], "2"));
    site.route(&user(&["S3"], "3"));
    site.deliver_all();
    assert_eq!(old(&site, &user(&["S3"], "4"), "b"), told(&["S3"], "3"));
    assert_eq!(old(&site, &user(&["S3"], "4"), "a"), told(&["S3"], "1"), "it knows no later one");
    assert_eq!(old(&site, &deleted_user(), "a"), told(&["S3"], "1"));
}

#[test]
fn old_data_of_the_item_count_as_well() {
    let mut site = Site::new(&["a", "b"], &[("S1", "a"), ("S3", "b")]);
    let with_old = |old: Value| {
        let mut item = user(&["S3"], "2");
        item.old_data = serde_json::from_value(old).unwrap();
        item
    };
    let item = with_old(json!({"schools": ["S1"], "record_uid": "1", "source_uid": null}));
    let plan = site.plan(&item);
    assert_eq!(shown(&plan.copies), ["b", "-a"]);
    let expected =
        OldData { record_uid: Some("1".into()), schools: vec!["S1".into()], ..OldData::default() };
    assert_eq!(plan.copies[1].old_data.as_ref(), Some(&expected));
    site.route(&user(&["X"], "0"));
    let old = site.plan(&with_old(json!({"schools": ["S1"]}))).copies[1].old_data.clone().unwrap();
    assert_eq!((old.schools, old.record_uid), (vec!["X".into(), "S1".into()], Some("0".into())));
}

#[test]
fn who_is_told_does_not_depend_on_the_mapping_of_then() {
    let mut site = Site::new(&["a", "b"], &[("S1", "a")]);
    site.route(&user(&["S1"], "1"));
    site.routes.mapping = mapping(&[("S1", "b")]);
    assert_eq!(site.route(&user(&["S1"], "1")), ["b", "-a"]);
    site.deliver_all();
    site.routes.mapping = mapping(&[]);
    let plan = site.plan(&user(&["S1"], "1"));
    assert_eq!(shown(&plan.copies), ["-b"]);
    assert!(
        plan.lines
            .iter()
            .any(|(_, line)| line == "School missing in school authority mapping, ignoring: 'S1'")
    );
}

#[test]
fn an_authority_without_configuration_is_named_and_told_when_it_is_back() {
    let mut site = Site::new(&["a", "b"], &[("S1", "a"), ("S3", "b"), ("S9", "gone")]);
    let plan = site.plan(&user(&["S1", "S9"], "1"));
    assert_eq!(shown(&plan.copies), ["a"]);
    assert_eq!(plan.counted, [Reason::UnknownAuthority]);
    let line = "Ignoring unknown school authority 'gone' for DN 'uid=u,dc=x' ('u').";
    assert!(plan.lines.contains(&(Level::WARN, line.to_owned())));
    site.route(&user(&["S1"], "1"));
    let both = std::mem::replace(&mut site.routes, routes(&["b"], &[("S3", "b")]));
    assert_eq!(site.route(&user(&["S3"], "2")), ["b"]);
    site.routes = both;
    assert_eq!(site.route(&user(&["S3"], "3")), ["b", "-a"]);
}

#[test]
fn what_is_no_school_user_any_more_is_taken_away_where_it_was_told() {
    let mut site = Site::new(&["a"], &[("S1", "a")]);
    let mut plain = user(&["S1"], "1");
    plain.options = Some(vec!["default".into(), "ucsschoolAdministrator".into()]);
    let plan = site.plan(&plain);
    assert_eq!((shown(&plan.copies), plan.counted), (vec![], vec![Reason::NoSchoolUser]));
    assert!(plan.next.is_none());
    site.route(&user(&["S1"], "1"));
    let plan = site.plan(&plain);
    assert!(plan.is_withdrawn && plan.counted.is_empty());
    assert_eq!(site.route(&plain), ["-a"]);
    assert_eq!(site.route(&plain), NOBODY);
    assert_eq!(site.route(&user(&["S1"], "1")), ["a"]);
    // A school list that came out empty is no reason to delete anything.
    let known = site.known.clone();
    let plan = site.plan(&user(&[], "1"));
    assert_eq!((shown(&plan.copies), plan.counted), (vec![], vec![Reason::NoSchool]));
    assert!(plan.next.is_none());
    assert_eq!(site.known, known);
}

#[test]
fn a_deletion_of_the_unknown_is_told_in_the_words_of_the_id_connector() {
    let mut site = Site::new(&["a"], &[("S1", "a")]);
    let plan = site.plan(&deleted_user());
    assert_eq!((shown(&plan.copies), plan.counted), (vec![], vec![Reason::UnknownDeletion]));
    let errors: Vec<_> = plan
        .lines
        .iter()
        .filter(|(level, _)| *level == Level::ERROR)
        .map(|(_, line)| line)
        .collect();
    assert_eq!(
        errors,
        [
            "*** CANNOT DELETE OBJECT FROM TARGET SYSTEM(S)! ***",
            "No previous data stored for DN 'uid=u,dc=x' (entryUUID 'u')."
        ]
    );
    assert!(plan.next.is_none());
    // Unless an authority still has it.
    site.set_snapshot("a", "u");
    assert_eq!(site.route(&deleted_user()), ["-a"]);
}

#[test]
fn a_class_belongs_to_the_school_in_its_dn() {
    let mut site = Site::new(&["a", "b"], &[("s1", "a"), ("S2", "a"), ("S3", "b")]);
    let plan = site.plan(&class("S1", Value::Null));
    assert_eq!(shown(&plan.copies), ["-a"], "found by its DN, without being known");
    assert_eq!(plan.copies[0].old_data, Some(OldData::default()), "so that it is delivered");
    assert_eq!(site.route(&class("S1", json!({}))), ["a"]);
    assert_eq!(site.route(&class("S2", json!({}))), ["a"]);
    assert_eq!(site.route(&class("S3", json!({}))), ["b", "-a"]);
    site.deliver_all();
    let mut work_group = class("S3", json!({}));
    work_group.dn = "cn=S3-1a,cn=schueler,cn=groups,ou=S3,dc=x".into();
    let plan = site.plan(&work_group);
    assert!(plan.is_withdrawn);
    assert_eq!(plan.copies[0].old_data, Some(OldData::default()));
    assert_eq!(site.route(&work_group), ["-b"]);
    assert_eq!(site.route(&work_group), NOBODY);
    site.known = None;
    let plan = site.plan(&work_group);
    assert_eq!((shown(&plan.copies), plan.counted), (vec![], vec![Reason::NoClass]));
    let nobody = "Ignoring object without current or previous school authority entries (DN: \
                  'cn=S3-1a,cn=schueler,cn=groups,ou=S3,dc=x' entryUUID: 'c').";
    assert!(plan.lines.contains(&(Level::INFO, nobody.to_owned())));
}

#[test]
fn a_deleted_class_of_another_dn_than_known_is_taken_away_at_both() {
    let mut site = Site::new(&["a", "b"], &[("S1", "a"), ("S3", "b")]);
    site.route(&class("S1", json!({})));
    assert_eq!(site.route(&class("S3", Value::Null)), ["-a", "-b"]);
}
