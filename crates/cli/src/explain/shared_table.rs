//! The cases that can happen in any queue. The first one whose words are in the message counts.

use super::case::Case;

pub(super) const CASES: &[Case] = &[
    Case {
        name: "unknown-type",
        words: &["is not handled here", "no module that idspool knows"],
        meaning: "the item is about a type of object that idspool does not provision",
        cause: "it was written by hand or by another program, with a misspelt or foreign type",
        steps: &[
            "correct udm_object_type in the file, or give the item up:",
            "$ idspool queue remove {item}",
        ],
    },
    Case {
        name: "not-understood",
        words: &["read converted item: ", "read listener item: ", "is no usable object id"],
        meaning: "the file is no item: it cannot be understood",
        cause: "somebody wrote or edited it by hand, or a program that writes in place was interrupted",
        steps: &[
            "look at it, repair or remove it; what is wrong stands in the message:",
            "$ idspool queue show {item}",
            "$ idspool queue remove {item}",
            "afterwards re-provision the object that it was about",
        ],
    },
    Case {
        name: "disk-full",
        words: &["No space left on device", "Disk quota exceeded"],
        meaning: "nothing can be written any more",
        cause: "the file system is full",
        steps: &[
            "make room; nothing is lost meanwhile, and the queue goes on by itself:",
            "$ df -h {data}",
        ],
    },
    Case {
        name: "permission",
        words: &[
            "Permission denied (os error",
            "Read-only file system",
            "Operation not permitted (os error",
        ],
        meaning: "a file or folder cannot be read or written",
        cause: "it belongs to another user, as after a copy by root, or the file system is read-only",
        steps: &[
            "give the data directory to the user that the programs run as:",
            "$ chown -R USER: {data}",
        ],
    },
    // The directory.
    Case {
        name: "bind-password",
        words: &[
            "wrong bind password or bind DN",
            "the password is empty",
            "find the password of ",
        ],
        meaning: "the LDAP server does not let us in",
        cause: "directory.bind_dn or the content of directory.bind_password_file is not right",
        steps: &[
            "correct them; the password file is read again by itself, another bind DN needs a restart",
            "$ idspool config check",
        ],
    },
    Case {
        name: "base-dn",
        words: &["no such object (result 32)", "is not below directory.base_dn"],
        meaning: "the object cannot be looked up where the converter looks",
        cause: "directory.base_dn is not right, or the bind DN may not read there",
        steps: &["correct directory.base_dn and restart idspool-converter"],
    },
    Case {
        name: "ldap-certificate",
        words: &["the server's certificate is not accepted", "refused StartTLS"],
        meaning: "no trusted connection to the LDAP server can be made",
        cause: "its certificate is not known here, is for another name, or the server does not offer TLS",
        steps: &[
            "put the authority's certificate into the folder that directory.ca_certificates names, and restart idspool-converter",
        ],
    },
    Case {
        name: "ldap-unreachable",
        words: &["Cannot look objects up: ", "Cannot look password hashes up: "],
        meaning: "the LDAP server does not answer as it should",
        cause: "it is down, overloaded or limited, or directory.url is not right",
        steps: &[
            "nothing if it is being restarted: the converter goes on by itself",
            "$ idspool config check",
        ],
    },
];
