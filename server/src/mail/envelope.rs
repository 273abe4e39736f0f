//! What does the mail look like that the server gets? Headers by lettre's types, which no value can break out of.

use std::time::{Duration, UNIX_EPOCH};

use domain::views::UnixMs;
use lettre::Message;
use lettre::address::Address;
use lettre::message::header::{HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart};

use super::MailConfig;
use super::render::Letter;
use super::smtp::{Refusal, Sender};

/// Builds the mail with this id. Its Message-ID and date follow from the row, so that a repeat can be recognised.
///
/// # Errors
/// [`Refusal::Never`] when the address is none that mail can be sent to.
pub(super) fn message(
    config: &MailConfig,
    from: &Sender,
    id: &str,
    address: &str,
    created_at: UnixMs,
    letter: Letter,
) -> Result<Message, Refusal> {
    let bad_address = |_| Refusal::Never("bad_address".to_owned());
    let to: Address = address.parse().map_err(bad_address)?;
    // Mail programs do not answer these with "I am on holiday".
    let automatic = HeaderValue::new(
        HeaderName::new_from_ascii_str("Auto-Submitted"),
        "auto-generated".to_owned(),
    );
    let since_1970 = Duration::from_millis(u64::try_from(created_at).unwrap_or(0));
    Message::builder()
        .message_id(Some(format!("<{id}@{}>", host_of(&config.public_url))))
        .date(UNIX_EPOCH + since_1970)
        .from(from.named(&config.brand))
        .to(Mailbox::new(None, to))
        .subject(letter.subject)
        .raw_header(automatic)
        .multipart(MultiPart::alternative_plain_html(letter.text, letter.html))
        .map_err(|_| Refusal::Never("cannot_build".to_owned()))
}

/// The host of our public address, as mail writes it: a name, or a number in brackets.
pub(super) fn host_of(public_url: &str) -> String {
    let host = url::Url::parse(public_url)
        .ok()
        .and_then(|url| url.host().map(|host| host.to_owned()));
    match host {
        Some(url::Host::Domain(name)) => name,
        Some(url::Host::Ipv4(ip)) => format!("[{ip}]"),
        Some(url::Host::Ipv6(ip)) => format!("[IPv6:{ip}]"),
        None => "localhost".to_owned(),
    }
}
