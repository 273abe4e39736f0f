//! What is logged, and what can never be? Our own sentences only, every line checked for secrets before it is written.
//!
//! Three fences, each enough for most leaks: dependencies are not heard at all (at trace level hyper, h2 and rustls log
//! the bytes of requests, and sqlx the values of statements); whatever looks like a secret is masked in the finished
//! line, wherever in it it stands; and a panic is reported by its place, never by its text.

mod redact;

use std::io::{self, Write};

use tracing::Metadata;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::{EnvFilter, FilterFn};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, fmt};

pub use redact::redact;

use crate::config::{Log, LogFormat};

/// The packages whose events are heard: ours. Everything else stays silent at every level.
const HEARD: [&str; 9] = [
    "farebox",
    "app",
    "domain",
    "migrations",
    "proxy",
    "sandbox",
    "server",
    "texts",
    "wire",
];

/// Starts logging to standard error. Call it once, first.
pub fn start(log: &Log) {
    let filter = EnvFilter::builder()
        .with_default_directive(LevelFilter::INFO.into())
        .parse_lossy(&log.filter);
    let ours = FilterFn::new(|metadata: &Metadata<'_>| heard(metadata.target()));
    let base = fmt::layer().with_ansi(false).with_writer(Redacting);
    let lines = match log.format {
        LogFormat::Pretty => base.boxed(),
        LogFormat::Json => base.json().flatten_event(true).boxed(),
    };
    // Only a second start fails, and then the first one is in place.
    let _ = tracing_subscriber::registry()
        .with(lines.with_filter(ours).with_filter(filter))
        .try_init();
    std::panic::set_hook(Box::new(|panic| {
        // The text of a panic can quote what was being worked on: a prompt, a key.
        let place = panic
            .location()
            .map_or_else(|| "somewhere".to_owned(), ToString::to_string);
        tracing::error!(place, "a defect of ours stopped a task");
    }));
}

/// Whether the text is a filter that `start` understands.
///
/// # Errors
/// With what is wrong in it.
pub fn check_filter(text: &str) -> Result<(), String> {
    EnvFilter::builder()
        .parse(text)
        .map(|_| ())
        .map_err(|wrong| format!("{wrong}; write info, or parts like info,proxy=debug"))
}

fn heard(target: &str) -> bool {
    HEARD.contains(&target.split("::").next().unwrap_or(target))
}

/// Refuses core dumps and debuggers: the memory of this process holds prompts and keys.
pub fn protect_memory() {
    use rustix::process::{DumpableBehavior, Resource, Rlimit, set_dumpable_behavior, setrlimit};
    let none = Rlimit {
        current: Some(0),
        maximum: Some(0),
    };
    if setrlimit(Resource::Core, none).is_err()
        || set_dumpable_behavior(DumpableBehavior::NotDumpable).is_err()
    {
        tracing::warn!(
            "core dumps could not be switched off: switch them off outside (systemd: LimitCORE=0)"
        );
    }
}

/// Allows as many open files as the system does: each running call has two, and the usual default is 1024 in all.
pub fn raise_file_limit() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        maximum: limit.maximum,
    };
    if setrlimit(Resource::Nofile, raised).is_err() {
        tracing::warn!(
            open_files = limit.current,
            "the limit of open files could not be raised"
        );
    }
}

/// Where lines go: through [`redact`] to standard error.
struct Redacting;

impl<'a> MakeWriter<'a> for Redacting {
    type Writer = Line;

    fn make_writer(&'a self) -> Line {
        Line(Vec::new())
    }
}

/// One event; its parts are put together first, because a secret could lie across two writes.
struct Line(Vec<u8>);

impl Write for Line {
    fn write(&mut self, part: &[u8]) -> io::Result<usize> {
        self.0.extend_from_slice(part);
        Ok(part.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        let text = String::from_utf8_lossy(&self.0);
        let line = redact(text.trim_end_matches('\n'));
        // Nobody is left to tell when standard error is gone.
        let _ = writeln!(io::stderr().lock(), "{line}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_own_packages_are_heard() {
        for target in ["farebox", "proxy::serve", "server::ledger::writer"] {
            assert!(heard(target), "{target}");
        }
        for target in [
            "hyper::proto::h1",
            "h2",
            "rustls::msgs",
            "sqlx::query",
            "sea_orm",
            "reqwest::connect",
            "proxyline",
            "log",
        ] {
            assert!(!heard(target), "{target}");
        }
    }

    #[test]
    fn a_filter_that_cannot_be_read_is_said_to_be_so() {
        assert_eq!(check_filter("info,proxy=debug"), Ok(()));
        assert!(check_filter("proxy=loud").is_err());
    }
}
