//! What does one answer tell the next page? A form answers with a redirect; what went wrong, and what was typed,
//! travels in a sealed cookie that lives a minute and is shown once. A password never travels.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use domain::Amount;
use domain::ids::{CallId, KeyId};
use domain::views::UnixMs;
use serde::{Deserialize, Serialize};
use server::secrets::{KeyRing, Purpose};

use crate::api::{AdminFault, AdminField, AdminNotice, OrderFault, OrderField, WalletNotice};

/// How long a flash may be underway.
pub const LIFETIME_S: i64 = 60;
/// What binds a sealed text to this use.
const AAD: &[u8] = b"flash";
/// All that was typed, together: it keeps the cookie below the 4 KiB that browsers take.
const TYPED_MAX: usize = 1_500;

/// Something that went well.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Notice {
    SignedOut,
    AdminCreated,
    SessionExpired,
    /// A mail went out once more.
    MailSent,
    Verified,
    /// A link went to a new address.
    EmailAsked,
    EmailChanged,
    EmailUndone,
    PasswordChanged,
    SecondFactorOn,
    SecondFactorOff,
    NewCodes,
    SessionEnded,
    SessionsEnded,
    Saved,
    /// The terms in force were accepted.
    PoliciesAccepted,
    /// They changed while they were read, so that nothing was accepted.
    PoliciesChanged,
    KeySaved,
    /// Its old name travels as what was typed.
    KeyRenamed(KeyId),
    KeyDisabled(KeyId),
    KeyEnabled(KeyId),
    KeyRevoked,
    KeyOverlapEnded,
    KeysFrozen,
    KeysUnfrozen,
    /// A test call was answered.
    TestAnswered {
        call: CallId,
        cost: Amount,
        duration_ms: i64,
    },
    /// A test call was refused; why travels as what was typed into the form.
    TestFailed {
        status: u16,
    },
    /// There is no model to send a test call to.
    NoModels,
    /// What an administrator did.
    Admin(AdminNotice),
    /// What became of an order.
    Wallet(WalletNotice),
}

/// A place on a form, and the name under which the form sends it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Field {
    Email,
    Password,
    NewPassword,
    Name,
    Code,
    Terms,
    Consent,
    Amount,
    Reason,
    Locale,
    Currency,
    TimeZone,
    Theme,
    Shortcuts,
    /// The name of a key; `Name` is a person's.
    KeyName,
    Kind,
    Day,
    Week,
    Month,
    Total,
    RequestsPerMinute,
    TokensPerMinute,
    Concurrency,
    Models,
    IpRanges,
    ExpiresOn,
    Scopes,
    Model,
    Prompt,
    MaxTokens,
    /// The mail that every page offers to send again.
    Mail,
    /// On a form of the administration.
    Admin(AdminField),
    /// On a form about an order.
    Order(OrderField),
    /// The form as a whole.
    Form,
}

impl Field {
    /// Both `id` and `name` of the input.
    pub const fn id(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::Password => "password",
            Self::NewPassword => "new_password",
            Self::Name => "name",
            Self::Code => "code",
            Self::Terms => "terms",
            Self::Consent => "consent",
            Self::Amount => "amount",
            Self::Reason => "reason",
            Self::Locale => "locale",
            Self::Currency => "currency",
            Self::TimeZone => "time_zone",
            Self::Theme => "theme",
            Self::Shortcuts => "shortcuts",
            Self::KeyName => "name",
            Self::Kind => "kind",
            Self::Day => "day",
            Self::Week => "week",
            Self::Month => "month",
            Self::Total => "total",
            Self::RequestsPerMinute => "requests_per_minute",
            Self::TokensPerMinute => "tokens_per_minute",
            Self::Concurrency => "concurrency",
            Self::Models => "models",
            Self::IpRanges => "ip_ranges",
            Self::ExpiresOn => "expires_on",
            Self::Scopes => "scopes",
            Self::Model => "model",
            Self::Prompt => "prompt",
            Self::MaxTokens => "max_tokens",
            Self::Mail => "mail",
            Self::Admin(field) => field.id(),
            Self::Order(field) => field.id(),
            Self::Form => "form",
        }
    }
}

/// What is wrong there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Fault {
    Missing,
    Malformed,
    Taken,
    TooShort,
    TooLong,
    TooWeak,
    /// E-mail and password do not belong together; which of them is not told.
    Wrong,
    /// Of who is signed in.
    WrongPassword,
    WrongCode,
    /// The new one is the old one.
    Same,
    Blocked,
    TooMany {
        seconds: u64,
    },
    Busy,
    Unavailable,
    /// What was typed is too long to travel back to the form.
    NotCarried,
    /// On a form of the administration.
    Admin(AdminFault),
    /// On a form about an order.
    Order(OrderFault),
}

/// What one answer tells the next page.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Flash {
    pub notice: Option<Notice>,
    pub faults: Vec<(Field, Fault)>,
    /// What was typed, so that nobody types it twice. Never a password or a code.
    pub typed: Vec<(Field, String)>,
}

impl Flash {
    pub fn notice(notice: Notice) -> Self {
        Self {
            notice: Some(notice),
            ..Self::default()
        }
    }

    pub fn fault(field: Field, fault: Fault) -> Self {
        Self {
            faults: vec![(field, fault)],
            ..Self::default()
        }
    }

    /// With what was typed into a field.
    pub fn typed(mut self, field: Field, text: &str) -> Self {
        let carried: usize = self.typed.iter().map(|(_, text)| text.len()).sum();
        if carried + text.len() <= TYPED_MAX {
            self.typed.push((field, text.to_owned()));
        }
        self
    }

    /// What was typed into a field.
    pub fn value(&self, field: Field) -> Option<&str> {
        let found = self.typed.iter().find(|(at, _)| *at == field);
        found.map(|(_, text)| text.as_str())
    }

    /// The first thing that is wrong in a field.
    pub fn of(&self, field: Field) -> Option<Fault> {
        self.faults
            .iter()
            .find(|(at, _)| *at == field)
            .map(|(_, fault)| *fault)
    }

    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The cookie's value. Nothing when there is no randomness to seal with: the page then shows no message.
    pub fn seal(&self, ring: &KeyRing, now: UnixMs) -> Option<String> {
        let plain = serde_json::to_vec(&(now, self)).ok()?;
        let sealed = ring.seal(Purpose::Session, AAD, &plain).ok()?;
        Some(BASE64_URL_SAFE_NO_PAD.encode(sealed))
    }

    /// What [`Flash::seal`] sealed within the last minute; anything else is nothing.
    pub fn open(text: &str, ring: &KeyRing, now: UnixMs) -> Option<Self> {
        let sealed = BASE64_URL_SAFE_NO_PAD.decode(text).ok()?;
        let plain = ring.unseal(Purpose::Session, AAD, &sealed).ok()?;
        let (made_at, flash): (UnixMs, Self) = serde_json::from_slice(&plain).ok()?;
        let age = now.saturating_sub(made_at);
        (0..=LIFETIME_S * 1_000).contains(&age).then_some(flash)
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;
    use crate::tests::ring;

    #[test]
    fn a_flash_survives_the_journey_once_within_a_minute() {
        let ring = ring();
        let sent = Flash::fault(Field::Form, Fault::TooMany { seconds: 7 })
            .typed(Field::Email, "ada@example.com");
        let text = sent.seal(&ring, 1_000_000).unwrap();
        assert!(
            !text.contains("ada"),
            "the e-mail must not be readable in the cookie"
        );
        assert_eq!(Flash::open(&text, &ring, 1_030_000), Some(sent));
        assert_eq!(Flash::open(&text, &ring, 1_061_000), None, "too old");
        assert_eq!(Flash::open(&text, &ring, 999_000), None, "from the future");
    }

    #[test]
    fn what_was_tampered_with_is_nothing() {
        let ring = ring();
        let text = Flash::notice(Notice::SignedOut).seal(&ring, 0).unwrap();
        let mut other = text.clone().into_bytes();
        let last = other.len() - 2;
        other[last] = if other[last] == b'A' { b'B' } else { b'A' };
        assert_eq!(
            Flash::open(std::str::from_utf8(&other).unwrap(), &ring, 0),
            None
        );
        for nonsense in ["", "AQ", "%%%", &"A".repeat(10_000)] {
            assert_eq!(Flash::open(nonsense, &ring, 0), None);
        }
    }

    #[test]
    fn an_absurdly_long_address_is_not_carried() {
        assert_eq!(
            Flash::default()
                .typed(Field::Email, &"a".repeat(5_000))
                .value(Field::Email),
            None
        );
    }
}
