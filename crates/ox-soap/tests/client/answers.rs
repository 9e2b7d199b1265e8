//! Answers as servers of other versions and libraries write them.

use idspool_ox_soap::{
    Client, ContextId, Credentials, Error, FaultClass, User, UserField, UserKey, Value,
};

use crate::server::{Server, envelope};

fn get_data(body: &str) -> Result<User, Error> {
    let server = Server::always(200, body);
    let client = Client::builder(&server.url).build().unwrap();
    let admin = Credentials::new("oxadmin", "adminpw");
    client.users(ContextId::new(10), &admin).get_data(UserKey::name("anna"))
}

fn user(fields: &str) -> Result<User, Error> {
    get_data(&envelope(&format!(
        "<getDataResponse xmlns=\"http://soap.admin.openexchange.com\" \
         xmlns:ns2=\"http://dataobjects.soap.admin.openexchange.com/xsd\" xmlns:x=\"urn:x\" \
         xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\"><return>{fields}</return></getDataResponse>"
    )))
}

#[test]
fn the_servers_own_style() {
    let answer = "<?xml version='1.0' encoding='UTF-8'?>\n\
        <S:Envelope xmlns:S=\"http://schemas.xmlsoap.org/soap/envelope/\"><S:Header><x:a xmlns:x=\"urn:x\"/></S:Header><S:Body>\
        <getDataResponse xmlns=\"http://soap.admin.openexchange.com\" xmlns:ns4=\"http://dataobjects.rmi.admin.openexchange.com/xsd\">\
        <return><id xmlns=\"http://dataobjects.soap.admin.openexchange.com/xsd\">3</id>\
        <ns9:email3 xmlns:ns9=\"http://dataobjects.soap.admin.openexchange.com/xsd\" \
        xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xsi:nil=\"true\"/>\
        <ns9:name xmlns:ns9=\"http://dataobjects.soap.admin.openexchange.com/xsd\"><![CDATA[a<b]]>&#x20;&amp;&#99;</ns9:name>\
        </return></getDataResponse></S:Body></S:Envelope>\n";
    let user = get_data(answer).unwrap();
    assert_eq!(user.name(), Some("a<b &c"));
    assert_eq!(user.len(), 2);
}

#[test]
fn what_is_not_known_is_skipped() {
    let user = user(
        "<ns2:anything_new><ns2:name>inner</ns2:name></ns2:anything_new><x:name>other namespace</x:name>\
         <ns2:userAttributes><ns2:entries><ns2:key>k</ns2:key><ns2:value><ns2:entries><ns2:key>a</ns2:key>\
         <ns2:value>b</ns2:value></ns2:entries></ns2:value></ns2:entries></ns2:userAttributes>\
         <name>no data object</name><!-- comment --><?pi?><ns2:id>7</ns2:id>",
    )
    .unwrap();
    assert_eq!(user.id().map(|id| id.value()), Some(7));
    assert_eq!(user.len(), 1);
}

#[test]
fn order_does_not_matter() {
    let user = user("<ns2:sur_name>B</ns2:sur_name><ns2:aliases>x</ns2:aliases><ns2:id>7</ns2:id><ns2:aliases>y</ns2:aliases>")
        .unwrap();
    assert_eq!(user.list(UserField::Aliases), ["x", "y"]);
    assert_eq!(user.text(UserField::SurName), Some("B"));
}

#[test]
fn values_in_their_forms() {
    let user = user(
        "<ns2:birthday>1980-02-29+02:00</ns2:birthday><ns2:contextadmin>1</ns2:contextadmin>\
         <ns2:imapPort> 143 </ns2:imapPort><ns2:smtpPort/><ns2:maxQuota>-1</ns2:maxQuota>\
         <ns2:note> two\r\nlines </ns2:note><ns2:image1>/9j\n/4A==</ns2:image1>\
         <ns2:title xsi:nil=\"1\"/><ns2:email2></ns2:email2><ns2:email3 xsi:nil=\"false\">x</ns2:email3>",
    )
    .unwrap();
    use UserField as F;
    assert_eq!(user.text(F::Birthday), Some("1980-02-29"));
    assert_eq!(user.flag(F::Contextadmin), Some(true));
    assert_eq!(user.number(F::ImapPort), Some(143));
    assert_eq!(user.get(F::SmtpPort), None);
    assert_eq!(user.number(F::MaxQuota), Some(-1));
    assert_eq!(user.text(F::Note), Some(" two\nlines "));
    assert_eq!(user.get(F::Image1), Some(&Value::Bytes(vec![0xFF, 0xD8, 0xFF, 0xE0])));
    assert_eq!(user.get(F::Title), None);
    assert_eq!(user.text(F::Email2), Some(""));
    assert_eq!(user.text(F::Email3), Some("x"));
}

#[test]
fn a_password_in_an_answer_is_dropped() {
    let user = user("<ns2:name>anna</ns2:name><ns2:password>s3cret</ns2:password>").unwrap();
    assert_eq!(user.get(UserField::Password), None);
    assert_eq!(user.name(), Some("anna"));
    let own = User::new().with(UserField::Name, "anna").with(UserField::Password, "s3cret");
    assert!(!format!("{own:?}").contains("s3cret"));
}

#[test]
fn what_cannot_be_understood_is_said() {
    for (fields, reason) in [
        ("<ns2:imapPort>imap</ns2:imapPort>", "imapPort is not a number"),
        ("<ns2:imapPort>99999999999</ns2:imapPort>", "imapPort is not a number"),
        ("<ns2:contextadmin>maybe</ns2:contextadmin>", "contextadmin is not true or false"),
        ("<ns2:image1>*</ns2:image1>", "image1 is not base64"),
    ] {
        let error = user(fields).unwrap_err();
        assert!(matches!(error, Error::Unexpected { .. }), "{error:?}");
        assert_eq!(error.fault_class(), FaultClass::Ours);
        assert!(error.to_string().contains(reason), "{error}");
    }
}

#[test]
fn answers_to_something_else() {
    for (body, reason) in [
        ("<x/>", "expected getDataResponse, found x"),
        ("<changeResponse xmlns=\"http://soap.admin.openexchange.com\"/>", "found changeResponse"),
        ("<getDataResponse xmlns=\"http://soap.admin.openexchange.com\"/>", "no object"),
        (
            "<getDataResponse xmlns=\"http://soap.admin.openexchange.com\"><return/><return/></getDataResponse>",
            "several",
        ),
        ("", "no object"),
    ] {
        let error = get_data(&envelope(body)).unwrap_err();
        assert!(matches!(error, Error::Unexpected { .. }), "{error:?}");
        assert!(error.to_string().contains(reason), "{error}");
    }
    let bare = "<soap:Envelope xmlns:soap=\"http://schemas.xmlsoap.org/soap/envelope/\"/>";
    assert!(get_data(bare).unwrap_err().to_string().contains("without body"));
}

#[test]
fn documents_that_soap_forbids() {
    let bomb = "<?xml version=\"1.0\"?><!DOCTYPE lolz [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b \"&a;&a;&a;&a;\">]>\
                <soap:Envelope xmlns:soap=\"http://schemas.xmlsoap.org/soap/envelope/\"><soap:Body>&b;</soap:Body></soap:Envelope>";
    let external = "<!DOCTYPE x SYSTEM \"file:///etc/passwd\"><x/>";
    for document in [bomb, external] {
        let error = get_data(document).unwrap_err();
        assert!(error.to_string().contains("document type declaration"), "{error}");
    }
    let error = user("<ns2:name>&passwd;</ns2:name>").unwrap_err();
    assert!(error.to_string().contains("unknown entity"), "{error}");
    let deep = format!("{}{}", "<a>".repeat(100_000), "</a>".repeat(100_000));
    let error = get_data(&envelope(&deep)).unwrap_err();
    assert!(matches!(error, Error::Unexpected { .. } | Error::Malformed { .. }), "{error:?}");
    let deep = user(&format!("<ns2:note>{deep}</ns2:note>")).unwrap_err();
    assert!(deep.to_string().contains("deep"), "{deep}");
    let wide: String = (0..50_000).map(|n| format!(" xmlns:p{n}=\"urn:x\"")).collect();
    let error = user(&format!("<ns2:note{wide}/>")).unwrap_err();
    assert!(error.to_string().contains("attributes"), "{error}");
    for document in ["", " ", "OK", "{\"error\": 1}", "<html/>", "\u{0}\u{1}"] {
        let error = get_data(document).unwrap_err();
        assert!(matches!(error, Error::Malformed { .. }), "{document:?}: {error:?}");
    }
    let other_version =
        "<e:Envelope xmlns:e=\"http://www.w3.org/2003/05/soap-envelope\"><e:Body/></e:Envelope>";
    assert!(get_data(other_version).unwrap_err().to_string().contains("SOAP 1.1"));
}

#[test]
fn a_prefix_means_what_its_element_says() {
    let user = user(
        "<ns2:email2 xmlns:ns2=\"urn:x\">other<ns2:a/></ns2:email2><ns2:email3>x</ns2:email3>\
         <email1 xmlns=\"http://dataobjects.soap.admin.openexchange.com/xsd\">y</email1><name>z</name>\
         <ns2:note nil=\"true\">no prefix</ns2:note><ns2:url x:nil=\"true\">other prefix</ns2:url>\
         <n:title n:nil=\"true\" xmlns:n=\"http://www.w3.org/2001/XMLSchema-instance\"/>",
    )
    .unwrap();
    let found: Vec<_> = user.iter().map(|(field, _)| field).collect();
    use UserField as F;
    assert_eq!(found, [F::Email1, F::Email3, F::Note, F::Url]);
}
