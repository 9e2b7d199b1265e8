//! `User`: 137 fields.

use crate::id::OxUserId;
use crate::object::{DataObject, fields};

/// A user of a context. `password` is never taken from an answer: `create` sends it back in clear
/// text.
pub type User = DataObject<UserField>;

impl DataObject<UserField> {
    /// `id`; `None` when it is not set or 0, which OX takes for "not set".
    #[must_use]
    pub fn id(&self) -> Option<OxUserId> {
        self.id_number(UserField::Id).filter(|&id| id != 0).map(OxUserId::new)
    }

    /// `name`: the login name.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.text(UserField::Name)
    }
}

/// Id and name of a user, out of an answer that holds whole users.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserName {
    /// `id`
    pub id: OxUserId,
    /// `name`: the login name.
    pub name: String,
}

fields! {
    /// The fields of [`User`] in schema order; variants are the element names in camel case.
    pub enum UserField of "User" in "OXUserService" {
        Aliases = "aliases": List,
        Anniversary = "anniversary": Date,
        AssistantName = "assistant_name": Text,
        Birthday = "birthday": Date,
        Branches = "branches": Text,
        BusinessCategory = "business_category": Text,
        Categories = "categories": Text,
        CellularTelephone1 = "cellular_telephone1": Text,
        CellularTelephone2 = "cellular_telephone2": Text,
        CityBusiness = "city_business": Text,
        CityHome = "city_home": Text,
        CityOther = "city_other": Text,
        CommercialRegister = "commercial_register": Text,
        Company = "company": Text,
        Contextadmin = "contextadmin": Bool,
        CountryBusiness = "country_business": Text,
        CountryHome = "country_home": Text,
        CountryOther = "country_other": Text,
        DriveUserFolderMode = "drive_user_folder_mode": Text own_service_only,
        DriveFolderMode = "drive_folder_mode": Text own_service_only,
        DefaultSenderAddress = "defaultSenderAddress": Text,
        DefaultGroup = "default_group": Nested,
        Department = "department": Text,
        DisplayName = "display_name": Text,
        Email1 = "email1": Text,
        Email2 = "email2": Text,
        Email3 = "email3": Text,
        EmployeeType = "employeeType": Text,
        FaxBusiness = "fax_business": Text,
        FaxHome = "fax_home": Text,
        FaxOther = "fax_other": Text,
        FilestoreId = "filestoreId": Int own_service_only,
        FilestoreName = "filestore_name": Text own_service_only,
        FolderTree = "folderTree": Int,
        GivenName = "given_name": Text,
        GuiPreferencesForSoap = "guiPreferencesForSoap": Nested,
        GuiSpamFilterEnabled = "gui_spam_filter_enabled": Bool,
        Id = "id": Int,
        ImapLogin = "imapLogin": Text,
        ImapPort = "imapPort": Int,
        ImapSchema = "imapSchema": Text,
        ImapServer = "imapServer": Text,
        ImapServerString = "imapServerString": Text,
        Info = "info": Text,
        InstantMessenger1 = "instant_messenger1": Text,
        InstantMessenger2 = "instant_messenger2": Text,
        Language = "language": Text,
        MailFolderConfirmedHamName = "mail_folder_confirmed_ham_name": Text,
        MailFolderConfirmedSpamName = "mail_folder_confirmed_spam_name": Text,
        MailFolderDraftsName = "mail_folder_drafts_name": Text,
        MailFolderSentName = "mail_folder_sent_name": Text,
        MailFolderSpamName = "mail_folder_spam_name": Text,
        MailFolderTrashName = "mail_folder_trash_name": Text,
        MailFolderArchiveFullName = "mail_folder_archive_full_name": Text,
        Mailenabled = "mailenabled": Bool,
        ManagerName = "manager_name": Text,
        MaritalStatus = "marital_status": Text,
        MaxQuota = "maxQuota": Long own_service_only,
        MiddleName = "middle_name": Text,
        Name = "name": Text,
        Nickname = "nickname": Text,
        Note = "note": Text,
        NumberOfChildren = "number_of_children": Text,
        NumberOfEmployee = "number_of_employee": Text,
        Password = "password": Text,
        PasswordMech = "passwordMech": Text,
        PasswordExpired = "password_expired": Bool,
        Position = "position": Text,
        PostalCodeBusiness = "postal_code_business": Text,
        PostalCodeHome = "postal_code_home": Text,
        PostalCodeOther = "postal_code_other": Text,
        PrimaryEmail = "primaryEmail": Text,
        Profession = "profession": Text,
        RoomNumber = "room_number": Text,
        SalesVolume = "sales_volume": Text,
        SmtpPort = "smtpPort": Int,
        SmtpSchema = "smtpSchema": Text,
        SmtpServer = "smtpServer": Text,
        SmtpServerString = "smtpServerString": Text,
        SpouseName = "spouse_name": Text,
        StateBusiness = "state_business": Text,
        StateHome = "state_home": Text,
        StateOther = "state_other": Text,
        StreetBusiness = "street_business": Text,
        StreetHome = "street_home": Text,
        StreetOther = "street_other": Text,
        Suffix = "suffix": Text,
        SurName = "sur_name": Text,
        TaxId = "tax_id": Text,
        TelephoneAssistant = "telephone_assistant": Text,
        TelephoneBusiness1 = "telephone_business1": Text,
        TelephoneBusiness2 = "telephone_business2": Text,
        TelephoneCallback = "telephone_callback": Text,
        TelephoneCar = "telephone_car": Text,
        TelephoneCompany = "telephone_company": Text,
        TelephoneHome1 = "telephone_home1": Text,
        TelephoneHome2 = "telephone_home2": Text,
        TelephoneIp = "telephone_ip": Text,
        TelephoneIsdn = "telephone_isdn": Text,
        TelephoneOther = "telephone_other": Text,
        TelephonePager = "telephone_pager": Text,
        TelephonePrimary = "telephone_primary": Text,
        TelephoneRadio = "telephone_radio": Text,
        TelephoneTelex = "telephone_telex": Text,
        TelephoneTtytdd = "telephone_ttytdd": Text,
        Timezone = "timezone": Text,
        Title = "title": Text,
        UploadFileSizeLimit = "uploadFileSizeLimit": Int,
        UploadFileSizeLimitPerFile = "uploadFileSizeLimitPerFile": Int,
        Url = "url": Text,
        UsedQuota = "usedQuota": Long own_service_only,
        UserAttributes = "userAttributes": Nested,
        Userfield01 = "userfield01": Text,
        Userfield02 = "userfield02": Text,
        Userfield03 = "userfield03": Text,
        Userfield04 = "userfield04": Text,
        Userfield05 = "userfield05": Text,
        Userfield06 = "userfield06": Text,
        Userfield07 = "userfield07": Text,
        Userfield08 = "userfield08": Text,
        Userfield09 = "userfield09": Text,
        Userfield10 = "userfield10": Text,
        Userfield11 = "userfield11": Text,
        Userfield12 = "userfield12": Text,
        Userfield13 = "userfield13": Text,
        Userfield14 = "userfield14": Text,
        Userfield15 = "userfield15": Text,
        Userfield16 = "userfield16": Text,
        Userfield17 = "userfield17": Text,
        Userfield18 = "userfield18": Text,
        Userfield19 = "userfield19": Text,
        Userfield20 = "userfield20": Text,
        PrimaryAccountName = "primaryAccountName": Text own_service_only,
        ConvertDriveUserFolders = "convert_drive_user_folders": Bool own_service_only,
        LoadRemoteMailContentByDefault = "load_remote_mail_content_by_default": Bool own_service_only,
        Image1 = "image1": Bytes,
        Image1ContentType = "image1ContentType": Text,    }
}
