//! Whether the ID Connector is still at work. Two programs on one queue would handle items twice and out of order,
//! and the ID Connector knows no lock.

use std::fs;

/// A process of the ID Connector. The host sees those of its containers as well.
pub(super) fn process() -> Option<String> {
    fs::read_dir("/proc").ok()?.find_map(|entry| {
        let entry = entry.ok()?;
        let pid: u32 = entry.file_name().to_str()?.parse().ok()?;
        let name = of_connector(&fs::read(entry.path().join("cmdline")).ok()?)?;
        Some(format!("{name}, process {pid}"))
    })
}

/// The name of the program for a command line that is one of the ID Connector's. No more of the line is shown: it
/// may hold passwords.
fn of_connector(command_line: &[u8]) -> Option<&'static str> {
    let arguments = command_line.split(|byte| *byte == 0);
    let mut is_converter = false;
    for argument in arguments {
        let name = argument.rsplit(|byte| *byte == b'/').next().unwrap_or_default();
        if name == b"queue_management" {
            return Some("queue_management");
        }
        if name.starts_with(b"ucsschool_id_connector.http_api") {
            return Some("the HTTP API");
        }
        is_converter |= name == b"univention-appcenter-listener-converter";
        if is_converter && name == b"ucsschool-id-connector" {
            return Some("Listener Converter of ucsschool-id-connector");
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_programs_of_the_connector_are_taken_for_it() {
        let name = |line: &str| of_connector(line.replace(' ', "\0").as_bytes());
        assert_eq!(
            name("python3 /ucsschool-id-connector/src/queue_management"),
            Some("queue_management")
        );
        assert_eq!(
            name(
                "/usr/bin/python3 /usr/sbin/univention-appcenter-listener-converter ucsschool-id-connector"
            ),
            Some("Listener Converter of ucsschool-id-connector")
        );
        for other in [
            "tail -f /var/log/univention/ucsschool-id-connector/queues.log",
            "univention-appcenter-listener-converter ox-connector",
            "idspool kelvin adopt /var/lib/univention-appcenter/apps/ucsschool-id-connector",
            "",
        ] {
            assert_eq!(name(other), None, "{other}");
        }
    }
}
