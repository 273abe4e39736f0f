//! Which mails would people have got? The outbox of a local installation, where nobody needs a mail server to try out
//! how to sign up. Whoever sees it can use every link, so it exists only where nobody but this machine reaches us.

use axum::response::Response;
use http::StatusCode;
use leptos::prelude::*;
use server::mail::{OutboxContent, OutboxMail};

use super::{anyone, error};
use crate::reader::{Reader, Ui};
use crate::shell::{Frame, Page, icon, respond, rich};

/// How many mails are shown; a month's are kept.
const SHOWN: u32 = 50;

pub async fn outbox(reader: Reader) -> Response {
    let (local, mail) = (reader.services.site.local, reader.services.mail.clone());
    let ui = anyone(reader).await;
    if !local {
        return error::page(&ui, StatusCode::NOT_FOUND);
    }
    match mail.newest(SHOWN).await {
        Ok(mails) => respond(&ui, StatusCode::OK, |ui| Page {
            frame: Frame::Aside,
            title: t!(ui, "outbox.title"),
            description: None,
            body: content(ui, &mails, mail.sends()),
        }),
        Err(_) => error::page(&ui, StatusCode::SERVICE_UNAVAILABLE),
    }
}

fn content(ui: &Ui, mails: &[OutboxMail], sends: bool) -> AnyView {
    let fate = if sends {
        t!(ui, "outbox.also_sent")
    } else {
        t!(ui, "outbox.only_here")
    };
    let list = if mails.is_empty() {
        view! {
            <div class="empty">
                <h2>{t!(ui, "outbox.empty_title")}</h2>
                <p>{t!(ui, "outbox.empty_body")}</p>
            </div>
        }
        .into_any()
    } else {
        mails
            .iter()
            .enumerate()
            .map(|(place, mail)| one(ui, mail, place == 0, sends))
            .collect_view()
            .into_any()
    };
    view! {
        <section class="outbox" aria-labelledby="title">
            <header>
                <h1 id="title">{t!(ui, "outbox.title")}</h1>
                <a class="btn slim" href="/outbox">{t!(ui, "outbox.refresh")}</a>
            </header>
            <p class="muted">{t!(ui, "outbox.lead")}</p>
            <p class="hint">{fate}</p>
            {list}
        </section>
    }
    .into_any()
}

/// One mail: what is said of it, and its text behind that. The newest lies open.
fn one(ui: &Ui, mail: &OutboxMail, open: bool, sends: bool) -> AnyView {
    let state = if mail.failed {
        Some(("pill failed", t!(ui, "outbox.failed")))
    } else if mail.sent {
        Some(("pill", t!(ui, "outbox.sent")))
    } else if sends {
        Some(("pill off", t!(ui, "outbox.waiting")))
    } else {
        None
    };
    let state = state.map(|(class, words)| view! { <span class=class>{words}</span> });
    let (subject, letter) = match &mail.content {
        Some(content) => (content.subject.clone(), letter(ui, mail, content)),
        None => {
            let gone = t!(ui, "outbox.gone");
            (
                mail.to.clone(),
                view! { <p class="muted">{gone}</p> }.into_any(),
            )
        }
    };
    let to = rich(&t!(ui, "outbox.to", address = mail.to), |address| {
        view! { <bdi translate="no">{address}</bdi> }.into_any()
    });
    view! {
        <details class="sheet mail" open=open>
            <summary>
                <span class="subject"><bdi>{subject}</bdi></span>
                <span class="about">{to}</span>
                <span class="about">{ui.ago(mail.created_at)}</span>
                {state}
                {icon(ui, "chevron-down", "")}
            </summary>
            {letter}
        </details>
    }
    .into_any()
}

/// The plain text, in its own language, with links of ours as links.
fn letter(ui: &Ui, mail: &OutboxMail, content: &OutboxContent) -> AnyView {
    let paragraphs = content
        .text
        .split("\n\n")
        .map(|paragraph| {
            let lines = paragraph
                .trim_end()
                .lines()
                .map(|line| view! { <span class="line">{linked(ui, line)}</span> })
                .collect_view();
            view! { <p>{lines}</p> }
        })
        .collect_view();
    view! { <div class="letter" lang=mail.locale.clone() dir="auto" translate="no">{paragraphs}</div> }
        .into_any()
}

/// A line that is one of our addresses becomes a link; to the path alone, so that it works by whatever name of this
/// machine the page was asked.
fn linked(ui: &Ui, line: &str) -> AnyView {
    match line.strip_prefix(&ui.site().public_url) {
        Some(path) if path.starts_with('/') && !path.contains(char::is_whitespace) => {
            view! { <a href=path.to_owned() dir="ltr">{line.to_owned()}</a> }.into_any()
        }
        _ => line.to_owned().into_any(),
    }
}
