//! Where does each setting come from, and what is wrong with it? All problems are collected, not only the first.

use std::fmt;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::bail;
use ipnet::IpNet;
use proxy::ProxyConfig;
use server::secrets::Secret;

use super::file::File;
use super::{Brand, Config, Connections, Log, LogFormat, PublicUrl};

/// Who set a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    Default,
    File(PathBuf),
    Environment(&'static str),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File(path) => write!(f, "{}", path.display()),
            Self::Environment(name) => write!(f, "{name}"),
        }
    }
}

/// One setting as `config check` shows it: secrets are masked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    pub name: &'static str,
    pub shown: String,
    pub origin: Origin,
}

/// The settings, and what is wrong with them.
#[derive(Debug)]
pub struct Loaded {
    pub config: Config,
    pub settings: Vec<Setting>,
    /// What makes every command refuse, one sentence each.
    pub problems: Vec<String>,
    /// What works but is probably a mistake.
    pub notes: Vec<String>,
}

impl Loaded {
    /// The settings, when nothing is wrong with them.
    ///
    /// # Errors
    /// With all problems, one a line.
    pub fn into_config(self) -> anyhow::Result<Config> {
        if self.problems.is_empty() {
            return Ok(self.config);
        }
        bail!(
            "the settings cannot be used (see `farebox config check`):\n  - {}",
            self.problems.join("\n  - ")
        )
    }
}

/// The variables that this file reads; `FAREBOX_KEY_*` belong to the key ring.
const VARIABLES: [&str; 31] = [
    "FAREBOX_CONFIG",
    "FAREBOX_DATA",
    "FAREBOX_LISTEN",
    "FAREBOX_PUBLIC_URL",
    "FAREBOX_LOCALES",
    "FAREBOX_LOG",
    "FAREBOX_LOG_FORMAT",
    "FAREBOX_DRAIN_SECONDS",
    "FAREBOX_TRUSTED_PROXIES",
    "FAREBOX_METRICS_TOKEN",
    "FAREBOX_METRICS_TOKEN_FILE",
    "FAREBOX_BRAND_NAME",
    "FAREBOX_BRAND_SUPPORT",
    "FAREBOX_WELCOME_CREDIT",
    "FAREBOX_LEDGER_VERIFY_AT",
    "FAREBOX_MAIL_HOST",
    "FAREBOX_MAIL_PORT",
    "FAREBOX_MAIL_SECURITY",
    "FAREBOX_MAIL_USER",
    "FAREBOX_MAIL_PASSWORD",
    "FAREBOX_MAIL_PASSWORD_FILE",
    "FAREBOX_MAIL_FROM",
    "FAREBOX_MAIL_CA_FILE",
    "FAREBOX_RATES_SOURCES",
    "FAREBOX_RATES_OPENEXCHANGERATES_KEY",
    "FAREBOX_RATES_OPENEXCHANGERATES_KEY_FILE",
    "FAREBOX_RATES_PROXY",
    "FAREBOX_RATES_STAND_IN",
    "FAREBOX_PAYMENTS_MIN",
    "FAREBOX_PAYMENTS_MAX",
    "FAREBOX_PAYMENTS_SANDBOX",
];

pub(super) struct Loader<'a> {
    variable: &'a dyn Fn(&str) -> Option<String>,
    path: PathBuf,
    settings: Vec<Setting>,
    pub(super) problems: Vec<String>,
}

impl Loader<'_> {
    /// The raw text of a setting: environment, else file, else default.
    pub(super) fn raw(
        &self,
        variable: Option<&'static str>,
        file: Option<String>,
        default: &str,
    ) -> (String, Origin) {
        let from_environment = variable.and_then(|name| {
            (self.variable)(name)
                .filter(|text| !text.is_empty())
                .map(|text| (text, name))
        });
        match (from_environment, file) {
            (Some((text, name)), _) => (text, Origin::Environment(name)),
            (None, Some(text)) => (text, Origin::File(self.path.clone())),
            (None, None) => (default.to_owned(), Origin::Default),
        }
    }

    /// Reads one setting; what cannot be read becomes a problem and the default stands in, so that reading goes on.
    pub(super) fn read<T, E: fmt::Display>(
        &mut self,
        name: &'static str,
        (text, origin): (String, Origin),
        default: &str,
        parse: impl Fn(&str) -> Result<T, E>,
    ) -> T {
        self.settings.push(Setting {
            name,
            shown: hide_password(&text),
            origin: origin.clone(),
        });
        match parse(&text) {
            Ok(value) => value,
            Err(wrong) => {
                self.problems.push(format!("{name} ({origin}): {wrong}"));
                parse(default)
                    .map_err(|wrong| wrong.to_string())
                    .expect("the default of a setting can be read")
            }
        }
    }
}

pub(super) fn load(variable: &dyn Fn(&str) -> Option<String>) -> Loaded {
    let named = variable("FAREBOX_CONFIG").filter(|text| !text.is_empty());
    let path = named
        .clone()
        .map_or_else(|| PathBuf::from("farebox.toml"), PathBuf::from);
    let mut loader = Loader {
        variable,
        path: path.clone(),
        settings: Vec::new(),
        problems: Vec::new(),
    };
    let file = match read_file(&path, named.is_some()) {
        Ok(file) => file,
        Err(wrong) => {
            loader.problems.push(wrong);
            File::default()
        }
    };
    let config = settings(&mut loader, file);
    let Loader {
        settings, problems, ..
    } = loader;
    Loaded {
        config,
        settings,
        problems,
        notes: unknown_variables(),
    }
}

/// The settings one by one, in the order in which `config check` shows them.
fn settings(l: &mut Loader<'_>, file: File) -> Config {
    let secret_in_file = [&file.database_url, &file.rates.proxy]
        .into_iter()
        .flatten()
        .any(|url| url.contains('@'));
    if secret_in_file && let Err(wrong) = closed_to_others(&l.path) {
        l.problems.push(wrong);
    }
    let path = |text: &str| Ok::<_, String>(PathBuf::from(text));
    let raw = l.raw(Some("FAREBOX_DATA"), file.data, "./data");
    let data = l.read("data", raw, "./data", path);
    let raw = l.raw(Some("FAREBOX_LISTEN"), file.listen, "127.0.0.1:8787");
    let listen = l.read("listen", raw, "127.0.0.1:8787", listen_address);
    let raw = l.raw(Some("FAREBOX_PUBLIC_URL"), file.public_url, "");
    let public_url = l.read("public_url", raw, "", |text| {
        optional(text, str::parse::<PublicUrl>)
    });
    let beside = format!("sqlite:{}", data.join("farebox.db").display());
    let raw = l.raw(Some("DATABASE_URL"), file.database_url, &beside);
    let database_url = l.read("database_url", raw, &beside, database);
    let raw = l.raw(Some("FAREBOX_LOCALES"), file.locales, "");
    let locales = l.read("locales", raw, "", |text| optional(text, folder));
    let raw = l.raw(Some("FAREBOX_LOG"), file.log, "info");
    let filter = l.read("log", raw, "info", |text| {
        crate::telemetry::check_filter(text).map(|()| text.to_owned())
    });
    let raw = l.raw(Some("FAREBOX_LOG_FORMAT"), file.log_format, "pretty");
    let format = l.read("log_format", raw, "pretty", log_format);
    let raw = l.raw(Some("FAREBOX_BRAND_NAME"), file.brand.name, "Farebox");
    let name = l.read("brand.name", raw, "Farebox", brand_name);
    let raw = l.raw(Some("FAREBOX_BRAND_SUPPORT"), file.brand.support, "");
    let support = l.read("brand.support", raw, "", |text| {
        optional(text, |text| Ok::<_, String>(text.to_owned()))
    });
    // From the file alone: whoever may set a variable of the process shall not open the private network by it.
    let raw = l.raw(
        None,
        file.upstreams.private_ranges.map(|list| list.join(",")),
        "",
    );
    let upstream_private_ranges = l.read("upstreams.private_ranges", raw, "", networks);
    let raw = l.raw(
        Some("FAREBOX_TRUSTED_PROXIES"),
        file.trusted_proxies.map(|list| list.join(",")),
        "",
    );
    let trusted_proxies = l.read("trusted_proxies", raw, "", networks);
    let metrics_token = secret(
        l,
        ("metrics.token", "FAREBOX_METRICS_TOKEN"),
        ("metrics.token_file", "FAREBOX_METRICS_TOKEN_FILE"),
        file.metrics.token_file,
    );
    let mail = super::mail::settings(l, file.mail);
    let welcome = super::welcome::settings(l, file.welcome);
    let sayings = super::policies::settings(l, file.policies);
    let verify_at = super::ledger::settings(l, file.ledger);
    let rates = super::rates::settings(l, file.rates);
    let payments = super::payments::settings(l, file.payments);
    let seller = super::seller::settings(l, file.seller, &name, support.as_deref());
    let bounds = Connections::default();
    let mut count = |name, variable, given: Option<u64>, default: u64| {
        let default = default.to_string();
        let raw = l.raw(variable, given.map(|n| n.to_string()), &default);
        l.read(name, raw, &default, positive)
    };
    let total = count(
        "connections.total",
        None,
        file.connections.total,
        bounds.total as u64,
    );
    let per_address = count(
        "connections.per_address",
        None,
        file.connections.per_address,
        bounds.per_address as u64,
    );
    let header = count(
        "connections.header_seconds",
        None,
        file.connections.header_seconds,
        bounds.header_timeout.as_secs(),
    );
    let patience = ProxyConfig::default();
    let concurrent = count(
        "limits.concurrent_calls",
        None,
        file.limits.concurrent_calls,
        u64::from(patience.concurrent_calls),
    );
    let first_byte = count(
        "limits.first_byte_seconds",
        None,
        file.limits.first_byte_seconds,
        patience.first_byte.as_secs(),
    );
    let pause = count(
        "limits.pause_seconds",
        None,
        file.limits.pause_seconds,
        patience.pause.as_secs(),
    );
    let drain = count(
        "drain_seconds",
        Some("FAREBOX_DRAIN_SECONDS"),
        file.drain_seconds,
        600,
    );
    let raw = l.raw(
        None,
        file.limits.requests_per_minute.map(|n| n.to_string()),
        "",
    );
    let requests_per_minute = l.read("limits.requests_per_minute", raw, "", |text| {
        optional(text, positive)
    });
    let raw = l.raw(
        None,
        file.limits.tokens_per_minute.map(|n| n.to_string()),
        "",
    );
    let tokens_per_minute = l.read("limits.tokens_per_minute", raw, "", |text| {
        optional(text, positive)
    });
    let raw = l.raw(None, file.keys.reveal, "owner");
    let key_copies = l.read("keys.reveal", raw, "owner", reveal);
    let calls = ProxyConfig {
        concurrent_calls: u32::try_from(concurrent).unwrap_or(u32::MAX),
        requests_per_minute: requests_per_minute.map(|n| u32::try_from(n).unwrap_or(u32::MAX)),
        tokens_per_minute: tokens_per_minute.map(|n| u32::try_from(n).unwrap_or(u32::MAX)),
        first_byte: Duration::from_secs(first_byte),
        pause: Duration::from_secs(pause),
        ..patience
    };
    Config {
        calls,
        data,
        listen,
        public_url,
        database_url,
        locales,
        log: Log { filter, format },
        brand: Brand { name, support },
        upstream_private_ranges,
        trusted_proxies,
        metrics_token,
        mail,
        key_copies,
        welcome,
        sayings,
        verify_at,
        rates,
        payments,
        seller,
        connections: Connections {
            total: usize::try_from(total).unwrap_or(usize::MAX),
            per_address: usize::try_from(per_address).unwrap_or(usize::MAX),
            header_timeout: Duration::from_secs(header),
        },
        drain: Duration::from_secs(drain),
    }
}

fn read_file(path: &Path, demanded: bool) -> Result<File, String> {
    match std::fs::read_to_string(path) {
        Ok(text) => toml::from_str(&text)
            .map_err(|wrong| format!("{}: {}", path.display(), wrong.to_string().trim_end())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound && !demanded => {
            Ok(File::default())
        }
        Err(error) => Err(format!("{} cannot be read: {error}", path.display())),
    }
}

/// A secret: from the variable, else from the file that another variable or the settings name, which must be closed to
/// others. It is shown as `***`.
pub(super) fn secret(
    l: &mut Loader<'_>,
    (name, variable): (&'static str, &'static str),
    (file_name, file_variable): (&'static str, &'static str),
    file: Option<String>,
) -> Option<Secret> {
    if let Some(text) = (l.variable)(variable).filter(|text| !text.is_empty()) {
        l.settings.push(Setting {
            name,
            shown: "***".to_owned(),
            origin: Origin::Environment(variable),
        });
        return Some(Secret::new(text));
    }
    let raw = l.raw(Some(file_variable), file, "");
    let path = l.read(file_name, raw, "", |text| {
        optional(text, |text| Ok::<_, String>(PathBuf::from(text)))
    })?;
    let read = closed_to_others(&path).and_then(|()| {
        std::fs::read_to_string(&path)
            .map_err(|error| format!("{} cannot be read: {error}", path.display()))
    });
    match read {
        Ok(text) if !text.trim().is_empty() => Some(Secret::new(text.trim().to_owned())),
        Ok(_) => {
            l.problems.push(format!(
                "{} is empty: put the secret of {name} into it",
                path.display()
            ));
            None
        }
        Err(wrong) => {
            l.problems.push(wrong);
            None
        }
    }
}

/// `postgres://user:password@host/db` without the password.
fn hide_password(text: &str) -> String {
    let Some((scheme, rest)) = text.split_once("://") else {
        return text.to_owned();
    };
    let Some((who, place)) = rest.rsplit_once('@') else {
        return text.to_owned();
    };
    let user = who.split_once(':').map_or(who, |(user, _)| user);
    format!("{scheme}://{user}:***@{place}")
}

/// A file with a secret in it must be readable by its owner alone.
fn closed_to_others(path: &Path) -> Result<(), String> {
    let mode = std::fs::metadata(path)
        .map_err(|error| format!("{} cannot be read: {error}", path.display()))?
        .permissions()
        .mode();
    if mode & 0o077 == 0 {
        return Ok(());
    }
    Err(format!(
        "{path} holds a secret and can be read by others (mode {:03o}): run chmod 600 '{path}'",
        mode & 0o777,
        path = path.display()
    ))
}

/// Settings that nobody reads are mistyped ones.
fn unknown_variables() -> Vec<String> {
    std::env::vars_os()
        .filter_map(|(name, _)| name.into_string().ok())
        .filter(|name| {
            name.starts_with("FAREBOX_")
                && !name.starts_with("FAREBOX_KEY_")
                && !VARIABLES.contains(&name.as_str())
        })
        .map(|name| format!("{name} is set, but Farebox does not know it"))
        .collect()
}

pub(super) fn optional<T, E>(
    text: &str,
    parse: impl Fn(&str) -> Result<T, E>,
) -> Result<Option<T>, E> {
    if text.trim().is_empty() {
        Ok(None)
    } else {
        parse(text.trim()).map(Some)
    }
}

fn listen_address(text: &str) -> Result<SocketAddr, String> {
    let wrong = || "write an address and a port, like 127.0.0.1:8787 or [::]:443".to_owned();
    let text = text
        .strip_prefix("localhost:")
        .map_or_else(|| text.to_owned(), |port| format!("127.0.0.1:{port}"));
    text.parse().map_err(|_| wrong())
}

fn database(text: &str) -> Result<String, String> {
    let known = ["sqlite:", "postgres://", "postgresql://"]
        .iter()
        .any(|scheme| text.starts_with(scheme));
    if !known {
        return Err("begin it with sqlite: or postgres://".to_owned());
    }
    if server::db::sqlite_path(text)
        .is_some_and(|path| path.is_empty() || path.contains(":memory:"))
    {
        return Err(
            "name a file: an SQLite database in memory would lose the money at the first stop"
                .to_owned(),
        );
    }
    Ok(text.to_owned())
}

fn folder(text: &str) -> Result<PathBuf, String> {
    let path = PathBuf::from(text);
    if path.is_dir() {
        Ok(path)
    } else {
        Err(format!("{text} is not a folder"))
    }
}

fn log_format(text: &str) -> Result<LogFormat, String> {
    match text {
        "pretty" => Ok(LogFormat::Pretty),
        "json" => Ok(LogFormat::Json),
        _ => Err("choose pretty or json".to_owned()),
    }
}

fn reveal(text: &str) -> Result<bool, String> {
    match text {
        "owner" => Ok(true),
        "never" => Ok(false),
        _ => Err("choose owner or never".to_owned()),
    }
}

fn brand_name(text: &str) -> Result<String, String> {
    let text = text.trim();
    let fits =
        !text.is_empty() && text.chars().count() <= 60 && !text.chars().any(char::is_control);
    if fits {
        Ok(text.to_owned())
    } else {
        Err("a name has 1 to 60 characters".to_owned())
    }
}

fn networks(text: &str) -> Result<Vec<IpNet>, String> {
    let network = |part: &str| {
        let single = part.parse::<std::net::IpAddr>().map(IpNet::from);
        single
            .or_else(|_| part.parse())
            .map_err(|_| format!("{part} is no network: write it like 10.0.5.0/24"))
    };
    text.split(',')
        .map(str::trim)
        .filter(|part| !part.is_empty())
        .map(network)
        .collect()
}

pub(super) fn positive(text: &str) -> Result<u64, String> {
    text.trim()
        .parse()
        .ok()
        .filter(|n| *n > 0)
        .ok_or_else(|| "write a whole number above zero".to_owned())
}
