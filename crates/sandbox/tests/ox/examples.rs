//! The published examples, answered as published.

use std::fs;
use std::path::Path;

use crate::support::{Client, leaves, server_with};

/// Answers an example's request and compares the answer; nil fields do not count, as the examples
/// leave them out.
fn play(client: &mut Client, number: usize) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/examples");
    let mut files: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| {
            let name = path.file_name().unwrap().to_str().unwrap();
            name.starts_with(&format!("{number:02}-"))
        })
        .collect();
    files.sort();
    let [request, response] = &files[..] else {
        panic!("example {number}: {files:?}");
    };
    let name = response.file_name().unwrap().to_str().unwrap();
    let service = name.split('-').nth(1).unwrap();
    let status: u16 = name.rsplit("response-").next().unwrap()[..3].parse().unwrap();
    let answer = client.post(service, &fs::read(request).unwrap()).unwrap();
    assert_eq!(answer.status, status, "{name}: {}", answer.body);
    let mut expected = leaves(&fs::read_to_string(response).unwrap());
    // An answer leaves an unlimited quota out; the examples show it nevertheless.
    expected.retain(|(path, text)| !(path.ends_with("}maxQuota") && text == "-1"));
    // White space between elements, in the indented examples.
    let mut actual = leaves(&answer.body);
    for leaf in expected.iter_mut().chain(&mut actual) {
        if let Some((text, _)) = leaf.1.split_once("; exceptionId ") {
            leaf.1 = text.to_owned();
        }
    }
    assert_eq!(actual, expected, "{name}: {}", answer.body);
}

#[test]
fn the_published_examples_are_answered_as_published() {
    let server = server_with(|options| {
        options.contexts.clear();
        options.unique_display_names = true;
    });
    let mut client = Client::new(server.address());
    play(&mut client, 1);
    play(&mut client, 2);
    play(&mut client, 3);
    play(&mut client, 4);
    play(&mut client, 5);
    // The lists show a second context.
    let second = fs::read_to_string(
        Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("tests/data/examples/02-OXContextService-create.request.xml"),
    )
    .unwrap()
    .replace("<d:id>10</d:id>", "<d:id>11</d:id>")
    .replace(
        "<d:loginMappings>context10</d:loginMappings>",
        "<d:loginMappings>11</d:loginMappings>",
    )
    .replace(
        "<d:loginMappings>10</d:loginMappings>",
        "<d:loginMappings>context11</d:loginMappings>",
    )
    .replace("<d:maxQuota>1000</d:maxQuota>", "<d:maxQuota>-1</d:maxQuota>")
    .replace("<d:name>context10</d:name>", "<d:name>context11</d:name>");
    assert_eq!(client.post("OXContextService", second.as_bytes()).unwrap().status, 200);
    // Users, then what refers to them; deletions at the end, as each service shows its own.
    let order =
        (6..=7).chain(9..=20).chain(22..=27).chain(29..=32).chain(34..=37).chain([28, 33, 21, 8]);
    for number in order {
        play(&mut client, number);
    }
    server.inspect(|world| {
        assert!(world.context(10).is_none());
        assert_eq!(world.context(11).unwrap().user(3).unwrap().name(), "anna");
    });
}
