//! Do the texts say only what is so, whatever the settings? Which version counts, and what is written down?
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::Path;

use domain::Amount;
use domain::ids::AccountId;
use migrations::{Migrator, MigratorTrait};
use sea_orm::ConnectionTrait;

use super::*;
use crate::clock::Clock;
use crate::ids::NewId;
use crate::secrets::KeyRing;
use crate::upstreams::AddressRule;

/// 2026-11-22 12:00 UTC.
const NOON: i64 = 1_795_348_800_000;
const DAY_MS: i64 = 86_400_000;

/// The settings that texts depend on; all off is an installation whose operator has said nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum On {
    Seller,
    Address,
    Contact,
    Law,
    Hosting,
    Https,
    Mail,
    Outbox,
    Copies,
    Welcome,
    Online,
    Manual,
    Sandbox,
    Rates,
    Backups,
    Logs,
    Upstreams,
}

const SETTINGS: [On; 17] = [
    On::Seller,
    On::Address,
    On::Contact,
    On::Law,
    On::Hosting,
    On::Https,
    On::Mail,
    On::Outbox,
    On::Copies,
    On::Welcome,
    On::Online,
    On::Manual,
    On::Sandbox,
    On::Rates,
    On::Backups,
    On::Logs,
    On::Upstreams,
];

/// Which of [`SETTINGS`] are on, as bits.
#[derive(Clone, Copy)]
struct Case(u32);

impl Case {
    fn is(self, setting: On) -> bool {
        let at = SETTINGS.iter().position(|other| *other == setting).unwrap();
        (self.0 >> at) & 1 == 1
    }

    fn any(self, settings: &[On]) -> bool {
        settings.iter().any(|setting| self.is(*setting))
    }

    fn installation(self) -> Installation {
        let said = |setting, text: &str| self.is(setting).then(|| text.to_owned());
        Installation {
            brand: "Fare *box*".to_owned(),
            site: if self.is(On::Https) {
                "https://pay.example".to_owned()
            } else {
                "http://127.0.0.1:8787".to_owned()
            },
            seller: self.is(On::Seller).then(|| Seller {
                name: "Ada & Sons_Ltd".to_owned(),
                address: said(On::Address, "1 Main St.").unwrap_or_default(),
                tax_id: String::new(),
            }),
            contact: said(On::Contact, "help@pay.example"),
            law: said(On::Law, "the law of Utopia"),
            hosting: said(On::Hosting, "Cellar Inc., Utopia"),
            // Different in every case, so that a number that is written into a text would show.
            answer_days: 61 + u64::from(self.0 % 7),
            backup_days: self.is(On::Backups).then_some(91),
            log_days: self.is(On::Logs).then_some(77),
            recipients: vec![Recipient {
                host: "api.models.example".to_owned(),
                who: "Models Inc., Utopia".to_owned(),
            }],
            mail_host: said(On::Mail, "smtp.mail.example"),
            outbox: self.is(On::Outbox),
            key_copies: self.is(On::Copies),
            welcome: self
                .is(On::Welcome)
                .then(|| Amount::parse_usd("0.50").unwrap()),
            payments: Payments {
                online: said(On::Online, "PayCorp").into_iter().collect(),
                manual: self.is(On::Manual),
                sandbox: self.is(On::Sandbox),
            },
            rate_sources: said(On::Rates, "rates.example").into_iter().collect(),
            cookies: vec![Cookie {
                name: "sid".to_owned(),
                purpose: "policies.cookies.session",
                lifetime: Lifetime::Days(30),
            }],
        }
    }

    fn upstreams(self) -> Vec<String> {
        if self.is(On::Upstreams) {
            vec!["api.models.example".to_owned(), "10.0.0.5".to_owned()]
        } else {
            Vec::new()
        }
    }

    /// Every setting off, on, alone on, alone off, and a few hundred mixtures.
    fn all() -> impl Iterator<Item = Self> {
        let full = (1_u32 << SETTINGS.len()) - 1;
        let single = (0..SETTINGS.len()).flat_map(move |at| [1 << at, full & !(1 << at)]);
        let mixed = (1..300_u32).map(move |n| (n.wrapping_mul(2_654_435_761) >> 7) & full);
        [0, full].into_iter().chain(single).chain(mixed).map(Self)
    }
}

/// Words that stand in a policy exactly where they are true: policy, English, Russian, when.
type Sentence = (Name, &'static str, &'static str, fn(Case) -> bool);

const PAYMENTS: [On; 3] = [On::Online, On::Manual, On::Sandbox];

#[rustfmt::skip]
const SENTENCES: &[Sentence] = &[
    (Name::Privacy, "Ada & Sons_Ltd", "Ada & Sons_Ltd", |c| c.is(On::Seller)),
    (Name::Privacy, "1 Main St.", "1 Main St.", |c| c.is(On::Seller) && c.is(On::Address)),
    (Name::Privacy, "has not said here who they are", "не указал здесь, кто он", |c| !c.is(On::Seller)),
    (Name::Privacy, "help@pay.example", "help@pay.example", |c| c.is(On::Contact)),
    (Name::Privacy, "has not given an address for questions", "Адрес для вопросов о данных владелец тоже не указал", |c| !c.is(On::Contact)),
    (Name::Privacy, "Cellar Inc., Utopia", "Cellar Inc., Utopia", |c| c.is(On::Hosting)),
    (Name::Privacy, "(TLS)", "(TLS)", |c| c.is(On::Https)),
    (Name::Privacy, "smtp.mail.example", "smtp.mail.example", |c| c.is(On::Mail)),
    (Name::Privacy, "it sends no mail", "не отправляет писем", |c| c.is(On::Outbox) && !c.is(On::Mail)),
    (Name::Privacy, "Links that we mail", "Ссылки из писем", |c| c.any(&[On::Outbox, On::Mail])),
    (Name::Privacy, "An encrypted copy lets you", "Зашифрованная копия позволяет", |c| c.is(On::Copies)),
    (Name::Privacy, "There is no copy", "Копии нет", |c| !c.is(On::Copies)),
    (Name::Privacy, "New people get $0.50", "Каждый новый человек один раз получает", |c| c.is(On::Welcome)),
    (Name::Privacy, "For every top-up", "О каждом пополнении", |c| c.any(&PAYMENTS)),
    // Nothing deletes accounts yet, so nothing says that they are.
    (Name::Privacy, "cannot delete an account", "не умеет сама удалять аккаунты", |c| c.is(On::Contact)),
    (Name::Privacy, "it is deleted within", "срок удаления", |_| false),
    (Name::Privacy, "When an account is deleted", "При удалении аккаунта", |_| false),
    (Name::Terms, "have your account deleted", "Чтобы удалить аккаунт", |_| false),
    (Name::Privacy, "PayCorp", "PayCorp", |c| c.is(On::Online)),
    (Name::Privacy, "You type card numbers", "Номер карты", |c| c.is(On::Online)),
    (Name::Privacy, "bank transfer", "банковским переводом", |c| c.is(On::Manual)),
    (Name::Privacy, "rates.example", "rates.example", |c| c.is(On::Rates)),
    (Name::Privacy, "91 days", "91 день", |c| c.is(On::Backups)),
    (Name::Privacy, "77 days", "77 дней", |c| c.is(On::Logs)),
    (Name::Privacy, "Models Inc., Utopia (<code translate=\"no\">api.models.example</code>)", "Models Inc., Utopia (<code translate=\"no\">api.models.example</code>)", |c| c.is(On::Upstreams)),
    (Name::Privacy, "<code translate=\"no\">10.0.0.5</code>", "<code translate=\"no\">10.0.0.5</code>", |c| c.is(On::Upstreams)),
    (Name::Privacy, "nothing you send leaves the server", "сервер не покидает", |c| !c.is(On::Upstreams)),
    (Name::Privacy, "14 days without use", "14 дней", |_| true),
    (Name::Privacy, "400 days", "400 дней", |_| true),
    (Name::Terms, "nobody can sign up", "регистрация сейчас закрыта", |c| !c.any(&[On::Outbox, On::Mail])),
    (Name::Terms, "the law of Utopia", "the law of Utopia", |c| c.is(On::Law)),
    (Name::Terms, "these terms choose none", "эти условия его не выбирают", |c| !c.is(On::Law)),
    (Name::Terms, "Topping up", "Пополнение", |c| c.any(&PAYMENTS)),
    (Name::Terms, "Credit cannot be bought", "Купить средства на этом сайте сейчас нельзя", |c| !c.any(&PAYMENTS)),
    (Name::Terms, "pay through PayCorp", "Оплатить можно через PayCorp", |c| c.is(On::Online)),
    (Name::Terms, "pay by bank transfer", "заплатить банковским переводом", |c| c.is(On::Manual)),
    (Name::Terms, "sandbox for payments", "платёжная песочница", |c| c.is(On::Sandbox)),
    (Name::Terms, "30 minutes", "30 минут", |c| c.any(&PAYMENTS)),
    (Name::Terms, "welcome credit", "приветственные средства", |c| c.is(On::Welcome)),
    (Name::AcceptableUse, "help@pay.example", "help@pay.example", |c| c.is(On::Contact)),
    (Name::AcceptableUse, "/policies/refunds", "/policies/refunds", |c| c.any(&PAYMENTS)),
    (Name::Refunds, "in proportion", "пропорционально", |c| c.any(&PAYMENTS)),
    (Name::Refunds, "there is nothing to refund", "возвращать нечего", |c| !c.any(&PAYMENTS)),
    (Name::Refunds, "welcome credit", "приветственные", |c| c.is(On::Welcome) && c.any(&PAYMENTS)),
    (Name::Refunds, "through the same provider", "через того же провайдера", |c| c.is(On::Online)),
    (Name::Refunds, "refunded by bank transfer", "возвращается банковским переводом", |c| c.is(On::Manual)),
    (Name::Cookies, "only over encrypted connections", "только по зашифрованным соединениям", |c| c.is(On::Https)),
    (Name::Cookies, "<code translate=\"no\">sid</code>", "<code translate=\"no\">sid</code>", |_| true),
];

#[test]
fn texts_say_what_is_so_and_nothing_else() {
    let texts = Texts::embedded();
    for case in Case::all() {
        let installation = case.installation();
        for (code, russian) in [("en", false), ("ru", true)] {
            let locale = texts.locale(code).unwrap();
            let facts = installation.facts(&texts, locale, &case.upstreams());
            for name in Name::ALL {
                let path = format!("policies/{}", name.code());
                let document = texts.document(code, &path, &facts).unwrap().unwrap();
                let place = format!("{path} in {code}, {:#b}", case.0);
                assert_eq!(document.locale, code, "{place}");
                assert!(
                    document.html.contains("Fare *box*") || name == Name::Refunds,
                    "{place}"
                );
                let said = document.html.replace("&amp;", "&").replace('\u{a0}', " ");
                for torn in [
                    "{{",
                    "{%",
                    "##}",
                    "<p></p>",
                    "()",
                    " .",
                    ", ,",
                    "policies.",
                    "mailto:\"",
                ] {
                    assert!(!said.contains(torn), "{place}: {torn:?} in {said}");
                }
                for (_, english, translated, when) in
                    SENTENCES.iter().filter(|(of, ..)| *of == name)
                {
                    let words = if russian { translated } else { english };
                    assert_eq!(
                        said.contains(words),
                        when(case),
                        "{place}: {words:?} in {said}"
                    );
                }
                let days = format!("{} ", installation.answer_days);
                let promised = said.contains(&days);
                let promises = case.is(On::Contact)
                    && (name == Name::Privacy || name == Name::Refunds && case.any(&PAYMENTS));
                assert_eq!(promised, promises, "{place}: {days:?}");
            }
        }
    }
}

#[test]
fn every_language_has_the_same_sections_and_versions() {
    let texts = Texts::embedded();
    let facts = |locale| Case(u32::MAX).installation().facts(&texts, locale, &[]);
    for path in texts.documents() {
        if !path.starts_with("policies/") {
            continue;
        }
        let [english, russian] = ["en", "ru"].map(|code| {
            let locale = texts.locale(code).unwrap();
            let document = texts
                .document(code, &path, &facts(locale))
                .unwrap()
                .unwrap();
            let headings: Vec<_> = document
                .headings
                .into_iter()
                .map(|h| (h.level, h.id))
                .collect();
            let meta = document.meta;
            (headings, meta["version"].clone(), meta["effective"].clone())
        });
        assert_eq!(english, russian, "{path}");
        assert!(english.0.len() > 2, "{path}");
    }
    for name in Name::ALL {
        let versions = versions::of(&texts, name, NOON);
        let numbers: Vec<_> = versions
            .iter()
            .rev()
            .map(|version| version.number)
            .collect();
        let wanted: Vec<_> = (1..=u32::try_from(numbers.len()).unwrap()).collect();
        assert_eq!(numbers, wanted, "{name:?}: numbered from 1 without a gap");
        assert!(versions.is_sorted_by(|newer, older| newer.effective_at >= older.effective_at));
        assert!(
            versions
                .iter()
                .any(|version| version.state == State::InForce),
            "{name:?}"
        );
    }
}

/// A folder of locale files with these texts of the terms, by version and first day; the last is the newest.
fn folder(terms: &[(u32, &str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for code in ["en", "ru"] {
        std::fs::write(
            folder.path().join(format!("{code}.json")),
            "{\"a\": {\"b\": \"c\"}}",
        )
        .unwrap();
    }
    write_terms(folder.path(), terms);
    folder
}

fn write_terms(folder: &Path, terms: &[(u32, &str, &str)]) {
    let newest = terms.iter().map(|(number, ..)| *number).max().unwrap();
    for (number, day, words) in terms {
        for code in ["en", "ru"] {
            let policies = folder.join("content").join(code).join("policies");
            let path = if *number == newest {
                policies.join("terms.md")
            } else {
                policies.join(format!("history/terms/{number}.md"))
            };
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            let page = format!(
                "---\ntitle: T\nversion: {number}\neffective: {day}\nsummary: S{number}\n---\n{words} {code}\n"
            );
            std::fs::write(path, page).unwrap();
        }
    }
}

/// Policies over these texts, at noon of 22 November 2026.
async fn policies(folder: &Path) -> (Policies, tempfile::TempDir) {
    let data = tempfile::tempdir().unwrap();
    let db = Db::connect(&format!("sqlite:{}", data.path().join("test.db").display()))
        .await
        .unwrap();
    Migrator::up(db.write(), None).await.unwrap();
    (over(folder, db), data)
}

fn over(folder: &Path, db: Db) -> Policies {
    let clock = Clock::fixed(NOON);
    let ring = KeyRing::for_tests();
    let upstreams = Upstreams::new(db.clone(), clock.clone(), ring, AddressRule::default());
    let texts = Texts::folder(folder).unwrap();
    Policies::new(db, clock, texts, upstreams, Case(0).installation())
}

#[tokio::test]
async fn a_version_counts_from_its_day_on() {
    let folder = folder(&[
        (1, "2026-01-01", "one"),
        (2, "2026-11-22", "two"),
        (3, "2026-11-23", "three"),
    ]);
    let (policies, _data) = policies(folder.path()).await;
    let states = || -> Vec<_> {
        let versions = policies.versions(Name::Terms).into_iter();
        versions
            .map(|version| (version.number, version.state))
            .collect()
    };
    use State::{Announced, InForce, Replaced};
    assert_eq!(states(), [(3, Announced), (2, InForce), (1, Replaced)]);
    assert_eq!(policies.in_force(Name::Terms).unwrap().number, 2);
    let en = policies.0.texts.locale("en").unwrap();
    let text = policies.text(en, Name::Terms, 1).unwrap();
    assert!(text.document.html.contains("one en"));
    assert_eq!(policies.summary(en, &text.version), "S1");
    assert!(policies.text(en, Name::Terms, 4).is_none());

    policies.0.clock.advance(DAY_MS);
    assert_eq!(states(), [(3, InForce), (2, Replaced), (1, Replaced)]);
}

#[tokio::test]
async fn what_was_accepted_is_written_once_and_asked_again_for_the_next_version() {
    let folder = folder(&[(1, "2026-01-01", "one"), (2, "2026-11-23", "two")]);
    let (policies, _data) = policies(folder.path()).await;
    let account = AccountId::new();
    let ru = policies.0.texts.locale("ru").unwrap();
    let missing = || async {
        let versions = policies.missing(account).await.unwrap();
        versions
            .iter()
            .map(|version| (version.name, version.number))
            .collect::<Vec<_>>()
    };
    assert_eq!(missing().await, [(Name::Terms, 1), (Name::Privacy, 1)]);
    let agreements = policies.agreements(ru);
    assert_eq!(agreements.len(), 2);
    for how in [How::SignUp, How::Asked] {
        policies.accept(account, &agreements, how).await.unwrap();
    }
    let accepted = policies.accepted(account).await.unwrap();
    let found: Vec<_> = accepted
        .iter()
        .map(|row| (row.name, row.version, row.locale.as_str(), row.how))
        .collect();
    let wanted = [
        (Name::Privacy, 1, "ru", How::SignUp),
        (Name::Terms, 1, "ru", How::SignUp),
    ];
    assert_eq!(found, wanted);
    assert_eq!(missing().await, []);
    assert_eq!(policies.accepted(AccountId::new()).await.unwrap(), []);

    policies.0.clock.advance(DAY_MS);
    assert_eq!(missing().await, [(Name::Terms, 2)]);

    for change in [
        "UPDATE policy_acceptance SET version = 9",
        "DELETE FROM policy_acceptance",
        "DELETE FROM policy_text",
    ] {
        let refused = policies.0.db.write().execute_unprepared(change).await;
        assert!(refused.is_err(), "{change}");
    }
}

#[tokio::test]
async fn a_text_that_was_changed_without_a_new_version_is_noticed() {
    let folder = folder(&[(1, "2026-01-01", "one")]);
    let (policies, _data) = policies(folder.path()).await;
    assert_eq!(
        policies.reworded().await.unwrap(),
        [],
        "nothing was seen yet"
    );
    policies.record().await.unwrap();
    policies.record().await.unwrap();
    assert_eq!(policies.reworded().await.unwrap(), []);

    let changed = |terms: &[(u32, &str, &str)]| {
        write_terms(folder.path(), terms);
        over(folder.path(), policies.0.db.clone())
    };
    let other = changed(&[(1, "2026-01-01", "other words")]);
    let found = other.reworded().await.unwrap();
    let codes: Vec<_> = found.iter().map(|text| text.locale.as_str()).collect();
    assert_eq!(codes, ["en", "ru"]);
    assert!(
        found
            .iter()
            .all(|text| (text.name, text.version) == (Name::Terms, 1))
    );
    other.0.clock.advance(1);
    other.record().await.unwrap();
    assert_eq!(
        other.reworded().await.unwrap().len(),
        2,
        "also after a start"
    );

    let mended = changed(&[(1, "2026-01-01", "one"), (2, "2026-11-22", "other words")]);
    mended.record().await.unwrap();
    assert_eq!(mended.reworded().await.unwrap(), []);
}
