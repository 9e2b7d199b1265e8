//! Log lines on standard error, in the form that the log file of the OX Connector has
//! (`YYYY-MM-DD HH:MM:SS LEVEL     message`, ox-provisioning 1), so that existing log watchers match.
//!
//! Where one process works on several queues, a span (an `error_span!`, so that it is there at every level)
//! whose only content is a message stands before the lines of its thread.

use std::fmt;

use chrono::Local;
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields, FormattedFields};
use tracing_subscriber::registry::LookupSpan;

use crate::one_line::one_line;

/// The levels that a configuration may name (`OX_CONNECTOR_LOG_LEVEL`, ox-provisioning 10.1).
pub const LEVELS: [&str; 5] = ["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"];

/// Starts logging at `level`, one of [`LEVELS`] in any letter case.
///
/// `RUST_LOG` overrides it, for finding faults in idspool itself. A second call has no effect.
///
/// # Errors
/// The level is none of [`LEVELS`].
pub fn init(level: &str) -> Result<(), UnknownLevel> {
    let directive = match level.to_ascii_uppercase().as_str() {
        "DEBUG" => "debug",
        "INFO" => "info",
        "WARNING" => "warn",
        // There is no level above ERROR here; whoever asks for CRITICAL wants the least.
        "ERROR" | "CRITICAL" => "error",
        _ => return Err(UnknownLevel(level.to_owned())),
    };
    // The libraries below log each request and each LDAP message at debug level, with its content.
    let filter = EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| EnvFilter::new(format!("error,idspool={directive}")));
    let _already_started = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        // Lines have no colours; asking for them on a terminal is refused where they are not built in.
        .with_ansi(false)
        .event_format(Line)
        .try_init();
    Ok(())
}

/// The level for `--quiet`: warnings and faults, or less if `level` asks for less.
#[must_use]
pub fn quiet(level: &str) -> &str {
    match level.to_ascii_uppercase().as_str() {
        "DEBUG" | "INFO" => "WARNING",
        _ => level,
    }
}

/// A log level that is none of [`LEVELS`].
#[derive(Debug, thiserror::Error)]
#[error("unknown log level '{0}': expected one of DEBUG, INFO, WARNING, ERROR, CRITICAL")]
pub struct UnknownLevel(String);

struct Line;

impl<S, N> FormatEvent<S, N> for Line
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let level = match *event.metadata().level() {
            Level::ERROR => "ERROR",
            Level::WARN => "WARNING",
            Level::INFO => "INFO",
            Level::DEBUG | Level::TRACE => "DEBUG",
        };
        write!(writer, "{} {level:<9} ", Local::now().format("%Y-%m-%d %H:%M:%S"))?;
        let mut text = String::new();
        for span in context.event_scope().into_iter().flat_map(|scope| scope.from_root()) {
            if let Some(fields) = span.extensions().get::<FormattedFields<N>>() {
                text.push_str(fields.as_str());
                text.push_str(": ");
            }
        }
        context.field_format().format_fields(Writer::new(&mut text), event)?;
        // A name with a line break in it would look like a line of ours.
        writeln!(writer, "{}", one_line(&text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quiet_never_says_more_than_was_asked_for() {
        let levels = ["debug", "Info", "WARNING", "error", "CRITICAL", "loud"];
        let expected = ["WARNING", "WARNING", "WARNING", "error", "CRITICAL", "loud"];
        assert_eq!(levels.map(quiet), expected);
    }

    #[test]
    fn a_message_is_one_line_of_the_log() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let subscriber = tracing_subscriber::fmt()
            .with_writer(file.reopen().unwrap())
            .with_ansi(false)
            .event_format(Line)
            .finish();
        tracing::subscriber::with_default(subscriber, || {
            tracing::info!("Creating {}", "uid=a\n2026-11-21 00:00:00 ERROR     forged\u{202e}");
        });
        let log = std::fs::read_to_string(file.path()).unwrap();
        assert_eq!(log.lines().count(), 1, "{log}");
        assert!(log.ends_with("uid=a\\n2026-11-21 00:00:00 ERROR     forged\\u{202e}\n"), "{log}");
    }

    #[test]
    fn what_a_thread_works_on_stands_before_its_lines() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let subscriber = tracing_subscriber::fmt()
            .with_writer(file.reopen().unwrap())
            .with_ansi(false)
            .event_format(Line)
            .finish();
        tracing::subscriber::with_default(subscriber, || {
            let _span = tracing::error_span!("queue", "OutQueue({})", "north").entered();
            tracing::info!("Start handling '{}'.", "a.json");
        });
        let log = std::fs::read_to_string(file.path()).unwrap();
        assert!(log.ends_with("INFO      OutQueue(north): Start handling 'a.json'.\n"), "{log}");
    }

    #[test]
    fn refuses_an_unknown_level_by_name() {
        let error = init("loud").unwrap_err().to_string();
        assert!(error.contains("'loud'") && error.contains("WARNING"), "{error}");
    }
}
