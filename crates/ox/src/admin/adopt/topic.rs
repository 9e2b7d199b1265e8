//! Every kind of thing that can be found: its name, what it means, what to do.

use idspool_provisioner::topics;

topics! {
    CERTIFICATES Action "certificates"
        "extra CA certificates that cannot be used"
        "leave only PEM certificates in conf/ca-certificates";
    CONTEXT_TEXT Note "context-text"
        "objects whose context is a text, as versions before 2.3.1 wrote it"
        "nothing: \"10\" and 10 are the same context";
    CONTEXT_UNUSABLE Action "context-unusable"
        "objects whose context or internal id is no number"
        "correct the object in the directory and re-provision it, or remove the snapshot";
    CREDENTIALS Action "credentials"
        "credentials that cannot be used"
        "repair or restore secrets/contexts.json; without it nothing can be provisioned";
    CREDENTIALS_CONTEXT Action "credentials-context"
        "contexts that are used but have no entry in contexts.json"
        "add the entry: changes of objects in such a context are passed over without being sent";
    CREDENTIALS_MASTER Action "credentials-master"
        "no entry 'master' in contexts.json, and no master password in the configuration"
        "set OX_MASTER_PASSWORD or ox.master_password_file; contexts cannot be created or removed and users not be moved without it";
    DN_TWICE Action "dn-twice"
        "DNs that more than one snapshot claims"
        "look the entryUUID of the DN up in the directory and remove the snapshot of the other object";
    EMPTY_PROFILE Warning "empty-profile"
        "access profiles without any right, which the connector could not read back"
        "decide before the next change of their users: idspool takes all rights away from them, as the profile says; the connector left them untouched";
    ERROR_STATE Note "error-state"
        "the error state of the connector, which is not taken over"
        "nothing: idspool tries the faulty item again and notes its own state";
    ID_TWICE Action "id-twice"
        "internal ids that several users of one context share"
        "compare with OX, then correct the snapshots: idspool ox cache rebuild --delete, then without option";
    IDENTIFIER Action "identifier"
        "names in OX that are not those of the configured identifier: their objects would be renamed"
        "set OX_USER_IDENTIFIER and OX_GROUP_IDENTIFIER as the connector had them";
    LISTENER_DAMAGED Action "listener-damaged"
        "listener files that cannot be understood"
        "repair or remove them; the converter stops at the first of them";
    MAPPING_INVALID Action "mapping-invalid"
        "an attribute mapping that says something impossible"
        "correct it with 'idspool ox mapping'; idspool stops at the first user otherwise";
    MAPPING_NOT_JSON Action "mapping-not-json"
        "an attribute mapping that is not JSON: the connector used the built-in mapping instead, and so does idspool"
        "remove the file if that was right, else restore it from a backup";
    NO_CONTEXT Warning "no-context"
        "OX users without a context"
        "nothing if they are not to be in OX; else set oxContext in the directory";
    NO_ID Note "no-id"
        "OX users without the internal id of OX"
        "nothing: each is looked up by name at its next item; 'idspool ox cache rebuild' does it for all at once";
    NO_SNAPSHOTS Action "no-snapshots"
        "no snapshots in listener/old"
        "check that the right folder is named: only data directories of versions 2.x, which keep one file per object, can be taken over; without snapshots objects are looked up in OX by name and removals of them are lost";
    NOT_READ Note "not-read"
        "files that idspool does not read: databases and scripts of the connector"
        "nothing: the index over the snapshots takes their place";
    OPEN_ACCESS Warning "open-access"
        "files with personal data or passwords that others can read"
        "nothing: the take-over closes them (0600, folders 0700)";
    OWNER Action "owner"
        "files that belong to another user than the one of this command"
        "run this as the user of idspool-ox, and give that user the data directory: chown -R USER: DIR";
    PROFILE_UNKNOWN Warning "profile-unknown"
        "access profiles that users have but ModuleAccessDefinitions.properties does not know"
        "re-provision the profile; the rights of such users stay as they are until then";
    QUEUE_BY_HAND Note "queue-by-hand"
        "waiting items with names without microseconds, as made by hand or by the re-provisioning snippet"
        "nothing: they call OX even if nothing differs";
    QUEUE_CREATED_DELETED Note "queue-created-deleted"
        "waiting items whose object was created and deleted before either was handled"
        "nothing: both are handled in order, and nothing of the object stays in OX";
    QUEUE_DAMAGED Action "queue-damaged"
        "waiting items that cannot be understood"
        "repair or remove them; the queue stands at the first of them";
    QUEUE_UNKNOWN_TYPE Action "queue-unknown-type"
        "waiting items of a type that idspool does not handle; the connector left them lying"
        "remove them; the queue stands at the first of them";
    RUNNING Action "running"
        "the connector still runs"
        "stop it and its Listener Converter, and let nothing start them again";
    RUNNING_RECENTLY Warning "running-recently"
        "the connector wrote its state within the last minute"
        "make sure that it and its Listener Converter are stopped";
    SECRET_FILES Note "secret-files"
        "password files of single contexts, as old versions had them"
        "nothing: they are taken over into contexts.json; entries that are there already stay";
    SECRET_FILES_ODD Warning "secret-files-odd"
        "files in secrets/ whose name does not fit context<number>.secret"
        "nothing if they are not passwords of contexts";
    SNAPSHOT_DAMAGED Action "snapshot-damaged"
        "snapshots that cannot be understood"
        "restore them from a backup, or remove them and re-provision their objects: the queue stands at the next item of such an object otherwise";
    SNAPSHOT_DELETED Warning "snapshot-deleted"
        "snapshots that say their object was deleted"
        "remove them if the object is gone from the directory";
    SNAPSHOT_NAME Action "snapshot-name"
        "snapshots whose file name is not the id of their object"
        "rename or remove them: they are not found otherwise";
    TEMPORARY Note "temporary"
        "unfinished files (*.tmp) of an interrupted connector"
        "nothing: they are not read, and can be removed";
    UNHANDLED_TYPE Note "unhandled-type"
        "snapshots of types that idspool does not handle"
        "nothing: they stay as they are";
    UNREADABLE Action "unreadable"
        "files that this user cannot read"
        "give the user of this command the right to read them: chown -R USER: DIR";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique() {
        let names: std::collections::HashSet<_> = ALL.iter().map(|topic| topic.name).collect();
        assert_eq!(names.len(), ALL.len());
    }
}
