//! What stands at the top? The brand, the way in or out, and the reader's choices: language, currency, theme.
//!
//! A choice is a popover with one form, each entry a submit button: one click, with or without a script.

use domain::Currency;
use leptos::prelude::*;

use super::palette::magnifier;
use super::parts::{icon, mark};
use super::places::{Place, rooms, site};
use crate::pages::prices;
use crate::reader::{Theme, Ui};

pub fn public_header(ui: &Ui) -> AnyView {
    let account = if ui.account().is_some() {
        view! { <a class="quiet" href="/overview">{icon(ui, "activity", "spare")}{t!(ui, "header.overview")}</a> }.into_any()
    } else {
        // The way in that is the page itself needs no link.
        let sign_in = (ui.path() != "/login").then(|| {
            view! { <a class="quiet" href=ui.link("/login")>{icon(ui, "log-in", "flip spare")}{t!(ui, "header.sign_in")}</a> }
        });
        let sign_up = (ui.path() != "/signup" && ui.sign_up_open()).then(|| {
            view! { <a class="btn primary slim join" href=ui.link("/signup")>{t!(ui, "header.sign_up")}</a> }
        });
        view! { {sign_in}{sign_up} }.into_any()
    };
    view! {
        <header class="top">
            {brand(ui, ui.link("/"))}
            {site_links(ui)}
            <div class="end">{magnifier(ui)}{choices(ui)}{account}{site_menu(ui)}</div>
        </header>
    }
    .into_any()
}

/// What is for everybody, beside the brand.
fn site_links(ui: &Ui) -> AnyView {
    let links: Vec<_> = site(ui)
        .into_iter()
        .map(|place| {
            let here = current(ui, place.path);
            view! { <a class="quiet" href=ui.link(place.path) aria-current=here>{place.words}</a> }
        })
        .collect();
    view! { <nav class="links" aria-label=t!(ui, "header.site_menu")>{links}</nav> }.into_any()
}

/// The same behind one button, where there is no room for it: a popover, which needs no script.
fn site_menu(ui: &Ui) -> AnyView {
    let label = t!(ui, "header.site_menu");
    let search = Place::new(
        crate::pages::search::PATH,
        "search",
        t!(ui, "palette.title"),
    );
    let links: Vec<_> = site(ui)
        .into_iter()
        .chain([search])
        .map(|place| {
            let here = current(ui, place.path);
            view! { <li><a href=ui.link(place.path) aria-current=here>{icon(ui, place.sign, "")}{place.words}</a></li> }
        })
        .collect();
    view! {
        <button class="quiet burger" type="button" popovertarget="site" aria-label=label>{icon(ui, "menu", "")}</button>
        <div class="menu" id="site" popover="auto">
            <ul class="menu-list">{links}</ul>
        </div>
    }
    .into_any()
}

/// Whether this is the page, or the section that the page is in.
fn current(ui: &Ui, path: &str) -> Option<&'static str> {
    match ui.path().strip_prefix(path) {
        Some("") => Some("page"),
        Some(rest) if rest.starts_with('/') => Some("true"),
        _ => None,
    }
}

/// To what everything costs; from the footer, where the header has no room.
pub fn prices_link(ui: &Ui, class: &'static str) -> AnyView {
    let here = (ui.path() == prices::PATH).then_some("page");
    let class = (!class.is_empty()).then_some(class);
    view! { <a class=class href=ui.link(prices::PATH) aria-current=here>{t!(ui, "header.prices")}</a> }.into_any()
}

pub fn signed_in_header(ui: &Ui) -> AnyView {
    view! {
        <header class="top">
            {brand(ui, "/overview".to_owned())}
            {site_links(ui)}
            <div class="end">{magnifier(ui)}{choices(ui)}{site_menu(ui)}</div>
        </header>
    }
    .into_any()
}

/// The navigation of the signed-in, and the way out.
pub fn side(ui: &Ui) -> AnyView {
    let email = ui
        .account()
        .map(|account| account.email.clone())
        .unwrap_or_default();
    let admin = ui.account().is_some_and(|account| account.admin);
    let sections: Vec<_> = rooms(ui)
        .into_iter()
        .map(|room| section(ui, room, ""))
        .collect();
    let admin = admin.then(|| {
        let area = Place::new("/admin", "shield-check", t!(ui, "header.admin"));
        section(ui, area, "for-admins")
    });
    view! {
        <div class="side"><div>
            <nav class="nav" aria-label=t!(ui, "header.main_menu")>
                <ul class="nav-list">{sections}{admin}</ul>
            </nav>
            <section class="leave" aria-label=t!(ui, "account.menu.label")>
                <p class="hint" title=t!(ui, "account.menu.signed_in_as", email = email)>
                    <bdi translate="no">{email.clone()}</bdi>
                </p>
                <form method="post" action="/api/sign_out">
                    <button class="quiet" type="submit">{icon(ui, "log-out", "flip")}{t!(ui, "header.sign_out")}</button>
                </form>
            </section>
        </div></div>
    }
    .into_any()
}

/// One entry of the navigation: the page itself, or the section that the page is in.
fn section(ui: &Ui, place: Place, class: &'static str) -> AnyView {
    let Place { path, sign, words } = place;
    let current = current(ui, path);
    let class = (!class.is_empty()).then_some(class);
    view! { <li class=class><a href=path aria-current=current>{icon(ui, sign, "")}{words}</a></li> }
        .into_any()
}

fn brand(ui: &Ui, href: String) -> AnyView {
    let name = ui.site().brand.clone();
    let label = t!(ui, "header.home", brand = name);
    view! { <a class="brand" href=href aria-label=label translate="no">{mark()}<bdi>{name}</bdi></a> }.into_any()
}

fn choices(ui: &Ui) -> AnyView {
    view! { {languages(ui)}{currencies(ui)}{themes(ui)} }.into_any()
}

/// One choice: its button in the header, and the entries that open under it.
fn menu(ui: &Ui, id: &'static str, label: String, face: AnyView, entries: Vec<AnyView>) -> AnyView {
    let back = ui.asked().to_owned();
    let label_id = format!("{id}-label");
    let named_by = format!("{label_id} {id}-face");
    let form_label = label.clone();
    view! {
        <button class="quiet" type="button" popovertarget=id aria-labelledby=named_by>
            <span class="vh" id=label_id>{label}</span>
            {face}
            {icon(ui, "chevron-down", "chev")}
        </button>
        <div class="menu" id=id popover="auto">
            <form method="post" action="/api/set_prefs" aria-label=form_label>
                <input type="hidden" name="back" value=back/>
                {entries}
            </form>
        </div>
    }
    .into_any()
}

fn entry(ui: &Ui, name: &'static str, value: &str, chosen: bool, content: AnyView) -> AnyView {
    let pressed = if chosen { "true" } else { "false" };
    view! {
        <button type="submit" name=name value=value.to_owned() aria-pressed=pressed>{content}{icon(ui, "check", "")}</button>
    }
    .into_any()
}

fn languages(ui: &Ui) -> AnyView {
    let entries = ui.locales().into_iter().map(|locale| {
        let autonym = view! { <span class="autonym" lang=locale.code() dir=locale.dir() translate="no">{locale.autonym()}</span> };
        entry(ui, "locale", locale.code(), locale == ui.locale(), autonym.into_any())
    });
    let face = view! {
        {icon(ui, "globe", "")}
        <span class="autonym" id="languages-face" translate="no">{ui.locale().autonym()}</span>
    };
    let entries = entries.collect();
    menu(
        ui,
        "languages",
        t!(ui, "locale.label"),
        face.into_any(),
        entries,
    )
}

fn currencies(ui: &Ui) -> AnyView {
    let entries = Currency::ALL.into_iter().map(|currency| {
        let name = currency_words(ui, currency);
        let content = view! { <span class="code" translate="no">{currency.code()}</span>{name} };
        entry(
            ui,
            "currency",
            currency.code(),
            currency == ui.prefs().currency,
            content.into_any(),
        )
    });
    let code = ui.prefs().currency.code();
    let face = view! { {icon(ui, "coins", "spare")}<span id="currencies-face" translate="no">{code}</span> };
    let entries = entries.collect();
    menu(
        ui,
        "currencies",
        t!(ui, "currency.label"),
        face.into_any(),
        entries,
    )
}

fn themes(ui: &Ui) -> AnyView {
    let entries = Theme::ALL.into_iter().map(|theme| {
        let (name, sign) = theme_words(ui, theme);
        let content = view! { {icon(ui, sign, "sign")}{name} };
        entry(
            ui,
            "theme",
            theme.code(),
            theme == ui.prefs().theme,
            content.into_any(),
        )
    });
    let (name, sign) = theme_words(ui, ui.prefs().theme);
    let face = view! { {icon(ui, sign, "")}<span class="vh" id="themes-face">{name}</span> };
    let entries = entries.collect();
    menu(
        ui,
        "themes",
        t!(ui, "theme.label"),
        face.into_any(),
        entries,
    )
}

pub fn currency_words(ui: &Ui, currency: Currency) -> String {
    match currency {
        Currency::Usd => t!(ui, "currency.name_usd"),
        Currency::Eur => t!(ui, "currency.name_eur"),
        Currency::Rub => t!(ui, "currency.name_rub"),
        Currency::Gbp => t!(ui, "currency.name_gbp"),
        Currency::Cny => t!(ui, "currency.name_cny"),
        Currency::Jpy => t!(ui, "currency.name_jpy"),
        Currency::Inr => t!(ui, "currency.name_inr"),
        Currency::Brl => t!(ui, "currency.name_brl"),
        Currency::Try => t!(ui, "currency.name_try"),
        Currency::Krw => t!(ui, "currency.name_krw"),
        Currency::Kwd => t!(ui, "currency.name_kwd"),
    }
}

/// A theme's name and its icon.
pub fn theme_words(ui: &Ui, theme: Theme) -> (String, &'static str) {
    match theme {
        Theme::System => (t!(ui, "theme.system"), "monitor"),
        Theme::Light => (t!(ui, "theme.light"), "sun"),
        Theme::Dark => (t!(ui, "theme.dark"), "moon"),
    }
}
