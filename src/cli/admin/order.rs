//! `farebox admin order …`: top-ups being paid, bank transfers that arrived, money that goes back.

use std::process::ExitCode;

use anyhow::{Context, anyhow, bail};
use clap::Subcommand;
use domain::fx::Coins;
use domain::ids::{OrderId, RefundId};
use domain::order::{OrderStatus, OrderView, ProviderId, Reference};
use domain::{Amount, Currency};
use serde_json::{Value, json};
use server::audit::By;
use server::ids::NewId;
use server::orders::{Confirmation, OrderFilter, OrderRow, Orders, RefundAsk};

use super::{parse_time, time};
use crate::cli::output::{self, line};
use crate::config::{self, Config};
use crate::state::Handles;

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Show orders, newest first
    List {
        /// Only orders in this state, like pending
        #[arg(long, value_name = "STATE")]
        status: Option<String>,
        /// Only orders of this provider: sandbox, manual
        #[arg(long)]
        provider: Option<String>,
        /// Only orders that do not fit what their provider says
        #[arg(long)]
        attention: bool,
        /// At most so many; 200 at most
        #[arg(long, default_value_t = 50)]
        limit: u32,
        /// Print one JSON object per order
        #[arg(long)]
        json: bool,
    },
    /// Show one order
    Show {
        /// Its id or its reference, like 7K3-M9Q-2XC
        order: String,
        /// Print it as a JSON object
        #[arg(long)]
        json: bool,
    },
    /// A bank transfer arrived: put its credit into the wallet
    ///
    /// The amount is compared with what was asked for. Written into the audit log.
    Confirm {
        /// Its id or its reference, like 7K3-M9Q-2XC
        order: String,
        /// What arrived, as the bank's statement says, in the currency of the order, like 25.00
        #[arg(long, value_name = "AMOUNT")]
        received: String,
        /// What the bank's statement says
        #[arg(long)]
        note: String,
        /// When it arrived, like 2026-12-01; now when left out. It decides by which rate a late payment is credited
        #[arg(long, value_name = "DAY")]
        paid_at: Option<String>,
        /// Credit what arrived, although something else was asked for
        #[arg(long)]
        sure: bool,
        /// Print the order as a JSON object
        #[arg(long)]
        json: bool,
    },
    /// A bank transfer will not arrive
    Reject {
        /// Its id or its reference, like 7K3-M9Q-2XC
        order: String,
        /// Why
        #[arg(long)]
        note: String,
        /// Print the order as a JSON object
        #[arg(long)]
        json: bool,
    },
    /// You have looked at an order that did not fit what its provider says: do not list it under --attention any more
    Seen {
        /// Its id or its reference, like 7K3-M9Q-2XC
        order: String,
        /// What you found
        #[arg(long)]
        note: String,
        /// Print the order as a JSON object
        #[arg(long)]
        json: bool,
    },
    /// Send money of an order back
    ///
    /// At most what is left of its credit. By the provider; a bank transfer is only written down: transfer the money
    /// yourself. Written into the audit log.
    Refund {
        /// Its id or its reference, like 7K3-M9Q-2XC
        order: String,
        /// How much of the credit, in US dollars; as much as can go back when left out
        #[arg(long, value_name = "USD")]
        credit: Option<String>,
        /// Why
        #[arg(long)]
        note: String,
        /// A name of your own for this refund: the same twice refunds once
        #[arg(long)]
        id: Option<String>,
        /// Print the order as a JSON object
        #[arg(long)]
        json: bool,
    },
}

pub async fn run(command: Command, config: &Config, handles: &Handles) -> anyhow::Result<ExitCode> {
    let site = config::site(config, config.listen)?;
    let mail = handles.mail(config, &site, handles.texts.clone());
    let orders = handles.orders(config, &site, mail);
    let desk = orders.acting(By::OPERATOR);
    match command {
        Command::List {
            status,
            provider,
            attention,
            limit,
            json,
        } => {
            let filter = OrderFilter {
                status: status.as_deref().map(status_named).transpose()?,
                provider: provider.map(|name| name.parse()).transpose()?,
                attention,
                limit,
                ..OrderFilter::default()
            };
            for row in orders.all(&filter).await? {
                tell(&row, json)?;
            }
            Ok(ExitCode::SUCCESS)
        }
        Command::Show { order, json } => {
            tell(&find(&orders, &order).await?, json)?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Confirm {
            order,
            received,
            note,
            paid_at,
            sure,
            json,
        } => {
            let row = find(&orders, &order).await?;
            let confirmation = Confirmation {
                received: coins(row.order.quote.paid.currency(), &received)?,
                sure,
                paid_at: paid_at.as_deref().map(parse_time).transpose()?,
                note,
            };
            let view = desk.confirm(row.order.id, &confirmation).await?;
            done(&orders, &view, json).await
        }
        Command::Reject { order, note, json } => {
            let row = find(&orders, &order).await?;
            let view = desk.reject(row.order.id, &note).await?;
            done(&orders, &view, json).await
        }
        Command::Seen { order, note, json } => {
            let row = find(&orders, &order).await?;
            let view = desk.seen(row.order.id, &note).await?;
            done(&orders, &view, json).await
        }
        Command::Refund {
            order,
            credit,
            note,
            id,
            json,
        } => {
            let row = find(&orders, &order).await?;
            let credit = credit.as_deref().map(Amount::parse_usd).transpose();
            let ask = RefundAsk {
                credit: credit.context("--credit")?,
                note,
                idempotency_key: id.unwrap_or_else(|| RefundId::new().to_string()),
            };
            let view = desk.refund(row.order.id, &ask).await?;
            if view.provider == ProviderId::Manual && !json {
                line("Written down. Now transfer the money itself.");
            } else if view.refunding && !json {
                line("On its way: the server asks the provider until it answers.");
            }
            done(&orders, &view, json).await
        }
    }
}

fn status_named(name: &str) -> anyhow::Result<OrderStatus> {
    name.parse().map_err(|()| {
        let known: Vec<&str> = OrderStatus::ALL.map(OrderStatus::code).to_vec();
        anyhow!(
            "there is no state {name}: choose one of {}",
            known.join(", ")
        )
    })
}

fn coins(currency: Currency, text: &str) -> anyhow::Result<Coins> {
    Coins::parse(currency, text).context("--received")
}

/// By id or reference.
async fn find(orders: &Orders, named: &str) -> anyhow::Result<OrderRow> {
    if let Ok(id) = named.parse::<OrderId>()
        && let Some(row) = orders.any(id).await?
    {
        return Ok(row);
    }
    let Ok(reference) = named.parse::<Reference>() else {
        bail!("there is no order {named}: write its id, or its reference like 7K3-M9Q-2XC");
    };
    let filter = OrderFilter {
        reference: Some(reference),
        limit: 1,
        ..OrderFilter::default()
    };
    let mut found = orders.all(&filter).await?;
    found
        .pop()
        .ok_or_else(|| anyhow!("there is no order with the reference {reference}"))
}

async fn done(orders: &Orders, view: &OrderView, as_json: bool) -> anyhow::Result<ExitCode> {
    let row = orders.any(view.id).await?.context("the order is gone")?;
    tell(&row, as_json)?;
    Ok(ExitCode::SUCCESS)
}

fn tell(row: &OrderRow, as_json: bool) -> anyhow::Result<()> {
    let order = &row.order;
    if as_json {
        return output::json(&written(row));
    }
    let attention = order.attention.map_or(String::new(), |what| {
        format!("; look at its {}", what.code())
    });
    let credited = order.settled.map_or_else(
        || format!("brings {} USD", order.quote.credited),
        |settled| format!("brought {} USD", settled.credited),
    );
    line(&format!(
        "{}  {}  {}  {}  {} by {}, {credited}{attention}",
        order.reference,
        time(order.created_at),
        order.status,
        row.email.as_deref().unwrap_or("(account gone)"),
        order.quote.paid,
        order.provider,
    ));
    Ok(())
}

fn written(row: &OrderRow) -> Value {
    let order = &row.order;
    let nanos = |amount: Amount| amount.nanos().to_string();
    json!({
        "id": order.id.to_string(),
        "reference": order.reference.to_string(),
        "email": row.email,
        "workspace": order.workspace.to_string(),
        "provider": order.provider.code(),
        "provider_ref": order.provider_ref,
        "status": order.status.code(),
        "attention": order.attention.map(|what| what.code()),
        "asked": order.quote.paid.to_string(),
        "quoted_nusd": nanos(order.quote.credited),
        "rate_e9": order.quote.rate.e9(),
        "paid": order.settled.map(|settled| settled.paid.to_string()),
        "credited_nusd": order.settled.map(|settled| nanos(settled.credited)),
        "bonus_nusd": order.settled.map(|settled| nanos(settled.bonus)),
        "refunded": order.refunded.coins.to_string(),
        "refunded_nusd": nanos(order.refunded.credit),
        "refunding": order.refunding,
        "created_at": time(order.created_at),
        "settled_at": order.settled.map(|settled| time(settled.at)),
    })
}
