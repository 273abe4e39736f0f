//! The first look, for `make run`: an account to claim, a key with a little credit, models that cost nothing to try.
//!
//! Everything here may be repeated: what is there is found, what its owner removed is not made again.

use anyhow::Context;
use domain::Speaks;
use domain::ids::{AccountId, KeyId};
use domain::{Amount, PricePerMtok};
use serde::{Deserialize, Serialize};
use server::accounts::{Email, SETUP_LIFETIME_MS};
use server::catalog::{CatalogError, NewModel, NewPrice};
use server::keys::{KeyError, NewKeyForm};
use server::ledger::GrantError;
use server::upstreams::{NewUpstream, SANDBOX_URL, UpstreamError};

use crate::config::{Config, Site};
use crate::state::Handles;

/// Where the ids of what was seeded are kept: the e-mail of the account changes when it is claimed.
const FILE: &str = "welcome.json";
const CREDIT: Amount = Amount::from_nanos(5 * domain::money::NANOS_PER_USD);
const UPSTREAM: &str = "sandbox";
/// Micro-dollars per million tokens: a few hundred words cost fractions of a cent.
const MODELS: [(&str, i64, i64, i64); 3] = [
    ("sandbox-echo", 100_000, 50_000, 400_000),
    ("sandbox-lorem", 100_000, 50_000, 400_000),
    ("sandbox-reasoner", 500_000, 250_000, 2_000_000),
];
const CONTEXT: u64 = 128_000;

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
struct Seeded {
    account: AccountId,
    key: KeyId,
}

/// Seeds what is missing, and says what a newcomer needs: address, claim link, key, one line that works.
///
/// # Errors
/// When the database refuses.
pub async fn welcome(handles: &Handles, config: &Config, site: &Site) -> anyhow::Result<String> {
    anyhow::ensure!(
        site.local,
        "--welcome seeds a key and prints it, so it works only when nobody else can reach this Farebox"
    );
    let seeded = match read(config) {
        Some(seeded) if handles.accounts.by_id(seeded.account).await?.is_some() => seeded,
        _ => seed(handles, config).await?,
    };
    offer_sandbox(handles).await?;
    let account = handles
        .accounts
        .by_id(seeded.account)
        .await?
        .context("the seeded account is gone")?;
    let reason = "Welcome: credit to try Farebox with";
    match handles
        .ledger
        .grant(account.workspace, CREDIT, reason, Some("welcome"))
        .await
    {
        // The database was made anew under an old welcome file, or the other way round: somebody has the credit.
        Ok(_) | Err(GrantError::IdReused { .. }) => {}
        Err(error) => return Err(error).context("the welcome credit cannot be given"),
    }
    let key = match handles.keys.unseal(account.workspace, seeded.key).await {
        Ok(secret) => Some(secret.expose().to_owned()),
        Err(KeyError::Revoked | KeyError::NotFound | KeyError::NoCopy) => None,
        Err(error) => return Err(error).context("the seeded key cannot be shown"),
    };
    let unclaimed = handles
        .accounts
        .unclaimed_admin()
        .await?
        .filter(|unclaimed| unclaimed.id == account.id);
    let link = match unclaimed {
        Some(account) => Some(handles.accounts.setup_link(account.id).await?),
        None => None,
    };
    Ok(text(
        site.public_url.as_str(),
        link.map(|token| token.to_string()).as_deref(),
        key.as_deref(),
    ))
}

async fn seed(handles: &Handles, config: &Config) -> anyhow::Result<Seeded> {
    let email = Email::parse(Email::PLACEHOLDER)?;
    let account = match handles.accounts.by_email(&email).await? {
        Some(account) => account,
        None => handles.accounts.create(&email, None, true).await?,
    };
    let key = handles
        .keys
        .create(account.workspace, &NewKeyForm::named("Quick start"))
        .await?;
    let seeded = Seeded {
        account: account.id,
        key: key.view.id,
    };
    let text = serde_json::to_string(&seeded)?;
    std::fs::write(config.data.join(FILE), text)
        .with_context(|| format!("{FILE} cannot be written into the data folder"))?;
    Ok(seeded)
}

fn read(config: &Config) -> Option<Seeded> {
    serde_json::from_str(&std::fs::read_to_string(config.data.join(FILE)).ok()?).ok()
}

/// The sandbox upstream and its three friendly models.
async fn offer_sandbox(handles: &Handles) -> anyhow::Result<()> {
    let sandbox = NewUpstream {
        name: UPSTREAM.to_owned(),
        dialect: Speaks::OpenAiChat,
        base_url: SANDBOX_URL.to_owned(),
        api_key: None,
    };
    match handles.upstreams.create(sandbox).await {
        Ok(_) | Err(UpstreamError::NameTaken(_)) => {}
        Err(error) => return Err(error).context("the sandbox upstream cannot be added"),
    }
    for (id, input, cached_input, output) in MODELS {
        let price = |micro_usd| {
            PricePerMtok::from_micro_usd(micro_usd).expect("a seeded price is in range")
        };
        let price = NewPrice {
            input: price(input),
            cached_input: Some(price(cached_input)),
            output: price(output),
            // The sandbox runs none.
            tools_free: true,
            ..NewPrice::default()
        };
        let model = NewModel {
            id: id.to_owned(),
            upstream: UPSTREAM.to_owned(),
            upstream_model: None,
            price,
            context: CONTEXT,
        };
        match handles.catalog.create_model(model).await {
            Ok(_) | Err(CatalogError::ModelExists(_)) => {}
            Err(error) => return Err(error).context("a sandbox model cannot be added"),
        }
    }
    Ok(())
}

fn text(address: &str, link: Option<&str>, key: Option<&str>) -> String {
    let mut text = format!("\nFarebox runs at {address}\n");
    match link {
        Some(token) => {
            let hours = SETUP_LIFETIME_MS / 3_600_000;
            text.push_str(&format!(
                "\nBecome its administrator (once, within {hours} hours; the next start prints a new link):\n  {address}/claim/{token}\n"
            ));
        }
        None => text.push_str(&format!("\nSign in at {address}/login\n")),
    }
    text.push_str(&format!(
        "\nOr come in as a customer would: {address}/signup (mails are shown at {address}/outbox)\n"
    ));
    match key {
        Some(key) => text.push_str(&format!(
            "\nA key with a little credit:\n  {key}\n\nTry it:\n  curl {address}/v1/chat/completions -H 'Authorization: Bearer {key}' \
             -H 'Content-Type: application/json' -d '{{\"model\":\"sandbox-echo\",\"messages\":[{{\"role\":\"user\",\"content\":\"Hello\"}}]}}'\n"
        )),
        None => text.push_str(&format!(
            "\nThe first key was revoked; make another one at {address}/keys/new, or with `farebox admin key create`.\n"
        )),
    }
    text.push_str("\nCtrl-C stops it.\n");
    text
}
