//! Which receipts are there? Newest first: what was paid, what arrived, and what went back.

use axum::response::Response;
use domain::Amount;
use domain::fx::Coins;
use http::StatusCode;
use leptos::prelude::*;
use server::receipts::{Kind, Receipt};
use texts::format::{self, Money};

use super::unavailable;
use crate::pages::signed_in;
use crate::reader::{Reader, Ui};
use crate::shell::{Frame, Page, icon, respond};

/// Shown at most; the sheet says so when there are more.
const SHOWN: u32 = 500;

/// `GET /wallet/receipts`
pub async fn list(reader: Reader) -> Response {
    let services = reader.services.clone();
    let (ui, account) = match signed_in(reader).await {
        Ok(known) => known,
        Err(elsewhere) => return elsewhere,
    };
    match services.receipts.list(account.workspace, SHOWN + 1).await {
        Ok(receipts) => respond(&ui, StatusCode::OK, |ui| Page {
            frame: Frame::Account,
            title: t!(ui, "receipts.list.title"),
            description: None,
            body: content(ui, &receipts),
        }),
        Err(failed) => unavailable(&ui, &failed),
    }
}

fn content(ui: &Ui, receipts: &[Receipt]) -> AnyView {
    let shown = usize::try_from(SHOWN).unwrap_or(usize::MAX);
    let more = (receipts.len() > shown).then(|| {
        let count = u64::from(SHOWN);
        view! { <p class="hint">{n!(ui, "receipts.list.newest", count)}</p> }
    });
    let inner = if receipts.is_empty() {
        empty(ui)
    } else {
        table(ui, receipts.iter().take(shown))
    };
    view! {
        <nav class="crumbs" aria-label=t!(ui, "keys.crumbs")>
            <ol><li><a href="/wallet">{icon(ui, "arrow-left", "flip")}{t!(ui, "receipts.wallet")}</a></li></ol>
        </nav>
        <div class="head"><h1>{t!(ui, "receipts.list.title")}</h1></div>
        <section class="sheet wide" aria-label=t!(ui, "receipts.list.title")>{inner}{more}</section>
    }
    .into_any()
}

fn empty(ui: &Ui) -> AnyView {
    view! {
        <div class="empty">
            <h2>{t!(ui, "receipts.list.empty_title")}</h2>
            <p>{t!(ui, "receipts.list.empty_body")}</p>
        </div>
    }
    .into_any()
}

fn table<'a>(ui: &Ui, receipts: impl Iterator<Item = &'a Receipt>) -> AnyView {
    let rows: Vec<_> = receipts.map(|receipt| line(ui, receipt)).collect();
    view! {
        <div class="tablewrap" role="group" aria-label=t!(ui, "receipts.list.title") tabindex="0">
            <table class="receipts">
                <caption class="vh">{t!(ui, "receipts.list.title")}</caption>
                <thead>
                    <tr>
                        <th scope="col">{t!(ui, "receipts.list.number")}</th>
                        <th scope="col">{t!(ui, "receipts.list.date")}</th>
                        <th scope="col" class="n">{t!(ui, "receipts.list.paid")}</th>
                        <th scope="col" class="n">{t!(ui, "receipts.list.arrived")}</th>
                        <th scope="col">{t!(ui, "receipts.list.file")}</th>
                    </tr>
                </thead>
                <tbody>{rows}</tbody>
            </table>
        </div>
    }
    .into_any()
}

fn line(ui: &Ui, receipt: &Receipt) -> AnyView {
    let number = receipt.number.to_string();
    let back = receipt.kind != Kind::Receipt;
    let kind = back.then(|| {
        view! { <span class="pill off">{t!(ui, "receipts.list.credit_note")}</span> }
    });
    let arrived = receipt.arrived();
    let file = t!(ui, "receipts.list.file_of", number = number);
    view! {
        <tr>
            <th scope="row">
                <span class="row tight">
                    <a class="num" href=format!("/wallet/receipts/{number}")><bdi translate="no">{number.clone()}</bdi></a>
                    {kind}
                </span>
            </th>
            <td><time datetime=ui.zone().iso(receipt.issued_at)>{ui.date(receipt.issued_at)}</time></td>
            <td class="n num">{coins(ui, receipt.paid, back)}</td>
            <td class="n num">{dollars(ui, arrived, back)}</td>
            <td>
                <a class="btn slim" href=format!("/wallet/receipts/{number}/pdf") aria-label=file>
                    {icon(ui, "download", "")}"PDF"
                </a>
            </td>
        </tr>
    }
    .into_any()
}

/// Coins as they were paid, never converted; what went back is below zero.
fn coins(ui: &Ui, coins: Coins, back: bool) -> String {
    signed(ui, coins.into(), back)
}

/// Dollars of the wallet with every digit: a receipt rounds nothing.
fn dollars(ui: &Ui, amount: Amount, back: bool) -> String {
    signed(ui, amount.into(), back)
}

fn signed(ui: &Ui, money: Money, back: bool) -> String {
    let nanos = if back { -money.nanos } else { money.nanos };
    format::money_exact(ui.locale(), &Money { nanos, ..money })
}
