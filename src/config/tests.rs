#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;

use server::mail::Security;

use super::load::load;
use super::*;

fn loaded(variables: &[(&str, &str)]) -> Loaded {
    let given: BTreeMap<String, String> = variables
        .iter()
        .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
        .collect();
    // A file that is not there, unless the test names one: the folder of the test run may hold a farebox.toml.
    let empty = tempfile::NamedTempFile::new().unwrap();
    let path = empty.path().display().to_string();
    load(&|name| {
        given
            .get(name)
            .cloned()
            .or_else(|| (name == "FAREBOX_CONFIG").then(|| path.clone()))
    })
}

fn with_file(text: &str, mode: u32) -> Loaded {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), text).unwrap();
    std::fs::set_permissions(file.path(), std::fs::Permissions::from_mode(mode)).unwrap();
    loaded(&[("FAREBOX_CONFIG", &file.path().display().to_string())])
}

#[test]
fn the_defaults_are_local_and_embedded() {
    let loaded = loaded(&[]);
    assert_eq!(loaded.problems, Vec::<String>::new());
    let config = loaded.config;
    assert_eq!(config.database_url, "sqlite:./data/farebox.db");
    assert_eq!(
        config.public_url_at(config.listen).as_str(),
        "http://127.0.0.1:8787"
    );
    assert!(config.local());
    assert_eq!(config.refusal(), None);
}

#[test]
fn the_environment_wins_over_the_file_and_each_value_says_where_it_came_from() {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(
        file.path(),
        "data = \"/var/lib/farebox\"\nlisten = \"127.0.0.1:1\"\n",
    )
    .unwrap();
    let path = file.path().display().to_string();
    let loaded = loaded(&[("FAREBOX_CONFIG", &path), ("FAREBOX_LISTEN", "127.0.0.1:2")]);
    assert_eq!(loaded.config.listen.port(), 2);
    assert_eq!(
        loaded.config.database_url,
        "sqlite:/var/lib/farebox/farebox.db"
    );
    let origin = |name| {
        loaded
            .settings
            .iter()
            .find(|s| s.name == name)
            .unwrap()
            .origin
            .clone()
    };
    assert_eq!(origin("listen"), Origin::Environment("FAREBOX_LISTEN"));
    assert_eq!(origin("data"), Origin::File(file.path().to_owned()));
    assert_eq!(origin("log"), Origin::Default);
}

#[test]
fn every_mistake_is_named_not_only_the_first() {
    let loaded = loaded(&[
        ("FAREBOX_LISTEN", "eight"),
        ("FAREBOX_PUBLIC_URL", "https://a.example/path"),
        ("DATABASE_URL", "mysql://x"),
        ("FAREBOX_LOG_FORMAT", "xml"),
        ("FAREBOX_TRUSTED_PROXIES", "10.0.0.0/33"),
    ]);
    assert_eq!(loaded.problems.len(), 5, "{:?}", loaded.problems);
    assert!(
        loaded
            .into_config()
            .unwrap_err()
            .to_string()
            .contains("farebox config check")
    );
}

#[test]
fn an_unknown_word_in_the_file_is_refused() {
    let loaded = with_file("lissten = \"127.0.0.1:1\"\n", 0o644);
    assert!(
        loaded.problems[0].contains("lissten"),
        "{:?}",
        loaded.problems
    );
    let loaded = with_file("[upstreams]\nprivate_range = []\n", 0o644);
    assert!(
        loaded.problems[0].contains("private_range"),
        "{:?}",
        loaded.problems
    );
}

#[test]
fn a_password_in_a_file_that_others_can_read_is_refused_and_never_shown() {
    let text = "database_url = \"postgres://farebox:tangerine@db/farebox\"\n";
    let loaded = with_file(text, 0o644);
    assert!(
        loaded.problems[0].contains("chmod 600"),
        "{:?}",
        loaded.problems
    );
    let loaded = with_file(text, 0o600);
    assert_eq!(loaded.problems, Vec::<String>::new());
    assert!(
        !format!("{:?}", loaded.settings).contains("tangerine"),
        "{:?}",
        loaded.settings
    );
    assert!(loaded.config.database_url.contains("tangerine"));
}

#[test]
fn local_needs_both_addresses() {
    let at = |text: &str| text.parse::<SocketAddr>().unwrap();
    let url = |text: &str| text.parse::<PublicUrl>().unwrap();
    for (listen, public, local) in [
        ("127.0.0.1:8787", "http://localhost:8787", true),
        ("[::1]:8787", "http://[::1]:8787", true),
        ("127.8.0.1:1", "https://farebox.localhost", true),
        ("0.0.0.0:8787", "http://localhost:8787", false),
        ("127.0.0.1:8787", "https://ai.example.com", false),
        ("127.0.0.1:8787", "http://localhost.example.com", false),
        ("10.0.0.1:1", "https://10.0.0.1", false),
    ] {
        assert_eq!(
            is_local(at(listen), &url(public)),
            local,
            "{listen} {public}"
        );
    }
}

#[test]
fn plain_http_is_served_to_this_machine_alone() {
    let refusal = |listen: &str, public: &str| {
        loaded(&[("FAREBOX_LISTEN", listen), ("FAREBOX_PUBLIC_URL", public)])
            .config
            .refusal()
    };
    assert!(
        refusal("0.0.0.0:8787", "")
            .unwrap()
            .contains("no public https address")
    );
    assert!(
        refusal("127.0.0.1:8787", "http://ai.example.com")
            .unwrap()
            .contains("plain http")
    );
    assert!(refusal("0.0.0.0:8787", "http://localhost:8787").is_some());
    assert_eq!(refusal("0.0.0.0:8787", "https://ai.example.com"), None);
    assert_eq!(refusal("127.0.0.1:8787", ""), None);
}

#[test]
fn an_origin_is_written_as_browsers_write_it() {
    for (text, origin) in [
        ("https://AI.Example.com/", "https://ai.example.com"),
        ("https://ai.example.com:443", "https://ai.example.com"),
        ("http://localhost:80", "http://localhost"),
        ("http://127.0.0.1:8787", "http://127.0.0.1:8787"),
    ] {
        assert_eq!(text.parse::<PublicUrl>().unwrap().as_str(), origin);
    }
    for text in [
        "ai.example.com",
        "ftp://a",
        "https://user@a",
        "https://a/?q=1",
        "https://",
        "",
    ] {
        assert!(text.parse::<PublicUrl>().is_err(), "{text:?} was accepted");
    }
}

#[test]
fn rates_are_asked_of_both_banks_unless_told_otherwise() {
    use domain::Currency;
    use domain::fx::Source;
    let rates = |more: &[(&str, &str)]| loaded(more).config.rates;
    assert_eq!(rates(&[]).asked(), [Source::Ecb, Source::Cbr]);
    assert_eq!(rates(&[("FAREBOX_RATES_SOURCES", "none")]).asked(), []);
    let key = ("FAREBOX_RATES_OPENEXCHANGERATES_KEY", "tangerine");
    let with_key = loaded(&[("FAREBOX_RATES_SOURCES", "cbr"), key]);
    assert_eq!(
        with_key.config.rates.asked(),
        [Source::Cbr, Source::OpenExchangeRates]
    );
    assert!(!format!("{with_key:?}").contains("tangerine"));

    let file = "[rates]\nsources = []\nspread_percent = { usual = \"1\", RUB = \"2.5\" }\n";
    let from_file = with_file(file, 0o644).config.rates;
    assert_eq!(from_file.asked(), []);
    let bp = |currency| from_file.spreads.of(currency).bp();
    assert_eq!((bp(Currency::Eur), bp(Currency::Rub)), (100, 250));

    for (variable, value) in [
        ("FAREBOX_RATES_SOURCES", "fed"),
        ("FAREBOX_RATES_SOURCES", "manual"),
        ("FAREBOX_RATES_PROXY", "proxy"),
        ("FAREBOX_RATES_STAND_IN", "192.0.2.1:80"),
    ] {
        assert_eq!(loaded(&[(variable, value)]).problems.len(), 1, "{value}");
    }
    let spread = with_file("[rates]\nspread_percent = { RUB = \"21\" }\n", 0o644);
    assert_eq!(spread.problems.len(), 1);
    let proxy = "[rates]\nproxy = \"http://me:tangerine@proxy.example:3128\"\n";
    assert!(with_file(proxy, 0o644).problems[0].contains("chmod 600"));
    assert!(!format!("{:?}", with_file(proxy, 0o600)).contains("tangerine"));
}

#[test]
fn the_books_are_checked_every_night_unless_told_otherwise() {
    let at = |text: &str| with_file(&format!("[ledger]\nverify_at = \"{text}\""), 0o600);
    assert_eq!(loaded(&[]).config.verify_at, "03:30".parse().ok());
    assert_eq!(at("23:05").config.verify_at, "23:05".parse().ok());
    assert_eq!(at("off").config.verify_at, None);
    let given = loaded(&[("FAREBOX_LEDGER_VERIFY_AT", "04:15")]);
    assert_eq!(given.config.verify_at, "04:15".parse().ok());
    for wrong in ["24:00", "3:30", "night", ""] {
        let problems = at(wrong).problems;
        assert!(problems[0].contains("ledger.verify_at"), "{problems:?}");
    }
}

#[test]
fn a_stand_in_for_rates_is_only_for_this_machine() {
    let stand_in = ("FAREBOX_RATES_STAND_IN", "127.0.0.1:9797");
    assert_eq!(loaded(&[stand_in]).config.refusal(), None);
    let public = ("FAREBOX_PUBLIC_URL", "https://ai.example.com");
    let refusal = loaded(&[stand_in, public]).config.refusal().unwrap();
    assert!(refusal.contains("stand_in"), "{refusal}");
}

#[test]
fn mail_is_set_up_whole_or_not_at_all() {
    let of = |more: &[(&str, &str)]| loaded(more);
    assert!(of(&[]).config.mail.is_none());

    let whole = of(&[
        ("FAREBOX_MAIL_HOST", "smtp.example.com"),
        ("FAREBOX_MAIL_USER", "shop"),
        ("FAREBOX_MAIL_PASSWORD", "tangerine"),
        ("FAREBOX_MAIL_FROM", "Shop <no-reply@example.com>"),
    ]);
    assert_eq!(whole.problems, Vec::<String>::new());
    assert!(!format!("{:?}", whole.settings).contains("tangerine"));
    let mail = whole.config.mail.unwrap();
    assert_eq!((mail.port, mail.security), (587, Security::StartTls));
    assert_eq!(mail.credentials.unwrap().1.expose(), "tangerine");

    let host = ("FAREBOX_MAIL_HOST", "smtp.example.com");
    let from = ("FAREBOX_MAIL_FROM", "no-reply@example.com");
    for (settings, word) in [
        (vec![from], "mail.host is missing"),
        (vec![host], "mail.from is missing"),
        (
            vec![host, ("FAREBOX_MAIL_FROM", "nobody")],
            "no-reply@example.com",
        ),
        (
            vec![("FAREBOX_MAIL_HOST", "smtp://mail.example.com:25"), from],
            "name alone",
        ),
        (vec![host, from, ("FAREBOX_MAIL_PORT", "0")], "port"),
        (
            vec![host, from, ("FAREBOX_MAIL_SECURITY", "ssl")],
            "starttls, tls or none",
        ),
        (
            vec![host, from, ("FAREBOX_MAIL_SECURITY", "none")],
            "only encrypted",
        ),
        (
            vec![host, from, ("FAREBOX_MAIL_USER", "shop")],
            "no password",
        ),
        (
            vec![host, from, ("FAREBOX_MAIL_PASSWORD", "x")],
            "mail.user is missing",
        ),
        (
            vec![host, from, ("FAREBOX_MAIL_CA_FILE", "/dev/null")],
            "no certificate",
        ),
    ] {
        let problems = of(&settings).problems;
        assert!(
            problems.iter().any(|problem| problem.contains(word)),
            "{settings:?}: {problems:?}"
        );
    }

    let here = of(&[
        ("FAREBOX_MAIL_HOST", "127.0.0.1"),
        from,
        ("FAREBOX_MAIL_SECURITY", "none"),
    ]);
    assert_eq!(here.problems, Vec::<String>::new());
    assert_eq!(here.config.mail.unwrap().port, 25);
    let tls = with_file(
        "[mail]\nhost = \"smtp.example.com\"\nsecurity = \"tls\"\nfrom = \"a@b.example\"\n",
        0o644,
    );
    assert_eq!(tls.problems, Vec::<String>::new());
    assert_eq!(tls.config.mail.unwrap().port, 465);
}

#[test]
fn payments_are_read_as_they_are_written() {
    let file = "[payments]\nmin = \"5\"\nbonus_percent = { \"25\" = \"5\", \"100\" = \"7.5\" }\n[payments.manual]\nholder = \"Example Ltd\"\n\
                accounts = { EUR = [\"IBAN DE02: 1203\", \"BIC BYLADEM1001\"], USD = [\"Account 7\"] }\n";
    let loaded = with_file(file, 0o600);
    assert_eq!(loaded.problems, Vec::<String>::new());
    let config = loaded.config.payments_config(false);
    assert_eq!(config.min, domain::Amount::parse_usd("5").unwrap());
    let bonus: Vec<_> = config.bonus.iter().map(|tier| tier.bp).collect();
    assert_eq!(bonus.iter().sum::<u16>(), 1_250);
    let manual = config.manual.unwrap();
    assert_eq!(
        manual.accounts[&domain::Currency::Eur],
        ["IBAN DE02: 1203", "BIC BYLADEM1001"]
    );
    for (wrong, named) in [
        ("[payments]\nmin = \"0\"", "payments.min"),
        ("[payments]\nmin = \"9\"\nmax = \"8\"", "payments.max"),
        (
            "[payments]\nbonus_percent = { \"25\" = \"101\" }",
            "bonus_percent",
        ),
        ("[payments.manual]\nholder = \"Example Ltd\"", "accounts"),
        (
            "[payments.manual]\naccounts = { EUR = [\"IBAN\"] }",
            "holder",
        ),
        (
            "[payments.manual]\nholder = \"E\"\naccounts = { XAU = [\"IBAN\"] }",
            "XAU",
        ),
    ] {
        let problems = with_file(wrong, 0o600).problems;
        assert!(
            problems.iter().any(|problem| problem.contains(named)),
            "{wrong}: {problems:?}"
        );
    }
}

#[test]
fn play_money_is_refused_where_others_can_reach_us() {
    let away = ("FAREBOX_PUBLIC_URL", "https://ai.example.com");
    let on = ("FAREBOX_PAYMENTS_SANDBOX", "true");
    assert!(loaded(&[away]).config.refusal().is_none());
    assert!(!loaded(&[away]).config.sandbox_payments(false));
    let refusal = loaded(&[away, on]).config.refusal().unwrap();
    assert!(refusal.contains("payments.sandbox"), "{refusal}");
    assert!(loaded(&[on]).config.refusal().is_none());
    assert!(loaded(&[]).config.sandbox_payments(true));
    let off = ("FAREBOX_PAYMENTS_SANDBOX", "false");
    assert!(!loaded(&[off]).config.sandbox_payments(true));
}
