//! Processor time that requests cost on this side, beside the same requests of the bare HTTP library.
//!
//! `cargo run --release -p idspool-kelvin-client --example bench_kelvin`

#![expect(clippy::print_stdout, reason = "it is there to print")]

use std::error::Error;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};

use idspool_kelvin_client::{Client, Credentials, Identity};
use serde_json::{Value, json};
use ureq::Agent;

const ROUNDS: usize = 15;
const CALLS: u64 = 1_000;

fn main() -> Result<(), Box<dyn Error>> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let base = format!("http://{}/ucsschool/kelvin/v1/", listener.local_addr()?);
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            std::thread::spawn(move || serve(&stream));
        }
    });
    let client = Client::builder(&base, Credentials::new("connector", "secret")).build()?;
    let anna = Identity { record_uid: "4711".into(), source_uid: "LAND".into() };
    let change = json!({
        "firstname": "Anna", "lastname": "Müller", "school": "DEMOSCHOOL", "schools": ["DEMOSCHOOL"],
        "school_classes": {"DEMOSCHOOL": ["7a"]}, "udm_properties": {"phone": ["+49 421 1"]},
    });
    let change = change.as_object().cloned().unwrap_or_default();
    let body = serde_json::to_vec(&change)?;
    report("look-up by identity", || Ok(client.users(&anna).map(drop)?))?;
    report("change of a user", || Ok(client.change_user("anna", &change).map(drop)?))?;
    let agent = Agent::new_with_defaults();
    let look_up = format!("{base}users/?record_uid=4711&source_uid=LAND");
    let one = format!("{base}users/anna");
    report("the same with ureq alone: GET", || {
        Ok(agent.get(&look_up).call()?.body_mut().read_to_string().map(drop)?)
    })?;
    report("                          PATCH", || {
        Ok(agent.patch(&one).send(&body)?.body_mut().read_to_string().map(drop)?)
    })?;
    report("ureq and a JSON value:    GET", || {
        let text = agent.get(&look_up).call()?.body_mut().read_to_vec()?;
        Ok(serde_json::from_slice::<Value>(&text).map(drop)?)
    })?;
    let list = listed();
    println!("list of {LISTED} users: {} bytes", list.len());
    let mut count = 0;
    let before = thread_time()?;
    client.each_user_of("DEMOSCHOOL", &mut |_| {
        count += 1;
        true
    })?;
    println!("{count} users of it: {} ms", (thread_time()? - before) / 1_000_000);
    Ok(())
}

/// Prints the fastest and the middle round, in microseconds of processor time per call.
fn report(
    what: &str,
    mut call: impl FnMut() -> Result<(), Box<dyn Error>>,
) -> Result<(), Box<dyn Error>> {
    let mut rounds = Vec::new();
    for _ in 0..ROUNDS {
        let before = thread_time()?;
        for _ in 0..CALLS {
            call()?;
        }
        rounds.push((thread_time()? - before) / CALLS);
    }
    rounds.sort_unstable();
    let micro = |place: usize| rounds.get(place).map_or(0, |nanoseconds| nanoseconds / 1000);
    println!("{what}: {} µs, median {} µs", micro(0), micro(ROUNDS / 2));
    Ok(())
}

/// Nanoseconds that this thread was running.
fn thread_time() -> Result<u64, Box<dyn Error>> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat")?;
    Ok(text.split_whitespace().next().unwrap_or_default().parse()?)
}

const LISTED: usize = 20_000;

fn user() -> Value {
    json!({
        "dn": "uid=anna,cn=schueler,cn=users,ou=DEMOSCHOOL,dc=school,dc=test",
        "url": "https://kelvin.example/ucsschool/kelvin/v1/users/anna",
        "ucsschool_roles": ["student:school:DEMOSCHOOL"],
        "udm_properties": {"title": null, "displayName": "Anna Müller", "phone": ["+49 421 1"],
            "e-mail": ["anna.m@example.com"]},
        "name": "anna", "school": "https://kelvin.example/ucsschool/kelvin/v1/schools/DEMOSCHOOL",
        "firstname": "Anna", "lastname": "Müller", "birthday": "2010-02-03", "disabled": false,
        "email": "anna.m@example.com", "expiration_date": "2031-07-31", "record_uid": "4711",
        "roles": ["https://kelvin.example/ucsschool/kelvin/v1/roles/student"],
        "schools": ["https://kelvin.example/ucsschool/kelvin/v1/schools/DEMOSCHOOL"],
        "school_classes": {"DEMOSCHOOL": ["7a"]}, "workgroups": {}, "source_uid": "LAND",
        "legal_guardians": [], "legal_wards": [],
    })
}

fn listed() -> String {
    let users = vec![user().to_string(); LISTED];
    format!("[{}]", users.join(","))
}

/// Answers the requests of a connection, each with what its path wants.
fn serve(stream: &TcpStream) {
    let (one, many) = (user().to_string(), format!("[{}]", user()));
    let mut source = BufReader::new(stream);
    let mut line = String::new();
    loop {
        line.clear();
        match source.read_line(&mut line) {
            Ok(count) if count > 0 => {}
            _ => return,
        }
        let answer = if line.contains("/token") {
            json!({"access_token": "e30.e30.e30"}).to_string()
        } else if line.contains("?school=") {
            listed()
        } else if line.contains('?') {
            many.clone()
        } else {
            one.clone()
        };
        let mut length = 0;
        while source.read_line(&mut line).is_ok_and(|count| count > 2) {
            let header = line.rsplit("\r\n").nth(1).unwrap_or_default().to_lowercase();
            if let Some(value) = header.strip_prefix("content-length: ") {
                length = value.parse().unwrap_or(0);
            }
        }
        let _ = std::io::copy(&mut source.by_ref().take(length), &mut std::io::sink());
        let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", answer.len());
        let mut sink = stream;
        if sink.write_all((head + &answer).as_bytes()).is_err() {
            return;
        }
    }
}
