//! Log lines that existing scripts and people look for (3.7), to the letter.

use super::*;

const OBJECT: &str = "Object('groups/group', 'cn=team,cn=groups,dc=example,dc=org')";

/// Checks that delivering an item logs these lines and no others.
fn check(stage: &Stage, item: &ConvertedItem, expected: &[&str]) {
    let lines = logged(|| stage.deliver(item).unwrap());
    let expected: Vec<String> = expected.iter().map(|line| line.replace("<obj>", OBJECT)).collect();
    assert_eq!(lines, expected);
}

#[test]
fn the_life_of_a_group() {
    let stage = stage();
    let unknown = format!(
        "INFO Group wants {} as member. But the user is unknown. Ignoring...",
        dn("unknown")
    );
    check(
        &stage,
        &of(&["anna", "unknown", "berta"]),
        &[
            "INFO Group team will be OX Group",
            &unknown,
            "INFO <obj> will be processed with context 10",
            "INFO Creating <obj>",
            "INFO Searching for team in context 10",
            "INFO Retrieving members...",
            "INFO ... found 3",
            "INFO ... found 4",
            "INFO univention.ox.soap.backend_base.SoapGroup: Created group 'team' in context 10 (id=5).",
        ],
    );
    check(
        &stage,
        &of(&["berta", "carl"]),
        &[
            "INFO Group team was OX Group",
            "INFO Group team will be OX Group",
            &unknown,
            "INFO <obj> will be processed with context 10",
            "INFO Modifying <obj>",
            "INFO Searching for team in context 10",
            "INFO Retrieving members...",
            "INFO univention.ox.soap.backend_base.SoapGroup: Modified group 'team' in context 10 (id=5).",
            "INFO <obj> will be processed with context 11",
            "INFO Modifying <obj>",
            "INFO Searching for team in context 11",
            "INFO <obj> does not yet exist. Creating instead...",
            "INFO Retrieving members...",
            "INFO ... found 3",
            "INFO univention.ox.soap.backend_base.SoapGroup: Created group 'team' in context 11 (id=4).",
        ],
    );
    check(
        &stage,
        &of(&["carl"]),
        &[
            "INFO Group team was OX Group",
            "INFO Group team will be OX Group",
            "INFO <obj> will be processed with context 10",
            "INFO Modifying <obj>",
            "INFO <obj> is empty. Deleting instead...",
            "INFO Searching for team in context 10",
            "INFO univention.ox.soap.backend_base.SoapGroup: Deleted group 'team' in context 10 (id=5).",
        ],
    );
    check(
        &stage,
        &team(json!({"isOxGroup": "Not", "users": [dn("carl")]})),
        &[
            "INFO Group team was OX Group",
            "INFO <obj> will be processed with context 11",
            "INFO Modifying <obj>",
            "INFO <obj> is no OX group. Deleting instead...",
            "INFO Searching for team in context 11",
            "INFO univention.ox.soap.backend_base.SoapGroup: Deleted group 'team' in context 11 (id=4).",
        ],
    );
    check(&stage, &deleted(), &[]);
}

#[test]
fn what_was_found_and_what_was_not() {
    let stage = stage_over(server().with_group(10, 7, "team", &[4]));
    check(
        &stage,
        &of(&["anna"]),
        &[
            "INFO Group team will be OX Group",
            "INFO <obj> will be processed with context 10",
            "INFO Creating <obj>",
            "INFO Searching for team in context 10",
            "INFO <obj> exists. Modifying instead...",
            "WARN Found in DB but had no old attributes. Using new ones as old...",
            "INFO Retrieving members...",
            "INFO ... found 3",
            "INFO univention.ox.soap.backend_base.SoapGroup: Modified group 'team' in context 10 (id=7).",
        ],
    );
    stage.ox.change_world(|world| world.contexts.get_mut(&10).unwrap().groups.clear());
    check(
        &stage,
        &deleted(),
        &[
            "INFO Group team was OX Group",
            "INFO <obj> will be processed with context 10",
            "INFO Deleting <obj>",
            "INFO Searching for team in context 10",
            "INFO <obj> does not exist. Doing nothing...",
        ],
    );
}

#[test]
fn a_group_that_becomes_one_for_ox() {
    let stage = stage();
    stage.deliver(&team(json!({"isOxGroup": "Not", "users": [dn("anna")]}))).unwrap();
    let lines = logged(|| stage.deliver(&of(&["anna"])).unwrap());
    let expected = format!(
        "INFO {OBJECT} was no OX group before... that should not be the case. Modifying anyway..."
    );
    assert!(lines.contains(&expected), "{lines:#?}");
    assert_eq!(members_in(&stage, 10, "team"), Some(vec![3]));
}
