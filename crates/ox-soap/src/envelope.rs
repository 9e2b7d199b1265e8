//! Writes the request of one operation: schema order, the right namespace on every level, each
//! namespace declared once on the operation element.
//!
//! The namespaces of the levels: operation and parameters are in the service's own, the fields of
//! data objects in [`DATA`], login and password in [`CREDENTIALS`].

mod value;

pub(crate) use self::value::problem_of;
use self::value::{bool_text, close, element, field_element, number_element, open, text_element};
use crate::access::ModuleAccess;
use crate::credentials::Credentials;
use crate::error::ValueProblem;
use crate::id::ContextId;
use crate::object::{DataObject, Field};
use crate::service::Operation;

pub(crate) const SOAP: &str = "http://schemas.xmlsoap.org/soap/envelope/";
pub(crate) const DATA: &str = "http://dataobjects.soap.admin.openexchange.com/xsd";
pub(crate) const CREDENTIALS: &str = "http://dataobjects.rmi.admin.openexchange.com/xsd";

/// A value that cannot be sent, and where it stands.
#[derive(Debug)]
pub(crate) struct ValueError {
    pub(crate) field: &'static str,
    pub(crate) problem: ValueProblem,
}

/// An envelope under construction.
pub(crate) struct Envelope<'b> {
    out: &'b mut String,
    operation: &'static Operation,
    /// Prefix of the service's namespace.
    prefix: &'static str,
}

impl<'b> Envelope<'b> {
    /// Begins an envelope in an empty buffer.
    pub(crate) fn begin(out: &'b mut String, operation: &'static Operation) -> Self {
        out.clear();
        let (prefix, namespace) = operation.service.namespace();
        for part in [
            "<soap:Envelope xmlns:soap=\"",
            SOAP,
            "\"><soap:Body><",
            prefix,
            ":",
            operation.name,
            " xmlns:",
            prefix,
            "=\"",
            namespace,
            "\" xmlns:d=\"",
            DATA,
            "\" xmlns:r=\"",
            CREDENTIALS,
            "\">",
        ] {
            out.push_str(part);
        }
        Self { out, operation, prefix }
    }

    /// Ends the envelope.
    pub(crate) fn finish(self) {
        close(self.out, self.prefix, self.operation.name);
        self.out.push_str("</soap:Body></soap:Envelope>");
    }

    /// A parameter of type Context that says which one.
    pub(crate) fn context(&mut self, parameter: &str, id: ContextId) -> Result<(), ValueError> {
        self.key(parameter, Some(id.value()), None)
    }

    /// A parameter that says which object is meant: `id`, `name`, or both. (All types have them in
    /// this order.)
    pub(crate) fn key(
        &mut self,
        parameter: &str,
        id: Option<i32>,
        name: Option<&str>,
    ) -> Result<(), ValueError> {
        open(self.out, self.prefix, parameter);
        if let Some(id) = id {
            number_element(self.out, "id", i64::from(id));
        }
        if let Some(name) = name {
            text_element(self.out, "d", "name", name)?;
        }
        close(self.out, self.prefix, parameter);
        Ok(())
    }

    /// A parameter that is a data object.
    pub(crate) fn object<F: Field>(
        &mut self,
        parameter: &str,
        object: &DataObject<F>,
    ) -> Result<(), ValueError> {
        open(self.out, self.prefix, parameter);
        let service = self.operation.service.as_str();
        for (field, value) in object.iter() {
            let spec = field.spec();
            if spec.own_service_only && service != F::OWN_SERVICE {
                let problem = ValueProblem::NotTaken { service };
                return Err(ValueError { field: spec.name, problem });
            }
            field_element(self.out, spec, value)?;
        }
        close(self.out, self.prefix, parameter);
        Ok(())
    }

    /// A parameter of type UserModuleAccess.
    pub(crate) fn access(&mut self, parameter: &str, access: ModuleAccess) {
        open(self.out, self.prefix, parameter);
        for (flag, granted) in access.iter() {
            element(self.out, flag.as_str(), bool_text(granted));
        }
        close(self.out, self.prefix, parameter);
    }

    /// A parameter that is an object without a table of fields.
    pub(crate) fn nested(
        &mut self,
        parameter: &str,
        write: impl FnOnce(&mut Fields<'_>) -> Result<(), ValueError>,
    ) -> Result<(), ValueError> {
        open(self.out, self.prefix, parameter);
        write(&mut Fields { out: self.out })?;
        close(self.out, self.prefix, parameter);
        Ok(())
    }

    /// A parameter that is a text.
    pub(crate) fn text(&mut self, parameter: &'static str, text: &str) -> Result<(), ValueError> {
        text_element(self.out, self.prefix, parameter, text)
    }

    /// A parameter that is a flag.
    pub(crate) fn flag(&mut self, parameter: &str, flag: bool) {
        open(self.out, self.prefix, parameter);
        self.out.push_str(bool_text(flag));
        close(self.out, self.prefix, parameter);
    }

    /// The credentials.
    pub(crate) fn auth(&mut self, credentials: &Credentials) -> Result<(), ValueError> {
        open(self.out, self.prefix, "auth");
        text_element(self.out, "r", "login", &credentials.login)?;
        text_element(self.out, "r", "password", credentials.password.expose())?;
        close(self.out, self.prefix, "auth");
        Ok(())
    }
}

/// The fields of an object under construction.
pub(crate) struct Fields<'b> {
    out: &'b mut String,
}

impl Fields<'_> {
    pub(crate) fn text(&mut self, name: &'static str, text: &str) -> Result<(), ValueError> {
        text_element(self.out, "d", name, text)
    }

    pub(crate) fn number(&mut self, name: &str, number: i32) {
        number_element(self.out, name, i64::from(number));
    }

    pub(crate) fn flag(&mut self, name: &str, flag: bool) {
        element(self.out, name, bool_text(flag));
    }

    pub(crate) fn nested(
        &mut self,
        name: &str,
        write: impl FnOnce(&mut Fields<'_>) -> Result<(), ValueError>,
    ) -> Result<(), ValueError> {
        open(self.out, "d", name);
        write(&mut Fields { out: self.out })?;
        close(self.out, "d", name);
        Ok(())
    }
}
