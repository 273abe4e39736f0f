//! All handles side by side. Only this package lays them out; what is below gets no more than it uses.

use std::sync::Arc;

use anyhow::Context;
use server::accounts::Accounts;
use server::audit::Audit;
use server::budgets::Budgets;
use server::calls::Calls;
use server::catalog::Catalog;
use server::clock::Clock;
use server::db::Db;
use server::figures::Figures;
use server::keys::Keys;
use server::ledger::{Ledger, LedgerConfig};
use server::mail::{Mail, MailConfig};
use server::night::Night;
use server::nodes::Nodes;
use server::orders::{Orders, OrdersParts};
use server::pins::Pins;
use server::policies::Policies;
use server::rates::Rates;
use server::receipts::{Receipts, Seller};
use server::secrets::{Given, KeyRing, unused};
use server::sessions::Sessions;
use server::statement::Statements;
use server::status::Status;
use server::trial::Trials;
use server::upstreams::{AddressRule, Upstreams};
use texts::Texts;

use crate::assets;
use crate::config::{Config, Site};

/// The business, one handle per noun. Cheap to clone.
#[derive(Clone)]
pub struct Handles {
    pub db: Db,
    pub clock: Clock,
    pub ring: KeyRing,
    pub accounts: Accounts,
    pub sessions: Sessions,
    pub keys: Keys,
    pub ledger: Ledger,
    pub catalog: Catalog,
    pub upstreams: Upstreams,
    /// Which upstream keeps a stored response.
    pub pins: Pins,
    pub calls: Calls,
    pub audit: Audit,
    pub budgets: Budgets,
    pub nodes: Nodes,
    pub rates: Rates,
    pub receipts: Receipts,
    /// Who stands on new receipts.
    pub seller: Seller,
    /// The words of every language: the operator's folder, or those built in.
    pub texts: Texts,
    pub status: Status,
    /// The nightly check of the books.
    pub night: Night,
}

impl Handles {
    /// Connects and migrates as [`crate::database::open`] does, opens the key files, reads catalogue and upstreams.
    ///
    /// # Errors
    /// When the database or a key file cannot be used; the message says what to do.
    pub async fn open(config: &Config) -> anyhow::Result<Self> {
        let db = crate::database::open(config).await?;
        Self::over(config, db, Clock::system(), LedgerConfig::default()).await
    }

    /// Builds the handles over a connected, migrated database.
    ///
    /// # Errors
    /// When a key file, a row or the folder of locales cannot be read.
    pub async fn over(
        config: &Config,
        db: Db,
        clock: Clock,
        ledger: LedgerConfig,
    ) -> anyhow::Result<Self> {
        let given = Given::from_variables(|name| std::env::var(name).ok())?;
        let ring = KeyRing::open(
            &config.data,
            given,
            &unused(&db).await.context("the database cannot be read")?,
        )?;
        let rule = AddressRule {
            local: config.local(),
            private_ranges: config.upstream_private_ranges.clone(),
        };
        let ledger = Ledger::new(db.clone(), clock.clone(), ledger);
        let texts = match &config.locales {
            Some(folder) => Texts::folder(folder).context("the locale files cannot be used")?,
            None => Texts::embedded(),
        };
        let catalog = Catalog::new(db.clone(), clock.clone());
        let handles = Self {
            accounts: Accounts::new(db.clone(), clock.clone(), ring.clone())
                .with_brand(&config.brand.name)
                .with_welcome(config.welcome_rule()),
            sessions: Sessions::new(db.clone(), clock.clone()),
            keys: Keys::new(db.clone(), clock.clone(), ring.clone()).with_reveal(config.key_copies),
            status: Status::new(db.clone(), clock.clone(), ledger.clone(), catalog.clone()),
            catalog,
            upstreams: Upstreams::new(db.clone(), clock.clone(), ring.clone(), rule),
            pins: Pins::new(db.clone(), clock.clone()),
            calls: Calls::new(db.clone(), clock.clone()),
            audit: Audit::new(db.clone(), clock.clone()),
            night: Night::new(db.clone(), clock.clone(), ledger.node()),
            budgets: Budgets::new(db.clone(), clock.clone(), ledger.node()),
            ledger,
            nodes: Nodes::new(db.clone()),
            rates: Rates::new(db.clone(), clock.clone(), config.rates.clone()),
            receipts: Receipts::new(db.clone()),
            seller: Seller::new(config.seller.clone(), texts.clone()),
            texts,
            db,
            clock,
            ring,
        };
        handles
            .catalog
            .reload()
            .await
            .context("the catalogue cannot be read")?;
        handles
            .upstreams
            .reload()
            .await
            .context("the upstreams cannot be read")?;
        handles
            .rates
            .reload()
            .await
            .context("the rates of currencies cannot be read")?;
        Ok(handles)
    }

    /// The outbox. Commands have one too, for what they have to tell people.
    #[must_use]
    pub fn mail(&self, config: &Config, site: &Site, texts: Texts) -> Mail {
        let config = MailConfig {
            public_url: site.public_url.as_str().trim_end_matches('/').to_owned(),
            brand: config.brand.name.clone(),
            local: site.local,
            support: config.brand.support.clone(),
            smtp: config.mail.clone(),
        };
        Mail::new(
            self.db.clone(),
            self.clock.clone(),
            self.ring.clone(),
            texts,
            config,
        )
    }

    /// The policies, as they are true of this installation.
    #[must_use]
    pub fn policies(&self, config: &Config, site: &Site, texts: Texts) -> Policies {
        Policies::new(
            self.db.clone(),
            self.clock.clone(),
            texts,
            self.upstreams.clone(),
            crate::policies::installation(config, site),
        )
        .with_translated(app::is_public)
    }

    /// Orders: they send mail, and lead people back to where the site is.
    #[must_use]
    pub fn orders(&self, config: &Config, site: &Site, mail: Mail) -> Orders {
        Orders::new(OrdersParts {
            db: self.db.clone(),
            clock: self.clock.clone(),
            rates: self.rates.clone(),
            mail,
            seller: self.seller.clone(),
            config: config.payments_config(site.local),
            public_url: site.public_url.as_str().trim_end_matches('/').to_owned(),
        })
    }

    /// What the pages get.
    #[must_use]
    pub fn services(
        &self,
        config: &Config,
        site: &Site,
        texts: Texts,
        mail: Mail,
        orders: Orders,
        trials: Arc<dyn Trials>,
    ) -> app::Services {
        app::Services {
            accounts: self.accounts.clone(),
            sessions: self.sessions.clone(),
            keys: self.keys.clone(),
            budgets: self.budgets.clone(),
            ledger: self.ledger.clone(),
            calls: self.calls.clone(),
            catalog: self.catalog.clone(),
            upstreams: self.upstreams.clone(),
            rates: self.rates.clone(),
            receipts: self.receipts.clone(),
            policies: self.policies(config, site, texts.clone()),
            mail,
            orders,
            audit: self.audit.clone(),
            statements: Statements::new(self.db.clone()),
            figures: Figures::new(self.db.clone(), self.clock.clone()),
            status: self.status.clone(),
            trials,
            texts,
            ring: self.ring.clone(),
            site: Arc::new(app::SiteConfig {
                brand: config.brand.name.clone(),
                public_url: site.public_url.as_str().to_owned(),
                local: site.local,
                support: config.brand.support.clone(),
            }),
            limits: limits(config),
            assets: assets::for_pages(),
            clock: self.clock.clone(),
        }
    }
}

/// What the documentation says about limits: the data plane's own numbers.
fn limits(config: &Config) -> app::Limits {
    let calls = &config.calls;
    app::Limits {
        body_max_mib: (calls.body_max >> 20) as u64,
        body_pause_s: calls.body_pause.as_secs(),
        first_byte_s: calls.first_byte.as_secs(),
        pause_s: calls.pause.as_secs(),
        keep_alive_s: calls.keep_alive.as_secs(),
        stall_s: calls.write_stall.as_secs(),
        concurrent_calls: calls.concurrent_calls.into(),
        requests_per_minute: calls.requests_per_minute.map(u64::from),
        tokens_per_minute: calls.tokens_per_minute.map(u64::from),
        readings: proxy::READINGS_AT_ONCE.into(),
        step_tokens: proxy::STEP,
        plain_tokens: proxy::PLAIN_UNSTATED,
        believed_tokens: proxy::BELIEVED_BEYOND,
        believed_uses: proxy::BELIEVED_USES,
        attachment_tokens: proxy::PER_ATTACHMENT,
        tool_uses: proxy::TOOL_USES,
        key_copies: config.key_copies,
    }
}
