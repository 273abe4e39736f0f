//! What is there to be found, and what of it is meant? Every word typed must be in an entry; what begins with it comes
//! first.

use domain::Currency;
use domain::views::{KeyStatus, KeyView};
use server::catalog::Published;
use texts::Document;

use crate::pages::prices::price_path;
use crate::reader::{Theme, Ui};
use crate::shell::{Place, currency_words, rooms, site, theme_words};

/// Entries of one kind that are shown at most.
const MOST: usize = 8;

/// The kinds, in the order in which they come when nothing else decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Group {
    Pages,
    Keys,
    Models,
    Docs,
    Actions,
}

/// What happens when it is chosen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Does {
    Go(String),
    /// Posts to a server function, with this name and value if there are any.
    Post {
        action: &'static str,
        pair: Option<(&'static str, String)>,
    },
    Copy(String),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    pub group: Group,
    /// Its icon.
    pub sign: &'static str,
    pub words: String,
    /// What tells it from others of the same words: a name, never a sentence.
    pub detail: Option<String>,
    pub does: Does,
}

impl Entry {
    fn page(place: Place, path: String) -> Self {
        Self {
            group: Group::Pages,
            sign: place.sign,
            words: place.words,
            detail: None,
            does: Does::Go(path),
        }
    }

    fn chosen(words: String, sign: &'static str, name: &'static str, value: &str) -> Self {
        let does = Does::Post {
            action: "/api/set_prefs",
            pair: Some((name, value.to_owned())),
        };
        Self {
            group: Group::Actions,
            sign,
            words,
            detail: None,
            does,
        }
    }

    fn detail(mut self, detail: &str) -> Self {
        self.detail = Some(detail.to_owned());
        self
    }

    /// What is looked through: the words, the name, and for pages the address, which is the same in every language.
    fn haystack(&self) -> String {
        let path = match &self.does {
            Does::Go(path) if self.group == Group::Pages => path.as_str(),
            _ => "",
        };
        let detail = self.detail.as_deref().unwrap_or_default();
        plain(&format!("{} {detail} {path}", self.words))
    }

    /// How well the words fit: 0 begins with the first, 1 has it at the beginning of a word, 2 has it somewhere.
    fn rank(&self, words: &[String]) -> Option<u8> {
        let haystack = self.haystack();
        if !words.iter().all(|word| haystack.contains(word.as_str())) {
            return None;
        }
        let Some(first) = words.first() else {
            return Some(0);
        };
        let begins = |text: &str| text.starts_with(first.as_str());
        let mut parts = haystack.split(|c: char| !c.is_alphanumeric());
        let detail = self.detail.as_deref().map(plain).unwrap_or_default();
        if begins(&haystack) || begins(&detail) {
            Some(0)
        } else if parts.any(begins) {
            Some(1)
        } else {
            Some(2)
        }
    }
}

/// Letters without their case; ё is е to who types it.
fn plain(text: &str) -> String {
    text.to_lowercase().replace('ё', "е")
}

/// What was found, by kind.
pub struct Found {
    pub groups: Vec<(Group, Vec<Entry>)>,
}

impl Found {
    pub fn of(entries: Vec<Entry>, query: &str) -> Self {
        let query = plain(query);
        let words: Vec<String> = query.split_whitespace().map(ToOwned::to_owned).collect();
        let mut ranked: Vec<(u8, Entry)> = entries
            .into_iter()
            // Without a question, what one would not look for by its name: the others have pages of their own.
            .filter(|entry| {
                !words.is_empty() || matches!(entry.group, Group::Pages | Group::Actions)
            })
            .filter_map(|entry| entry.rank(&words).map(|rank| (rank, entry)))
            .collect();
        ranked.sort_by_key(|(rank, _)| *rank);
        let mut groups: Vec<(Group, Vec<Entry>)> = Vec::new();
        for (_, entry) in ranked {
            match groups.iter_mut().find(|(group, _)| *group == entry.group) {
                Some((_, entries)) if entries.len() >= MOST => {}
                Some((_, entries)) => entries.push(entry),
                None => groups.push((entry.group, vec![entry])),
            }
        }
        if words.is_empty() {
            groups.sort_by_key(|(group, _)| *group);
        }
        Self { groups }
    }

    /// Whether something of it is posted.
    pub fn has_posts(&self) -> bool {
        let mut all = self.groups.iter().flat_map(|(_, entries)| entries);
        all.any(|entry| matches!(entry.does, Does::Post { .. }))
    }

    pub fn count(&self) -> u64 {
        let count: usize = self.groups.iter().map(|(_, entries)| entries.len()).sum();
        u64::try_from(count).unwrap_or(u64::MAX)
    }
}

/// Everything that this reader can find; `guides` are the pages of the documentation with their addresses.
pub fn entries(
    ui: &Ui,
    keys: &[KeyView],
    models: &[Published],
    guides: &[(String, Document)],
) -> Vec<Entry> {
    let mut all = pages(ui);
    let live = keys.iter().filter(|key| key.status != KeyStatus::Revoked);
    all.extend(live.map(|key| Entry {
        group: Group::Keys,
        sign: "key",
        words: key.name.clone(),
        detail: Some(key.masked.clone()),
        does: Does::Go(format!("/keys/{}", key.id)),
    }));
    all.extend(models.iter().map(|model| Entry {
        group: Group::Models,
        sign: "tag",
        words: model.id.clone(),
        detail: None,
        does: Does::Go(ui.link(&price_path(&model.id))),
    }));
    all.extend(actions(ui));
    // Last: what only bears the same words as a page or a switch comes after it.
    all.extend(
        guides
            .iter()
            .flat_map(|(path, guide)| chapters(ui, path, guide)),
    );
    all
}

/// A page of the documentation, then its headings.
fn chapters(ui: &Ui, path: &str, guide: &Document) -> Vec<Entry> {
    let path = ui.link(path);
    let entry = |words: &str, path: String| Entry {
        group: Group::Docs,
        sign: "book-open",
        words: words.to_owned(),
        detail: None,
        does: Does::Go(path),
    };
    let headings = guide.headings.iter().map(|heading| {
        let path = format!("{path}#{}", heading.id);
        entry(&heading.text, path).detail(&guide.title)
    });
    std::iter::once(entry(&guide.title, path.clone()))
        .chain(headings)
        .collect()
}

fn pages(ui: &Ui) -> Vec<Entry> {
    let here = |place: Place| {
        let path = place.path.to_owned();
        Entry::page(place, path)
    };
    let everywhere = |place: Place| {
        let path = ui.link(place.path);
        Entry::page(place, path)
    };
    let mut all = Vec::new();
    if ui.account().is_some() {
        all.extend(rooms(ui).into_iter().map(here));
    }
    all.extend(site(ui).into_iter().map(everywhere));
    let calculator = Place::new("/calculator", "coins", t!(ui, "calculator.title"));
    all.push(everywhere(calculator));
    if ui.account().is_none() {
        let way_in = Place::new("/login", "log-in", t!(ui, "header.sign_in"));
        all.push(everywhere(way_in));
        if ui.sign_up_open() {
            let sign_up = Place::new("/signup", "plus", t!(ui, "header.sign_up"));
            all.push(everywhere(sign_up));
        }
    } else {
        all.extend(inner_rooms(ui).into_iter().map(here));
    }
    if ui.account().is_some_and(|account| account.admin) {
        all.extend(admin_rooms(ui).into_iter().map(here));
    }
    let keyboard = Place::new(
        crate::pages::shortcuts::PATH,
        "keyboard",
        t!(ui, "shortcuts.title"),
    );
    all.push(everywhere(keyboard));
    all
}

/// What lies behind the rooms of the navigation.
fn inner_rooms(ui: &Ui) -> Vec<Place> {
    vec![
        Place::new("/keys/new", "plus", t!(ui, "keys.new.title")),
        Place::new("/wallet/top-up", "plus", t!(ui, "palette.pages.top_up")),
        Place::new(
            "/wallet/receipts",
            "receipt-text",
            t!(ui, "palette.pages.receipts"),
        ),
        Place::new(
            "/wallet/statement",
            "receipt-text",
            t!(ui, "palette.pages.statement"),
        ),
        Place::new("/usage/calls", "chart-column", t!(ui, "usage.calls.title")),
        Place::new(
            "/usage/refused",
            "chart-column",
            t!(ui, "usage.refused.title"),
        ),
        Place::new(
            "/settings/security",
            "shield-check",
            t!(ui, "palette.pages.security"),
        ),
        Place::new(
            "/settings/sessions",
            "monitor-smartphone",
            t!(ui, "settings.sessions.title"),
        ),
        Place::new(
            "/settings/second-factor",
            "shield-check",
            t!(ui, "second_factor.title"),
        ),
    ]
}

fn admin_rooms(ui: &Ui) -> Vec<Place> {
    let room = |path, words| Place::new(path, "shield-check", words);
    vec![
        room("/admin", t!(ui, "header.admin")),
        room("/admin/accounts", t!(ui, "palette.pages.admin_accounts")),
        room("/admin/keys", t!(ui, "palette.pages.admin_keys")),
        room("/admin/upstreams", t!(ui, "palette.pages.admin_upstreams")),
        room("/admin/models", t!(ui, "palette.pages.admin_models")),
        room("/admin/rates", t!(ui, "palette.pages.admin_rates")),
        room("/admin/orders", t!(ui, "palette.pages.admin_orders")),
        room("/admin/audit", t!(ui, "palette.pages.admin_audit")),
    ]
}

fn actions(ui: &Ui) -> Vec<Entry> {
    let base_url = ui.site().api_base();
    let mut all = vec![Entry {
        group: Group::Actions,
        sign: "copy",
        words: t!(ui, "palette.copy_base_url"),
        detail: Some(base_url.clone()),
        does: Does::Copy(base_url),
    }];
    all.extend(Theme::ALL.into_iter().map(|theme| {
        let (name, sign) = theme_words(ui, theme);
        let words = t!(ui, "palette.set_theme", name = name);
        Entry::chosen(words, sign, "theme", theme.code())
    }));
    all.extend(ui.locales().into_iter().map(|locale| {
        let words = t!(ui, "palette.set_language");
        Entry::chosen(words, "globe", "locale", locale.code()).detail(locale.autonym())
    }));
    if ui.account().is_some() {
        let does = Does::Post {
            action: "/api/sign_out",
            pair: None,
        };
        all.push(Entry {
            group: Group::Actions,
            sign: "log-out",
            words: t!(ui, "header.sign_out"),
            detail: None,
            does,
        });
    }
    all.extend(Currency::ALL.into_iter().map(|currency| {
        let name = currency_words(ui, currency);
        let words = t!(ui, "palette.set_currency", name = name);
        Entry::chosen(words, "coins", "currency", currency.code()).detail(currency.code())
    }));
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(group: Group, words: &str, detail: &str, path: &str) -> Entry {
        Entry {
            group,
            sign: "key",
            words: words.to_owned(),
            detail: (!detail.is_empty()).then(|| detail.to_owned()),
            does: Does::Go(path.to_owned()),
        }
    }

    #[test]
    fn every_word_counts_and_beginnings_come_first() {
        let all = || {
            vec![
                entry(Group::Pages, "Обзор", "", "/overview"),
                entry(Group::Pages, "Пополнение счёта", "", "/wallet/top-up"),
                entry(
                    Group::Keys,
                    "my overview bot",
                    "sk-fb_live_ab…yz",
                    "/keys/1",
                ),
                entry(
                    Group::Models,
                    "maker/over-9000",
                    "",
                    "/prices/maker/over-9000",
                ),
                entry(Group::Actions, "Валюта: евро", "EUR", ""),
            ]
        };
        // (query, what is found, in order)
        for (query, found) in [
            ("", ["Обзор", "Пополнение счёта", "Валюта: евро"].as_slice()),
            ("  ОБЗ", &["Обзор"]),
            ("счета", &["Пополнение счёта"]),
            ("eur", &["Валюта: евро"]),
            ("sk-fb_live_ab", &["my overview bot"]),
            ("bot over", &["my overview bot"]),
            ("over", &["Обзор", "my overview bot", "maker/over-9000"]),
            ("over nothing", &[]),
            // The address is looked through in pages only.
            ("keys", &[]),
        ] {
            let groups = Found::of(all(), query).groups;
            let shown: Vec<_> = groups.iter().flat_map(|(_, entries)| entries).collect();
            let shown: Vec<_> = shown.iter().map(|entry| entry.words.as_str()).collect();
            assert_eq!(shown, found, "{query:?}");
        }
    }

    #[test]
    fn a_kind_with_many_leaves_room_for_others() {
        let mut all: Vec<Entry> = (0..50)
            .map(|n| entry(Group::Keys, &format!("robot {n}"), "", "/keys/1"))
            .collect();
        all.push(entry(Group::Models, "a/robot", "", "/prices/a/robot"));
        let found = Found::of(all, "robot");
        assert_eq!(found.count(), 9);
        assert_eq!(found.groups[0].0, Group::Keys, "it begins with the word");
    }
}
