//! Long lists of ids, which are read as they come in.

use idspool_ox_soap::{Client, ContextId, Credentials, Error, OxUserId};

use crate::server::{After, Reply, Server, envelope, fault};

fn users(count: usize, padding: &str) -> String {
    let users: String = (1..=count)
        .map(|id| format!("<return><d:name>{padding}</d:name><d:id>{id}</d:id></return>"))
        .collect();
    envelope(&format!(
        "<listAllResponse xmlns=\"http://soap.admin.openexchange.com\" \
         xmlns:d=\"http://dataobjects.soap.admin.openexchange.com/xsd\">{users}</listAllResponse>"
    ))
}

fn list(server: &Server, limit: u64) -> Result<usize, Error> {
    let client = Client::builder(&server.url).answer_limit(limit).build().unwrap();
    let admin = Credentials::new("oxadmin", "adminpw");
    let first = client.users(ContextId::new(10), &admin).list_all()?;
    let second = client.users(ContextId::new(10), &admin).list_all()?;
    assert_eq!(first, second);
    assert_eq!(server.connections(), 1, "the connection can be used again");
    Ok(first.len())
}

/// The limit for answers is one for memory: a list that is larger and not kept passes.
#[test]
fn a_list_may_be_larger_than_the_limit_for_answers() {
    let answer = users(5_000, &"x".repeat(100));
    assert!(answer.len() > 400_000);
    assert_eq!(list(&Server::always(200, answer), 20_000).unwrap(), 5_000);
}

#[test]
fn a_list_without_end_is_cut_off() {
    let server = Server::always(200, users(50_000, &"x".repeat(100)));
    let error = list(&server, 20_000).unwrap_err();
    assert!(matches!(error, Error::TooLarge { .. }), "{error:?}");
}

#[test]
fn one_piece_of_a_list_is_bounded_as_an_answer_is() {
    let server = Server::always(200, users(1, &"x".repeat(600_000)));
    let error = list(&server, 20_000).unwrap_err();
    assert!(matches!(error, Error::TooLarge { limit: 20_000, .. }), "{error:?}");
}

#[test]
fn an_empty_list() {
    assert_eq!(list(&Server::always(200, users(0, "")), 20_000).unwrap(), 0);
}

#[test]
fn a_list_that_breaks_off() {
    let mut bytes = Reply::bytes(200, &users(1_000, ""));
    bytes.truncate(20_000);
    let server = Server::start(move |_, _| Reply::Raw(bytes.clone(), After::Close));
    let error = list(&server, 1 << 20).unwrap_err();
    assert!(matches!(error, Error::Disconnected { .. }), "{error:?}");
    assert_eq!(server.requests().len(), 2, "reading a list again does no harm");
}

#[test]
fn a_list_that_is_refused() {
    let server = Server::always(500, fault("NoSuchContextException", "Context 10 does not exist"));
    assert!(list(&server, 1 << 20).unwrap_err().is_not_found());
    let error = list(&Server::always(502, "<html/>"), 1 << 20).unwrap_err();
    assert!(matches!(error, Error::Status { .. }), "{error:?}");
}

fn names(answer: String, limit: u64) -> Result<usize, Error> {
    let answer = answer.replace("listAllResponse", "getMultipleDataResponse");
    let server = Server::always(200, answer);
    let client = Client::builder(&server.url).answer_limit(limit).build().unwrap();
    let admin = Credentials::new("oxadmin", "adminpw");
    let asked: Vec<OxUserId> = (1..=3).map(OxUserId::new).collect();
    client.users(ContextId::new(10), &admin).names(&asked).map(|names| names.len())
}

/// What is skipped is not kept, so it does not count.
#[test]
fn names_are_taken_out_of_answers_that_are_larger_than_the_limit() {
    let one = |id: usize, name: &str, note: &str| {
        format!("<return><d:id>{id}</d:id><d:name>{name}</d:name><d:note>{note}</d:note></return>")
    };
    let answer = |name: &str, note: &str| {
        let all: String = (1..=100).map(|id| one(id, name, note)).collect();
        envelope(&format!(
            "<listAllResponse xmlns=\"http://soap.admin.openexchange.com\" \
             xmlns:d=\"http://dataobjects.soap.admin.openexchange.com/xsd\">{all}</listAllResponse>"
        ))
    };
    let long = "x".repeat(5_000);
    assert_eq!(names(answer("anna", &long), 20_000).unwrap(), 100);
    let error = names(answer(&long, ""), 20_000).unwrap_err();
    assert!(matches!(error, Error::TooLarge { limit: 20_000, .. }), "{error:?}");
}

/// A server that never stops adding to one object does not fill the memory.
#[test]
fn one_object_that_grows_without_end_is_cut_off() {
    let members = "<d:members>1</d:members>".repeat(20_000);
    let texts = format!("<d:name>{}</d:name>", "x".repeat(4_000)).repeat(20);
    for fields in [members, texts] {
        let server = Server::always(
            200,
            envelope(&format!(
                "<listAllResponse xmlns=\"http://soap.admin.openexchange.com\" \
                 xmlns:d=\"http://dataobjects.soap.admin.openexchange.com/xsd\"><return>{fields}</return>\
                 </listAllResponse>"
            )),
        );
        let client = Client::builder(&server.url).answer_limit(50_000).build().unwrap();
        let admin = Credentials::new("oxadmin", "adminpw");
        let groups = client.groups(ContextId::new(10), &admin);
        let error = groups.list_all().unwrap_err();
        assert!(matches!(error, Error::TooLarge { limit: 50_000, .. }), "{error:?}");
    }
}
