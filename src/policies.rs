//! What do the policies say about this installation? Its settings, translated into their facts.

use domain::fx::Source;
use server::policies::{Installation, Payments, Seller};

use crate::config::{Config, Site};

/// The facts that settings decide.
#[must_use]
pub fn installation(config: &Config, site: &Site) -> Installation {
    let sayings = &config.sayings;
    let public_url = site.public_url.as_str().trim_end_matches('/');
    Installation {
        brand: config.brand.name.clone(),
        site: public_url.to_owned(),
        seller: seller(config),
        contact: contact(config),
        law: sayings.law.clone(),
        hosting: sayings.hosting.clone(),
        answer_days: sayings.answer_days,
        backup_days: sayings.backup_days,
        log_days: sayings.log_days,
        recipients: sayings.recipients.clone(),
        mail_host: config.mail.as_ref().map(|smtp| smtp.host.clone()),
        outbox: site.local,
        key_copies: config.key_copies,
        welcome: config.welcome_rule().map(|rule| rule.amount),
        payments: Payments {
            // Providers on whose pages people pay come with their adapters.
            online: Vec::new(),
            manual: config.payments.manual.is_some(),
            sandbox: config.sandbox_payments(site.local),
        },
        rate_sources: config.rates.asked().into_iter().map(host).collect(),
        cookies: app::cookies(public_url.starts_with("https://")),
    }
}

/// Who sells credit. The brand stands in for a name that was not given, so a name says nothing unless it is another one or
/// has an address.
fn seller(config: &Config) -> Option<Seller> {
    let known = &config.seller;
    let said = known.name != config.brand.name || !known.address.is_empty();
    said.then(|| Seller {
        name: known.name.clone(),
        address: known.address.join(", "),
        tax_id: known.tax_id.clone().unwrap_or_default(),
    })
}

/// Where people write. What stands under `brand.support` may be another kind of address; only one of mail is a promise
/// that letters are read.
fn contact(config: &Config) -> Option<String> {
    let told = config.seller.email.as_ref();
    let support = told.or(config.brand.support.as_ref())?;
    let part = |part: &str| {
        !part.is_empty()
            && part
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || ".-+_".contains(c))
    };
    let (name, host) = support.split_once('@')?;
    (part(name) && part(host)).then(|| support.clone())
}

/// Who is asked for rates, as the address where they are found.
fn host(source: Source) -> String {
    match source {
        Source::Ecb => "www.ecb.europa.eu",
        Source::Cbr => "www.cbr.ru",
        Source::OpenExchangeRates => "openexchangerates.org",
        other => other.code(),
    }
    .to_owned()
}
