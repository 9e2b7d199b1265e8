//! Faults of the services: their names, and the envelope that carries them.

use super::reader::Rejection;
use super::schema::{Interface, prefix};
use crate::view::escape;

/// Name of a fault as it stands in `detail`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FaultName {
    ContextExists,
    DatabaseUpdate,
    InvalidCredentials,
    InvalidData,
    NoSuchContext,
    NoSuchGroup,
    NoSuchResource,
    NoSuchUser,
    Remote,
    Storage,
    UserExists,
}

impl FaultName {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::ContextExists => "ContextExistsException",
            Self::DatabaseUpdate => "DatabaseUpdateException",
            Self::InvalidCredentials => "InvalidCredentialsException",
            Self::InvalidData => "InvalidDataException",
            Self::NoSuchContext => "NoSuchContextException",
            Self::NoSuchGroup => "NoSuchGroupException",
            Self::NoSuchResource => "NoSuchResourceException",
            Self::NoSuchUser => "NoSuchUserException",
            Self::Remote => "RemoteException",
            Self::Storage => "StorageException",
            Self::UserExists => "UserExistsException",
        }
    }
}

/// An application fault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) name: FaultName,
    pub(crate) text: String,
}

impl Fault {
    pub(crate) fn new(name: FaultName, text: impl Into<String>) -> Self {
        Self { name, text: text.into() }
    }

    pub(crate) fn invalid_data(text: impl Into<String>) -> Self {
        Self::new(FaultName::InvalidData, text)
    }

    pub(crate) fn invalid_credentials(text: impl Into<String>) -> Self {
        Self::new(FaultName::InvalidCredentials, text)
    }

    pub(crate) fn storage(text: impl Into<String>) -> Self {
        Self::new(FaultName::Storage, text)
    }

    /// The form that operations give which resolve a name to an id first.
    pub(crate) fn resolving(self) -> Self {
        let class = "com.openexchange.admin.rmi.exceptions";
        Self {
            text: format!(
                "{class}.NoSuchObjectException: {class}.{}: {}",
                self.name.as_str(),
                self.text
            ),
            name: self.name,
        }
    }

    /// The whole envelope. A fault that the operation does not declare would be a mistake of this
    /// server; it goes out as RemoteException, as anything unexpected does.
    pub(crate) fn envelope(
        &self,
        interface: &Interface,
        declared: &[String],
        number: u64,
    ) -> String {
        let is_declared = declared.iter().any(|name| name == self.name.as_str());
        let name = if is_declared { self.name } else { FaultName::Remote }.as_str();
        let own = interface.namespaces.first().map_or("", String::as_str);
        let mut fields = String::new();
        let content = interface.faults.get(name).and_then(|index| interface.complex_type(*index));
        let mut declarations = format!(" xmlns=\"{own}\"");
        for field in content.map_or(&[][..], |content| &content.fields) {
            if let Some(index) = field.namespace.filter(|index| *index > 0)
                && let Some(uri) = interface.namespaces.get(index)
            {
                let declaration =
                    format!(" xmlns:{}=\"{uri}\"", prefix(Some(index)).trim_end_matches(':'));
                if !declarations.contains(&declaration) {
                    declarations.push_str(&declaration);
                }
            }
            if &*field.name == "message" {
                fields.push_str(&format!("{}>{}{}", field.open, escape(&self.text), field.close));
            } else {
                fields.push_str(&format!("{}{}", field.open, super::answer::NIL));
            }
        }
        format!(
            "{HEAD}<faultcode>soap:Server</faultcode>\
             <faultstring>{text}; exceptionId {PROCESS}-{number}</faultstring>\
             <detail><{name}{declarations}><{name}>{fields}</{name}></{name}></detail>{TAIL}",
            text = escape(&self.text),
        )
    }
}

const HEAD: &str = "<soap:Envelope xmlns:soap=\"http://schemas.xmlsoap.org/soap/envelope/\"><soap:Body><soap:Fault>";
const TAIL: &str = "</soap:Fault></soap:Body></soap:Envelope>";

/// First half of an exception id. The real server draws it when it starts.
const PROCESS: i32 = -225_208_343;

/// The envelope for a request that could not be read.
pub(crate) fn rejection_envelope(rejection: &Rejection) -> String {
    format!(
        "{HEAD}<faultcode>{}</faultcode><faultstring>{}</faultstring>{TAIL}",
        rejection.code(),
        escape(rejection.text())
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ox::wsdl;

    const BEFORE: &str = "<soap:Envelope xmlns:soap=\"http://schemas.xmlsoap.org/soap/envelope/\"><soap:Body>\
        <soap:Fault><faultcode>soap:Server</faultcode><faultstring>";
    const XSI: &str = " xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xsi:nil=\"true\"/>";

    #[test]
    fn the_detail_names_the_fault_twice() {
        let all = wsdl::interfaces().unwrap();
        let user = all.iter().find(|interface| interface.name == "OXUserService").unwrap();
        let create = user.operation("create").unwrap();
        let fault = Fault::invalid_data("Illegal chars: \"<\"");
        assert_eq!(
            fault.envelope(user, &create.faults, 74),
            format!(
                "{BEFORE}Illegal chars: &quot;&lt;&quot;; exceptionId -225208343-74</faultstring><detail>\
                 <InvalidDataException xmlns=\"http://soap.admin.openexchange.com\" \
                 xmlns:ns4=\"http://exceptions.rmi.admin.openexchange.com/xsd\">\
                 <InvalidDataException><Exception{XSI}<ns4:objectname{XSI}</InvalidDataException>\
                 </InvalidDataException></detail></soap:Fault></soap:Body></soap:Envelope>"
            )
        );
        let remote = Fault::new(FaultName::Remote, "a&b").envelope(user, &create.faults, 1);
        assert!(remote.contains(":message>a&amp;b</"), "{remote}");
    }

    #[test]
    fn the_copy_service_has_a_namespace_of_its_own() {
        let all = wsdl::interfaces().unwrap();
        let copy = all.iter().find(|interface| interface.name == "OXUserCopyService").unwrap();
        let declared = &copy.operation("copyUser").unwrap().faults;
        let fault = Fault::new(FaultName::UserExists, "x").envelope(copy, declared, 1);
        assert!(
            fault.contains("<detail><UserExistsException xmlns=\"http://soap.copy.user.admin.openexchange.com\""),
            "{fault}"
        );
    }

    #[test]
    fn an_undeclared_fault_goes_out_as_remote() {
        let all = wsdl::interfaces().unwrap();
        let context = all.iter().find(|interface| interface.name == "OXContextService").unwrap();
        let exists = &context.operation("exists").unwrap().faults;
        let fault = Fault::new(FaultName::NoSuchContext, "x").envelope(context, exists, 1);
        assert!(fault.contains("<detail><RemoteException "), "{fault}");
    }
}
