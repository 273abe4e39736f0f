//! May I have an account? The answer is the same whether or not the address has one; the rest is in the mail.

use std::net::IpAddr;
use std::time::Duration;

use domain::ids::AccountId;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use texts::Locale;

use super::beat::Beat;
use super::create::NewAccount;
use super::delay::whole_seconds;
use super::error::unique;
use super::link::{LinkPurpose, NewLink};
use super::table::{account, account_link};
use super::{AccountError, Accounts, Email, SignUpError, profile};
use crate::mail::{Mail, Message, Recipient};
use crate::policies::{self, Agreement, How};
use crate::secrets::{Purpose, Secret, hex};

/// What somebody typed into the sign-up form, and where they are.
pub struct SignUp {
    pub name: String,
    pub email: String,
    pub password: Secret,
    /// The box "I accept the terms".
    pub terms: bool,
    /// The texts that the boxes are about, as this person could read them.
    pub agreements: Vec<Agreement>,
    /// The box "I agree to the processing of my data".
    pub consent: bool,
    /// The language of the page, and of mails to come.
    pub locale: Locale,
    pub from: IpAddr,
}

/// A form whose fields were judged.
struct Newcomer<'a> {
    email: &'a Email,
    name: &'a str,
    hash: &'a str,
    locale: Locale,
    network: &'a str,
    agreements: &'a [Agreement],
}

impl Accounts {
    /// Makes an account whose address still has to be proved by the mailed link. An address that has an account gets a
    /// mail that says so instead; the answer is the same and takes as long.
    ///
    /// # Errors
    /// What is wrong with the form, too many tries, no database.
    pub async fn sign_up(&self, mail: &Mail, form: SignUp) -> Result<(), SignUpError> {
        let beat = Beat::begin();
        let from = form.from;
        let too_many = |wait| SignUpError::TooMany {
            retry_after: whole_seconds(wait),
        };
        // Judging passwords is work too: a form that is wrong counts against its network as a failed sign-in does.
        let now = self.0.clock.now_ms();
        self.0.gate.enter(from, now).map_err(too_many)?;
        self.fill_in(mail, form).await?;
        self.0.gate.forgive(from);
        beat.rest().await;
        Ok(())
    }

    async fn fill_in(&self, mail: &Mail, form: SignUp) -> Result<(), SignUpError> {
        let name = profile::name(&form.name).ok_or(SignUpError::Name)?;
        let email = Email::parse(&form.email)?;
        self.judge(&form.password, &email, &name).await??;
        if !form.terms {
            return Err(SignUpError::Terms);
        }
        if !form.consent {
            return Err(SignUpError::Consent);
        }
        // After the rules: whoever tries three weak passwords has not asked for three mails.
        self.ask_for_mail(Some(form.from), &email)
            .map_err(|retry_after| SignUpError::TooMany { retry_after })?;
        let hash = self.0.hasher.hash(form.password).await?;
        let network = self.network_key(form.from);
        loop {
            let newcomer = Newcomer {
                email: &email,
                name: &name,
                hash: &hash,
                locale: form.locale,
                network: &network,
                agreements: &form.agreements,
            };
            match self.begin(mail, newcomer).await {
                // Somebody signed up with the same address a moment ago.
                Err(error) if unique(&error) => {}
                done => return Ok(done?),
            }
        }
    }

    async fn begin(&self, mail: &Mail, newcomer: Newcomer<'_>) -> Result<(), sea_orm::DbErr> {
        let Newcomer {
            email,
            name,
            hash,
            locale,
            network,
            agreements,
        } = newcomer;
        let now = self.0.clock.now_ms();
        let tx = self.0.db.begin().await?;
        let known = account::Entity::find()
            .filter(account::Column::EmailKey.eq(email.key()))
            .one(&tx)
            .await?;
        let (to, message) = if let Some(known) = known {
            let to = mail.recipient(&known.view()?);
            let link = in_language(to.locale, "/recover");
            (to, Message::AlreadyKnown { link })
        } else {
            let new = NewAccount {
                email,
                name,
                password_hash: Some(hash.to_owned()),
                admin: false,
                created_at: now,
                verified_at: None,
                agreed_at: Some(now),
                locale: Some(locale.code()),
            };
            let account = new.insert(&tx).await?;
            policies::accept(&tx, account.id, agreements, How::SignUp, now).await?;
            let link = NewLink {
                account: &account.id.to_string(),
                purpose: LinkPurpose::Verify,
                email: email.as_str(),
                network,
            };
            let link = link.make(&tx, &self.0.ring, now).await?;
            let to = Recipient {
                account: Some(account.id),
                address: email.as_str().to_owned(),
                locale,
            };
            (to, Message::Verify { link })
        };
        mail.queue(&tx, &to, &message).await?;
        tx.commit().await
    }

    /// Mails a new link to prove the account's address; earlier ones stop working. Nothing happens when it is proved.
    ///
    /// # Errors
    /// [`AccountError::NotFound`], too many mails, no database.
    pub async fn resend_verification(
        &self,
        mail: &Mail,
        account: AccountId,
    ) -> Result<(), AccountError> {
        let found = self.by_id(account).await?.ok_or(AccountError::NotFound)?;
        if found.verified {
            return Ok(());
        }
        let email = Email::parse(&found.email).map_err(|_| AccountError::NotFound)?;
        self.ask_for_mail(None, &email)
            .map_err(|retry_after| AccountError::TooMany { retry_after })?;
        let now = self.0.clock.now_ms();
        let id = account.to_string();
        let tx = self.0.db.begin().await?;
        // Where the sign-up came from stays with the sign-up.
        let before = account_link::Entity::find()
            .filter(account_link::Column::AccountId.eq(&id))
            .filter(account_link::Column::Purpose.eq(LinkPurpose::Verify.id()))
            .one(&tx)
            .await?;
        let network = before.map(|link| link.network).unwrap_or_default();
        let link = NewLink {
            account: &id,
            purpose: LinkPurpose::Verify,
            email: email.as_str(),
            network: &network,
        };
        let link = link.make(&tx, &self.0.ring, now).await?;
        mail.queue(&tx, &mail.recipient(&found), &Message::Verify { link })
            .await?;
        Ok(tx.commit().await?)
    }

    /// Counts a wish for mail to an address; `Err` says how long to wait.
    pub(super) fn ask_for_mail(&self, from: Option<IpAddr>, to: &Email) -> Result<(), Duration> {
        let address = [b"mail\0", to.key().as_bytes()].concat();
        let address = self.0.ring.hmac(Purpose::Token, &address);
        self.0.limits.enter(from, address).map_err(whole_seconds)
    }

    /// A network by a keyed hash: enough to count by.
    pub(super) fn network_key(&self, from: IpAddr) -> String {
        let network = crate::audit::network(from);
        let bound = [b"network\0", network.as_bytes()].concat();
        hex(&self.0.ring.hmac(Purpose::Token, &bound))
    }
}

/// A public page in a language. English has no prefix.
fn in_language(locale: Locale, path: &str) -> String {
    if locale == Locale::EN {
        path.to_owned()
    } else {
        format!("/{}{path}", locale.code())
    }
}
