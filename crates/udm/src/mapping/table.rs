//! Which property comes from which attribute, and how: one table per module, sorted by property.
//!
//! A name that is no known attribute does not compile, and a test compares the tables with
//! `tests/data/attributes.csv`, so that no property is forgotten or misspelt.

use serde_json::Value;

use crate::Module;

use super::attribute::{Attribute, attribute};
use super::view::View;
use super::{account, certificate, contact, container, mail, member, samba, school, share};

/// One property.
pub(super) struct Row {
    /// The name of the property.
    pub(super) property: &'static str,
    /// The attributes it is made of.
    pub(super) attributes: &'static [&'static str],
    /// How it is made of them.
    pub(super) kind: Kind,
}

/// How a property is made.
#[derive(Clone, Copy)]
pub(super) enum Kind {
    /// From one attribute, which is all there is to say about it.
    Plain(Attribute, Plain),
    /// By a rule of its own; `None`: the object does not have it.
    Derived(fn(&View<'_>) -> Option<Value>),
    /// Not at all: it can only be set.
    WriteOnly,
}

/// How the values of one attribute become a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Plain {
    /// Base64 of the first value.
    Base64,
    /// The day of a generalised time.
    Day,
    /// The first value, an integer in both encodings.
    Integer,
    /// All values.
    List,
    /// The first value in lower case.
    LowerText,
    /// The value that is in the RDN.
    Name,
    /// The first value, an integer when typed.
    Number,
    /// The first value, a boolean when typed: `OK` or anything else.
    OkOrNot,
    /// The first value.
    Text,
    /// The first value, a boolean when typed: `TRUE` or anything else.
    TrueOrFalse,
}

impl Kind {
    /// For people.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Plain(_, Plain::Base64) => "Base64",
            Self::Plain(_, Plain::Day) => "Day",
            Self::Plain(_, Plain::Integer) => "Integer",
            Self::Plain(_, Plain::List) => "List",
            Self::Plain(_, Plain::LowerText) => "LowerText",
            Self::Plain(_, Plain::Name) => "Name",
            Self::Plain(_, Plain::Number) => "Number",
            Self::Plain(_, Plain::OkOrNot) => "OkOrNot",
            Self::Plain(_, Plain::Text) => "Text",
            Self::Plain(_, Plain::TrueOrFalse) => "TrueOrFalse",
            Self::Derived(_) => "Derived",
            Self::WriteOnly => "WriteOnly",
        }
    }
}

/// The properties of a module, sorted by name in byte order.
pub(super) fn rows(module: Module) -> &'static [Row] {
    match module {
        Module::User => USER,
        Module::Group => GROUP,
        Module::Context => CONTEXT,
        Module::AccessProfile => ACCESS_PROFILE,
        Module::FunctionalAccount => FUNCTIONAL_ACCOUNT,
        Module::Resource => RESOURCE,
        Module::Ou => OU,
    }
}

macro_rules! plain {
    ($kind:ident, $property:literal, $attribute:literal) => {
        Row {
            property: $property,
            attributes: &[$attribute],
            kind: Kind::Plain(attribute($attribute), Plain::$kind),
        }
    };
}

const fn derived(
    property: &'static str,
    attributes: &'static [&'static str],
    make: fn(&View<'_>) -> Option<Value>,
) -> Row {
    // Stops the compiler at a misspelt name.
    let mut at = 0;
    while at < attributes.len() {
        #[expect(clippy::indexing_slicing, reason = "const code has no iterators")]
        attribute(attributes[at]);
        at += 1;
    }
    Row { property, attributes, kind: Kind::Derived(make) }
}

const fn write_only(property: &'static str) -> Row {
    Row { property, attributes: &[], kind: Kind::WriteOnly }
}

/// `users/user`
static USER: &[Row] = &[
    derived("accountActivationDate", &["krb5ValidStart"], account::activation_date),
    plain!(Text, "birthday", "univentionBirthday"),
    derived("certificateDateNotAfter", &["userCertificate"], certificate::date_not_after),
    derived("certificateDateNotBefore", &["userCertificate"], certificate::date_not_before),
    derived("certificateIssuerCommonName", &["userCertificate"], certificate::issuer_common_name),
    derived("certificateIssuerCountry", &["userCertificate"], certificate::issuer_country),
    derived("certificateIssuerLocation", &["userCertificate"], certificate::issuer_location),
    derived("certificateIssuerMail", &["userCertificate"], certificate::issuer_mail),
    derived(
        "certificateIssuerOrganisation",
        &["userCertificate"],
        certificate::issuer_organisation,
    ),
    derived(
        "certificateIssuerOrganisationalUnit",
        &["userCertificate"],
        certificate::issuer_organisational_unit,
    ),
    derived("certificateIssuerState", &["userCertificate"], certificate::issuer_state),
    derived("certificateSerial", &["userCertificate"], certificate::serial),
    derived("certificateSubjectCommonName", &["userCertificate"], certificate::subject_common_name),
    derived("certificateSubjectCountry", &["userCertificate"], certificate::subject_country),
    derived("certificateSubjectLocation", &["userCertificate"], certificate::subject_location),
    derived("certificateSubjectMail", &["userCertificate"], certificate::subject_mail),
    derived(
        "certificateSubjectOrganisation",
        &["userCertificate"],
        certificate::subject_organisation,
    ),
    derived(
        "certificateSubjectOrganisationalUnit",
        &["userCertificate"],
        certificate::subject_organisational_unit,
    ),
    derived("certificateSubjectState", &["userCertificate"], certificate::subject_state),
    derived("certificateVersion", &["userCertificate"], certificate::version),
    plain!(Text, "city", "l"),
    derived("country", &["c", "st"], contact::country),
    plain!(List, "departmentNumber", "departmentNumber"),
    plain!(Text, "description", "description"),
    derived(
        "disabled",
        &["sambaAcctFlags", "krb5KDCFlags", "shadowExpire", "userPassword"],
        account::disabled,
    ),
    plain!(Text, "displayName", "displayName"),
    plain!(List, "e-mail", "mail"),
    plain!(Text, "employeeNumber", "employeeNumber"),
    plain!(Text, "employeeType", "employeeType"),
    plain!(Text, "firstname", "givenName"),
    plain!(Text, "gecos", "gecos"),
    plain!(Number, "gidNumber", "gidNumber"),
    derived("groups", &["memberOf"], member::groups_of_user),
    derived("guardianInheritedRoles", &[], member::guardian_inherited_roles),
    plain!(List, "guardianRoles", "univentionGuardianRoles"),
    derived("homePostalAddress", &["homePostalAddress"], contact::home_postal_address),
    derived("homeShare", &["automountInformation"], share::home_share),
    derived("homeSharePath", &["automountInformation"], share::home_share_path),
    plain!(List, "homeTelephoneNumber", "homePhone"),
    plain!(Text, "homedrive", "sambaHomeDrive"),
    plain!(Text, "initials", "initials"),
    plain!(OkOrNot, "isOxUser", "isOxUser"),
    plain!(Base64, "jpegPhoto", "jpegPhoto"),
    plain!(Text, "lastname", "sn"),
    derived("locked", &["sambaAcctFlags", "krb5KDCFlags"], account::locked),
    derived("lockedTime", &["sambaBadPasswordTime"], account::locked_time),
    plain!(List, "mailAlternativeAddress", "mailAlternativeAddress"),
    derived(
        "mailForwardAddress",
        &["mailForwardAddress", "mailPrimaryAddress", "mailForwardCopyToSelf"],
        mail::forward,
    ),
    derived(
        "mailForwardCopyToSelf",
        &["mailForwardCopyToSelf", "mailForwardAddress", "mailPrimaryAddress"],
        mail::forward_copy_to_self,
    ),
    plain!(Text, "mailHomeServer", "univentionMailHomeServer"),
    plain!(LowerText, "mailPrimaryAddress", "mailPrimaryAddress"),
    plain!(Number, "mailUserQuota", "univentionMailUserQuota"),
    plain!(List, "mobileTelephoneNumber", "mobile"),
    plain!(List, "objectFlag", "univentionObjectFlag"),
    plain!(Text, "organisation", "o"),
    write_only("overridePWHistory"),
    write_only("overridePWLength"),
    plain!(Text, "oxAccess", "oxAccess"),
    plain!(Text, "oxAnniversary", "oxAnniversary"),
    plain!(Text, "oxBranches", "oxBranches"),
    plain!(Text, "oxCityHome", "oxCityHome"),
    plain!(Text, "oxCityOther", "oxCityOther"),
    plain!(Text, "oxCommercialRegister", "oxCommercialRegister"),
    plain!(Integer, "oxContext", "oxContextIDNum"),
    plain!(Text, "oxCountryBusiness", "oxCountryBusiness"),
    plain!(Text, "oxCountryHome", "oxCountryHome"),
    plain!(Text, "oxCountryOther", "oxCountryOther"),
    plain!(Text, "oxDepartment", "oxDepartment"),
    derived("oxDeputyPermissionGivenTo", &["oxDeputyPermissionGivenTo"], contact::deputies),
    plain!(Text, "oxDisplayName", "oxDisplayName"),
    plain!(Text, "oxEmail2", "oxEmail2"),
    plain!(Text, "oxEmail3", "oxEmail3"),
    plain!(Text, "oxFaxBusiness", "oxFaxBusiness"),
    plain!(Text, "oxFaxHome", "oxFaxHome"),
    plain!(Text, "oxFaxOther", "oxFaxOther"),
    plain!(Text, "oxInstantMessenger1", "oxInstantMessenger1"),
    plain!(Text, "oxInstantMessenger2", "oxInstantMessenger2"),
    plain!(Text, "oxLanguage", "oxLanguage"),
    plain!(Text, "oxManagerName", "oxManagerName"),
    plain!(Text, "oxMarialStatus", "oxMarialStatus"),
    plain!(Text, "oxMiddleName", "oxMiddleName"),
    plain!(Text, "oxMobileBusiness", "oxMobileBusiness"),
    plain!(Text, "oxNickName", "oxNickName"),
    plain!(Text, "oxNote", "oxNote"),
    plain!(Text, "oxNumOfChildren", "oxNumOfChildren"),
    plain!(Text, "oxPosition", "oxPosition"),
    plain!(Text, "oxPostalCodeHome", "oxPostalCodeHome"),
    plain!(Text, "oxPostalCodeOther", "oxPostalCodeOther"),
    plain!(Text, "oxProfession", "oxProfession"),
    plain!(Text, "oxSalesVolume", "oxSalesVolume"),
    plain!(Text, "oxSpouseName", "oxSpouseName"),
    plain!(Text, "oxStateBusiness", "oxStateBusiness"),
    plain!(Text, "oxStateHome", "oxStateHome"),
    plain!(Text, "oxStateOther", "oxStateOther"),
    plain!(Text, "oxStreetHome", "oxStreetHome"),
    plain!(Text, "oxStreetOther", "oxStreetOther"),
    plain!(Text, "oxSuffix", "oxSuffix"),
    plain!(Text, "oxTaxId", "oxTaxId"),
    plain!(Text, "oxTelephoneAssistant", "oxTelephoneAssistant"),
    plain!(Text, "oxTelephoneCar", "oxTelephoneCar"),
    plain!(Text, "oxTelephoneCompany", "oxTelephoneCompany"),
    plain!(Text, "oxTelephoneIp", "oxTelephoneIp"),
    plain!(Text, "oxTelephoneOther", "oxTelephoneOther"),
    plain!(Text, "oxTelephoneTelex", "oxTelephoneTelex"),
    plain!(Text, "oxTelephoneTtydd", "oxTelephoneTtydd"),
    plain!(Text, "oxTimeZone", "oxTimeZone"),
    plain!(Text, "oxUrl", "oxUrl"),
    plain!(Text, "oxUserQuota", "oxUserQuota"),
    plain!(Text, "oxUserfield01", "oxUserfield01"),
    plain!(Text, "oxUserfield02", "oxUserfield02"),
    plain!(Text, "oxUserfield03", "oxUserfield03"),
    plain!(Text, "oxUserfield04", "oxUserfield04"),
    plain!(Text, "oxUserfield05", "oxUserfield05"),
    plain!(Text, "oxUserfield06", "oxUserfield06"),
    plain!(Text, "oxUserfield07", "oxUserfield07"),
    plain!(Text, "oxUserfield08", "oxUserfield08"),
    plain!(Text, "oxUserfield09", "oxUserfield09"),
    plain!(Text, "oxUserfield10", "oxUserfield10"),
    plain!(Text, "oxUserfield11", "oxUserfield11"),
    plain!(Text, "oxUserfield12", "oxUserfield12"),
    plain!(Text, "oxUserfield13", "oxUserfield13"),
    plain!(Text, "oxUserfield14", "oxUserfield14"),
    plain!(Text, "oxUserfield15", "oxUserfield15"),
    plain!(Text, "oxUserfield16", "oxUserfield16"),
    plain!(Text, "oxUserfield17", "oxUserfield17"),
    plain!(Text, "oxUserfield18", "oxUserfield18"),
    plain!(Text, "oxUserfield19", "oxUserfield19"),
    plain!(Text, "oxUserfield20", "oxUserfield20"),
    plain!(List, "pagerTelephoneNumber", "pager"),
    derived("password", &["userPassword"], account::password),
    derived("passwordexpiry", &["shadowLastChange", "shadowMax"], account::password_expiry),
    plain!(List, "phone", "telephoneNumber"),
    plain!(Text, "physicalDeliveryOfficeName", "physicalDeliveryOfficeName"),
    plain!(List, "postOfficeBox", "postOfficeBox"),
    plain!(Text, "postcode", "postalCode"),
    plain!(Text, "preferredDeliveryMethod", "preferredDeliveryMethod"),
    plain!(Text, "preferredLanguage", "preferredLanguage"),
    derived("primaryGroup", &["gidNumber"], member::primary_group),
    plain!(Text, "profilepath", "sambaProfilePath"),
    derived(
        "pwdChangeNextLogin",
        &["shadowLastChange", "shadowMax"],
        account::password_change_next_login,
    ),
    plain!(List, "roomNumber", "roomNumber"),
    derived("sambaLogonHours", &["sambaLogonHours"], samba::logon_hours),
    plain!(List, "sambaPrivileges", "univentionSambaPrivilegeList"),
    derived("sambaRID", &["sambaSID"], samba::user_rid),
    derived("sambaUserWorkstations", &["sambaUserWorkstations"], samba::workstations),
    plain!(Text, "sambahome", "sambaHomePath"),
    plain!(List, "school", "ucsschoolSchool"),
    plain!(Text, "scriptpath", "sambaLogonScript"),
    plain!(List, "secretary", "secretary"),
    write_only("serviceSpecificPassword"),
    plain!(Text, "shell", "loginShell"),
    derived("state", &["st"], contact::state),
    plain!(Text, "street", "street"),
    plain!(Text, "title", "title"),
    plain!(List, "ucsschoolLegalGuardian", "ucsschoolLegalGuardian"),
    plain!(List, "ucsschoolLegalWard", "ucsschoolLegalWard"),
    plain!(Day, "ucsschoolPurgeTimestamp", "ucsschoolPurgeTimestamp"),
    plain!(Text, "ucsschoolRecordUID", "ucsschoolRecordUID"),
    plain!(List, "ucsschoolRole", "ucsschoolRole"),
    plain!(Text, "ucsschoolSourceUID", "ucsschoolSourceUID"),
    plain!(Number, "uidNumber", "uidNumber"),
    derived("umcProperty", &["univentionUMCProperty"], contact::umc_property),
    plain!(Text, "univentionObjectIdentifier", "univentionObjectIdentifier"),
    plain!(Text, "univentionSourceIAM", "univentionSourceIAM"),
    plain!(Text, "unixhome", "homeDirectory"),
    write_only("unlock"),
    derived(
        "unlockTime",
        &["sambaBadPasswordTime", "sambaAcctFlags", "krb5KDCFlags"],
        account::unlock_time,
    ),
    derived("userCertificate", &["userCertificate"], certificate::whole),
    derived(
        "userexpiry",
        &["krb5ValidEnd", "sambaKickoffTime", "shadowExpire"],
        account::user_expiry,
    ),
    plain!(Name, "username", "uid"),
];

/// `groups/group`
static GROUP: &[Row] = &[
    plain!(Text, "adGroupType", "univentionGroupType"),
    plain!(List, "allowedEmailGroups", "univentionAllowedEmailGroups"),
    plain!(List, "allowedEmailUsers", "univentionAllowedEmailUsers"),
    plain!(Text, "description", "description"),
    plain!(Number, "gidNumber", "gidNumber"),
    plain!(List, "guardianMemberRoles", "univentionGuardianMemberRoles"),
    derived("hosts", &["uniqueMember"], member::hosts),
    plain!(OkOrNot, "isOxGroup", "isOxGroup"),
    plain!(Text, "mailAddress", "mailPrimaryAddress"),
    derived("memberOf", &["memberOf"], member::groups_of_group),
    plain!(Name, "name", "cn"),
    derived("nestedGroup", &["uniqueMember"], member::nested_groups),
    plain!(List, "objectFlag", "univentionObjectFlag"),
    plain!(Integer, "oxContext", "oxContextIDNum"),
    plain!(Text, "sambaGroupType", "sambaGroupType"),
    plain!(List, "sambaPrivileges", "univentionSambaPrivilegeList"),
    derived("sambaRID", &["sambaSID"], samba::group_rid),
    derived("school", &["ucsschoolSchool"], school::of_group),
    derived("ucsschoolImportRole", &["ucsschoolImportRole"], school::import_role),
    derived("ucsschoolImportSchool", &["ucsschoolImportSchool"], school::import_school),
    plain!(List, "ucsschoolRole", "ucsschoolRole"),
    plain!(Text, "univentionObjectIdentifier", "univentionObjectIdentifier"),
    plain!(Text, "univentionSourceIAM", "univentionSourceIAM"),
    derived("users", &["uniqueMember"], member::users),
];

/// `oxmail/oxcontext`
static CONTEXT: &[Row] = &[
    plain!(Integer, "contextid", "oxContextIDNum"),
    plain!(Name, "name", "cn"),
    plain!(Number, "oxQuota", "oxQuota"),
];

/// `oxmail/accessprofile`
static ACCESS_PROFILE: &[Row] = &[
    plain!(TrueOrFalse, "activesync", "oxRightActivesync"),
    plain!(TrueOrFalse, "calendar", "oxRightCalendar"),
    plain!(TrueOrFalse, "collectemailaddresses", "oxRightCollectemailaddresses"),
    plain!(TrueOrFalse, "contacts", "oxRightContacts"),
    plain!(TrueOrFalse, "delegatetask", "oxRightDelegatetask"),
    plain!(TrueOrFalse, "deniedportal", "oxRightDeniedportal"),
    plain!(Text, "displayName", "displayName"),
    plain!(TrueOrFalse, "editgroup", "oxRightEditgroup"),
    plain!(TrueOrFalse, "editpassword", "oxRightEditpassword"),
    plain!(TrueOrFalse, "editpublicfolders", "oxRightEditpublicfolders"),
    plain!(TrueOrFalse, "editresource", "oxRightEditresource"),
    plain!(TrueOrFalse, "globaladdressbookdisabled", "oxRightGlobaladdressbookdisabled"),
    plain!(TrueOrFalse, "ical", "oxRightIcal"),
    plain!(TrueOrFalse, "infostore", "oxRightInfostore"),
    plain!(TrueOrFalse, "multiplemailaccounts", "oxRightMultiplemailaccounts"),
    plain!(Name, "name", "cn"),
    plain!(TrueOrFalse, "publicfoldereditable", "oxRightPublicfoldereditable"),
    plain!(TrueOrFalse, "readcreatesharedfolders", "oxRightReadcreatesharedfolders"),
    plain!(TrueOrFalse, "subscription", "oxRightSubscription"),
    plain!(TrueOrFalse, "syncml", "oxRightSyncml"),
    plain!(TrueOrFalse, "tasks", "oxRightTasks"),
    plain!(TrueOrFalse, "usm", "oxRightUsm"),
    plain!(TrueOrFalse, "vcard", "oxRightVcard"),
    plain!(TrueOrFalse, "webdav", "oxRightWebdav"),
    plain!(TrueOrFalse, "webdavxml", "oxRightWebdavxml"),
    plain!(TrueOrFalse, "webmail", "oxRightWebmail"),
];

/// `oxmail/functional_account`
static FUNCTIONAL_ACCOUNT: &[Row] = &[
    derived("groups", &["uniqueMember"], member::account_groups),
    plain!(LowerText, "mailPrimaryAddress", "mailPrimaryAddress"),
    plain!(Name, "name", "cn"),
    plain!(Number, "oxQuota", "oxQuota"),
    plain!(Text, "personal", "oxPersonal"),
    derived("users", &["uniqueMember"], member::account_users),
];

/// `oxresources/oxresources`
static RESOURCE: &[Row] = &[
    plain!(Text, "description", "description"),
    plain!(Text, "displayname", "displayName"),
    plain!(Name, "name", "cn"),
    plain!(Integer, "oxContext", "oxContextIDNum"),
    plain!(Text, "resourceMailAddress", "mailPrimaryAddress"),
    plain!(Text, "resourceadmin", "oxResourceAdmin"),
];

/// `container/ou`
static OU: &[Row] = &[
    derived("computerPath", &[], |view| container::flag(view, "univentionComputersObject")),
    plain!(Text, "description", "description"),
    derived("dhcpPath", &[], |view| container::flag(view, "univentionDhcpObject")),
    plain!(Text, "displayName", "displayName"),
    derived("dnsPath", &[], |view| container::flag(view, "univentionDnsObject")),
    derived("domaincontrollerPath", &[], |view| {
        container::flag(view, "univentionDomainControllerComputersObject")
    }),
    derived("groupPath", &[], |view| container::flag(view, "univentionGroupsObject")),
    derived("licensePath", &[], |view| container::flag(view, "univentionLicenseObject")),
    derived("mailPath", &[], |view| container::flag(view, "univentionMailObject")),
    plain!(Name, "name", "ou"),
    derived("networkPath", &[], |view| container::flag(view, "univentionNetworksObject")),
    derived("policyPath", &[], |view| container::flag(view, "univentionPolicyObject")),
    derived("printerPath", &[], |view| container::flag(view, "univentionPrintersObject")),
    derived("sharePath", &[], |view| container::flag(view, "univentionSharesObject")),
    plain!(Text, "ucsschoolClassShareFileServer", "ucsschoolClassShareFileServer"),
    plain!(Text, "ucsschoolHomeShareFileServer", "ucsschoolHomeShareFileServer"),
    plain!(List, "ucsschoolRole", "ucsschoolRole"),
    plain!(Text, "univentionObjectIdentifier", "univentionObjectIdentifier"),
    derived("userPath", &[], |view| container::flag(view, "univentionUsersObject")),
];
