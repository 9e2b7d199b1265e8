//! Answers and values nobody foresaw: nothing may panic, and what is sent comes back as it was.

use proptest::prelude::*;

use crate::answer::{self, Answer, IdOnly};
use crate::context::Context;
use crate::credentials::Credentials;
use crate::envelope::Envelope;
use crate::error::ValueProblem;
use crate::group::Group;
use crate::measure;
use crate::object::Field as _;
use crate::object::FieldKind;
use crate::service::{Operation, operation};
use crate::user::{User, UserField};
use crate::value::Value;
use crate::xml::XmlError;

const GET_DATA: &Operation = &operation!(User, "getData", reads);
const ANSWERS: [&str; 4] = [
    include_str!("../tests/data/examples/OXUserService.getData.response.xml"),
    include_str!("../tests/data/examples/OXUserService.getData.fault.response.xml"),
    include_str!("../tests/data/examples/OXContextService.getData.response.xml"),
    DEPUTIES,
];

/// Named as the answer of the operation that all of these are read for.
const DEPUTIES: &str = "<e:Envelope xmlns:e=\"http://schemas.xmlsoap.org/soap/envelope/\"><e:Body>\
    <getDataResponse xmlns=\"http://soap.admin.openexchange.com\" \
    xmlns:d=\"http://dataobjects.soap.admin.openexchange.com/xsd\"><return><d:deputyId>x</d:deputyId>\
    <d:grantorId>3</d:grantorId><d:userId>4</d:userId><d:sendOnBehalfOf>true</d:sendOnBehalfOf>\
    <d:modulePermissions><d:moduleId>mail</d:moduleId><d:admin>0</d:admin>\
    <d:folderPermission>2</d:folderPermission></d:modulePermissions>\
    </return></getDataResponse></e:Body></e:Envelope>";

fn read_all(bytes: &[u8]) {
    let _ = answer::read::<User, _>(bytes, GET_DATA);
    let _ = answer::read::<Context, _>(bytes, GET_DATA);
    let _ = answer::read::<Group, _>(bytes, GET_DATA);
    let _ = answer::read::<IdOnly, _>(bytes, GET_DATA);
    let _ = answer::read::<crate::UserName, _>(bytes, GET_DATA);
    let _ = answer::read::<crate::Resource, _>(bytes, GET_DATA);
    let _ = answer::read::<crate::Account, _>(bytes, GET_DATA);
    let _ = answer::read::<crate::GrantedDeputy, _>(bytes, GET_DATA);
    let _ = answer::read::<String, _>(bytes, GET_DATA);
    let _ = answer::read::<bool, _>(bytes, GET_DATA);
    let _ = answer::read::<crate::ModuleAccess, _>(bytes, GET_DATA);
}

/// Pieces of XML that parsers stumble over.
fn fragment() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        prop::sample::select(vec![
            "<",
            ">",
            "&",
            "&#x",
            "&#0;",
            "&#x110000;",
            "&lt;",
            "&unknown;",
            "<![CDATA[",
            "]]>",
            "<!--",
            "-->",
            "<?xml version=\"1.0\"?>",
            "<!DOCTYPE a [",
            "</",
            "/>",
            " xsi:nil=\"true\"",
            " xmlns:d=\"\"",
            " xmlns:xml=\"urn:x\"",
            "=\"",
            "\u{FEFF}",
            "\0",
            "<soap:Body>",
            "<s:return>",
            "<d:id>",
        ])
        .prop_map(|text| text.as_bytes().to_vec()),
        prop::collection::vec(any::<u8>(), 0..8),
    ]
}

/// Text of characters that are likely to be treated wrongly.
fn text() -> impl Strategy<Value = String> {
    let character = prop_oneof![
        prop::sample::select(
            "<>&\"'\r\n\t ]-\0\u{b}\u{1f}\u{7f}\u{85}\u{2028}\u{fffd}\u{fffe}\u{ffff}ä日😀"
                .chars()
                .collect::<Vec<_>>()
        ),
        any::<char>(),
    ];
    prop::collection::vec(character, 0..12).prop_map(String::from_iter)
}

fn is_xml(text: &str) -> bool {
    text.chars().all(|c| {
        matches!(c, '\t' | '\n' | '\r' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
    })
}

proptest! {
    #[test]
    fn any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        read_all(&bytes);
    }

    #[test]
    fn any_pieces(pieces in prop::collection::vec(fragment(), 0..40)) {
        read_all(&pieces.concat());
    }

    #[test]
    fn damaged_answers(
        which in 0..ANSWERS.len(),
        damages in prop::collection::vec(
            (any::<prop::sample::Index>(), 0_usize..40, fragment()),
            1..6,
        ),
    ) {
        let mut bytes = ANSWERS[which].as_bytes().to_vec();
        for (at, removed, inserted) in damages {
            let at = at.index(bytes.len() + 1);
            let end = (at + removed).min(bytes.len());
            bytes.splice(at..end, inserted);
        }
        read_all(&bytes);
    }

    /// An answer that is cut off is never taken for a whole one.
    #[test]
    fn cut_answers(which in 0..ANSWERS.len(), at in any::<prop::sample::Index>()) {
        let whole = ANSWERS[which].trim_end().as_bytes();
        let cut = &whole[..at.index(whole.len())];
        let result = answer::read::<User, _>(cut, GET_DATA);
        let is_refused = matches!(result, Err(XmlError::Truncated | XmlError::Malformed(_)));
        prop_assert!(is_refused, "{result:?}");
    }

    /// What a field is set to arrives, or is refused with the place of the first character that
    /// cannot be sent.
    #[test]
    fn texts_arrive(texts in prop::collection::vec(text(), 1..6)) {
        use UserField as F;
        let fields = [F::Aliases, F::Email2, F::Name, F::Note, F::Url];
        let mut user = User::new();
        for (field, text) in fields.into_iter().zip(&texts) {
            match field.kind() {
                FieldKind::List => user.set(field, vec![text.clone(), String::new(), text.clone()]),
                _ => user.set(field, text.clone()),
            };
        }
        let mut request = String::new();
        let admin = Credentials::new("oxadmin", "adminpw");
        let is_sent = measure::write_change(&mut request, &user, &admin);
        prop_assert_eq!(is_sent, texts.iter().take(fields.len()).all(|text| is_xml(text)));
        if is_sent {
            let answer = request
                .replace("s:change", "s:getDataResponse")
                .replace("s:usrdata", "s:return");
            prop_assert_eq!(measure::read_get_data(answer.as_bytes()), Some(user));
        }
    }

    #[test]
    fn refused_characters_are_named(
        before in "[a-zä😀]{0,5}",
        code_point in prop::sample::select(vec![0_u32, 1, 8, 0xB, 0x1F, 0xFFFE, 0xFFFF]),
    ) {
        let text = format!("{before}{}after", char::from_u32(code_point).unwrap());
        let user = User::new().with(UserField::Note, text);
        let mut request = String::new();
        let error = Envelope::begin(&mut request, GET_DATA).object("user", &user).unwrap_err();
        prop_assert_eq!(error.field, "note");
        let place = before.chars().count() + 1;
        prop_assert_eq!(error.problem, ValueProblem::Character { code_point, place });
    }

    /// The container is a map: the last value set counts, and iteration is in schema order.
    #[test]
    fn an_object_is_a_map(
        steps in prop::collection::vec(
            (0..UserField::ALL.len(), prop::option::of(0..9_i64)),
            0..60,
        ),
    ) {
        let mut user = User::new();
        let mut model = std::collections::BTreeMap::new();
        for (field, value) in steps {
            let field = UserField::ALL[field];
            match value {
                Some(value) => {
                    user.set(field, value);
                    model.insert(field, Value::Number(value));
                }
                None => prop_assert_eq!(user.unset(field), model.remove(&field)),
            }
        }
        prop_assert_eq!(user.len(), model.len());
        prop_assert!(user.iter().eq(model.iter().map(|(field, value)| (*field, value))));
        for field in UserField::ALL {
            prop_assert_eq!(user.get(*field), model.get(field));
        }
    }
}

/// Every text kind of answer is read without trouble in its undamaged form.
#[test]
fn the_samples_are_whole() {
    let read = |which: usize| answer::read::<User, _>(ANSWERS[which].as_bytes(), GET_DATA).unwrap();
    assert!(matches!(read(0), Answer::Return(users) if users.len() == 1));
    assert!(matches!(read(1), Answer::Fault(_)));
    assert!(matches!(read(2), Answer::Return(_)));
}
