//! Do the policies say who runs this, and are their texts still those that people accepted?

use server::clock::Clock;
use server::db::Db;
use server::policies::Policies;
use server::secrets::{Given, KeyRing, unused};
use server::upstreams::{AddressRule, Upstreams};
use texts::Texts;

use super::Findings;
use crate::config::{Config, Site};

pub(super) async fn policies(found: &mut Findings, config: &Config, db: &Db) {
    let Some(policies) = opened(config, db).await else {
        // Key files or texts that cannot be used are told by their own checks.
        return;
    };
    let mut well = true;
    // A machine's own user knows who runs it, and nobody else reads the texts.
    if !config.local() {
        for setting in policies.unsaid() {
            well = false;
            found.warn(
                "policies",
                format!(
                    "they say that it is not known who runs this or where to write: set {setting}"
                ),
            );
        }
        for host in policies.nameless() {
            well = false;
            found.warn(
                "policies",
                format!("the privacy policy says that prompts go to {host}, not whose it is: say it in policies.recipients"),
            );
        }
    }
    match policies.reworded().await {
        Err(error) => {
            return found.fail("policies", format!("the database cannot be read: {error}"));
        }
        Ok(reworded) => {
            for text in reworded {
                well = false;
                found.warn(
                    "policies",
                    format!(
                        "version {} of {} in {} has other words than when it was first seen here: restore them, and give the new words a new version",
                        text.version,
                        text.name.code(),
                        text.locale
                    ),
                );
            }
        }
    }
    if well {
        found.ok(
            "policies",
            "every version has the words it had when it was first seen here",
        );
    }
}

async fn opened(config: &Config, db: &Db) -> Option<Policies> {
    let given = Given::from_variables(|name| std::env::var(name).ok()).ok()?;
    let ring = KeyRing::look(&config.data, given, &unused(db).await.ok()?).ok()?;
    let rule = AddressRule {
        local: config.local(),
        private_ranges: config.upstream_private_ranges.clone(),
    };
    let upstreams = Upstreams::new(db.clone(), Clock::system(), ring, rule);
    upstreams.reload().await.ok()?;
    let texts = match &config.locales {
        Some(folder) => Texts::folder(folder).ok()?,
        None => Texts::embedded(),
    };
    let site = Site {
        public_url: config.public_url_at(config.listen),
        local: config.local(),
    };
    let installation = crate::policies::installation(config, &site);
    Some(Policies::new(
        db.clone(),
        Clock::system(),
        texts,
        upstreams,
        installation,
    ))
}
