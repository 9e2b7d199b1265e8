//! Reads the embedded WSDL documents into [`Interface`]s.
//!
//! Only what these documents use is understood; anything else is an error, so that a construct
//! that would change what is valid cannot be overlooked.

mod draft;

use std::collections::HashMap;

use quick_xml::events::{BytesStart, Event};
use quick_xml::name::ResolveResult;
use quick_xml::reader::NsReader;

use self::draft::{Draft, DraftField, DraftKind, DraftOperation, Draftboard, Name};
use super::Error;
use super::schema::Interface;

/// All services, parsed.
pub(crate) fn interfaces() -> Result<Vec<Interface>, Error> {
    [
        ("OXContextService", include_str!("../../wsdl/OXContextService.wsdl")),
        ("OXUserService", include_str!("../../wsdl/OXUserService.wsdl")),
        ("OXUserCopyService", include_str!("../../wsdl/OXUserCopyService.wsdl")),
        ("OXGroupService", include_str!("../../wsdl/OXGroupService.wsdl")),
        ("OXResourceService", include_str!("../../wsdl/OXResourceService.wsdl")),
        ("OXSecondaryAccountService", include_str!("../../wsdl/OXSecondaryAccountService.wsdl")),
        ("OXDeputyPermissionsService", include_str!("../../wsdl/OXDeputyPermissionsService.wsdl")),
    ]
    .into_iter()
    .map(|(name, wsdl)| parse(name, wsdl).map_err(|what| Error::Wsdl { service: name, what }))
    .collect()
}

fn parse(name: &'static str, wsdl: &'static str) -> Result<Interface, String> {
    let board = read(wsdl)?;
    board.finish(name, wsdl)
}

/// Attributes of one element by local name, with QName values resolved on demand.
struct Attributes(HashMap<String, String>);

impl Attributes {
    fn of(start: &BytesStart<'_>) -> Result<Self, String> {
        let mut all = HashMap::new();
        for attribute in start.attributes() {
            let attribute = attribute.map_err(|error| error.to_string())?;
            let key = String::from_utf8_lossy(attribute.key.as_ref()).into_owned();
            let value = attribute.unescape_value().map_err(|error| error.to_string())?;
            all.insert(key, value.into_owned());
        }
        Ok(Self(all))
    }

    fn optional(&self, key: &str) -> Option<&str> {
        self.0.get(key).map(String::as_str)
    }

    fn required(&self, key: &str) -> Result<&str, String> {
        self.optional(key).ok_or_else(|| format!("attribute {key} is missing"))
    }
}

/// The QName `text` of an attribute value; its prefix must be declared.
fn qualified(reader: &NsReader<&[u8]>, text: &str) -> Result<Name, String> {
    let (resolved, local) = reader.resolve(quick_xml::name::QName(text.as_bytes()), false);
    let ResolveResult::Bound(namespace) = resolved else {
        return Err(format!("name {text} has no namespace"));
    };
    let namespace = String::from_utf8_lossy(namespace.as_ref()).into_owned();
    Ok((namespace, String::from_utf8_lossy(local.as_ref()).into_owned()))
}

fn read(wsdl: &str) -> Result<Draftboard, String> {
    let mut reader = NsReader::from_str(wsdl);
    reader.config_mut().expand_empty_elements = true;
    let mut board = Draftboard::default();
    // Open elements by local name, and the types being read (an element's anonymous type).
    let mut path: Vec<String> = Vec::new();
    let mut open_types: Vec<usize> = Vec::new();
    let mut target = String::new();
    let mut is_qualified = true;
    let mut message = String::new();
    loop {
        let event = reader.read_event().map_err(|error| error.to_string())?;
        match event {
            Event::Start(start) => {
                let local = String::from_utf8_lossy(start.local_name().as_ref()).into_owned();
                let attributes = Attributes::of(&start)?;
                let parent = path.last().map_or("", String::as_str);
                match (parent, local.as_str()) {
                    ("", "definitions") => {
                        board.namespaces.push(attributes.required("targetNamespace")?.to_owned());
                    }
                    ("types", "schema") => {
                        target = attributes.required("targetNamespace")?.to_owned();
                        is_qualified = attributes.required("elementFormDefault")? == "qualified";
                        if !board.namespaces.contains(&target) {
                            board.namespaces.push(target.clone());
                        }
                    }
                    ("schema", "element") => {
                        if attributes.optional("type").is_some() {
                            return Err("global element with a named type".to_owned());
                        }
                        board
                            .elements
                            .insert(attributes.required("name")?.to_owned(), board.types.len());
                    }
                    ("schema" | "element", "complexType") => {
                        let name = attributes.optional("name").unwrap_or_default().to_owned();
                        // An anonymous type belongs to the local or global element around it.
                        if parent == "element"
                            && let Some(field) = open_types
                                .last()
                                .and_then(|index| board.types.get(*index))
                                .and_then(|draft| draft.fields.last())
                            && !matches!(field.kind, DraftKind::Anonymous(index) if index == board.types.len())
                        {
                            return Err("anonymous type inside a typed element".to_owned());
                        }
                        open_types.push(board.types.len());
                        board.types.push(Draft {
                            namespace: target.clone(),
                            name,
                            base: None,
                            fields: Vec::new(),
                        });
                    }
                    ("complexContent", "extension") => {
                        let base = qualified(&reader, attributes.required("base")?)?;
                        if let Some(draft) = open_types.last().and_then(|i| board.types.get_mut(*i))
                        {
                            draft.base = Some(base);
                        }
                    }
                    ("sequence", "element") => {
                        let kind = match attributes.optional("type") {
                            Some(named) => DraftKind::Named(qualified(&reader, named)?),
                            None => DraftKind::Anonymous(board.types.len()),
                        };
                        let field = DraftField {
                            name: attributes.required("name")?.to_owned(),
                            namespace: is_qualified.then(|| target.clone()),
                            kind,
                            is_list: match attributes.optional("maxOccurs") {
                                None | Some("1") => false,
                                Some("unbounded") => true,
                                Some(other) => return Err(format!("maxOccurs {other}")),
                            },
                            is_required: match attributes.optional("minOccurs") {
                                None | Some("1") => true,
                                Some("0") => false,
                                Some(other) => return Err(format!("minOccurs {other}")),
                            },
                            is_nillable: attributes.optional("nillable") == Some("true"),
                        };
                        open_types
                            .last()
                            .and_then(|index| board.types.get_mut(*index))
                            .ok_or("element outside a type")?
                            .fields
                            .push(field);
                    }
                    ("definitions", "message") => {
                        message = attributes.required("name")?.to_owned();
                        board.messages.insert(message.clone(), None);
                    }
                    ("message", "part") => {
                        let (_, element) = qualified(&reader, attributes.required("element")?)?;
                        board.messages.insert(message.clone(), Some(element));
                    }
                    ("portType", "operation") => board.operations.push(DraftOperation {
                        name: attributes.required("name")?.to_owned(),
                        ..DraftOperation::default()
                    }),
                    ("operation", "input" | "output" | "fault")
                        if path.iter().any(|open| open == "portType") =>
                    {
                        let (_, name) = qualified(&reader, attributes.required("message")?)?;
                        let operation = board.operations.last_mut().ok_or("no operation")?;
                        match local.as_str() {
                            "input" => operation.input = name,
                            "output" => operation.output = name,
                            _ => operation.faults.push(name),
                        }
                    }
                    ("definitions", "types" | "portType" | "binding" | "service")
                    | ("schema", "import")
                    | ("complexType", "sequence" | "complexContent")
                    | ("extension", "sequence")
                    | ("binding", "binding" | "operation")
                    | ("operation", "operation" | "input" | "output" | "fault")
                    | ("input" | "output", "body")
                    | ("fault", "fault")
                    | ("service", "port")
                    | ("port", "address") => {}
                    (parent, other) => return Err(format!("unknown construct {parent}/{other}")),
                }
                path.push(local);
            }
            Event::End(_) => {
                if path.pop().as_deref() == Some("complexType") {
                    open_types.pop();
                }
            }
            Event::Eof => break,
            Event::Text(_) | Event::Comment(_) | Event::Decl(_) => {}
            other => return Err(format!("unexpected {other:?}")),
        }
    }
    Ok(board)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ox::schema::Kind;

    #[test]
    fn every_document_is_understood() {
        let all = interfaces().unwrap();
        let counts: Vec<_> =
            all.iter().map(|interface| (interface.name, interface.operations.len())).collect();
        assert_eq!(
            counts,
            [
                ("OXContextService", 32),
                ("OXUserService", 27),
                ("OXUserCopyService", 1),
                ("OXGroupService", 13),
                ("OXResourceService", 7),
                ("OXSecondaryAccountService", 4),
                ("OXDeputyPermissionsService", 5),
            ]
        );
        for interface in &all {
            for operation in &interface.operations {
                let declared = |name: &str| operation.faults.iter().any(|fault| fault == name);
                // Every failure on purpose can be told by its type.
                assert!(declared("StorageException"), "{} {}", interface.name, operation.name);
                assert!(declared("RemoteException"), "{} {}", interface.name, operation.name);
            }
        }
    }

    #[test]
    fn the_user_of_the_user_service_has_137_fields_in_order() {
        let all = interfaces().unwrap();
        let user = all[1].type_named("User").unwrap();
        assert_eq!(user.fields.len(), 137);
        assert_eq!(&*user.fields[0].name, "aliases");
        assert!(user.fields[0].is_list);
        assert_eq!(&*user.fields[136].name, "image1ContentType");
        assert_eq!(user.fields[user.position("imapPort").unwrap()].kind, Kind::Int);
        assert!(!user.fields[user.position("imapPort").unwrap()].is_nillable);
        assert_eq!(all[0].type_named("User").unwrap().fields.len(), 128);
    }

    #[test]
    fn void_operations_have_no_answer_element() {
        let all = interfaces().unwrap();
        let void: Vec<_> = all[3]
            .operations
            .iter()
            .filter(|operation| operation.output.is_none())
            .map(|operation| operation.name.as_str())
            .collect();
        assert_eq!(void, ["change", "removeMember", "delete", "deleteMultiple", "addMember"]);
    }
}
