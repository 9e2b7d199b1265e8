//! OX and the way to it.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;

use idspool_tests::{Certificates, free_port};
use serde_json::{Value, json};

use crate::world::{World, user, with};

fn world_with_anna(sandbox_arguments: &[&str]) -> World {
    let world = World::new(sandbox_arguments);
    world.enqueue(1, "anna", "users/user", user("anna"));
    world
}

#[test]
fn a_host_without_an_address() {
    let world = world_with_anna(&[]);
    world.configure(world.sandbox.url(), "http://no-such-host.invalid");
    let fault = world.stops("ox-host", "no address found for");
    assert_eq!(fault["class"], "transient");
    assert!(fault["steps"].to_string().contains("getent hosts no-such-host.invalid"), "{fault}");
}

#[test]
fn a_server_that_is_down() {
    let world = world_with_anna(&[]);
    let nobody = format!("http://127.0.0.1:{}", free_port().unwrap());
    world.configure(world.sandbox.url(), &nobody);
    let fault = world.stops("ox-unreachable", "no connection to");
    assert_eq!((&fault["class"], &fault["running"]), (&json!("transient"), &json!(false)));
}

#[test]
fn a_certificate_that_is_not_known_here_until_it_is_copied() {
    let folder = tempfile::tempdir().unwrap();
    let certificates = Certificates::create(&folder.path().join("pki")).unwrap();
    let (certificate, key) = (certificates.server(), certificates.server_key());
    let tls = ["--tls-cert", certificate.to_str().unwrap(), "--tls-key", key.to_str().unwrap()];
    let world = world_with_anna(&tls);
    let fault = world.stops("certificate", "no trusted connection to");
    let step = fault["steps"][1].as_str().unwrap();
    let place = world.data().join("conf/ca-certificates");
    assert!(step.contains(&format!("cp ca.pem {}", place.display())), "{step}");
    fs::create_dir_all(&place).unwrap();
    fs::copy(certificates.authority(), place.join("ca.pem")).unwrap();
    world.provision();
}

#[test]
fn a_call_without_an_answer() {
    world_with_anna(&["--fail", "exists:*:close"])
        .stops("ox-no-answer", "without a complete answer");
    let slow = world_with_anna(&["--latency", "5000"]);
    slow.configure("[ox]\n", "[ox]\ncall_timeout = 1\n");
    slow.stops("ox-no-answer", "no complete answer of");
}

#[test]
fn an_answer_of_something_else() {
    world_with_anna(&["--fail", "exists:*:http502"]).stops("proxy", "without SOAP");
    let login_page = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", login_page.local_addr().unwrap());
    std::thread::spawn(move || {
        for connection in login_page.incoming() {
            let mut connection = BufReader::new(connection.unwrap());
            let mut length = 0;
            for line in connection.by_ref().lines().map_while(Result::ok) {
                if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                    length = value.trim().parse().unwrap();
                }
                if line.is_empty() {
                    break;
                }
            }
            connection.read_exact(&mut vec![0; length]).unwrap();
            let page = "<html><body>Please log in</body></html>";
            let answer = format!(
                "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: {}\r\n\
                 Connection: close\r\n\r\n{page}",
                page.len()
            );
            connection.get_mut().write_all(answer.as_bytes()).unwrap();
        }
    });
    let world = world_with_anna(&[]);
    world.configure(world.sandbox.url(), &url);
    world.stops("proxy", "is not SOAP");
}

#[test]
fn trouble_inside_ox() {
    for kind in ["storage", "remote", "database-update"] {
        let world = world_with_anna(&["--fail", &format!("exists:*:{kind}")]);
        let fault = world.stops("ox-trouble", "OXUserService.exists");
        assert_eq!(fault["class"], "transient");
    }
}

#[test]
fn no_master_password() {
    let world = World::new(&[]);
    world.configure("master_password_file = 'secrets/ox-master'\n", "");
    world.enqueue(1, "c-11", "oxmail/oxcontext", json!({"name": "eleven", "contextid": 11}));
    world.stops("master-missing", "has no entry 'master'");
}

#[test]
fn a_wrong_master_password() {
    let world = World::new(&[]);
    world.idspool.secret("ox-master", "wr0ng-one").unwrap();
    world.enqueue(1, "c-11", "oxmail/oxcontext", json!({"name": "eleven", "contextid": 11}));
    let fault = world.stops("master-credentials", "InvalidCredentials");
    assert!(!fault.to_string().contains("wr0ng-one"), "{fault}");
    world.idspool.secret("ox-master", idspool_tests::Sandbox::MASTER_PASSWORD).unwrap();
    world.provision();
}

#[test]
fn a_wrong_password_of_a_context() {
    let world = world_with_anna(&[]);
    world.credentials(&json!({"10": {"adminuser": "oxadmin", "adminpass": "wr0ng-one"}}));
    let fault = world.stops("context-credentials", "InvalidCredentials");
    assert!(!fault.to_string().contains("wr0ng-one"), "{fault}");
    world.credentials(&json!({"10": {"adminuser": "oxadmin", "adminpass": "secret"}}));
    world.provision();
}

/// Manual 6.6.
#[test]
fn display_names_that_occur_twice() {
    let world = world_with_anna(&["--unique-display-names"]);
    let berta = with(user("berta"), "oxDisplayName", "Given anna");
    let item = world.enqueue(2, "berta", "users/user", berta);
    let fault = world.stops("display-name", "The displayname is already used");
    let steps = fault["steps"].to_string();
    for step in [
        "com.openexchange.user.enforceUniqueDisplayName=false",
        "com.openexchange.folderstorage.database.preferDisplayName=false",
        &format!("idspool queue remove {}", item.display()),
    ] {
        assert!(steps.contains(step), "{steps}");
    }
}

#[test]
fn an_address_that_is_taken() {
    let world = world_with_anna(&[]);
    let berta = with(user("berta"), "mailPrimaryAddress", "anna@example.org");
    world.enqueue(2, "berta", "users/user", berta);
    world.stops("taken", "already exists in");
}

#[test]
fn an_account_of_another_object() {
    let world = world_with_anna(&[]);
    world.provision();
    // The name is free in the directory, but who gave it up was not reported.
    world.enqueue(2, "anna-2", "users/user", user("anna"));
    let fault = world.stops("owned", "it is not handed over to another object");
    assert!(fault["steps"].to_string().contains("its item goes before this one"), "{fault}");
    world.enqueue(3, "anna", "users/user", user("anne"));
    world.provision();
    let id = |object: &str| {
        let snapshot = fs::read(world.snapshot_path(object)).unwrap();
        serde_json::from_slice::<Value>(&snapshot).unwrap()["object"]["oxDbId"].clone()
    };
    assert_ne!(id("anna"), id("anna-2"));
}

#[test]
fn a_change_that_ox_forbids() {
    let world = world_with_anna(&["--username-unchangeable"]);
    world.provision();
    world.enqueue(2, "anna", "users/user", user("anne"));
    let fault = world.stops("ox-refuses", "Changing username is disabled");
    assert_eq!((&fault["class"], &fault["change"]), (&json!("permanent"), &json!("modify")));
}

#[test]
fn a_context_that_is_gone() {
    let world = World::new(&[]);
    let context = |name: &str| json!({"name": name, "contextid": 10, "oxQuota": 5});
    world.enqueue(1, "c-10", "oxmail/oxcontext", context("context10"));
    world.provision();
    let envelope = format!(
        "<soapenv:Envelope xmlns:soapenv=\"http://schemas.xmlsoap.org/soap/envelope/\" \
         xmlns:soap=\"http://soap.admin.openexchange.com\" \
         xmlns:xsd=\"http://dataobjects.soap.admin.openexchange.com/xsd\" \
         xmlns:rmi=\"http://dataobjects.rmi.admin.openexchange.com/xsd\"><soapenv:Body>\
         <soap:delete><soap:ctx><xsd:id>10</xsd:id></soap:ctx><soap:auth><rmi:login>oxadminmaster</rmi:login>\
         <rmi:password>{}</rmi:password></soap:auth></soap:delete></soapenv:Body></soapenv:Envelope>",
        idspool_tests::Sandbox::MASTER_PASSWORD
    );
    assert_eq!(world.sandbox.soap("OXContextService", &envelope).unwrap(), 200);
    world.enqueue(2, "c-10", "oxmail/oxcontext", context("other"));
    world.stops("context-missing", "NoSuchContext");
}
