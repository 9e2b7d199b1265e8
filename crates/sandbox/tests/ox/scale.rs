//! Many users: what grows with the context, and what does not.

use std::fmt::Write;
use std::time::{Duration, Instant};

use crate::support::{ADMIN, CTX, Client, server, values};

#[test]
fn thousands_of_users_cost_no_more_per_call_than_ten() {
    let server = server();
    let mut client = Client::new(server.address());
    for number in 0..3000 {
        client.create_user(&format!("u{number}"));
    }
    assert_eq!(server.inspect(|world| world.context(10).unwrap().users().len()), 3001);

    // A hundred times the time of one scan over all users would be far more than this.
    let start = Instant::now();
    for number in 0..1000 {
        let user = format!("<s:user><d:name>u{}</d:name></s:user>", number * 3);
        assert!(
            client.ok("OXUserService", "exists", &format!("{CTX}{user}{ADMIN}")).contains(">true<")
        );
    }
    assert!(start.elapsed() < Duration::from_secs(10), "{:?}", start.elapsed());

    // The standard group comes with every member, as with the real server.
    let usr = format!("{CTX}<s:usr><d:id>77</d:id></s:usr>{ADMIN}");
    let groups = client.ok("OXGroupService", "listGroupsForUser", &usr);
    assert_eq!(values(&groups, "members").len(), 3001);
    assert!(groups.len() > 75_000);

    // One request may name them all.
    let mut members = String::new();
    for id in 2..3003 {
        write!(members, "<d:members>{id}</d:members>").unwrap();
    }
    let grp = format!(
        "{CTX}<s:grp><d:displayname>all</d:displayname>{members}<d:name>all</d:name></s:grp>{ADMIN}"
    );
    client.ok("OXGroupService", "create", &grp);
    assert_eq!(
        values(&client.ok("OXUserService", "listAll", &format!("{CTX}{ADMIN}")), "id").len(),
        3001
    );

    // The page shows them in pages.
    let page = client.get("/?context=10").body;
    assert!(page.len() < 100_000, "{}", page.len());
    assert!(page.contains("Page 1 of 61, 3001 in all"));
    assert!(client.get("/?context=10&page=61").body.contains(">u2999<"));
    assert!(client.get("/?context=10&find=U2999").body.contains(">u2999<"));
    let state: serde_json::Value = serde_json::from_str(&client.get("/state").body).unwrap();
    assert_eq!(state["contexts"][0]["users"].as_array().unwrap().len(), 3001);
}

#[test]
fn many_clients_at_once_get_ids_of_their_own() {
    let server = server();
    let address = server.address();
    let threads: Vec<_> = (0..8)
        .map(|thread| {
            std::thread::spawn(move || {
                let mut client = Client::new(address);
                (0..40).map(|n| client.create_user(&format!("t{thread}n{n}"))).collect::<Vec<_>>()
            })
        })
        .collect();
    let mut ids: Vec<i32> = threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect();
    ids.sort_unstable();
    assert_eq!(ids, (3..323).collect::<Vec<_>>());
    let numbers: Vec<u64> = server.calls(0).iter().map(|call| call.number).collect();
    assert_eq!(numbers, (1..=320).collect::<Vec<_>>());
}
