//! How does a mail reach the server that delivers it? One SMTP conversation for a handful of mails, encrypted unless the
//! server is this machine.
//!
//! lettre's connection and not its pool: only so can a refusal of the conversation (tried again) be told from a refusal
//! of one mail (given up).

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;
use std::time::Duration;

use lettre::message::Mailbox;
use lettre::transport::smtp::Error as SmtpError;
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::{
    AsyncSmtpConnection, Certificate, TlsParameters, TlsParametersBuilder,
};
use lettre::transport::smtp::extension::ClientId;
use tokio::time::timeout;

use crate::secrets::Secret;

/// Name look-up, connection, encryption and sign-in together take no longer.
const OPEN_PATIENCE: Duration = Duration::from_secs(20);
/// One mail takes no longer. Servers that look for spam while they listen need some seconds.
const SEND_PATIENCE: Duration = Duration::from_secs(40);
/// Said to a server that is left; its answer does not matter.
const LEAVE_PATIENCE: Duration = Duration::from_secs(2);

/// How the conversation with the mail server is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Security {
    /// Begins in the clear and is encrypted before anything is said; port 587. A server that cannot is refused.
    StartTls,
    /// Encrypted from the first byte; port 465.
    Tls,
    /// Not at all; port 25. Only for a server on this machine.
    None,
}

impl Security {
    /// The port that servers offer it on.
    #[must_use]
    pub const fn port(self) -> u16 {
        match self {
            Self::StartTls => 587,
            Self::Tls => 465,
            Self::None => 25,
        }
    }
}

impl FromStr for Security {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "starttls" => Ok(Self::StartTls),
            "tls" => Ok(Self::Tls),
            "none" => Ok(Self::None),
            _ => Err("choose starttls, tls or none".to_owned()),
        }
    }
}

/// Whom mails are from: `Farebox <no-reply@example.com>`, or the address alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sender(Mailbox);

impl Sender {
    /// With the brand's name when it has none of its own.
    pub(super) fn named(&self, brand: &str) -> Mailbox {
        let name = self.0.name.as_deref().unwrap_or(brand);
        // lettre panics over them.
        let name = name.chars().filter(|c| !c.is_control()).collect();
        Mailbox::new(Some(name), self.0.email.clone())
    }
}

impl FromStr for Sender {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = "write an address like no-reply@example.com, or with a name: Shop <no-reply@example.com>";
        let mailbox: Mailbox = text.parse().map_err(|_| wrong.to_owned())?;
        // Control characters in a name end up in a header.
        if text.chars().any(char::is_control) {
            return Err(wrong.to_owned());
        }
        Ok(Self(mailbox))
    }
}

impl fmt::Display for Sender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// An authority whose certificates are believed beside the public ones: a company's own.
#[derive(Clone)]
pub struct Authority(Certificate);

impl Authority {
    /// Reads certificates in PEM.
    ///
    /// # Errors
    /// When there is none, or one that cannot be read.
    pub fn from_pem(pem: &[u8]) -> Result<Self, String> {
        let wrong = || "holds no certificate in PEM (-----BEGIN CERTIFICATE-----)".to_owned();
        if !pem.windows(11).any(|part| part == b"CERTIFICATE") {
            return Err(wrong());
        }
        let certificate = Certificate::from_pem(pem).map_err(|_| wrong())?;
        // Only building with it shows whether it can be read.
        TlsParametersBuilder::new("localhost".to_owned())
            .add_root_certificate(certificate.clone())
            .build_rustls()
            .map_err(|_| wrong())?;
        Ok(Self(certificate))
    }
}

impl fmt::Debug for Authority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Authority")
    }
}

/// The server that takes our mail.
#[derive(Debug, Clone)]
pub struct SmtpConfig {
    pub host: String,
    pub port: u16,
    pub security: Security,
    /// User and password, when the server asks for them.
    pub credentials: Option<(String, Secret)>,
    pub from: Sender,
    pub authority: Option<Authority>,
}

/// Why a mail did not leave, as a short code that names nobody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Refusal {
    /// Worth another try.
    Later(String),
    /// This mail will never be taken.
    Never(String),
}

/// How to reach the server, ready to use.
pub(super) struct Smtp {
    config: SmtpConfig,
    tls: Option<TlsParameters>,
    hello: ClientId,
}

impl Smtp {
    /// `host` is the name that we greet the server with.
    pub(super) fn new(config: SmtpConfig, host: &str) -> Result<Self, SmtpError> {
        let tls = if config.security == Security::None {
            None
        } else {
            let mut builder = TlsParametersBuilder::new(config.host.clone());
            if let Some(Authority(certificate)) = &config.authority {
                builder = builder.add_root_certificate(certificate.clone());
            }
            Some(builder.build_rustls()?)
        };
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        let hello = match bare.parse() {
            Ok(IpAddr::V4(ip)) => ClientId::Ipv4(ip),
            Ok(IpAddr::V6(ip)) => ClientId::Ipv6(ip),
            Err(_) => ClientId::Domain(host.to_owned()),
        };
        Ok(Self { config, tls, hello })
    }

    pub(super) fn from(&self) -> &Sender {
        &self.config.from
    }

    /// Connects, encrypts, signs in. Whatever fails here is nothing that a single mail is to blame for.
    pub(super) async fn open(&self) -> Result<Conversation, String> {
        match timeout(OPEN_PATIENCE, self.connect()).await {
            Ok(Ok(connection)) => Ok(Conversation(connection)),
            Ok(Err(error)) => Err(code("connect", &error)),
            Err(_) => Err("connect_timeout".to_owned()),
        }
    }

    async fn connect(&self) -> Result<AsyncSmtpConnection, SmtpError> {
        let from_the_start = match self.config.security {
            Security::Tls => self.tls.clone(),
            Security::StartTls | Security::None => None,
        };
        let mut connection = AsyncSmtpConnection::connect_tokio1(
            (self.config.host.as_str(), self.config.port),
            Some(OPEN_PATIENCE),
            &self.hello,
            from_the_start,
            None,
        )
        .await?;
        if self.config.security == Security::StartTls
            && let Some(tls) = self.tls.clone()
        {
            connection.starttls(tls, &self.hello).await?;
        }
        if let Some((user, password)) = &self.config.credentials {
            let credentials = Credentials::new(user.clone(), password.expose().to_owned());
            connection
                .auth(&[Mechanism::Plain, Mechanism::Login], &credentials)
                .await?;
        }
        Ok(connection)
    }
}

/// An open conversation. It is over after the first refusal.
pub(super) struct Conversation(AsyncSmtpConnection);

impl Conversation {
    /// Hands one mail over; `Ok` means that the server has taken charge of it.
    pub(super) async fn send(&mut self, mail: &lettre::Message) -> Result<(), Refusal> {
        let bytes = mail.formatted();
        match timeout(SEND_PATIENCE, self.0.send(mail.envelope(), &bytes)).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) if error.is_permanent() => Err(Refusal::Never(code("smtp", &error))),
            Ok(Err(error)) => Err(Refusal::Later(code("smtp", &error))),
            Err(_) => Err(Refusal::Later("smtp_timeout".to_owned())),
        }
    }

    pub(super) async fn close(mut self) {
        let _ = timeout(LEAVE_PATIENCE, self.0.quit()).await;
    }
}

/// `smtp_550`, `connect_tls` …: the server's own words may quote the address, so they are not kept.
fn code(stage: &str, error: &SmtpError) -> String {
    match error.status() {
        Some(status) => format!("{stage}_{status}"),
        None if error.is_timeout() => format!("{stage}_timeout"),
        None if error.is_tls() => format!("{stage}_tls"),
        None if error.is_response() => format!("{stage}_answer"),
        // Such as: no STARTTLS, no way to sign in that both know, no room for an address beyond ASCII.
        None if error.is_client() => format!("{stage}_unsupported"),
        None => format!("{stage}_network"),
    }
}
