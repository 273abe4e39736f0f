//! `[mail]`: which server takes our mail? All of it or nothing: half a mail server would be found out by people who
//! wait for a link.

use std::net::IpAddr;
use std::path::Path;

use server::mail::{Authority, Security, Sender, SmtpConfig};

use super::file::MailTable;
use super::load::{Loader, optional, secret};

/// The settings of mail; `None` when no server is named.
pub(super) fn settings(l: &mut Loader<'_>, file: MailTable) -> Option<SmtpConfig> {
    let raw = l.raw(Some("FAREBOX_MAIL_HOST"), file.host, "");
    let host = l.read("mail.host", raw, "", |text| optional(text, host_name));
    let raw = l.raw(Some("FAREBOX_MAIL_SECURITY"), file.security, "starttls");
    let security: Security = l.read("mail.security", raw, "starttls", str::parse);
    let usual = security.port().to_string();
    let raw = l.raw(
        Some("FAREBOX_MAIL_PORT"),
        file.port.map(|port| port.to_string()),
        &usual,
    );
    let port = l.read("mail.port", raw, &usual, port);
    let raw = l.raw(Some("FAREBOX_MAIL_USER"), file.user, "");
    let user = l.read("mail.user", raw, "", |text| {
        optional(text, |text| Ok::<_, String>(text.to_owned()))
    });
    let password = secret(
        l,
        ("mail.password", "FAREBOX_MAIL_PASSWORD"),
        ("mail.password_file", "FAREBOX_MAIL_PASSWORD_FILE"),
        file.password_file,
    );
    let raw = l.raw(Some("FAREBOX_MAIL_FROM"), file.from, "");
    let from = l.read("mail.from", raw, "", |text| {
        optional(text, str::parse::<Sender>)
    });
    let raw = l.raw(Some("FAREBOX_MAIL_CA_FILE"), file.ca_file, "");
    let authority = l.read("mail.ca_file", raw, "", |text| optional(text, authority));

    let Some(host) = host else {
        if user.is_some() || password.is_some() || from.is_some() || authority.is_some() {
            l.problems.push(
                "mail.host is missing, so the other settings of mail do nothing: name the server that takes your mail, or remove them"
                    .to_owned(),
            );
        }
        return None;
    };
    if security == Security::None && !loopback(&host) {
        l.problems.push(format!(
            "mail.security: mails hold links that are as good as passwords, so they go to {host} only encrypted; choose starttls or tls"
        ));
    }
    let credentials = match (user, password) {
        (Some(user), Some(password)) => Some((user, password)),
        (None, None) => None,
        (Some(_), None) => {
            l.problems.push(
                "mail.user has no password: set FAREBOX_MAIL_PASSWORD or mail.password_file"
                    .to_owned(),
            );
            None
        }
        (None, Some(_)) => {
            l.problems.push(
                "mail.user is missing: there is a password, but nobody it belongs to".to_owned(),
            );
            None
        }
    };
    let Some(from) = from else {
        l.problems.push(
            "mail.from is missing: set the address that mails come from, like no-reply@example.com"
                .to_owned(),
        );
        return None;
    };
    Some(SmtpConfig {
        host,
        port,
        security,
        credentials,
        from,
        authority,
    })
}

/// A name or an address, without scheme, port or path.
fn host_name(text: &str) -> Result<String, String> {
    let name = |text: &str| {
        !text.is_empty()
            && text.len() <= 253
            && text
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_'))
    };
    if text.parse::<IpAddr>().is_ok() || name(text) {
        Ok(text.to_owned())
    } else {
        Err(
            "write the server's name alone, like smtp.example.com; its port goes into mail.port"
                .to_owned(),
        )
    }
}

fn port(text: &str) -> Result<u16, String> {
    text.trim()
        .parse()
        .ok()
        .filter(|port| *port > 0)
        .ok_or_else(|| "write a port between 1 and 65535".to_owned())
}

fn loopback(host: &str) -> bool {
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

fn authority(path: &str) -> Result<Authority, String> {
    let pem = std::fs::read(Path::new(path))
        .map_err(|error| format!("{path} cannot be read: {error}"))?;
    Authority::from_pem(&pem).map_err(|wrong| format!("{path} {wrong}"))
}
