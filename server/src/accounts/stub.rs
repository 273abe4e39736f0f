//! (being written)

use std::net::IpAddr;

use domain::Amount;
use domain::ids::AccountId;
use domain::views::{AccountView, Chosen, UnixMs};
use texts::Locale;

use super::*;
use crate::audit::{Actor, Audit};
use crate::mail::Mail;

/// What somebody typed into the sign-up form, and where they are.
pub struct SignUp {
    pub name: String,
    pub email: String,
    pub password: Secret,
    /// The box "I accept the terms".
    pub terms: bool,
    /// The box "I agree to the processing of my data".
    pub consent: bool,
    /// The language of the page, and of mails to come.
    pub locale: Locale,
    pub from: IpAddr,
}

/// What a mailed link is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LinkPurpose {
    /// The address of a sign-up is theirs.
    Verify,
    /// A new password.
    Reset,
    /// A new address is theirs.
    EmailConfirm,
    /// Back to the old address.
    EmailUndo,
}

/// The state of an account's second factor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SecondFactorView {
    pub on: bool,
    /// Recovery codes that were not used yet.
    pub recovery_left: u64,
}

/// What an authenticator app needs to know.
pub struct Enrolment {
    /// For typing.
    pub secret_base32: String,
    /// For the QR code.
    pub otpauth: String,
}

/// Credit that everybody gets once, after proving their address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WelcomeRule {
    pub amount: Amount,
    /// At most so many within 24 hours from one network.
    pub per_network_per_day: u32,
}

/// An account that another system had.
pub struct Import {
    pub email: Email,
    pub name: String,
    /// argon2id or bcrypt.
    pub password_hash: String,
    pub verified: bool,
    pub created_at: Option<UnixMs>,
}

impl Accounts {
    pub async fn sign_up(&self, mail: &Mail, form: SignUp) -> Result<(), SignUpError> {
        Err(SignUpError::Unavailable)
    }
    pub async fn verify(&self, token: &str) -> Result<AccountId, LinkError> {
        Err(LinkError::Unavailable)
    }
    pub async fn resend_verification(
        &self,
        mail: &Mail,
        account: AccountId,
    ) -> Result<(), AccountError> {
        Err(AccountError::Unavailable)
    }
    pub async fn link_open(&self, purpose: LinkPurpose, token: &str) -> Result<bool, AccountError> {
        Err(AccountError::Unavailable)
    }
    pub async fn ask_reset(
        &self,
        mail: &Mail,
        email: &str,
        from: IpAddr,
    ) -> Result<(), SignUpError> {
        Err(SignUpError::Unavailable)
    }
    pub async fn reset(
        &self,
        mail: &Mail,
        token: &str,
        password: Secret,
    ) -> Result<AccountView, ResetError> {
        Err(ResetError::Unavailable)
    }
    pub async fn ask_email_change(
        &self,
        mail: &Mail,
        account: AccountId,
        new: &str,
    ) -> Result<(), EmailChangeError> {
        Err(EmailChangeError::Unavailable)
    }
    pub async fn confirm_email_change(
        &self,
        mail: &Mail,
        token: &str,
    ) -> Result<AccountView, LinkError> {
        Err(LinkError::Unavailable)
    }
    pub async fn undo_email_change(
        &self,
        mail: &Mail,
        token: &str,
    ) -> Result<AccountView, LinkError> {
        Err(LinkError::Unavailable)
    }
    /// `keep_session` is the id (cookie) of the session that goes on.
    pub async fn change_password(
        &self,
        mail: &Mail,
        account: AccountId,
        current: Secret,
        new: Secret,
        keep_session: Option<&str>,
    ) -> Result<(), ChangePasswordError> {
        Err(ChangePasswordError::Unavailable)
    }
    pub async fn confirm(&self, account: AccountId, password: Secret) -> Result<(), ConfirmError> {
        Err(ConfirmError::Unavailable)
    }
    pub async fn second_factor(
        &self,
        account: AccountId,
    ) -> Result<SecondFactorView, SecondFactorError> {
        Err(SecondFactorError::Unavailable)
    }
    pub async fn begin_second_factor(
        &self,
        account: AccountId,
        brand: &str,
    ) -> Result<Enrolment, SecondFactorError> {
        Err(SecondFactorError::Unavailable)
    }
    pub async fn finish_second_factor(
        &self,
        mail: &Mail,
        account: AccountId,
        code: &str,
    ) -> Result<Vec<String>, SecondFactorError> {
        Err(SecondFactorError::Unavailable)
    }
    pub async fn check_second_factor(
        &self,
        mail: &Mail,
        account: AccountId,
        code_or_recovery: &str,
    ) -> Result<(), SecondFactorError> {
        Err(SecondFactorError::Unavailable)
    }
    pub async fn end_second_factor(
        &self,
        mail: &Mail,
        account: AccountId,
    ) -> Result<(), SecondFactorError> {
        Err(SecondFactorError::Unavailable)
    }
    pub async fn new_recovery_codes(
        &self,
        account: AccountId,
    ) -> Result<Vec<String>, SecondFactorError> {
        Err(SecondFactorError::Unavailable)
    }
    pub async fn set_name(&self, account: AccountId, name: &str) -> Result<(), ProfileError> {
        Err(ProfileError::Unavailable)
    }
    pub async fn set_chosen(
        &self,
        account: AccountId,
        chosen: &Chosen,
    ) -> Result<(), ProfileError> {
        Err(ProfileError::Unavailable)
    }
    pub async fn set_low_balance(
        &self,
        account: AccountId,
        below: Option<Amount>,
    ) -> Result<(), ProfileError> {
        Err(ProfileError::Unavailable)
    }
    pub async fn search(
        &self,
        query: &str,
        before: Option<AccountId>,
        limit: u32,
    ) -> Result<Vec<AccountView>, AccountError> {
        Err(AccountError::Unavailable)
    }
    pub async fn block(
        &self,
        mail: &Mail,
        audit: &Audit,
        actor: Actor,
        account: AccountId,
        reason: &str,
        from: Option<IpAddr>,
    ) -> Result<AccountView, AccountError> {
        Err(AccountError::Unavailable)
    }
    pub async fn unblock(
        &self,
        audit: &Audit,
        actor: Actor,
        account: AccountId,
        from: Option<IpAddr>,
    ) -> Result<AccountView, AccountError> {
        Err(AccountError::Unavailable)
    }
    #[must_use]
    pub fn with_welcome(self, rule: Option<WelcomeRule>) -> Self {
        self
    }
    #[must_use]
    pub fn with_brand(self, brand: &str) -> Self {
        self
    }
}
