//! `idspool-listener watch` against a real slapd: everything that is known of what slapd sends, and of
//! what it changes without a word.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod watching;

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use idspool_tests::{BASE_DN, SessionLog, Slapd, Syncprov, poll};
use watching::proxy::Proxy;
use watching::{Change, SOON, World, change, sorted};

const OEHLER: &str = "uid=a.oehler,cn=users,dc=example,dc=org";
/// Nobody's secretary.
const NUNEZ: &str = "uid=c.nunez,cn=users,dc=example,dc=org";
/// OEHLER is the secretary.
const MEIER: &str = "uid=b.meier,cn=users,dc=example,dc=org";
/// Who is named by nobody but groups.
const GROSS: &str = "uid=f.gross,cn=mitarbeiter,cn=users,ou=gymnord,dc=example,dc=org";
const VERTRIEB: &str = "cn=ox-vertrieb,cn=groups,dc=example,dc=org";

fn user(dn: &str, command: &str) -> Change {
    change(dn, "users/user", command)
}

fn group(dn: &str, command: &str) -> Change {
    change(dn, "groups/group", command)
}

/// LDIF of a user with nothing that is not needed.
fn new_user(uid: &str, container: &str) -> String {
    static NUMBER: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(70_000);
    let number = NUMBER.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    format!(
        "dn: uid={uid},{container}\nobjectClass: top\nobjectClass: person\n\
         objectClass: organizationalPerson\nobjectClass: inetOrgPerson\nobjectClass: posixAccount\n\
         objectClass: univentionObject\nuniventionObjectType: users/user\nuid: {uid}\ncn: {uid}\n\
         sn: {uid}\nuidNumber: {number}\ngidNumber: 5001\nhomeDirectory: /home/{uid}\n"
    )
}

fn container(dn: &str) -> String {
    let name = dn.split([',', '=']).nth(1).unwrap();
    format!("dn: {dn}\nobjectClass: top\nobjectClass: organizationalRole\ncn: {name}\n")
}

fn new_group(name: &str, container: &str, members: &[&str]) -> String {
    let mut ldif = format!(
        "dn: cn={name},{container}\nobjectClass: top\nobjectClass: univentionGroup\n\
         objectClass: posixGroup\nobjectClass: univentionObject\n\
         univentionObjectType: groups/group\ncn: {name}\ngidNumber: 4000\n"
    );
    for member in members {
        ldif.push_str(&format!("uniqueMember: {member}\n"));
    }
    ldif
}

fn set_members(world: &World, group: &str, operation: &str, members: &[&str]) {
    let values: String = members.iter().map(|dn| format!("uniqueMember: {dn}\n")).collect();
    world
        .ldap()
        .modify(&format!("dn: {group}\nchangetype: modify\n{operation}: uniqueMember\n{values}"))
        .unwrap();
}

#[test]
fn the_first_refresh_enqueues_every_object_once_and_who_is_referred_to_first() {
    let world = World::new(Slapd::start().unwrap());
    world.once();
    let changes = world.take();
    let types: Vec<&str> = changes.iter().map(|change| change.object_type.as_str()).collect();
    let mut order = types.clone();
    order.dedup();
    assert_eq!(
        order,
        [
            "oxmail/oxcontext",
            "oxmail/accessprofile",
            "users/user",
            "groups/group",
            "oxmail/functional_account",
            "oxresources/oxresources"
        ]
    );
    let mut expected = 0;
    for object_type in &order {
        let filter = format!("(univentionObjectType={object_type})");
        let uuids: BTreeSet<String> =
            world.ldap().entry_uuids(&filter).unwrap().into_iter().collect();
        let found: BTreeSet<String> = changes
            .iter()
            .filter(|change| change.object_type == *object_type)
            .map(|change| change.uuid.clone())
            .collect();
        assert_eq!(found, uuids, "{object_type}");
        expected += uuids.len();
    }
    assert_eq!(changes.len(), expected);
    assert!(changes.iter().all(|change| change.command == "add"));
    let quiet = world.watch_once(&[]);
    assert_eq!((quiet.code(), quiet.log().as_str()), (Some(0), ""), "cron mails every word");
    assert_eq!(world.take(), []);
}

#[test]
fn every_change_of_an_object_is_one_item() {
    let world = World::following(Slapd::start().unwrap());
    let ldap = world.ldap();
    let new = "uid=neu,cn=users,dc=example,dc=org";
    ldap.add(&new_user("neu", "cn=users,dc=example,dc=org"), false).unwrap();
    world.expect(&[user(new, "add")]);
    ldap.replace(new, "telephoneNumber", &["+49 1"]).unwrap();
    world.expect(&[user(new, "modify")]);
    // Nothing changes in effect, and yet somebody meant something by it.
    ldap.replace(new, "telephoneNumber", &["+49 1"]).unwrap();
    world.expect(&[user(new, "modify")]);
    let uuid = world.uuid(new);
    let moved = "uid=neuer,cn=mitarbeiter,cn=users,ou=gymnord,dc=example,dc=org";
    ldap.rename(new, "uid=neuer", Some("cn=mitarbeiter,cn=users,ou=gymnord,dc=example,dc=org"))
        .unwrap();
    assert_eq!(world.expect(&[user(moved, "modify")])[0].uuid, uuid);
    ldap.delete(moved).unwrap();
    assert_eq!(world.expect(&[user(moved, "delete")])[0].uuid, uuid);
    // Of no interest.
    ldap.add(&container("cn=leer,dc=example,dc=org"), false).unwrap();
    ldap.replace("cn=users,dc=example,dc=org", "description", &["x"]).unwrap();
    ldap.add(&new_user("neu", "cn=users,dc=example,dc=org"), false).unwrap();
    let again = world.expect(&[user(new, "add")]);
    assert_ne!(again[0].uuid, uuid, "the same DN is another object");
}

#[test]
fn an_object_that_becomes_something_else_is_told_as_what_it_was() {
    let world = World::following(Slapd::start().unwrap());
    let ldap = world.ldap();
    ldap.replace(OEHLER, "univentionObjectType", &["users/ldap"]).unwrap();
    world.expect(&[user(OEHLER, "delete")]);
    ldap.replace(OEHLER, "telephoneNumber", &["+49 1"]).unwrap();
    ldap.replace(OEHLER, "univentionObjectType", &["users/user"]).unwrap();
    world.expect(&[user(OEHLER, "add")]);
    ldap.replace(MEIER, "univentionObjectType", &["oxresources/oxresources"]).unwrap();
    world.expect(&[user(MEIER, "modify")]);
}

#[test]
fn a_renamed_container_changes_everything_below_it() {
    let world = World::following(Slapd::start().unwrap());
    let ldap = world.ldap();
    let old = "cn=schueler,cn=users,ou=gymnord,dc=example,dc=org";
    let new = "cn=lernende,cn=users,ou=gymnord,dc=example,dc=org";
    let uuid = world.uuid(&format!("uid=a.schmidt,{old}"));
    ldap.rename(old, "cn=lernende", None).unwrap();
    // a.schmidt and b.mueller themselves, and what names them: groups, and the legal guardian.
    let changes = world.gather(|changes| {
        let has = |uid: &str| changes.iter().any(|c| c.dn == format!("uid={uid},{new}"));
        has("a.schmidt")
            && has("b.mueller")
            && changes.iter().any(|c| c.dn.starts_with("cn=gymnord-5a"))
    });
    assert!(changes.iter().any(|change| change.uuid == uuid && change.command == "modify"));
    assert!(changes.iter().any(|change| change.dn.starts_with("uid=k.schmidt,")), "{changes:?}");
    assert!(changes.iter().all(|change| !change.dn.contains(old)), "{changes:?}");
    // Deeper, and by way of another container; the index knows where they are by now.
    world.quiet();
    ldap.rename("cn=users,ou=gymnord,dc=example,dc=org", "cn=konten", None).unwrap();
    let deeper = "cn=lernende,cn=konten,ou=gymnord,dc=example,dc=org";
    let dn = format!("uid=a.schmidt,{deeper}");
    world.gather(|changes| changes.iter().any(|change| change.dn == dn));
    world.quiet();
    ldap.delete(&dn).unwrap();
    let changes = world.gather(|changes| changes.iter().any(|change| change.command == "delete"));
    assert!(changes.contains(&user(&dn, "delete")), "{changes:?}");
}

#[test]
fn a_group_that_changes_changes_its_members() {
    let world = World::following(Slapd::start().unwrap());
    let ldap = world.ldap();
    let [one, two] =
        ["F.Gross-Klein", "e.nicht"].map(|uid| format!("uid={uid},cn=users,dc=example,dc=org"));
    let [one, two] = [one.as_str(), two.as_str()];
    set_members(&world, VERTRIEB, "add", &[one, two]);
    world.expect(&[group(VERTRIEB, "modify"), user(one, "modify"), user(two, "modify")]);
    set_members(&world, VERTRIEB, "delete", &[one]);
    world.expect(&[group(VERTRIEB, "modify"), user(one, "modify")]);
    ldap.replace(VERTRIEB, "description", &["nothing about members"]).unwrap();
    world.expect(&[group(VERTRIEB, "modify")]);
    let members = [two, OEHLER];
    let dn = "cn=team,cn=groups,dc=example,dc=org";
    ldap.add(&new_group("team", "cn=groups,dc=example,dc=org", &members), false).unwrap();
    world.expect(&[group(dn, "add"), user(two, "modify"), user(OEHLER, "modify")]);
    let renamed = "cn=mannschaft,cn=groups,dc=example,dc=org";
    ldap.rename(dn, "cn=mannschaft", None).unwrap();
    world.expect(&[group(renamed, "modify"), user(two, "modify"), user(OEHLER, "modify")]);
    ldap.delete(renamed).unwrap();
    world.expect(&[group(renamed, "delete"), user(two, "modify"), user(OEHLER, "modify")]);
}

#[test]
fn what_names_a_renamed_or_deleted_user_follows_when_the_server_is_done() {
    let world = World::following(Slapd::start().unwrap());
    let ldap = world.ldap();
    let names_of = |dn: &str| {
        let escaped = dn.replace('\\', "\\5c");
        let filter =
            format!("(&(univentionObjectType=*)(|(uniqueMember={escaped})(secretary={escaped})))");
        let ldif = ldap.search(&filter, &["entryUUID"]).unwrap();
        let uuids = ldif.lines().filter_map(|line| line.strip_prefix("entryUUID: "));
        uuids.map(str::to_owned).collect::<BTreeSet<_>>()
    };
    let naming = names_of(OEHLER);
    assert!(naming.len() >= 4, "three groups and a functional account: {naming:?}");
    let renamed = "uid=anna,cn=users,dc=example,dc=org";
    ldap.rename(OEHLER, "uid=anna", None).unwrap();
    let told = |changes: &[Change]| {
        let told = changes.iter().map(|change| change.uuid.clone());
        told.filter(|uuid| naming.contains(uuid)).collect::<BTreeSet<_>>()
    };
    let started = Instant::now();
    let changes = world.gather(|changes| told(changes).len() == naming.len());
    // They come because the server is done, not because we gave up waiting for it.
    assert!(started.elapsed() < Duration::from_secs(5));
    assert!(changes.contains(&user(renamed, "modify")));
    assert_eq!(names_of(OEHLER), BTreeSet::new());
    assert_eq!(names_of(renamed), naming);
    world.quiet();
    ldap.delete(renamed).unwrap();
    let changes = world.gather(|changes| told(changes).len() == naming.len());
    assert!(changes.contains(&user(renamed, "delete")));
    assert_eq!(names_of(renamed), BTreeSet::new());
}

#[test]
fn references_that_nobody_rewrites_are_not_waited_for_for_ever() {
    let world = World::following(Slapd::builder().without_refint().start().unwrap());
    world.ldap().rename(OEHLER, "uid=anna", None).unwrap();
    let uuid = world.uuid(VERTRIEB);
    world.gather(|changes| changes.iter().any(|change| change.uuid == uuid));
}

#[test]
fn what_happened_while_nobody_watched_is_found_with_and_without_a_session_log() {
    for (log, restart) in [
        (SessionLog::Changes(500), false),
        (SessionLog::Changes(500), true),
        (SessionLog::Changes(3), false),
        (SessionLog::Without, false),
    ] {
        let slapd = Slapd::builder().syncprov(Syncprov::On(log)).start().unwrap();
        let mut world = World::new(slapd);
        world.once();
        world.take();
        let ldap = world.ldap();
        let uuid = world.uuid(OEHLER);
        let container_dn = "cn=schueler,cn=users,ou=RSSued,dc=example,dc=org";
        ldap.delete(OEHLER).unwrap();
        ldap.replace(GROSS, "telephoneNumber", &["+49 2"]).unwrap();
        ldap.rename("uid=d.zu,cn=users,dc=example,dc=org", "uid=d.von", None).unwrap();
        ldap.rename(container_dn, "cn=lernende", None).unwrap();
        ldap.add(&new_user("a.oehler", "cn=users,dc=example,dc=org"), false).unwrap();
        if restart {
            world.slapd.restart().unwrap();
        }
        world.once();
        let changes = world.take();
        // Those whose groups the server has to rewrite come once more when it is done.
        let mut seen = BTreeSet::new();
        let users: Vec<Change> = changes
            .iter()
            .filter(|change| change.object_type == "users/user" && seen.insert(&change.uuid))
            .cloned()
            .collect();
        let child = "uid=c.yilmaz,cn=lernende,cn=users,ou=RSSued,dc=example,dc=org";
        assert_eq!(
            sorted(&users),
            sorted(&[
                user(OEHLER, "delete"),
                user(GROSS, "modify"),
                user(MEIER, "modify"),
                user("uid=d.von,cn=users,dc=example,dc=org", "modify"),
                user(child, "modify"),
                user(OEHLER, "add"),
            ]),
            "{log:?}, restart: {restart}"
        );
        let deletion = users.iter().position(|change| change.command == "delete").unwrap();
        let addition = users.iter().position(|change| change.command == "add").unwrap();
        assert!(deletion < addition, "the name is free before it is taken");
        assert_eq!(users[deletion].uuid, uuid);
        // The groups that named those with another DN; nothing else in the whole directory.
        let others = changes.iter().filter(|change| change.object_type != "users/user");
        let others: BTreeSet<&str> = others.map(|change| change.object_type.as_str()).collect();
        assert!(others.is_subset(&BTreeSet::from(["groups/group", "oxmail/functional_account"])));
        world.once();
        assert_eq!(world.take(), [], "{log:?}, restart: {restart}");
    }
}

#[test]
fn a_name_that_changed_hands_while_nobody_watched() {
    let world = World::new(Slapd::start().unwrap());
    let ldap = world.ldap();
    for name in ["a", "b"] {
        ldap.add(&container(&format!("cn={name},dc=example,dc=org")), false).unwrap();
        ldap.add(&new_user(&format!("in.{name}"), &format!("cn={name},dc=example,dc=org")), false)
            .unwrap();
    }
    world.once();
    world.take();
    ldap.rename("cn=a,dc=example,dc=org", "cn=c", None).unwrap();
    ldap.rename("cn=b,dc=example,dc=org", "cn=a", None).unwrap();
    ldap.rename("cn=c,dc=example,dc=org", "cn=b", None).unwrap();
    world.once();
    let in_a = "uid=in.a,cn=b,dc=example,dc=org";
    let in_b = "uid=in.b,cn=a,dc=example,dc=org";
    assert_eq!(sorted(&world.take()), sorted(&[user(in_a, "modify"), user(in_b, "modify")]));
    ldap.delete(in_a).unwrap();
    world.once();
    assert_eq!(world.take(), [user(in_a, "delete")]);
}

#[test]
fn several_bases_and_a_filter_limit_what_is_followed() {
    let world = World::new(Slapd::start().unwrap());
    world.configure(
        "bases = 'cn=users,dc=example,dc=org; ou=gymnord,dc=example,dc=org'\n\
         filter = '(|(objectClass=organizationalRole)(&(objectClass=person)(!(title=hidden))))'",
    );
    let _watcher = world.start();
    world.take();
    let ldap = world.ldap();
    ldap.replace("uid=c.yilmaz,cn=schueler,cn=users,ou=RSSued,dc=example,dc=org", "title", &["x"])
        .unwrap();
    ldap.replace(NUNEZ, "title", &["hidden"]).unwrap();
    world.expect_at_once(&[user(NUNEZ, "delete")]);
    ldap.replace(NUNEZ, "title", &["Dr."]).unwrap();
    world.expect_at_once(&[user(NUNEZ, "add")]);
    // From one base to the other one, out of both, and in again.
    let staff = "cn=mitarbeiter,cn=users,ou=gymnord,dc=example,dc=org";
    let uuid = world.uuid(NUNEZ);
    ldap.rename(NUNEZ, "uid=c.nunez", Some(staff)).unwrap();
    let moved = format!("uid=c.nunez,{staff}");
    let changes = world.gather(|changes| changes.iter().any(|change| change.dn == moved));
    assert!(changes.iter().all(|change| change.uuid == uuid));
    world.take();
    let away = "cn=mitarbeiter,cn=users,ou=RSSued,dc=example,dc=org";
    ldap.rename(&moved, "uid=c.nunez", Some(away)).unwrap();
    world.expect_at_once(&[user(&moved, "delete")]);
    ldap.rename(&format!("uid=c.nunez,{away}"), "uid=c.nunez", Some(staff)).unwrap();
    world.expect_at_once(&[user(&moved, "add")]);
    // A container leaves with all that is below it: the server names the container alone.
    ldap.rename(staff, "cn=mitarbeiter", Some("cn=groups,dc=example,dc=org")).unwrap();
    let changes = world.gather(|changes| changes.len() >= 2);
    assert!(changes.iter().all(|change| change.command == "delete"), "{changes:?}");
    assert!(changes.contains(&user(&moved, "delete")), "{changes:?}");
}

#[test]
fn a_cookie_that_the_server_cannot_use_leads_to_a_comparison_and_no_storm() {
    let world = World::new(Slapd::start().unwrap());
    world.once();
    world.take();
    let ldap = world.ldap();
    for (cookie, refusal) in [
        ("rid=000,csn=20991121160614.141156Z#000000#000#000000", true),
        ("rubbish", false),
        ("rid=000", false),
    ] {
        let uid = format!("cookie{}", cookie.len());
        let dn = format!("uid={uid},cn=users,dc=example,dc=org");
        ldap.add(&new_user(&uid, "cn=users,dc=example,dc=org"), false).unwrap();
        world.once();
        world.take();
        world.set_cookie(cookie);
        ldap.delete(&dn).unwrap();
        ldap.replace(MEIER, "title", &[&uid]).unwrap();
        if refusal {
            let ended = world.watch_once(&[]);
            assert_eq!(ended.code(), Some(1));
            assert!(
                ended.log().contains("cannot go on from the last known state"),
                "{}",
                ended.log()
            );
            assert_eq!(world.take(), [], "it may be a replica that is behind");
            world.refused_long_ago();
        }
        world.once();
        assert_eq!(sorted(&world.take()), sorted(&[user(&dn, "delete"), user(MEIER, "modify")]));
    }
}

#[test]
fn a_directory_that_is_provisioned_already_can_be_adopted() {
    let world = World::new(Slapd::start().unwrap());
    assert_eq!(world.watch_once(&["--adopt"]).code(), Some(0));
    assert_eq!(world.take(), []);
    world.ldap().delete(OEHLER).unwrap();
    world.once();
    let changes = world.take();
    assert!(changes.contains(&user(OEHLER, "delete")), "{changes:?}");
    assert!(changes.len() < 10, "{changes:?}");
    let ended = world.watch_once(&["--adopt"]);
    assert!(ended.log().contains("--adopt has no effect"), "{}", ended.log());
}

#[test]
fn types_that_are_wanted_later_come_when_they_are() {
    let world = World::new(Slapd::start().unwrap());
    world.configure("object_types = 'users/user'");
    world.once();
    assert!(world.take().iter().all(|change| change.object_type == "users/user"));
    world.configure("object_types = 'users/user, groups/group'");
    world.once();
    let changes = world.take();
    let groups = world.ldap().entry_uuids("(univentionObjectType=groups/group)").unwrap();
    assert_eq!(changes.len(), groups.len());
    assert!(changes.iter().all(|change| change.object_type == "groups/group"));
}

#[test]
fn a_lost_index_is_made_anew() {
    let world = World::new(Slapd::start().unwrap());
    world.once();
    let count = world.take().len();
    std::fs::write(world.index(), vec![b'x'; 20_000]).unwrap();
    let ended = world.watch_once(&[]);
    assert_eq!(ended.code(), Some(0), "{}", ended.log());
    assert!(ended.log().contains("is damaged"), "{}", ended.log());
    assert_eq!(world.take().len(), count);
}

#[test]
fn servers_that_cannot_be_followed_are_named_with_the_remedy() {
    for (slapd, remedy) in [
        (Slapd::builder().syncprov(Syncprov::WithoutOverlay), "overlay syncprov"),
        (Slapd::builder().syncprov(Syncprov::WithoutModule), "overlay syncprov"),
        (Slapd::builder().size_limit(20), "size=unlimited"),
    ] {
        let world = World::new(slapd.start().unwrap());
        let ended = world.watch_once(&[]);
        assert_eq!(ended.code(), Some(1));
        assert!(ended.log().contains(remedy), "{}", ended.log());
        assert_eq!(world.take(), []);
    }
}

#[test]
fn rights_that_were_taken_away_delete_nothing() {
    let mut world = World::new(Slapd::start().unwrap());
    world.once();
    world.take();
    let change = |world: &World, text: &str| {
        world.ldap().replace(MEIER, "description", &[text]).unwrap();
    };
    world.slapd.hide("objectClass,univentionObjectType").unwrap();
    change(&world, "one");
    let ended = world.watch_once(&[]);
    assert_eq!(ended.code(), Some(1));
    assert!(ended.log().contains("read and search access"), "{}", ended.log());
    let mut other = World::new(Slapd::start().unwrap());
    other.configure("filter = '(uid=*)'");
    other.slapd.hide("objectClass,univentionObjectType").unwrap();
    let ended = other.watch_once(&[]);
    assert_eq!(ended.code(), Some(1));
    assert!(ended.log().contains("came without objectClass"), "{}", ended.log());
    world.slapd.hide("entry").unwrap();
    change(&world, "two");
    let ended = world.watch_once(&[]);
    assert_eq!(ended.code(), Some(1));
    assert!(ended.log().contains("may read there"), "{}", ended.log());
    assert_eq!(world.take(), []);
    world.slapd.hide("telephoneNumber").unwrap();
    world.once();
    // The change of the time without rights is not lost: the cookie has not moved.
    assert_eq!(world.take(), [user(MEIER, "modify")]);
}

#[test]
fn once_is_quiet_when_another_one_is_at_work() {
    let world = World::following(Slapd::start().unwrap());
    let ended = world.watch_once(&[]);
    assert_eq!((ended.code(), ended.log().as_str()), (Some(3), ""));
    let second = world.idspool.start("idspool-listener", &["watch"]).unwrap();
    let ended = second.wait(SOON).unwrap();
    assert_eq!(ended.code(), Some(3));
    let holder = format!(
        "held by idspool-listener watch, process {}",
        world.watcher.as_ref().unwrap().pid()
    );
    assert!(ended.log().contains(&holder), "{}", ended.log());
    let mut world = world;
    let ended = world.watcher.take().unwrap().terminate(SOON).unwrap();
    assert_eq!(ended.code(), Some(0), "{}", ended.log());
}

#[test]
fn a_server_that_restarts_is_waited_for() {
    let mut world = World::following(Slapd::start().unwrap());
    for (uid, kill) in [("eins", true), ("zwei", false)] {
        if kill {
            world.slapd.kill().unwrap();
        } else {
            world.slapd.stop().unwrap();
        }
        world.slapd.restart().unwrap();
        let dn = format!("uid={uid},cn=users,{BASE_DN}");
        world.ldap().add(&new_user(uid, "cn=users,dc=example,dc=org"), false).unwrap();
        world.expect(&[user(&dn, "add")]);
    }
}

#[test]
fn connections_that_are_cut_lose_nothing_and_repeat_nothing() {
    let slapd = Slapd::start().unwrap();
    let proxy = Proxy::new(slapd.port());
    let mut world = World::by_way_of(slapd, &proxy.url());
    // In the middle of the first refresh, at several places, and of the tries that follow.
    proxy.cut_after(9_000);
    let watcher = world.idspool.start("idspool-listener", &["watch"]).unwrap();
    for bytes in [20_000, 3_000, 31_000] {
        let before = proxy.connections();
        let is_following = || watcher.lines().iter().any(|line| line.contains("Following"));
        poll(SOON, || (proxy.connections() > before || is_following()).then_some(())).unwrap();
        proxy.cut_after(bytes);
    }
    watcher.wait_for("Following", SOON).unwrap();
    proxy.cut_after(i64::MAX);
    let tries = watcher.lines().iter().filter(|line| line.contains("trying again")).count();
    assert!(tries > 0, "the refresh was never cut");
    world.watcher = Some(watcher);
    let mut first = world.quiet();
    let count = first.len();
    first.sort_by(|a, b| a.uuid.cmp(&b.uuid));
    first.dedup_by(|a, b| a.uuid == b.uuid);
    assert_eq!(count, first.len(), "an object came twice");
    let users = world.ldap().entry_uuids("(univentionObjectType=users/user)").unwrap();
    let found = first.iter().filter(|change| change.object_type == "users/user").count();
    assert_eq!(found, users.len());
    // While it waits for changes.
    for number in 0..3 {
        let before = proxy.connections();
        proxy.cut();
        world.ldap().replace(OEHLER, "telephoneNumber", &[&format!("+49 {number}")]).unwrap();
        world.expect(&[user(OEHLER, "modify")]);
        assert!(proxy.connections() > before);
    }
}

#[test]
fn resync_enqueues_what_fits_in_order_and_says_how_many() {
    let world = World::new(Slapd::start().unwrap());
    let ldap = world.ldap();
    let count = |filter: &str| ldap.entry_uuids(filter).unwrap().len();
    let resync = |arguments: &[&str]| {
        let mut all = vec!["resync"];
        all.extend(arguments);
        let output = world.idspool.run("idspool-listener", &all).unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        (output.status.code(), text, String::from_utf8(output.stderr).unwrap())
    };
    let (code, text, error) = resync(&[]);
    assert_eq!((code, error.as_str()), (Some(0), ""));
    let changes = world.take();
    let mut order: Vec<&str> = changes.iter().map(|change| change.object_type.as_str()).collect();
    order.dedup();
    assert_eq!(order.len(), 6, "{order:?}");
    assert_eq!((order[0], order[2]), ("oxmail/oxcontext", "users/user"));
    assert!(changes.iter().all(|change| change.resync && change.command == "modify"));
    let users = count("(univentionObjectType=users/user)");
    assert!(text.contains(&format!("{users} users/user\n")), "{text}");
    assert!(text.ends_with(&format!("{} enqueued\n", changes.len())), "{text}");

    assert_eq!(resync(&["--object-type", "groups/group"]).0, Some(0));
    assert_eq!(world.take().len(), count("(univentionObjectType=groups/group)"));
    assert_eq!(resync(&["--dn", "UID=A.Oehler, cn=users,dc=example,dc=org"]).0, Some(0));
    assert_eq!(world.take()[0].dn, OEHLER);
    assert_eq!(resync(&["--filter", "uid=b.m*"]).0, Some(0));
    assert_eq!(world.take().len(), count("(uid=b.m*)"));
    for (arguments, code, text) in [
        (&["--dn", "uid=none,dc=example,dc=org"][..], 1, "uid=none"),
        (&["--dn", OEHLER, "--object-type", "groups/group"], 1, "groups/group"),
        (&["--dn", "nonsense"], 2, "--dn"),
        (&["--object-type", "users/users"], 2, "users/users"),
        (&["--filter", "(uid="], 2, "filter"),
    ] {
        let (ended, _, error) = resync(arguments);
        assert_eq!(ended, Some(code), "{error}");
        assert!(error.contains(text), "{error}");
        assert_eq!(world.take(), []);
    }
}
