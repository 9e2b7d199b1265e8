//! The LDAP attributes that the mapping knows, as small numbers.
//!
//! An entry is read in one pass: each of its attributes is looked up here once, and from then on the
//! values are found by number. The table of hashes is made by the compiler.

/// A known attribute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Attribute(u8);

impl Attribute {
    /// How many there are.
    pub(super) const COUNT: usize = NAMES.len();

    /// The number, less than [`Attribute::COUNT`].
    pub(super) const fn index(self) -> usize {
        self.0 as usize
    }

    /// The attribute of a name in lower case.
    pub(super) fn of(lower: &str) -> Option<Self> {
        let mut slot = hash(lower.as_bytes()) as usize % SLOTS;
        loop {
            // `EMPTY` is past the end of `NAMES`, and there are more slots than names.
            let at = *TABLE.get(slot)?;
            let name = NAMES.get(usize::from(at))?;
            if name.eq_ignore_ascii_case(lower) {
                return Some(Self(at));
            }
            slot = (slot + 1) % SLOTS;
        }
    }
}

/// The attribute of a name in the spelling of the schema. For constants: an unknown name stops the
/// compiler.
#[expect(clippy::panic, clippy::indexing_slicing, reason = "only ever run by the compiler")]
pub(super) const fn attribute(name: &str) -> Attribute {
    let mut at = 0;
    while at < NAMES.len() {
        if same(NAMES[at].as_bytes(), name.as_bytes()) {
            #[expect(clippy::cast_possible_truncation, reason = "there are fewer than 255")]
            return Attribute(at as u8);
        }
        at += 1;
    }
    panic!("no known attribute")
}

#[expect(clippy::indexing_slicing, reason = "const code has no iterators; lengths are equal")]
const fn same(left: &[u8], right: &[u8]) -> bool {
    if left.len() != right.len() {
        return false;
    }
    let mut at = 0;
    while at < left.len() {
        if left[at] != right[at] {
            return false;
        }
        at += 1;
    }
    true
}

/// FNV-1a: short, and good enough for two hundred fixed names.
#[expect(clippy::indexing_slicing, reason = "const code has no iterators")]
const fn hash(name: &[u8]) -> u32 {
    let mut hash: u32 = 0x811c_9dc5;
    let mut at = 0;
    while at < name.len() {
        hash = (hash ^ name[at].to_ascii_lowercase() as u32).wrapping_mul(0x0100_0193);
        at += 1;
    }
    hash
}

/// About half of them stay empty, which keeps searches short.
const SLOTS: usize = 512;
const EMPTY: u8 = u8::MAX;

#[expect(clippy::indexing_slicing, reason = "only ever run by the compiler")]
static TABLE: [u8; SLOTS] = {
    assert!(NAMES.len() < EMPTY as usize, "EMPTY must not be an index");
    let mut table = [EMPTY; SLOTS];
    let mut at = 0;
    while at < NAMES.len() {
        let mut slot = hash(NAMES[at].as_bytes()) as usize % SLOTS;
        while table[slot] != EMPTY {
            slot = (slot + 1) % SLOTS;
        }
        #[expect(clippy::cast_possible_truncation, reason = "asserted above")]
        {
            table[slot] = at as u8;
        }
        at += 1;
    }
    table
};

static NAMES: [&str; 189] = [
    "automountInformation",
    "c",
    "cn",
    "departmentNumber",
    "description",
    "displayName",
    "employeeNumber",
    "employeeType",
    "entryUUID",
    "gecos",
    "gidNumber",
    "givenName",
    "homeDirectory",
    "homePhone",
    "homePostalAddress",
    "initials",
    "isOxGroup",
    "isOxUser",
    "jpegPhoto",
    "krb5KDCFlags",
    "krb5ValidEnd",
    "krb5ValidStart",
    "l",
    "loginShell",
    "mail",
    "mailAlternativeAddress",
    "mailForwardAddress",
    "mailForwardCopyToSelf",
    "mailPrimaryAddress",
    "memberOf",
    "mobile",
    "o",
    "objectClass",
    "ou",
    "oxAccess",
    "oxAnniversary",
    "oxBranches",
    "oxCityHome",
    "oxCityOther",
    "oxCommercialRegister",
    "oxContextIDNum",
    "oxCountryBusiness",
    "oxCountryHome",
    "oxCountryOther",
    "oxDepartment",
    "oxDeputyPermissionGivenTo",
    "oxDisplayName",
    "oxEmail2",
    "oxEmail3",
    "oxFaxBusiness",
    "oxFaxHome",
    "oxFaxOther",
    "oxInstantMessenger1",
    "oxInstantMessenger2",
    "oxLanguage",
    "oxManagerName",
    "oxMarialStatus",
    "oxMiddleName",
    "oxMobileBusiness",
    "oxNickName",
    "oxNote",
    "oxNumOfChildren",
    "oxPersonal",
    "oxPosition",
    "oxPostalCodeHome",
    "oxPostalCodeOther",
    "oxProfession",
    "oxQuota",
    "oxResourceAdmin",
    "oxRightActivesync",
    "oxRightCalendar",
    "oxRightCollectemailaddresses",
    "oxRightContacts",
    "oxRightDelegatetask",
    "oxRightDeniedportal",
    "oxRightEditgroup",
    "oxRightEditpassword",
    "oxRightEditpublicfolders",
    "oxRightEditresource",
    "oxRightGlobaladdressbookdisabled",
    "oxRightIcal",
    "oxRightInfostore",
    "oxRightMultiplemailaccounts",
    "oxRightPublicfoldereditable",
    "oxRightReadcreatesharedfolders",
    "oxRightSubscription",
    "oxRightSyncml",
    "oxRightTasks",
    "oxRightUsm",
    "oxRightVcard",
    "oxRightWebdav",
    "oxRightWebdavxml",
    "oxRightWebmail",
    "oxSalesVolume",
    "oxSpouseName",
    "oxStateBusiness",
    "oxStateHome",
    "oxStateOther",
    "oxStreetHome",
    "oxStreetOther",
    "oxSuffix",
    "oxTaxId",
    "oxTelephoneAssistant",
    "oxTelephoneCar",
    "oxTelephoneCompany",
    "oxTelephoneIp",
    "oxTelephoneOther",
    "oxTelephoneTelex",
    "oxTelephoneTtydd",
    "oxTimeZone",
    "oxUrl",
    "oxUserfield01",
    "oxUserfield02",
    "oxUserfield03",
    "oxUserfield04",
    "oxUserfield05",
    "oxUserfield06",
    "oxUserfield07",
    "oxUserfield08",
    "oxUserfield09",
    "oxUserfield10",
    "oxUserfield11",
    "oxUserfield12",
    "oxUserfield13",
    "oxUserfield14",
    "oxUserfield15",
    "oxUserfield16",
    "oxUserfield17",
    "oxUserfield18",
    "oxUserfield19",
    "oxUserfield20",
    "oxUserQuota",
    "pager",
    "physicalDeliveryOfficeName",
    "postalCode",
    "postOfficeBox",
    "preferredDeliveryMethod",
    "preferredLanguage",
    "roomNumber",
    "sambaAcctFlags",
    "sambaBadPasswordTime",
    "sambaGroupType",
    "sambaHomeDrive",
    "sambaHomePath",
    "sambaKickoffTime",
    "sambaLogonHours",
    "sambaLogonScript",
    "sambaProfilePath",
    "sambaSID",
    "sambaUserWorkstations",
    "secretary",
    "shadowExpire",
    "shadowLastChange",
    "shadowMax",
    "sn",
    "st",
    "street",
    "telephoneNumber",
    "title",
    "ucsschoolClassShareFileServer",
    "ucsschoolHomeShareFileServer",
    "ucsschoolImportRole",
    "ucsschoolImportSchool",
    "ucsschoolLegalGuardian",
    "ucsschoolLegalWard",
    "ucsschoolPurgeTimestamp",
    "ucsschoolRecordUID",
    "ucsschoolRole",
    "ucsschoolSchool",
    "ucsschoolSourceUID",
    "uid",
    "uidNumber",
    "uniqueMember",
    "univentionAllowedEmailGroups",
    "univentionAllowedEmailUsers",
    "univentionBirthday",
    "univentionGroupType",
    "univentionGuardianMemberRoles",
    "univentionGuardianRoles",
    "univentionMailHomeServer",
    "univentionMailUserQuota",
    "univentionObjectFlag",
    "univentionObjectIdentifier",
    "univentionObjectType",
    "univentionSambaPrivilegeList",
    "univentionSourceIAM",
    "univentionUMCProperty",
    "userCertificate",
    "userPassword",
];
