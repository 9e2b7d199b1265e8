//! The cases of queues of school authorities. The first one whose words are in the message counts. Each has a line in
//! `docs/kelvin.md`.

use super::case::Case;

pub(super) const CASES: &[Case] = &[
    Case {
        name: "kelvin-certificate",
        words: &["no trusted connection"],
        meaning: "the Kelvin server has a certificate that this machine does not trust, or does not trust ours",
        cause: "the certificate's authority is not known here, it is expired, or it is for another name",
        steps: &[
            "put the authority's certificate as a *.pem file into kelvin.ca_certificates and restart idspool-kelvin; or \
             name it in the ssl_context (ca_file) of the school authority, which takes effect at once",
        ],
    },
    Case {
        name: "kelvin-unreachable",
        words: &[
            "no address found",
            "no connection: ",
            "no connection within ",
            "without a complete answer",
            "no complete answer within ",
        ],
        meaning: "the Kelvin server does not answer",
        cause: "it is down, restarting or overloaded, a firewall is in between, or the url is not right",
        steps: &[
            "nothing while it restarts: the queue goes on by itself",
            "$ idspool kelvin authorities show {authority}",
            "$ idspool kelvin authorities test {authority}",
        ],
    },
    Case {
        name: "kelvin-login",
        words: &["not authorized: "],
        meaning: "the Kelvin server does not let us in",
        cause: "user name or password changed, the account is disabled, or it has no rights there",
        steps: &[
            "correct them; that takes effect at once:",
            "$ idspool kelvin authorities set-password {authority}",
            "$ idspool kelvin authorities test {authority}",
        ],
    },
    Case {
        name: "kelvin-trouble",
        words: &[": status 5", ": status 429"],
        meaning: "the Kelvin server has trouble of its own, or is asked too much",
        cause: "its directory or a hook there fails, it is being updated, or a proxy has no server behind it",
        steps: &[
            "look into the log of the Kelvin server at that time; the queue goes on by itself",
        ],
    },
    Case {
        name: "kelvin-not-kelvin",
        words: &["this is no answer of Kelvin"],
        meaning: "something else than Kelvin answered",
        cause: "a proxy with Kelvin down behind it, a login page, or a wrong url",
        steps: &["$ idspool kelvin authorities test {authority}"],
    },
    Case {
        name: "kelvin-schools",
        words: &["that it has no schools at all", "but does not list it"],
        meaning: "the list of schools of the Kelvin server is empty or short, which is not believed: users would be removed",
        cause: "the account may not see them, or the server is being set up or restored",
        steps: &["look at the server; the queue goes on by itself when the list is complete"],
    },
    Case {
        name: "kelvin-configuration",
        words: &[
            "the configuration of school authority",
            "has no mapping for ",
            "the mapping gives no value for ",
            "is mapped to '",
        ],
        meaning: "the file of the school authority cannot be used as it is, or lacks a mapping",
        cause: "it was edited by hand, or is not complete",
        steps: &[
            "correct the file; that takes effect at once:",
            "$ idspool config check",
            "$ idspool kelvin authorities test {authority}",
        ],
    },
    Case {
        name: "kelvin-name-taken",
        words: &[
            "is never taken over",
            "; it is not handed over to another object",
            "which did not come from here",
        ],
        meaning: "the name is taken at the Kelvin server by somebody or something that is not this object",
        cause: "it was made there by hand or by another import, or the other one is to be renamed or removed first",
        steps: &[
            "if the other one gave the name up or is gone in the directory, report it to the listener \
             (idspool-listener hook): its item goes before this one",
            "if the two swap their names, give one of them a third name in between",
            "else rename or remove one of the two; nothing of somebody else is ever taken over",
        ],
    },
    Case {
        name: "kelvin-record-uid",
        words: &[
            "missing record_uid",
            "Multiple users with the same",
            "which the user '",
            "tells its record UID",
        ],
        meaning: "it is not clear which account at the Kelvin server this user is",
        cause: "accounts are found by record UID and source UID; they are missing here, or twice there",
        steps: &[
            "set ucsschoolRecordUID in the directory, or remove all but one of the accounts at the server",
            "its change makes a new item, so give this one up if it stays faulty:",
            "$ idspool queue remove {item}",
        ],
    },
    Case {
        name: "kelvin-refused",
        words: &["refused with status "],
        meaning: "the Kelvin server does not take the data of this object",
        cause: "a value that it does not allow, or a property that is not configured there; the message has its own words",
        steps: &[
            "correct the object in the directory, the mapping, or the settings of the server; its change makes a new \
             item, so give this one up:",
            "$ idspool queue remove {item}",
        ],
    },
];
