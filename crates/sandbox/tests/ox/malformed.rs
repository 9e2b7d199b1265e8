//! Requests that do not fit the interface, and requests that are no requests at all.

use std::fs;
use std::path::Path;

use idspool_sandbox::ox::ContextSpec;

use crate::support::{ADMIN, CTX, Client, Fault, envelope, server, server_with};

/// Expects a fault without typed detail, and that nothing happened.
#[track_caller]
fn reject(client: &mut Client, body: &str, code: &str, text: &str) {
    let response = client.post("OXUserService", body.as_bytes()).unwrap();
    assert_eq!(response.status, 500, "{body}");
    let fault = Fault::read(&response.body);
    assert_eq!(fault.code, code, "{body}: {}", fault.text);
    assert_eq!(fault.detail, None, "{body}");
    assert!(fault.text.contains(text), "{body}: {}", fault.text);
}

#[test]
fn what_the_interface_does_not_know_is_refused() {
    let server = server();
    let mut client = Client::new(server.address());
    let change = |fields: &str| {
        envelope("change", &format!("{CTX}<s:usrdata><d:id>2</d:id>{fields}</s:usrdata>{ADMIN}"))
    };
    let unexpected = |name: &str, uri: &str| {
        format!(
            "Unexpected element \"{name}\" (URI=\"{uri}\"). Please remove that element from SOAP request."
        )
    };
    let d = "http://dataobjects.soap.admin.openexchange.com/xsd";
    let s = "http://soap.admin.openexchange.com";
    for (body, text) in [
        (change("<d:colour>red</d:colour>"), unexpected("colour", d)),
        (change("<s:title>Dr.</s:title>"), unexpected("title", s)),
        (change("<title>Dr.</title>"), unexpected("title", "")),
        (change("<d:Title>Dr.</d:Title>"), unexpected("Title", d)),
        (change("<d:title><b>Dr.</b></d:title>"), unexpected("b", "")),
        (
            change("<d:aliases>a@b</d:aliases>"),
            "Element \"aliases\" is out of order, it belongs before \"id\"".to_owned(),
        ),
        (change("<d:id>2</d:id>"), "Element \"id\" occurs more than once".to_owned()),
        (
            change("<d:uploadFileSizeLimit>many</d:uploadFileSizeLimit>"),
            "Invalid value in line 1 in row".to_owned(),
        ),
        (
            change("<d:uploadFileSizeLimit>2147483648</d:uploadFileSizeLimit>"),
            "Invalid value".to_owned(),
        ),
        (change("<d:uploadFileSizeLimit></d:uploadFileSizeLimit>"), "Invalid value".to_owned()),
        (change("<d:mailenabled>yes</d:mailenabled>"), "Invalid value".to_owned()),
        (change("<d:mailenabled/>"), "Invalid value".to_owned()),
        (change("<d:maxQuota>9223372036854775808</d:maxQuota>"), "Invalid value".to_owned()),
        (change("<d:image1>no base64!</d:image1>"), "Invalid value".to_owned()),
        (
            change("<d:title colour=\"red\">Dr.</d:title>"),
            "Unexpected attribute \"colour\"".to_owned(),
        ),
        (change("loose text"), "Unexpected text between elements".to_owned()),
        (
            envelope(
                "change",
                &format!("{CTX}<s:usrdata><d:birthday>29.2.1980</d:birthday></s:usrdata>{ADMIN}"),
            ),
            "Invalid value".to_owned(),
        ),
        (
            envelope("change", &format!("{CTX}<s:usrdata><d:birthday/></s:usrdata>{ADMIN}")),
            "Invalid value".to_owned(),
        ),
        (
            envelope("change", &format!("<s:usrdata/>{CTX}{ADMIN}")),
            "Element \"ctx\" is out of order".to_owned(),
        ),
        (envelope("change", &format!("{CTX}<s:user/>{ADMIN}")), unexpected("user", s)),
        (
            envelope("change", &format!("{CTX}{ADMIN}{ADMIN}")),
            "Element \"auth\" occurs more than once".to_owned(),
        ),
        (
            envelope("rename", ""),
            "Message part {http://soap.admin.openexchange.com}rename was not recognized."
                .to_owned(),
        ),
        (envelope("changeResponse", ""), "was not recognized".to_owned()),
        (
            envelope("change", "").replace(s, "urn:other"),
            "Message part {urn:other}change was not recognized.".to_owned(),
        ),
    ] {
        reject(&mut client, &body, "soap:Client", &text);
    }
    let xsi = |attributes: &str| {
        change(&format!(
            "<d:title xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xmlns:x=\"http://www.w3.org/2001/XMLSchema\" {attributes}"
        ))
    };
    for (attributes, is_fine) in [
        ("xsi:nil=\"true\"/>", true),
        ("xsi:nil=\"1\"></d:title>", true),
        ("xsi:nil=\"false\">Dr.</d:title>", true),
        ("xsi:nil=\"true\">Dr.</d:title>", false),
        ("xsi:nil=\"maybe\"/>", false),
        ("xsi:type=\"x:string\">Dr.</d:title>", true),
        ("xsi:type=\"x:int\">1</d:title>", false),
        ("xsi:type=\"d:User\">1</d:title>", false),
        ("xsi:type=\"y:string\">1</d:title>", false),
    ] {
        let response = client.post("OXUserService", xsi(attributes).as_bytes()).unwrap();
        assert_eq!(
            response.status,
            if is_fine { 200 } else { 500 },
            "{attributes}: {}",
            response.body
        );
    }
    // Neither flags nor ports are nillable.
    let nil = "xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xsi:nil=\"true\"";
    reject(&mut client, &change(&format!("<d:imapPort {nil}/>")), "soap:Client", "Invalid value");
    let nil_before = format!("{CTX}<s:usrdata><d:contextadmin {nil}/></s:usrdata>{ADMIN}");
    reject(&mut client, &envelope("change", &nil_before), "soap:Client", "Invalid value");
}

#[test]
fn clients_may_write_the_same_request_in_many_ways() {
    let server = server();
    let mut client = Client::new(server.address());
    let plain =
        envelope("exists", &format!("{CTX}<s:user><d:name>a&amp;b</d:name></s:user>{ADMIN}"));
    let variants = [
        plain.clone(),
        format!("<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<!-- hello -->{plain}\n"),
        format!("<?xml version='1.0'?>{plain}"),
        format!("\u{feff}{plain}"),
        plain.replace("<soap:Body>", "<soap:Header><x:a xmlns:x=\"urn:x\"><x:b/>text</x:a></soap:Header><soap:Body>"),
        plain.replace("<soap:Body>", "\n <soap:Body id=\"b\">\n"),
        plain.replace("a&amp;b", "<![CDATA[a&b]]>"),
        plain.replace("a&amp;b", "&#97;&#x26;<!-- c -->b"),
        plain.replace("<d:name>", "<n:name xmlns:n=\"http://dataobjects.soap.admin.openexchange.com/xsd\">").replace("</d:name>", "</n:name>"),
        plain.replace("<d:id>10</d:id>", "<d:id> +10\n</d:id>"),
        // As zeep does it: the type, with a prefix of its own.
        plain.replace("<s:ctx>", "<s:ctx xmlns:ns0=\"http://dataobjects.soap.admin.openexchange.com/xsd\" xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xsi:type=\"ns0:Context\">"),
    ];
    for variant in variants {
        let response = client.post("OXUserService", variant.as_bytes()).unwrap();
        assert_eq!(response.status, 200, "{variant}: {}", response.body);
    }
    let names: Vec<_> = server.calls(0).into_iter().map(|call| call.object).collect();
    assert!(names.iter().all(|name| name == "a&b"), "{names:?}");
}

#[test]
fn what_is_no_soap_11_request_is_refused() {
    let server = server();
    let mut client = Client::new(server.address());
    let good = envelope("exists", &format!("{CTX}<s:user><d:id>2</d:id></s:user>{ADMIN}"));
    let soap11 = "http://schemas.xmlsoap.org/soap/envelope/";
    let soap12 = "http://www.w3.org/2003/05/soap-envelope";
    reject(&mut client, &good.replace(soap11, soap12), "soap:VersionMismatch", "SOAP 1.2");
    reject(&mut client, &good.replace(soap11, "urn:soap"), "soap:VersionMismatch", "urn:soap");
    let must =
        "<soap:Header><x:a xmlns:x=\"urn:x\" soap:mustUnderstand=\"1\"/></soap:Header><soap:Body>";
    reject(&mut client, &good.replace("<soap:Body>", must), "soap:MustUnderstand", "[a]");
    let deep = format!(
        "<soap:Header>{}{}</soap:Header><soap:Body>",
        "<a>".repeat(1000),
        "</a>".repeat(1000)
    );
    let body_only =
        good.replace("<soap:Envelope ", "<soap:Body ").replace("</soap:Envelope>", "</soap:Body>");
    let cut = &good[..good.len() - 20];
    for (body, text) in [
        ("", "unexpected end"),
        ("   ", "unexpected end"),
        ("hello", "Unexpected text"),
        ("{\"json\": true}", "Unexpected text"),
        (cut, "Error reading XMLStreamReader"),
        (&body_only, "Unexpected element \"Body\""),
        (
            &good.replace("<soap:Body>", "<soap:Body><!-- -->").replace("exists>", "exists"),
            "was not recognized",
        ),
        (&good.replace("<soap:Body>", &deep), "nested too deeply"),
        (&good.replace("</s:exists>", "</s:exists><s:exists/>"), "Unexpected element \"exists\""),
        (&good.replace("</soap:Body>", "</soap:Body><soap:Body/>"), "Unexpected element \"Body\""),
        (
            &good.replace("<s:user>", &format!("<s:user {}>", "xmlns:a=\"urn:a\" ".repeat(1000))),
            "start tag too long",
        ),
        (&format!("{good}<more/>"), "after the Envelope"),
        (&format!("{good}more"), "after the Envelope"),
        (&format!("<!DOCTYPE x [<!ENTITY a \"b\">]>{good}"), "DTD is not allowed"),
        (&good.replace("<d:id>2<", "<d:id>&two;<"), "Undeclared general entity \"two\""),
        (&good.replace("<d:id>2<", "<d:id>&#0;<"), "Error reading"),
        (&good.replace("<d:id>2</d:id>", "<d:name>&#7;</d:name>"), "Illegal character entity"),
        (&good.replace("<d:id>2</d:id>", "<d:name>\u{7}</d:name>"), "Illegal character"),
        (
            &good.replace("<d:id>2</d:id>", "<q:name>x</q:name>"),
            "Undeclared namespace prefix \"q\"",
        ),
        (&good.replace("</s:user>", "</s:usr>"), "Error reading"),
        (
            &format!("<?xml version=\"1.0\" encoding=\"iso-8859-1\"?>{good}"),
            "encoding other than UTF-8",
        ),
        (&format!(" <?xml version=\"1.0\"?>{good}"), "misplaced declaration"),
    ] {
        reject(&mut client, body, "soap:Client", text);
    }
    let empty_body =
        good.split("<s:exists>").next().unwrap().to_owned() + "</soap:Body></soap:Envelope>";
    reject(&mut client, &empty_body, "soap:Client", "the Body is empty");
    let response = client.post("OXUserService", b"<a>\xff</a>").unwrap();
    assert!(response.body.contains("Invalid UTF-8"), "{}", response.body);
    // The server is as well as before.
    assert_eq!(client.post("OXUserService", good.as_bytes()).unwrap().status, 200);
}

/// Every published request, mutated in many ways; the seed is fixed, so that a failure repeats.
#[test]
fn mutated_requests_never_break_the_server() {
    let server = server_with(|options| {
        options.contexts = vec!["10:oxadmin:adminpw".parse().unwrap(), ContextSpec::new(11)];
    });
    let mut client = Client::new(server.address());
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/examples");
    let mut requests: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.to_str().unwrap().ends_with(".request.xml"))
        .collect();
    requests.sort();
    assert_eq!(requests.len(), 37);
    let mut seed = 0x9e37_79b9_7f4a_7c15_u64;
    let mut random = |bound: usize| {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        usize::try_from(seed % u64::try_from(bound).unwrap()).unwrap()
    };
    let pieces: [&[u8]; 12] = [
        b"<",
        b">",
        b"/>",
        b"&",
        b"&#x1F600;",
        b"\"",
        b"<!--",
        b"]]>",
        b"\0",
        b"\xc3",
        b"xmlns=\"\"",
        b"<d:id>2</d:id>",
    ];
    // Done, refused by a rule, refused as unreadable.
    let mut counts = [0; 3];
    for request in &requests {
        let name = request.file_name().unwrap().to_str().unwrap();
        let service = name.split('-').nth(1).unwrap().to_owned();
        let original = fs::read(request).unwrap();
        server.reset();
        for number in ["10", "23", "30"] {
            let setup = requests
                .iter()
                .find(|path| path.file_name().unwrap().to_str().unwrap().starts_with(number));
            let setup = setup.unwrap();
            let service =
                setup.file_name().unwrap().to_str().unwrap().split('-').nth(1).unwrap().to_owned();
            let response = client.post(&service, &fs::read(setup).unwrap()).unwrap();
            assert_eq!(response.status, 200, "{}", response.body);
        }
        for _ in 0..60 {
            let mut body = original.clone();
            for _ in 0..=random(3) {
                let at = random(body.len());
                match random(4) {
                    0 => {
                        let end = (at + random(40)).min(body.len());
                        body.drain(at..end);
                    }
                    1 => body[at] = b' ' + u8::try_from(random(95)).unwrap(),
                    2 => {
                        let piece = pieces[random(pieces.len())];
                        body.splice(at..at, piece.iter().copied());
                    }
                    _ => {
                        let end = (at + random(200)).min(body.len());
                        let copy = body[at..end].to_vec();
                        body.splice(at..at, copy);
                    }
                }
                if body.is_empty() {
                    break;
                }
            }
            let response = client
                .post(&service, &body)
                .unwrap_or_else(|| panic!("no answer to {}", String::from_utf8_lossy(&body)));
            match response.status {
                200 => counts[0] += 1,
                500 if Fault::read(&response.body).detail.is_some() => counts[1] += 1,
                500 => counts[2] += 1,
                other => panic!("{other} to {}", String::from_utf8_lossy(&body)),
            }
        }
    }
    // Mutations hit something that matters, and not always.
    assert!(counts.iter().all(|count| *count > 20), "{counts:?}");
}
