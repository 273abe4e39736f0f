//! What does the form say when the business refused? The business's errors in the words that forms have.

use std::time::Duration;

use server::accounts::{
    AccountError, ChangePasswordError, ConfirmError, EmailChangeError, PasswordError, ProfileError,
    ResetError, SecondFactorError, SignInError, SignUpError,
};

use crate::flash::{Fault, Field};

fn wait(retry_after: Duration) -> Fault {
    Fault::TooMany {
        seconds: retry_after.as_secs().max(1),
    }
}

impl From<PasswordError> for Fault {
    fn from(error: PasswordError) -> Self {
        match error {
            PasswordError::TooShort => Self::TooShort,
            PasswordError::TooLong => Self::TooLong,
            _ => Self::TooWeak,
        }
    }
}

impl From<SignInError> for Fault {
    fn from(error: SignInError) -> Self {
        match error {
            SignInError::Wrong => Self::Wrong,
            SignInError::TooMany { retry_after } => wait(retry_after),
            SignInError::Blocked => Self::Blocked,
            SignInError::Busy => Self::Busy,
            SignInError::Unavailable => Self::Unavailable,
        }
    }
}

/// Where on the sign-up form, and what.
pub fn of_sign_up(error: SignUpError) -> (Field, Fault) {
    match error {
        SignUpError::Name => (Field::Name, Fault::Malformed),
        SignUpError::Email(_) => (Field::Email, Fault::Malformed),
        SignUpError::Password(error) => (Field::Password, error.into()),
        SignUpError::Terms => (Field::Terms, Fault::Missing),
        SignUpError::Consent => (Field::Consent, Fault::Missing),
        SignUpError::TooMany { retry_after } => (Field::Form, wait(retry_after)),
        SignUpError::Busy => (Field::Form, Fault::Busy),
        SignUpError::Unavailable => (Field::Form, Fault::Unavailable),
    }
}

/// A mail that was asked for again.
pub fn of_resend(error: &AccountError) -> Fault {
    match error {
        AccountError::TooMany { retry_after } => wait(*retry_after),
        AccountError::Busy => Fault::Busy,
        _ => Fault::Unavailable,
    }
}

/// A new password by link; nothing when the link is closed, which the page says itself.
pub fn of_reset(error: ResetError) -> Option<(Field, Fault)> {
    match error {
        ResetError::Closed => None,
        ResetError::Password(error) => Some((Field::Password, error.into())),
        ResetError::Busy => Some((Field::Form, Fault::Busy)),
        ResetError::Unavailable => Some((Field::Form, Fault::Unavailable)),
    }
}

impl From<ConfirmError> for Fault {
    fn from(error: ConfirmError) -> Self {
        match error {
            ConfirmError::Wrong => Self::WrongPassword,
            ConfirmError::TooMany { retry_after } => wait(retry_after),
            ConfirmError::Busy => Self::Busy,
            ConfirmError::Unavailable => Self::Unavailable,
        }
    }
}

/// Where on the form for a new password, and what.
pub fn of_password_change(error: ChangePasswordError) -> (Field, Fault) {
    match error {
        ChangePasswordError::Wrong => (Field::Password, Fault::WrongPassword),
        ChangePasswordError::TooMany { retry_after } => (Field::Form, wait(retry_after)),
        ChangePasswordError::Password(error) => (Field::NewPassword, error.into()),
        ChangePasswordError::Busy => (Field::Form, Fault::Busy),
        ChangePasswordError::Unavailable => (Field::Form, Fault::Unavailable),
    }
}

/// Where on the form for a new address, and what.
pub fn of_email_change(error: EmailChangeError) -> (Field, Fault) {
    match error {
        EmailChangeError::Email(_) => (Field::Email, Fault::Malformed),
        EmailChangeError::Same => (Field::Email, Fault::Same),
        EmailChangeError::TooMany { retry_after } => (Field::Form, wait(retry_after)),
        _ => (Field::Form, Fault::Unavailable),
    }
}

impl From<SecondFactorError> for Fault {
    fn from(error: SecondFactorError) -> Self {
        match error {
            SecondFactorError::Wrong => Self::WrongCode,
            SecondFactorError::TooMany { retry_after } => wait(retry_after),
            _ => Self::Unavailable,
        }
    }
}

/// Where on the settings, and what.
pub fn of_profile(error: ProfileError) -> (Field, Fault) {
    match error {
        ProfileError::Name => (Field::Name, Fault::Malformed),
        ProfileError::Amount => (Field::Amount, Fault::Malformed),
        _ => (Field::Form, Fault::Unavailable),
    }
}
