//! Whether the connector is still at work. Two programs on one queue would handle items twice and out
//! of order, and the connector knows no lock.

use std::fs;
use std::path::Path;
use std::time::Duration;

use idspool_provisioner::findings::Findings;

use super::{AdoptError, QUEUE, topic};

/// The script runs every 5 seconds while there is work, and writes its databases each time.
const RECENTLY: Duration = Duration::from_secs(60);
/// Databases that the connector writes at each run.
const WRITTEN: [&str; 2] = ["old.db", "meta.db"];

/// Tells of a running connector, and of one that was running a moment ago.
pub(super) fn check(data: &Path, found: &mut Findings) {
    if let Some(process) = process() {
        found.add(&topic::RUNNING, process);
    }
    for name in WRITTEN {
        let written = fs::metadata(data.join(QUEUE).join(name)).and_then(|file| file.modified());
        let age = written.ok().and_then(|written| written.elapsed().ok());
        if let Some(age) = age.filter(|age| *age < RECENTLY) {
            found.add(&topic::RUNNING_RECENTLY, format!("{name}, {} s ago", age.as_secs()));
        }
    }
}

/// Refuses to go on beside a running connector.
pub(super) fn refuse() -> Result<(), AdoptError> {
    process().map_or(Ok(()), |process| Err(AdoptError::Running { process }))
}

/// A process of the connector. The host sees those of its containers as well.
fn process() -> Option<String> {
    fs::read_dir("/proc").ok()?.find_map(|entry| {
        let entry = entry.ok()?;
        let pid: u32 = entry.file_name().to_str()?.parse().ok()?;
        let name = of_connector(&fs::read(entry.path().join("cmdline")).ok()?)?;
        Some(format!("{name}, process {pid}"))
    })
}

/// The connector's name for a command line that is one of its programs. No more of the line is
/// shown: it may hold passwords.
fn of_connector(command_line: &[u8]) -> Option<&'static str> {
    let arguments = command_line.split(|byte| *byte == 0);
    let names = arguments.map(|path| path.rsplit(|byte| *byte == b'/').next().unwrap_or_default());
    let mut is_converter = false;
    for name in names {
        if name.ends_with(b"listener_trigger") {
            return Some("listener_trigger");
        }
        is_converter |= name == b"univention-appcenter-listener-converter";
        if is_converter && name == b"ox-connector" {
            return Some("Listener Converter of ox-connector");
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
            name("python3 /tmp/univention-ox-connector.listener_trigger"),
            Some("listener_trigger")
        );
        assert_eq!(
            name("/usr/bin/python3 /usr/sbin/univention-appcenter-listener-converter ox-connector"),
            Some("Listener Converter of ox-connector")
        );
        for other in [
            "tail -f /var/log/univention/listener_modules/ox-connector.log",
            "univention-appcenter-listener-converter id-connector",
            "idspool ox adopt /var/lib/univention-appcenter/apps/ox-connector/data",
            "",
        ] {
            assert_eq!(name(other), None, "{other}");
        }
    }
}
