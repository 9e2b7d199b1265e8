//! Every kind of thing that can be found: its name, what it means, what to do.

use idspool_provisioner::topics;

topics! {
    ABANDONED Warning "abandoned"
        "out queues without a school authority"
        "look whether somebody misses it; idspool leaves them as they are";
    AUTHORITY Action "authority"
        "school authorities whose file cannot be used"
        "correct the file: until then changes are put into its queue and not delivered";
    CONFIGURATION Action "configuration"
        "files that say which school authorities there are and which schools they have, and cannot be used"
        "correct them: nothing is handed to anybody otherwise";
    CONFIGURATION_ODD Warning "configuration-odd"
        "settings that are odd"
        "look whether they say what is meant";
    GIVEN_UP Warning "given-up"
        "changes that the ID Connector could not deliver and put into the trash of an out queue"
        "provision their objects again when the cause is mended: idspool kelvin schedule user|group NAME; the files are not read by idspool and can be removed";
    IGNORED Note "ignored"
        "changes in the trash of the in queue that concerned no school authority, or could not be read"
        "nothing: idspool does not read them; listener_trash_cleaner removes old ones";
    KEPT Warning "kept"
        "files that the ID Connector has put aside in folders 'keep'"
        "look at them; idspool does not read them";
    LISTENER_DAMAGED Action "listener-damaged"
        "listener files that cannot be understood"
        "repair or remove them; the converter stops at the first of them";
    NO_AUTHORITY Warning "no-authority"
        "no school authority is configured"
        "check that the right folder is named: it has to hold conf/ and data/";
    NO_MEMORY Action "no-memory"
        "what the ID Connector remembered of each object (data/old_data_db) is missing or cannot be read"
        "restore it from a backup; without it users who leave a school authority, or are deleted, before their next change are not removed at its server";
    NOT_UNDERSTOOD Warning "not-understood"
        "objects of which the ID Connector remembered something that cannot be understood"
        "provision them again: idspool kelvin schedule user NAME";
    OPEN_ACCESS Warning "open-access"
        "files with personal data, password hashes or passwords that others can read"
        "nothing: the take-over closes them (0600, folders 0700)";
    OWNER Action "owner"
        "files that belong to another user than the one of this command"
        "run this as the user of idspool-kelvin, and give that user the directory: chown -R USER: DIR";
    PLUGINS Warning "plugins"
        "programs of your own that the ID Connector loaded (conf/plugins)"
        "idspool runs none of them: look whether what they did can be done by a mapping";
    QUEUE_DAMAGED Action "queue-damaged"
        "waiting changes that cannot be understood"
        "repair or remove them; their queue stands at the first of them";
    QUEUE_ODD Note "queue-odd"
        "things in the queues that are no changes (*.json)"
        "nothing: idspool leaves them alone";
    REMOVED_QUEUES Note "removed-queues"
        "queues of removed school authorities (data/out_queues_trash)"
        "nothing: idspool does not read them, and they can be removed";
    RUNNING Action "running"
        "the ID Connector still runs"
        "stop the app and its Listener Converter, and let nothing start them again";
    TOKEN_KEY Note "token-key"
        "the key of the tokens of the HTTP API (conf/tokens.secret)"
        "nothing: it is not used at present";
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
