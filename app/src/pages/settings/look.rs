//! In which language, currency, time zone and theme? One form; what it says holds in every browser of the account.

use domain::Currency;
use domain::views::AccountView;
use leptos::prelude::*;
use texts::format::Zone;

use crate::flash::Field;
use crate::pages::form::{select, tick};
use crate::reader::{Theme, Ui};
use crate::shell::{currency_words, rich, theme_words};

pub fn look(ui: &Ui, account: &AccountView) -> AnyView {
    let flash = ui.flash().cloned().unwrap_or_default();
    let currencies = Currency::ALL
        .into_iter()
        .map(|currency| {
            let words = currency_words(ui, currency);
            (currency.code().to_owned(), words)
        })
        .collect();
    let themes = Theme::ALL
        .into_iter()
        .map(|theme| (theme.code().to_owned(), theme_words(ui, theme).0))
        .collect();
    let currency = select(
        &flash,
        Field::Currency,
        t!(ui, "currency.label"),
        currencies,
        ui.prefs().currency.code(),
    );
    let theme = select(
        &flash,
        Field::Theme,
        t!(ui, "theme.label"),
        themes,
        ui.prefs().theme.code(),
    );
    let shortcuts = t!(ui, "settings.look.shortcuts").into_any();
    let shortcuts_hint = rich(&t!(ui, "palette.keys.hint"), |inner| {
        view! { <a href=crate::pages::shortcuts::PATH>{inner}</a> }.into_any()
    });
    view! {
        <section class="sheet" aria-labelledby="look">
            <header><h2 id="look">{t!(ui, "settings.look.title")}</h2></header>
            <form class="form" method="post" action="/api/set_look">
                {languages(ui)}
                {currency}
                {zones(ui)}
                {theme}
                {tick(ui, &flash, Field::Shortcuts, shortcuts, account.chosen.shortcuts)}
                <p class="hint">{shortcuts_hint}</p>
                <button class="btn" type="submit">{t!(ui, "settings.save")}</button>
            </form>
        </section>
    }
    .into_any()
}

/// The languages by their own names, in the system's font: ours would fetch every script's file.
fn languages(ui: &Ui) -> AnyView {
    let id = Field::Locale.id();
    let options: Vec<_> = ui
        .locales()
        .into_iter()
        .map(|locale| {
            let selected = locale == ui.locale();
            view! {
                <option value=locale.code() lang=locale.code() dir=locale.dir() selected=selected>{locale.autonym()}</option>
            }
        })
        .collect();
    view! {
        <div class="item">
            <label for=id>{t!(ui, "locale.label")}</label>
            <select class="field autonym" id=id name=id translate="no">{options}</select>
        </div>
    }
    .into_any()
}

/// The time zones by region, each with its distance from UTC at this moment.
fn zones(ui: &Ui) -> AnyView {
    let id = Field::TimeZone.id();
    let chosen = ui.zone().name();
    let mut regions: Vec<(String, Vec<AnyView>)> = Vec::new();
    for name in Zone::names() {
        let Some(zone) = Zone::named(&name) else {
            continue;
        };
        let (region, place) = name.split_once('/').unwrap_or(("", &name));
        let words = format!(
            "{} ({})",
            place.replace('_', " ").replace('/', " / "),
            distance(zone.offset(ui.prefs().now))
        );
        let words = if region.is_empty() {
            place.to_owned()
        } else {
            words
        };
        let selected = name == chosen;
        let option =
            view! { <option value=name.clone() selected=selected>{words}</option> }.into_any();
        match regions.last_mut() {
            Some((last, options)) if last == region => options.push(option),
            _ => regions.push((region.to_owned(), vec![option])),
        }
    }
    let regions: Vec<_> = regions
        .into_iter()
        .map(|(region, options)| {
            if region.is_empty() {
                options.into_any()
            } else {
                view! { <optgroup label=region>{options}</optgroup> }.into_any()
            }
        })
        .collect();
    view! {
        <div class="item">
            <label for=id>{t!(ui, "settings.look.time_zone")}</label>
            // Names of places in the database's own spelling, in every language.
            <select class="field" id=id name=id aria-describedby="zone-hint" translate="no">{regions}</select>
            <p class="hint" id="zone-hint">{t!(ui, "settings.look.time_zone_hint")}</p>
        </div>
    }
    .into_any()
}

/// `UTC+5:30` of an offset in seconds.
fn distance(seconds: i32) -> String {
    if seconds == 0 {
        return "UTC".to_owned();
    }
    let sign = if seconds < 0 { '\u{2212}' } else { '+' };
    let minutes = seconds.unsigned_abs() / 60;
    match minutes % 60 {
        0 => format!("UTC{sign}{}", minutes / 60),
        rest => format!("UTC{sign}{}:{rest:02}", minutes / 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_are_written_as_people_say_them() {
        for (seconds, words) in [
            (0, "UTC"),
            (3_600, "UTC+1"),
            (19_800, "UTC+5:30"),
            (-12_600, "UTC\u{2212}3:30"),
            (50_400, "UTC+14"),
        ] {
            assert_eq!(distance(seconds), words);
        }
    }
}
