//! Does the privacy policy speak of everything that is stored, and do both say the same times?

use std::collections::{BTreeMap, BTreeSet};

use farebox::config::Site;
use farebox::policies::installation;
use serde::Deserialize;

use crate::app::config;

#[derive(Deserialize)]
struct Entry {
    class: String,
    retention: String,
}

fn data_map() -> BTreeMap<String, BTreeMap<String, Entry>> {
    toml::from_str(include_str!("../../data_map.toml")).unwrap()
}

/// The tables that the sections of a privacy policy are about: `{## data: call, attempt ##}`.
fn spoken_of(policy: &str) -> BTreeSet<String> {
    policy
        .split("{## data:")
        .skip(1)
        .flat_map(|rest| rest.split("##}").next().unwrap_or_default().split(','))
        .map(|table| table.trim().to_owned())
        .collect()
}

#[test]
fn everything_that_is_stored_about_people_has_its_section() {
    let map = data_map();
    let about_people = map.iter().filter(|(_, columns)| {
        columns
            .values()
            .any(|entry| ["personal", "billing", "security"].contains(&entry.class.as_str()))
    });
    let wanted: BTreeSet<String> = about_people.map(|(table, _)| table.clone()).collect();
    for policy in [
        include_str!("../../locales/content/en/policies/privacy.md"),
        include_str!("../../locales/content/ru/policies/privacy.md"),
    ] {
        let spoken = spoken_of(policy);
        let missing: Vec<_> = wanted.difference(&spoken).collect();
        assert!(
            missing.is_empty(),
            "tables of which locales/content/*/policies/privacy.md says nothing: {missing:?}"
        );
        let gone: Vec<_> = spoken
            .iter()
            .filter(|table| !map.contains_key(*table))
            .collect();
        assert!(gone.is_empty(), "tables that are gone: {gone:?}");
    }
}

#[test]
fn the_map_and_the_code_say_the_same_times() {
    let map = data_map();
    let days = |ms: i64| format!("{} days", ms / 86_400_000);
    let table = [
        ("mail", days(server::mail::KEPT_MS)),
        ("refused_call", days(server::keys::REFUSALS_KEPT_MS)),
    ];
    for (name, wanted) in table {
        for (column, entry) in &map[name] {
            // The secret part of a mail goes sooner.
            assert!(
                entry.retention.contains(&wanted) || entry.class == "secret",
                "{name}.{column}: {wanted}"
            );
        }
    }
}

#[test]
fn what_the_operator_has_not_said_is_not_claimed() {
    let data = tempfile::tempdir().unwrap();
    let mut config = config(data.path(), "sqlite:unused.db".to_owned());
    let listen = "127.0.0.1:8787".parse().unwrap();
    let site = Site {
        public_url: config.public_url_at(listen),
        local: true,
    };
    let bare = installation(&config, &site);
    assert_eq!((bare.seller, bare.contact), (None, None));
    assert_eq!((bare.mail_host, bare.payments.manual), (None, false));
    assert_eq!((bare.backup_days, bare.log_days), (None, None));
    assert_eq!(bare.site, "http://127.0.0.1:8787");
    let names: Vec<_> = bare
        .cookies
        .iter()
        .map(|cookie| cookie.name.as_str())
        .collect();
    assert_eq!(names, ["sid", "prefs", "dev", "flash", "low"]);

    // A page for help is no address for letters; text that is no address must not become a link.
    for support in [
        "https://help.example",
        "@help",
        "a@",
        "a b@c.example",
        "a](x)@c.example",
    ] {
        config.brand.support = Some(support.to_owned());
        assert_eq!(installation(&config, &site).contact, None, "{support}");
    }
    config.brand.support = Some("help@pay.example".to_owned());
    config.seller.address = vec!["1 Main St.".to_owned(), "Utopia".to_owned()];
    let said = installation(&config, &site);
    assert_eq!(said.contact.as_deref(), Some("help@pay.example"));
    assert_eq!(said.seller.unwrap().address, "1 Main St., Utopia");
    config.seller.email = Some("books@pay.example".to_owned());
    let said = installation(&config, &site);
    assert_eq!(said.contact.as_deref(), Some("books@pay.example"));
}
