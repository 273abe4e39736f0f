//! What did I agree to? The button under the terms that came in force.

use leptos::prelude::*;

use super::Refusal;

/// Accepts the texts that were shown: for each its number and the hash of its file, in the language `locale`.
///
/// # Errors
/// [`Refusal::SignedOut`] without an account, [`Refusal::Unavailable`] without a database.
#[server(prefix = "/api", endpoint = "accept_policies")]
pub async fn accept_policies(
    locale: String,
    terms: Option<String>,
    privacy: Option<String>,
) -> Result<(), Refusal> {
    use server::policies::{How, Name};

    use super::call::Asker;
    use crate::flash::{Flash, Notice};

    let asker = Asker::current();
    let account = asker.account.clone().ok_or(Refusal::SignedOut)?;
    let services = &asker.services;
    let shown: Vec<_> = [(Name::Terms, terms), (Name::Privacy, privacy)]
        .into_iter()
        .filter_map(|(name, text)| text.map(|text| (name, text)))
        .collect();
    let locale = services.texts.locale(&locale);
    let read = shown.iter().map(|(name, text)| {
        let version = services.policies.in_force(*name)?;
        let in_force = services.policies.text(locale?, *name, version.number)?;
        let is_it = format!("{}:{}", version.number, in_force.sha256) == *text;
        is_it.then(|| in_force.agreement())
    });
    let agreements: Option<Vec<_>> = read.collect();
    let notice = match agreements.filter(|agreements| !agreements.is_empty()) {
        None => Notice::PoliciesChanged,
        Some(agreements) => {
            services
                .policies
                .accept(account.id, &agreements, How::Asked)
                .await
                .map_err(|_| Refusal::Unavailable)?;
            Notice::PoliciesAccepted
        }
    };
    asker.go_and_tell("/settings/policies", &Flash::notice(notice));
    Ok(())
}
