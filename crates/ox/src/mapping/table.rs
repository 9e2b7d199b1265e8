//! The built-in mapping (ox-provisioning 6.1), in its order.

use idspool_ox_soap::UserField as F;

use super::{Entry, Handling, Property};

/// One line of the table.
pub(super) struct Row {
    pub(super) property: Property,
    source: &'static str,
    alternatives: &'static [&'static str],
    required: bool,
    multi_value: bool,
    handling: Handling,
    position: Option<usize>,
}

impl Row {
    /// A plain text that is cleared when the source is empty.
    const fn text(name: &'static str, field: F, source: &'static str) -> Self {
        Self {
            property: Property { name, field, clears: true },
            source,
            alternatives: &[],
            required: false,
            multi_value: false,
            handling: Handling::Default,
            position: None,
        }
    }

    /// A value that cannot be cleared: it is left out when the source is empty.
    const fn kept(name: &'static str, field: F, source: &'static str, handling: Handling) -> Self {
        let mut row = Self::text(name, field, source);
        row.property.clears = false;
        row.handling = handling;
        row
    }

    /// One element of a list.
    const fn element(name: &'static str, field: F, source: &'static str, position: usize) -> Self {
        let mut row = Self::text(name, field, source);
        row.position = Some(position);
        row
    }

    const fn with_alternatives(mut self, alternatives: &'static [&'static str]) -> Self {
        self.alternatives = alternatives;
        self
    }

    const fn required(mut self) -> Self {
        self.required = true;
        self
    }

    const fn multi_value(mut self) -> Self {
        self.multi_value = true;
        self
    }

    pub(super) fn entry(&self) -> Entry {
        Entry {
            property: self.property,
            source: Some(self.source.to_owned()),
            alternatives: self.alternatives.iter().map(|&name| name.to_owned()).collect(),
            required: self.required,
            multi_value: self.multi_value,
            handling: self.handling,
            position: self.position,
        }
    }
}

pub(super) static TABLE: [Row; 89] = [
    Row::text("display_name", F::DisplayName, "oxDisplayName").with_alternatives(&["displayName"]),
    Row::text("given_name", F::GivenName, "firstname"),
    Row::text("sur_name", F::SurName, "lastname"),
    Row::text("email1", F::Email1, "mailPrimaryAddress").required(),
    Row::text("branches", F::Branches, "oxBranches"),
    Row::text("cellular_telephone1", F::CellularTelephone1, "oxMobileBusiness"),
    Row::text("city_business", F::CityBusiness, "city"),
    Row::text("city_home", F::CityHome, "oxCityHome"),
    Row::text("city_other", F::CityOther, "oxCityOther"),
    Row::text("commercial_register", F::CommercialRegister, "oxCommercialRegister"),
    Row::text("company", F::Company, "organisation"),
    Row::text("country_business", F::CountryBusiness, "oxCountryBusiness"),
    Row::text("country_home", F::CountryHome, "oxCountryHome"),
    Row::text("country_other", F::CountryOther, "oxCountryOther"),
    Row::text("department", F::Department, "oxDepartment"),
    Row::text("email2", F::Email2, "oxEmail2"),
    Row::text("email3", F::Email3, "oxEmail3"),
    Row::kept("employee_type", F::EmployeeType, "employeeType", Handling::Default),
    Row::text("fax_business", F::FaxBusiness, "oxFaxBusiness"),
    Row::text("fax_home", F::FaxHome, "oxFaxHome"),
    Row::text("fax_other", F::FaxOther, "oxFaxOther"),
    Row::text("instant_messenger1", F::InstantMessenger1, "oxInstantMessenger1"),
    Row::text("instant_messenger2", F::InstantMessenger2, "oxInstantMessenger2"),
    Row::text("manager_name", F::ManagerName, "oxManagerName"),
    // The UDM name is spelled so.
    Row::text("marital_status", F::MaritalStatus, "oxMarialStatus"),
    Row::text("middle_name", F::MiddleName, "oxMiddleName"),
    Row::text("nickname", F::Nickname, "oxNickName"),
    Row::text("note", F::Note, "oxNote"),
    Row::text("number_of_children", F::NumberOfChildren, "oxNumOfChildren"),
    Row::text("number_of_employee", F::NumberOfEmployee, "employeeNumber"),
    Row::text("position", F::Position, "oxPosition"),
    Row::text("postal_code_business", F::PostalCodeBusiness, "postcode"),
    Row::text("postal_code_home", F::PostalCodeHome, "oxPostalCodeHome"),
    Row::text("postal_code_other", F::PostalCodeOther, "oxPostalCodeOther"),
    Row::text("profession", F::Profession, "oxProfession"),
    Row::text("sales_volume", F::SalesVolume, "oxSalesVolume"),
    Row::text("spouse_name", F::SpouseName, "oxSpouseName"),
    Row::text("state_business", F::StateBusiness, "oxStateBusiness"),
    Row::text("state_home", F::StateHome, "oxStateHome"),
    Row::text("state_other", F::StateOther, "oxStateOther"),
    Row::text("street_business", F::StreetBusiness, "street"),
    Row::text("street_home", F::StreetHome, "oxStreetHome"),
    Row::text("street_other", F::StreetOther, "oxStreetOther"),
    Row::text("suffix", F::Suffix, "oxSuffix"),
    Row::text("tax_id", F::TaxId, "oxTaxId"),
    Row::text("telephone_assistant", F::TelephoneAssistant, "oxTelephoneAssistant"),
    Row::text("telephone_car", F::TelephoneCar, "oxTelephoneCar"),
    Row::text("telephone_company", F::TelephoneCompany, "oxTelephoneCompany"),
    Row::text("telephone_ip", F::TelephoneIp, "oxTelephoneIp"),
    Row::text("telephone_other", F::TelephoneOther, "oxTelephoneOther"),
    Row::text("telephone_telex", F::TelephoneTelex, "oxTelephoneTelex"),
    // The UDM name is spelled so.
    Row::text("telephone_ttytdd", F::TelephoneTtytdd, "oxTelephoneTtydd"),
    Row::text("title", F::Title, "title"),
    Row::text("url", F::Url, "oxUrl"),
    Row::kept("used_quota", F::UsedQuota, "oxUserQuota", Handling::Default),
    Row::kept("max_quota", F::MaxQuota, "oxUserQuota", Handling::Default),
    Row::text("userfield01", F::Userfield01, "oxUserfield01"),
    Row::text("userfield02", F::Userfield02, "oxUserfield02"),
    Row::text("userfield03", F::Userfield03, "oxUserfield03"),
    Row::text("userfield04", F::Userfield04, "oxUserfield04"),
    Row::text("userfield05", F::Userfield05, "oxUserfield05"),
    Row::text("userfield06", F::Userfield06, "oxUserfield06"),
    Row::text("userfield07", F::Userfield07, "oxUserfield07"),
    Row::text("userfield08", F::Userfield08, "oxUserfield08"),
    Row::text("userfield09", F::Userfield09, "oxUserfield09"),
    Row::text("userfield10", F::Userfield10, "oxUserfield10"),
    Row::text("userfield11", F::Userfield11, "oxUserfield11"),
    Row::text("userfield12", F::Userfield12, "oxUserfield12"),
    Row::text("userfield13", F::Userfield13, "oxUserfield13"),
    Row::text("userfield14", F::Userfield14, "oxUserfield14"),
    Row::text("userfield15", F::Userfield15, "oxUserfield15"),
    Row::text("userfield16", F::Userfield16, "oxUserfield16"),
    Row::text("userfield17", F::Userfield17, "oxUserfield17"),
    Row::text("userfield18", F::Userfield18, "oxUserfield18"),
    Row::text("userfield19", F::Userfield19, "oxUserfield19"),
    Row::text("userfield20", F::Userfield20, "oxUserfield20"),
    Row::kept("image1", F::Image1, "jpegPhoto", Handling::Image),
    Row::text("room_number", F::RoomNumber, "roomNumber"),
    Row::text("cellular_telephone2", F::CellularTelephone2, "mobileTelephoneNumber"),
    Row::text("telephone_pager", F::TelephonePager, "pagerTelephoneNumber"),
    Row::kept("anniversary", F::Anniversary, "oxAnniversary", Handling::Date),
    Row::kept("birthday", F::Birthday, "birthday", Handling::Date),
    Row::element("telephone_business1", F::TelephoneBusiness1, "phone", 0),
    Row::element("telephone_business2", F::TelephoneBusiness2, "phone", 1),
    Row::element("telephone_home1", F::TelephoneHome1, "homeTelephoneNumber", 0),
    Row::element("telephone_home2", F::TelephoneHome2, "homeTelephoneNumber", 1),
    Row::kept("imap_server", F::ImapServer, "mailHomeServer", Handling::ImapUrl),
    Row::kept("smtp_server", F::SmtpServer, "mailHomeServer", Handling::SmtpUrl),
    Row::kept("aliases", F::Aliases, "mailAlternativeAddress", Handling::Default).multi_value(),
];
