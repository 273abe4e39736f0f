//! What is in the document before and around a page's own content?

use leptos::prelude::*;

use super::footer::footer;
use super::header::{public_header, side, signed_in_header};
use super::low::low_balance;
use super::palette::palette;
use super::parts::{icon, sign_notice};
use super::shortcuts::shortcuts;
use crate::flash::Field;
use crate::pages::fault_words;
use crate::pages::policies::to_accept;
use crate::reader::{Theme, Ui, localized};

/// Where a page stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Frame {
    /// For everyone, in every language under an address of its own; no script.
    Public,
    /// For everyone, but at one address only, and not for search engines (an error, a one-time link).
    Aside,
    /// For the signed-in, with navigation and islands.
    Account,
}

impl Frame {
    pub const fn has_islands(self) -> bool {
        matches!(self, Self::Account)
    }

    pub const fn is_public(self) -> bool {
        matches!(self, Self::Public)
    }
}

/// One page: what the document needs to know, and its content.
pub struct Page {
    pub frame: Frame,
    pub title: String,
    /// For search engines; only public pages have one.
    pub description: Option<String>,
    pub body: AnyView,
}

pub fn document(ui: &Ui, page: Page) -> AnyView {
    let Page {
        frame,
        title,
        description,
        body,
    } = page;
    let locale = ui.locale();
    let theme = match ui.prefs().theme {
        Theme::System => None,
        chosen => Some(chosen.code()),
    };
    let brand = &ui.site().brand;
    // The landing page's title already begins with the name.
    let title = if title.contains(brand.as_str()) {
        title
    } else {
        t!(ui, "site.title", page = title, brand = brand)
    };
    let notice = ui
        .flash()
        .and_then(|flash| flash.notice)
        .map(|notice| sign_notice(ui, notice));
    let skip = t!(ui, "header.skip");
    let content = match frame {
        Frame::Public | Frame::Aside => view! {
            <div class="public">
                {public_header(ui)}
                <main id="main" tabindex="-1">{notice}{body}</main>
                {footer(ui)}
            </div>
        }
        .into_any(),
        Frame::Account => view! {
            <div class=if ui.path().starts_with("/admin") { "shell admin" } else { "shell" }>
                {signed_in_header(ui)}
                {side(ui)}
                <main id="main" tabindex="-1">{low_balance(ui)}{unverified(ui)}{to_accept(ui)}{notice}{body}</main>
                {shortcuts(ui)}
                {palette(ui)}
            </div>
        }
        .into_any(),
    };
    view! {
        <html lang=locale.code() dir=locale.dir() data-theme=theme>
            <head>
                <meta charset="utf-8"/>
                <meta name="viewport" content="width=device-width, initial-scale=1"/>
                <title>{title}</title>
                {description.map(|text| view! { <meta name="description" content=text/> })}
                <meta name="color-scheme" content="light dark"/>
                <link rel="stylesheet" href=ui.assets().path("app.css")/>
                <link rel="icon" href=ui.assets().path("static/mark.svg") type="image/svg+xml"/>
                {addresses(ui, frame)}
                {frame.has_islands().then(|| loader(ui))}
            </head>
            <body>
                <a class="skip" href="#main">{skip}</a>
                {content}
            </body>
        </html>
    }
    .into_any()
}

/// On every page, until the address is known to be theirs: what is missing, and the mail once more.
fn unverified(ui: &Ui) -> Option<AnyView> {
    let account = ui.account().filter(|account| !account.verified)?;
    let words = match ui.flash().and_then(|flash| flash.of(Field::Mail)) {
        Some(fault) => fault_words(ui, fault),
        None => t!(ui, "verify.notice.body", email = account.email),
    };
    let content = view! {
        <div class="note warn" role="status">
            {icon(ui, "mail", "")}
            <div class="row">
                <p>{words}</p>
                <form method="post" action="/api/resend_verification">
                    <input type="hidden" name="back" value=ui.asked().to_owned()/>
                    <button class="btn slim" type="submit">{t!(ui, "verify.resend")}</button>
                </form>
            </div>
        </div>
    };
    Some(content.into_any())
}

/// The page's address in each language, absolute as search engines want it; pages of one address say that they are
/// not to be found.
fn addresses(ui: &Ui, frame: Frame) -> AnyView {
    if frame != Frame::Public {
        return view! { <meta name="robots" content="noindex"/> }.into_any();
    }
    let absolute = |path: &str| format!("{}{path}", ui.site().public_url);
    let alternates: Vec<_> = ui
        .locales()
        .into_iter()
        .map(|locale| view! { <link rel="alternate" hreflang=locale.code() href=absolute(&localized(locale, ui.path()))/> })
        .collect();
    view! {
        <link rel="canonical" href=absolute(&ui.link(ui.path()))/>
        {alternates}
        <link rel="alternate" hreflang="x-default" href=absolute(ui.path())/>
    }
    .into_any()
}

/// What starts the islands: a file of ours that learns from its own element where module and wasm lie. The hints let
/// the browser fetch both while it still reads the page.
fn loader(ui: &Ui) -> AnyView {
    let (module, wasm) = (
        ui.assets().path("farebox.js"),
        ui.assets().path("farebox.wasm"),
    );
    view! {
        <link rel="modulepreload" href=module.clone()/>
        <link rel="preload" href=wasm.clone() r#as="fetch" type="application/wasm" crossorigin=""/>
        <script type="module" id="boot" src=ui.assets().path("static/boot.js") data-module=module data-wasm=wasm></script>
    }
    .into_any()
}
