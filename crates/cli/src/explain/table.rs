//! The table of cases. The first that fits counts, so the narrower ones stand first.

use super::case::Case;

/// All cases.
pub(super) static CASES: &[Case] = &[
    // OX cannot be reached.
    Case {
        name: "ox-host",
        words: &["no address found for "],
        meaning: "the name of the OX server has no address",
        cause: "a misspelt ox.soap_server (OX_SOAP_SERVER), or a name service that does not answer",
        steps: &[
            "check the name:",
            "$ getent hosts HOST",
            "correct ox.soap_server and restart idspool-ox",
        ],
    },
    Case {
        name: "ox-unreachable",
        words: &["no connection to "],
        meaning: "OX does not accept connections",
        cause: "OX is down or restarting, a firewall is in between, or ox.soap_server names another host or port",
        steps: &[
            "nothing, if OX is being restarted: the queue goes on when it is back",
            "$ curl -sS -o /dev/null -w '%{http_code}\\n' SOAP_SERVER/webservices/OXContextService?wsdl",
        ],
    },
    Case {
        name: "certificate",
        words: &["no trusted connection to "],
        meaning: "OX has a certificate that this machine does not trust",
        cause: "the certificate's authority is not known here, it is expired, or it is for another name",
        steps: &[
            "put the certificate of the authority, or the server's own self-signed one, into the data directory:",
            "$ cp ca.pem {data}/conf/ca-certificates/",
            "restart idspool-ox",
        ],
    },
    Case {
        name: "ox-no-answer",
        words: &["no complete answer of ", "ended without a complete answer"],
        meaning: "OX took a call and did not answer it completely",
        cause: "OX is overloaded, was restarted in the middle, or a proxy cut the connection",
        steps: &[
            "look into the log of OX and of the proxy; the call is repeated, which is harmless",
        ],
    },
    Case {
        name: "proxy",
        words: &["without SOAP", " is not SOAP: "],
        meaning: "something else than OX answered",
        cause: "a proxy with OX down behind it, a login page, or a wrong ox.soap_server",
        steps: &[
            "check that OX runs behind its proxy, and that /webservices is let through from this host",
        ],
    },
    // Credentials.
    Case {
        name: "master-missing",
        words: &["has no entry 'master'"],
        meaning: "creating, changing or removing a context, and moving a user, needs the master administrator, whose login is not known",
        cause: "no master password is configured, and contexts.json has no entry 'master'",
        steps: &[
            "write the password into a file of mode 0600, name it in ox.master_password_file (or set OX_MASTER_PASSWORD), and restart idspool-ox; or add the entry 'master' to {data}/secrets/contexts.json",
        ],
    },
    Case {
        name: "credentials-file",
        words: &["credentials file "],
        meaning: "the file with the passwords of the contexts cannot be used",
        cause: "it was edited and is no JSON any more, was removed, or belongs to another user",
        steps: &[
            "the message tells the line; check it with:",
            "$ python3 -m json.tool {data}/secrets/contexts.json >/dev/null",
            "the queue goes on as soon as the file is right",
        ],
    },
    Case {
        name: "master-credentials",
        words: &[
            "OXContextService.…InvalidCredentials: ",
            "OXUserCopyService.…InvalidCredentials: ",
        ],
        meaning: "OX refused a call of the master administrator",
        cause: "most often its login or password: ox.master_admin or the master password is not that of OX",
        steps: &[
            "correct the file that ox.master_password_file names, or the entry 'master' in {data}/secrets/contexts.json, and restart idspool-ox",
        ],
    },
    Case {
        name: "context-credentials",
        words: &["InvalidCredentials: "],
        meaning: "OX refused login or password of a context's administrator",
        cause: "the entry of the context in contexts.json is not right, or the context does not exist: OX answers the same to both",
        steps: &[
            "correct the entry of the context in {data}/secrets/contexts.json; it is read again for the next attempt",
        ],
    },
    // What OX says.
    Case {
        name: "display-name",
        words: &["The displayname is already used"],
        meaning: "another user of the context has the same display name, and OX insists that they differ",
        cause: "OX is not configured for display names that occur twice, which the directory allows",
        steps: &[
            "set in OX's user.properties, and restart OX:",
            "com.openexchange.user.enforceUniqueDisplayName=false",
            "com.openexchange.folderstorage.database.preferDisplayName=false",
            "or give the user another oxDisplayName in the directory, and give this item up:",
            "$ idspool queue remove {item}",
        ],
    },
    Case {
        name: "owned",
        words: &["; it is not handed over to another object"],
        meaning: "what this object would be in OX belongs to another object of the directory, which the message names",
        cause: "the other one gave the name up, and that has not been delivered; or two directory objects claim the same name",
        steps: &[
            "if the other object gave the name up or is gone, report it to the listener (idspool-listener hook): \
             its item goes before this one",
            "if the two swap their names, give one of them a third name in between",
            "else give this object another name in the directory, and give this item up:",
            "$ idspool queue remove {item}",
        ],
    },
    Case {
        name: "taken",
        words: &["already exists in "],
        meaning: "OX has another object with that name or mail address in the context",
        cause: "an object that was made by hand in OX, a guest with the same address, or two directory objects that claim the same",
        steps: &[
            "if another directory object gave that name or address up, report it to the listener (idspool-listener \
             hook): its item goes before this one",
            "if two swap theirs, give one of them another one in between",
            "else change one of them in the directory; or, if no directory object is behind it, rename or remove the other one in OX",
        ],
    },
    Case {
        name: "context-missing",
        words: &["NoSuchContext: "],
        meaning: "the context does not exist in OX",
        cause: "it was removed by hand, or never created",
        steps: &[
            "create the context in OX, or re-provision it in the directory; the queue goes on by itself",
        ],
    },
    Case {
        name: "ox-trouble",
        words: &["DatabaseUpdate: ", "Storage: ", "Remote: ", "Server: "],
        meaning: "OX has trouble of its own",
        cause: "its database or storage does not work, or it is updating the schema of the context",
        steps: &[
            "look into the log of OX, under the exceptionId if the message has one; the call is repeated",
        ],
    },
    Case {
        name: "ox-refuses",
        words: &["InvalidData: "],
        meaning: "OX does not take the data of this object",
        cause: "a value that OX does not allow, or a setting of OX that forbids the change; the message has OX's own words",
        steps: &[
            "correct the object in the directory, or the setting of OX; a change of the object makes a new item, so give this one up:",
            "$ idspool queue remove {item}",
        ],
    },
    // The object.
    Case {
        name: "identifier",
        words: &[
            "Missing or misconfigured identifier app settings",
            "doesn't accept collections as value",
        ],
        meaning: "the object has no usable value in the property that is to become its name in OX",
        cause: "OX_USER_IDENTIFIER (ox.user_identifier) or OX_GROUP_IDENTIFIER (ox.group_identifier) names a property that is empty or has several values here",
        steps: &[
            "name a property that every object has, with one value, in the configuration, and restart idspool-ox",
            "$ idspool config check",
            "or give this object the property in the directory",
        ],
    },
    Case {
        name: "mandatory",
        words: &["Mandatory attributes: ", "Mandatory fields not set"],
        meaning: "the user lacks what OX demands of every new user",
        cause: "the property is empty in the directory, or the attribute mapping takes the value from elsewhere",
        steps: &[
            "complete the user in the directory; that change makes a new item, so give this one up:",
            "$ idspool queue remove {item}",
            "$ idspool ox mapping dump",
        ],
    },
    Case {
        name: "imap-login",
        words: &["login template needs property "],
        meaning: "the IMAP login or the login at a functional account cannot be built for this object",
        cause: "OX_IMAP_LOGIN or OX_FUNCTIONAL_ACCOUNT_LOGIN_TEMPLATE names a property that this object does not have",
        steps: &[
            "set the property in the directory, or correct ox.imap_login or ox.functional_account_login_template and restart idspool-ox",
        ],
    },
    Case {
        name: "value",
        words: &["OX property '", "property '", "value of \""],
        meaning: "a property of the object has a value that cannot be sent to OX",
        cause: "it has another form than OX needs: a date, a number, a single text",
        steps: &[
            "correct the value in the directory; that change makes a new item, so give this one up:",
            "$ idspool queue remove {item}",
            "or take the property out of the mapping: $ idspool ox mapping modify --unset OX_PROPERTY",
        ],
    },
    Case {
        name: "missing-snapshot",
        words: &["Old object file "],
        meaning: "the state of a member of this group is not in listener/old, so its id in OX is not known",
        cause: "the file was removed by hand, or not restored with the others",
        steps: &[
            "re-provision the member; the group goes on by itself afterwards:",
            "$ idspool-listener hook --entry-uuid {member_id} --dn {member_dn} --object-type users/user --command modify",
            "if the member is no longer in the directory:",
            "$ idspool ox cache forget {member_dn}",
        ],
    },
    Case {
        name: "damaged-snapshot",
        words: &["snapshot "],
        meaning: "the last delivered state of this object cannot be read",
        cause: "the file in listener/old was edited or damaged",
        steps: &["restore it from a backup; or remove it, then OX is asked for the object by name"],
    },
    // Files.
    Case {
        name: "mapping",
        words: &["attribute mapping "],
        meaning: "the attribute mapping says something that is not possible",
        cause: "AttributeMapping.json was edited by hand",
        steps: &[
            "correct it, or return to the mapping that holds without the file:",
            "$ idspool ox mapping restore-default",
        ],
    },
];
