//! What stands on this receipt? A page that prints well: seller, buyer, amounts, rate, what the wallet got.

use axum::extract::Path;
use axum::response::Response;
use http::StatusCode;
use leptos::prelude::*;
use server::receipts::{Line, Party, Printed, Receipt, Section};
use texts::Locale;

use super::own;
use crate::pages::signed_in;
use crate::reader::{Reader, Ui};
use crate::shell::{Frame, Page, icon, notice, respond};

/// `GET /wallet/receipts/{number}`. Another workspace's receipt, or none at all, is not there.
pub async fn one(Path(number): Path<String>, reader: Reader) -> Response {
    let services = reader.services.clone();
    let (ui, account) = match signed_in(reader).await {
        Ok(known) => known,
        Err(elsewhere) => return elsewhere,
    };
    let receipt = match own(&services, &ui, &account, &number).await {
        Ok(receipt) => receipt,
        Err(elsewhere) => return elsewhere,
    };
    let printed = receipt.printed(&services.texts, ui.locale());
    let original = services.texts.locale(&receipt.original.locale);
    respond(&ui, StatusCode::OK, |ui| {
        let title = title(ui, &receipt, &printed);
        Page {
            frame: Frame::Account,
            body: content(ui, &receipt, &printed, original, title.clone()),
            title,
            description: None,
        }
    })
}

fn title(ui: &Ui, receipt: &Receipt, printed: &Printed) -> String {
    let number = receipt.number.to_string();
    t!(
        ui,
        "receipts.one.title",
        title = printed.title,
        number = number
    )
}

fn content(
    ui: &Ui,
    receipt: &Receipt,
    printed: &Printed,
    original: Option<Locale>,
    title: String,
) -> AnyView {
    let sections: Vec<_> = printed.sections.iter().map(section).collect();
    let notes: Vec<_> = printed
        .notes
        .iter()
        .map(|note| view! { <p>{note.clone()}</p> })
        .collect();
    let notes =
        (!printed.notes.is_empty()).then(|| view! { <footer class="small muted">{notes}</footer> });
    let about: Vec<_> = printed
        .about
        .iter()
        .map(|line| fact(line, &receipt.order_id))
        .collect();
    view! {
        <nav class="crumbs" aria-label=t!(ui, "keys.crumbs")>
            <ol>
                <li><a href="/wallet/receipts">{icon(ui, "arrow-left", "flip")}{t!(ui, "receipts.list.title")}</a></li>
            </ol>
        </nav>
        <div class="head">
            <h1>{title}</h1>
            {files(ui, receipt, original)}
        </div>
        {translated(ui, original)}
        <article class="sheet receipt">
            <div class="parties">{party(&printed.seller)}{party(&printed.buyer)}</div>
            <dl class="about">{about}</dl>
            {sections}
            {notes}
        </article>
    }
    .into_any()
}

/// The file as it was given, and one in the reader's language when that is another.
fn files(ui: &Ui, receipt: &Receipt, original: Option<Locale>) -> AnyView {
    let path = format!("/wallet/receipts/{}/pdf", receipt.number);
    let Some(original) = original.filter(|original| *original != ui.locale()) else {
        return view! {
            <div class="files"><a class="btn" href=path>{icon(ui, "download", "")}{t!(ui, "receipts.one.file")}</a></div>
        }
        .into_any();
    };
    let file = |locale: Locale, href: String| {
        let words = t!(ui, "receipts.one.file_in", language = locale.autonym());
        view! { <a class="btn" href=href hreflang=locale.code()>{icon(ui, "download", "")}{words}</a> }
    };
    let mine = format!("{path}?lang={}", ui.locale().code());
    view! { <div class="files row">{file(original, path)}{file(ui.locale(), mine)}</div> }
        .into_any()
}

/// The paper that was given is in another language.
fn translated(ui: &Ui, original: Option<Locale>) -> Option<AnyView> {
    let original = original.filter(|original| *original != ui.locale())?;
    let words = t!(ui, "receipts.one.translated", language = original.autonym());
    Some(notice(ui, "", words))
}

fn party(party: &Party) -> AnyView {
    let lines: Vec<_> = party
        .lines
        .iter()
        .map(|line| view! { <bdi>{line.clone()}</bdi> })
        .collect();
    view! {
        <section>
            <h2>{party.title.clone()}</h2>
            <address translate="no">{lines}</address>
        </section>
    }
    .into_any()
}

/// The order's id leads to its page.
fn fact(line: &Line, order_id: &str) -> AnyView {
    let value = line.value.clone();
    let value = if value == order_id {
        view! { <a href=format!("/wallet/orders/{order_id}")><bdi translate="no">{value}</bdi></a> }
            .into_any()
    } else {
        view! { <bdi>{value}</bdi> }.into_any()
    };
    view! { <div><dt>{line.label.clone()}</dt><dd>{value}</dd></div> }.into_any()
}

fn section(section: &Section) -> AnyView {
    let lines: Vec<_> = section
        .lines
        .iter()
        .map(|line| {
            let class = if line.total { "total" } else { "" };
            view! {
                <div class=class><dt>{line.label.clone()}</dt><dd class="num">{line.value.clone()}</dd></div>
            }
        })
        .collect();
    view! {
        <section>
            <h2>{section.title.clone()}</h2>
            <dl class="sums">{lines}</dl>
        </section>
    }
    .into_any()
}
