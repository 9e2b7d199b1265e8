//! What a user's certificate says, as eighteen properties. They exist with the option `pki` only.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::DateTime;
use serde_json::Value;
use x509_parser::prelude::{FromDer, X509Certificate, X509Name};

use super::attribute::{Attribute, attribute};
use super::date;
use super::view::View;

const CERTIFICATE: Attribute = attribute("userCertificate");

/// The texts of one certificate.
#[derive(Default)]
pub(super) struct Certificate {
    subject: Name,
    issuer: Name,
    not_before: Option<String>,
    not_after: Option<String>,
    version: String,
    serial: String,
}

#[derive(Default)]
struct Name {
    country: Option<String>,
    state: Option<String>,
    location: Option<String>,
    organisation: Option<String>,
    organisational_unit: Option<String>,
    common_name: Option<String>,
    mail: Option<String>,
}

/// The certificate itself, base64.
pub(super) fn whole(view: &View<'_>) -> Option<Value> {
    let der = view.values(CERTIFICATE).first()?;
    view.entry.has_class("pkiUser").then(|| Value::from(STANDARD.encode(der)))
}

macro_rules! fields {
    ($($function:ident => $($field:ident).+;)+) => {
        $(pub(super) fn $function(view: &View<'_>) -> Option<Value> {
            parsed(view)?.$($field).+.as_deref().map(Value::from)
        })+
    };
}

fields! {
    subject_country => subject.country;
    subject_state => subject.state;
    subject_location => subject.location;
    subject_organisation => subject.organisation;
    subject_organisational_unit => subject.organisational_unit;
    subject_common_name => subject.common_name;
    subject_mail => subject.mail;
    issuer_country => issuer.country;
    issuer_state => issuer.state;
    issuer_location => issuer.location;
    issuer_organisation => issuer.organisation;
    issuer_organisational_unit => issuer.organisational_unit;
    issuer_common_name => issuer.common_name;
    issuer_mail => issuer.mail;
    date_not_before => not_before;
    date_not_after => not_after;
}

/// Counted from zero as in the encoding: version 3 is `2`.
pub(super) fn version(view: &View<'_>) -> Option<Value> {
    Some(Value::from(parsed(view)?.version.as_str()))
}

/// The decimal number.
pub(super) fn serial(view: &View<'_>) -> Option<Value> {
    Some(Value::from(parsed(view)?.serial.as_str()))
}

fn parsed<'v>(view: &'v View<'_>) -> Option<&'v Certificate> {
    let parse = || {
        let der = view.values(CERTIFICATE).first()?;
        view.entry.has_class("pkiUser").then(|| Certificate::parse(der)).flatten()
    };
    view.certificate.get_or_init(parse).as_ref()
}

impl Certificate {
    /// `None` when the bytes are no certificate; the object does without then.
    fn parse(der: &[u8]) -> Option<Self> {
        let (_, certificate) = X509Certificate::from_der(der).ok()?;
        let day = |seconds| {
            let time: DateTime<chrono::Utc> = DateTime::from_timestamp(seconds, 0)?;
            date::of_seconds(time.timestamp())
        };
        Some(Self {
            subject: Name::of(certificate.subject()),
            issuer: Name::of(certificate.issuer()),
            not_before: day(certificate.validity().not_before.timestamp()),
            not_after: day(certificate.validity().not_after.timestamp()),
            version: certificate.version.0.to_string(),
            serial: certificate.serial.to_string(),
        })
    }
}

impl Name {
    fn of(name: &X509Name<'_>) -> Self {
        use x509_parser::prelude::AttributeTypeAndValue;
        fn first<'a>(
            mut values: impl Iterator<Item = &'a AttributeTypeAndValue<'a>>,
        ) -> Option<String> {
            values.next()?.as_str().ok().map(str::to_owned)
        }
        Self {
            country: first(name.iter_country()),
            state: first(name.iter_state_or_province()),
            location: first(name.iter_locality()),
            organisation: first(name.iter_organization()),
            organisational_unit: first(name.iter_organizational_unit()),
            common_name: first(name.iter_common_name()),
            mail: first(name.iter_email()),
        }
    }
}
