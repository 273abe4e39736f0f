//! Which texts were here, and who accepted them? Rows that the database itself keeps from being changed.

use domain::ids::AccountId;
use domain::views::UnixMs;
use sea_orm::{ConnectionTrait, DbErr};

use super::{ACCEPTED, Name, Policies, Version, sha256, versions};
use crate::db::{all, exec, one};

/// How somebody came to accept a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum How {
    /// By the box of the sign-up form.
    SignUp,
    /// By the button of the page that asks for it.
    Asked,
}

impl How {
    const fn code(self) -> &'static str {
        match self {
            Self::SignUp => "sign_up",
            Self::Asked => "asked",
        }
    }

    fn parse(code: &str) -> Self {
        if code == Self::SignUp.code() {
            Self::SignUp
        } else {
            Self::Asked
        }
    }
}

/// What somebody agrees to: one text in one language, as it was shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Agreement {
    pub name: Name,
    pub version: u32,
    /// The code of the language it was shown in.
    pub locale: String,
    /// Of the file, before facts were filled in.
    pub sha256: String,
    /// What was shown.
    pub markdown: String,
}

/// What somebody accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accepted {
    pub name: Name,
    pub version: u32,
    pub locale: String,
    pub accepted_at: UnixMs,
    pub how: How,
}

/// A text that is another one than when its version was first seen here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reworded {
    pub name: Name,
    pub version: u32,
    pub locale: String,
}

/// Writes down that an account accepts these texts, in the caller's transaction. Once is enough: the first time stays.
pub(crate) async fn accept<C: ConnectionTrait>(
    conn: &C,
    account: AccountId,
    agreements: &[Agreement],
    how: How,
    now: UnixMs,
) -> Result<(), DbErr> {
    for agreement in agreements {
        let shown = sha256(&agreement.markdown);
        exec(
            conn,
            "INSERT INTO policy_text (sha256, markdown, first_seen_at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
            vec![
                shown.clone().into(),
                agreement.markdown.clone().into(),
                now.into(),
            ],
        )
        .await?;
        exec(
            conn,
            "INSERT INTO policy_acceptance (account_id, name, version, locale, sha256, text_sha256, accepted_at, how)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING",
            vec![
                account.to_string().into(),
                agreement.name.code().into(),
                i64::from(agreement.version).into(),
                agreement.locale.clone().into(),
                agreement.sha256.clone().into(),
                shown.into(),
                now.into(),
                how.code().into(),
            ],
        )
        .await?;
    }
    Ok(())
}

impl Policies {
    /// Writes down which texts this installation has, in every language, so that a later change of words shows.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn record(&self) -> Result<(), DbErr> {
        let now = self.0.clock.now_ms();
        for (version, locale, sha256) in self.originals() {
            exec(
                self.0.db.write(),
                "INSERT INTO policy_version (name, version, locale, sha256, effective_at, first_seen_at)
                 VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING",
                vec![
                    version.name.code().into(),
                    i64::from(version.number).into(),
                    locale.into(),
                    sha256.into(),
                    version.effective_at.into(),
                    now.into(),
                ],
            )
            .await?;
        }
        Ok(())
    }

    /// Texts that have other words now than when their version was first seen here.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn reworded(&self) -> Result<Vec<Reworded>, DbErr> {
        let rows = all(
            self.0.db.read(),
            "SELECT name, version, locale, sha256 FROM policy_version ORDER BY first_seen_at DESC",
            vec![],
        )
        .await?;
        // Of one version and language the row that was first remains.
        let mut first = std::collections::HashMap::new();
        for row in rows {
            let (name, version): (String, i64) =
                (row.try_get("", "name")?, row.try_get("", "version")?);
            let (locale, sha256): (String, String) =
                (row.try_get("", "locale")?, row.try_get("", "sha256")?);
            first.insert((name, version, locale), sha256);
        }
        let mut found = Vec::new();
        for (version, locale, sha256) in self.originals() {
            let (name, number) = (version.name, version.number);
            let key = (name.code().to_owned(), i64::from(number), locale.clone());
            if first.get(&key).is_some_and(|known| *known != sha256) {
                found.push(Reworded {
                    name,
                    version: number,
                    locale,
                });
            }
        }
        Ok(found)
    }

    /// Every version in every language that has it, with the hash of its file.
    fn originals(&self) -> Vec<(Version, String, String)> {
        let now = self.0.clock.now_ms();
        let texts = &self.0.texts;
        let mut found = Vec::new();
        for name in Name::ALL {
            for version in versions::of(texts, name, now) {
                for locale in texts.locales() {
                    if let Some(original) = texts.original(locale.code(), &version.path) {
                        let sha256 = sha256(&original.text);
                        found.push((version.clone(), locale.code().to_owned(), sha256));
                    }
                }
            }
        }
        found
    }

    /// Writes down that an account accepts these texts.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn accept(
        &self,
        account: AccountId,
        agreements: &[Agreement],
        how: How,
    ) -> Result<(), DbErr> {
        let tx = self.0.db.begin().await?;
        accept(&tx, account, agreements, how, self.0.clock.now_ms()).await?;
        tx.commit().await?;
        self.remember(account, agreements.iter().map(|a| (a.name, a.version)));
        Ok(())
    }

    /// What an account accepted, newest first.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn accepted(&self, account: AccountId) -> Result<Vec<Accepted>, DbErr> {
        let rows = all(
            self.0.db.read(),
            "SELECT name, version, locale, accepted_at, how FROM policy_acceptance
             WHERE account_id = $1 ORDER BY accepted_at DESC, name, version DESC",
            vec![account.to_string().into()],
        )
        .await?;
        let mut accepted = Vec::with_capacity(rows.len());
        for row in rows {
            let (name, how): (String, String) = (row.try_get("", "name")?, row.try_get("", "how")?);
            let version: i64 = row.try_get("", "version")?;
            // A policy that a later Farebox may have.
            let Some(name) = Name::parse(&name) else {
                continue;
            };
            accepted.push(Accepted {
                name,
                version: u32::try_from(version).unwrap_or_default(),
                locale: row.try_get("", "locale")?,
                accepted_at: row.try_get("", "accepted_at")?,
                how: How::parse(&how),
            });
        }
        self.remember(account, accepted.iter().map(|a| (a.name, a.version)));
        Ok(accepted)
    }

    /// The text that an account accepted, as Markdown, as it was shown then.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn accepted_text(
        &self,
        account: AccountId,
        name: Name,
        version: u32,
    ) -> Result<Option<String>, DbErr> {
        let row = one(
            self.0.db.read(),
            "SELECT t.markdown FROM policy_acceptance a JOIN policy_text t ON t.sha256 = a.text_sha256
             WHERE a.account_id = $1 AND a.name = $2 AND a.version = $3",
            vec![
                account.to_string().into(),
                name.code().into(),
                i64::from(version).into(),
            ],
        )
        .await?;
        row.map(|row| row.try_get("", "markdown")).transpose()
    }

    /// What is in force and an account has not accepted. Asks the database only until it has.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn missing(&self, account: AccountId) -> Result<Vec<Version>, DbErr> {
        let in_force = ACCEPTED.map(|name| self.in_force(name));
        let wanted = || in_force.iter().flatten();
        let known = |version: &Version| {
            let key = (account, version.name, version.number);
            self.0.accepted.lock().contains(&key)
        };
        if wanted().all(known) {
            return Ok(Vec::new());
        }
        self.accepted(account).await?;
        Ok(wanted()
            .filter(|version| !known(version))
            .cloned()
            .collect())
    }

    fn remember(&self, account: AccountId, accepted: impl Iterator<Item = (Name, u32)>) {
        /// Beyond this many the oldest need not be found: people are asked about again from the database.
        const MOST: usize = 100_000;
        let mut known = self.0.accepted.lock();
        if known.len() > MOST {
            known.clear();
        }
        known.extend(accepted.map(|(name, version)| (account, name, version)));
    }
}
