//! Processor time that one call costs apart from the network: writing the request of a user with
//! 100 fields, and reading an answer of 12 kB as OX writes it, with a namespace declaration on
//! every nil element; and the same for a group of 20,000 members.
//!
//! `cargo run --release -p idspool-ox-soap --example bench_soap`

#![expect(clippy::print_stdout, reason = "it is there to print")]

use std::hint::black_box;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::time::{Duration, Instant};

use idspool_ox_soap::{
    Client, ContextId, Credentials, Field, FieldKind, Group, GroupField, User, UserField, UserKey,
    Value, measure,
};

const ROUNDS: usize = 200;
const CALLS: u32 = 200;
const MEMBERS: i32 = 20_000;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let user = user();
    let answer = answer(&user);
    let admin = Credentials::new("oxadmin", "secret");
    let mut request = String::new();
    assert!(measure::write_change(&mut request, &user, &admin), "the user can be sent");
    println!("fields set: {}", user.len());
    println!("request:    {} bytes", request.len());
    println!("answer:     {} bytes", answer.len());
    let read = measure::read_get_data(answer.as_bytes()).map(|user| user.len());
    println!("read:       {read:?} fields");
    report("write request", CALLS, || {
        black_box(measure::write_change(&mut request, black_box(&user), &admin));
    });
    report("read answer", CALLS, || {
        black_box(measure::read_get_data(black_box(answer.as_bytes())));
    });
    groups(&admin);
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let client = Client::builder(format!("http://{}", listener.local_addr()?)).build()?;
    std::thread::spawn(move || serve(&listener, &answer));
    let users = client.users(ContextId::new(10), &admin);
    users.get_data(UserKey::name("anna"))?;
    report("whole call with its server", CALLS, || {
        let _ = black_box(users.get_data(UserKey::name("anna")));
    });
    Ok(())
}

/// A group whose members are many: one element for each, sent and read.
fn groups(admin: &Credentials) {
    let members: Vec<i32> = (1..=MEMBERS).map(|member| 100_000 + member).collect();
    let group = Group::new()
        .with(GroupField::Displayname, "All of the house")
        .with(GroupField::Id, 4)
        .with(GroupField::Members, members)
        .with(GroupField::Name, "all");
    let mut request = String::new();
    assert!(measure::write_group(&mut request, &group, admin), "the group can be sent");
    let answer = request.replace("s:change", "s:getDataResponse").replace("s:grp", "s:return");
    let read = measure::read_group(answer.as_bytes());
    assert_eq!(read.as_ref(), Some(&group), "what is sent is what is read");
    println!("group of {MEMBERS} members: {} bytes", request.len());
    report("write group", 20, || {
        black_box(measure::write_group(&mut request, black_box(&group), admin));
    });
    report("read group", 20, || {
        black_box(measure::read_group(black_box(answer.as_bytes())));
    });
}

/// Answers every request with the same, one connection at a time.
fn serve(listener: &TcpListener, answer: &str) {
    let length = answer.len();
    let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n{answer}");
    for mut stream in listener.incoming().flatten() {
        let (mut request, mut space) = (Vec::new(), vec![0; 64 << 10]);
        while let Ok(count @ 1..) = stream.read(&mut space) {
            request.extend(space.iter().take(count));
            if request.ends_with(b"</soap:Envelope>") {
                request.clear();
                if stream.write_all(answer.as_bytes()).is_err() {
                    break;
                }
            }
        }
    }
}

/// Prints the fastest and the middle round; others share the machine.
fn report(what: &str, calls: u32, mut call: impl FnMut()) {
    let mut rounds: Vec<Duration> = (0..ROUNDS)
        .map(|_| {
            let begin = Instant::now();
            (0..calls).for_each(|_| call());
            begin.elapsed() / calls
        })
        .collect();
    rounds.sort();
    let (fastest, middle) = (rounds.first(), rounds.get(ROUNDS / 2));
    println!("{what}: fastest {fastest:?}, median {middle:?}");
}

fn user() -> User {
    let mut user = User::new();
    for (place, field) in UserField::ALL.iter().enumerate() {
        if user.len() == 100 {
            break;
        }
        let value: Value = match field.kind() {
            FieldKind::Text => format!("value & text of field {place}").into(),
            FieldKind::Bool => true.into(),
            FieldKind::Int | FieldKind::Long => 143.into(),
            FieldKind::Date => "1980-02-29".into(),
            FieldKind::List => vec!["anna@example.org", "a.b@example.org"].into(),
            FieldKind::Bytes | FieldKind::Ids | FieldKind::Nested => continue,
        };
        user.set(*field, value);
    }
    user
}

fn answer(user: &User) -> String {
    let mut fields = String::new();
    for (place, field) in UserField::ALL.iter().enumerate() {
        let name = field.as_str();
        match user.get(*field) {
            // A user in the field has some 30 values.
            Some(Value::Text(text)) if place % 3 == 0 => {
                let text = text.replace('&', "&amp;");
                fields.push_str(&format!("<ns2:{name}>{text}</ns2:{name}>"));
            }
            _ => fields.push_str(&format!(
                "<ns2:{name} xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xsi:nil=\"true\"/>"
            )),
        }
    }
    format!(
        "<soap:Envelope xmlns:soap=\"http://schemas.xmlsoap.org/soap/envelope/\"><soap:Body>\
         <getDataResponse xmlns=\"http://soap.admin.openexchange.com\" \
         xmlns:ns2=\"http://dataobjects.soap.admin.openexchange.com/xsd\"><return>{fields}</return>\
         </getDataResponse></soap:Body></soap:Envelope>"
    )
}
