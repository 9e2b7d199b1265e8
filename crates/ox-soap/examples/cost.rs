//! Processor time that one call costs apart from the network: writing the request of a user with
//! 100 fields, and reading an answer of 15 kB as OX writes it, with a namespace declaration on
//! every nil element.
//!
//! `cargo run --release -p idspool-ox-soap --example cost`

#![expect(clippy::print_stdout, reason = "it is there to print")]

use std::hint::black_box;
use std::time::{Duration, Instant};

use idspool_ox_soap::{Credentials, Field, FieldKind, User, UserField, Value, measure};

const ROUNDS: usize = 200;
const CALLS: u32 = 200;

fn main() {
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
    report("write request", || {
        black_box(measure::write_change(&mut request, black_box(&user), &admin));
    });
    report("read answer", || {
        black_box(measure::read_get_data(black_box(answer.as_bytes())));
    });
}

/// Prints the fastest and the middle round; others share the machine.
fn report(what: &str, mut call: impl FnMut()) {
    let mut rounds: Vec<Duration> = (0..ROUNDS)
        .map(|_| {
            let begin = Instant::now();
            (0..CALLS).for_each(|_| call());
            begin.elapsed() / CALLS
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
