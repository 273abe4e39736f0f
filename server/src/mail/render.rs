//! What stands in a mail? Subject, plain text and HTML, made from the same sentences in the recipient's language.
//!
//! Every mail says what happened, what to do when it was not the reader's doing, why it came, and who sent it. Nothing
//! in it is fetched from elsewhere: no picture, no font, no counter of openings.

use std::fmt::Write;

use domain::views::UnixMs;
use serde::{Deserialize, Serialize};
use texts::content::escaped;
use texts::{Locale, Texts, format};

use super::{MailConfig, Message};

/// Values from outside are cut here; whole sentences of somebody else's do not fit.
const VALUE_MAX: usize = 80;
/// A row that breaks an invariant: ids and amounts of ours.
const ROW_MAX: usize = 160;

/// A mail as it is sealed in the outbox.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Letter {
    pub(super) subject: String,
    pub(super) text: String,
    pub(super) html: String,
}

/// The sentences of a mail, before they are text or HTML.
struct Words {
    subject: String,
    body: Vec<String>,
    /// Name and value: when, which browser.
    facts: Vec<(String, String)>,
    /// What the reader is asked to press, and where it leads.
    action: Option<(String, String)>,
    /// How long the link lives.
    note: Option<String>,
    /// What to do when it was not the reader's doing, and where.
    not_you: String,
    remedy: Option<(String, String)>,
    /// Why it came, who sent it, who helps.
    footer: Vec<String>,
}

/// Renders `message`; `now` is when what it tells happened.
pub(super) fn letter(
    texts: &Texts,
    config: &MailConfig,
    locale: Locale,
    message: &Message,
    now: UnixMs,
) -> Letter {
    let words = Writer {
        texts,
        config,
        locale,
        kind: message.kind(),
    }
    .words(message, now);
    Letter {
        text: text(&words),
        html: html(locale, config, &words),
        subject: words.subject,
    }
}

struct Writer<'a> {
    texts: &'a Texts,
    config: &'a MailConfig,
    locale: Locale,
    kind: &'a str,
}

impl Writer<'_> {
    /// A text of this kind of mail.
    fn say(&self, part: &str, more: &[(&str, &str)]) -> String {
        self.common(&format!("{}.{part}", self.kind), more)
    }

    /// A text of any mail; all of them may name the brand.
    fn common(&self, part: &str, more: &[(&str, &str)]) -> String {
        let mut values = vec![("brand", self.config.brand.as_str())];
        values.extend_from_slice(more);
        self.texts.t(self.locale, &format!("mails.{part}"), &values)
    }

    fn url(&self, path: &str) -> String {
        format!(
            "{}/{}",
            self.config.public_url,
            path.trim_start_matches('/')
        )
    }

    fn money(&self, amount: domain::Amount) -> String {
        format::money(self.locale, &amount.into())
    }

    fn coins(&self, coins: domain::fx::Coins) -> String {
        format::money(self.locale, &coins.into())
    }

    fn words(&self, message: &Message, now: UnixMs) -> Words {
        let mut words = Words {
            subject: self.say("subject", &[]),
            body: Vec::new(),
            facts: Vec::new(),
            action: None,
            note: None,
            not_you: self.say("not_you", &[]),
            remedy: None,
            footer: vec![
                self.say("why", &[]),
                self.common("footer.sender", &[("url", &self.config.public_url)]),
            ],
        };
        if let Some(support) = &self.config.support {
            words
                .footer
                .push(self.common("footer.support", &[("email", support)]));
        }
        let plain_body = self.say("body", &[]);
        match message {
            Message::Verify { link }
            | Message::AlreadyKnown { link }
            | Message::Reset { link }
            | Message::ConfirmEmail { link } => {
                words.body.push(plain_body);
                words.action = Some((self.say("action", &[]), self.url(link)));
                if !matches!(message, Message::AlreadyKnown { .. }) {
                    words.note = Some(self.say("note", &[]));
                }
            }
            Message::EmailChanged { new, link } => {
                words.body.push(self.say("body", &[("new", &value(new))]));
                words.facts.push(self.when(now));
                words.action = Some((self.say("action", &[]), self.url(link)));
                words.note = Some(self.say("note", &[]));
            }
            Message::PasswordChanged
            | Message::EmailChangeUndone
            | Message::SecondFactorOn
            | Message::SecondFactorOff
            | Message::RecoveryCodesRenewed => {
                words.body.push(plain_body);
                words.facts.push(self.when(now));
                words.remedy = Some(self.new_password());
            }
            Message::RecoveryCodeUsed { left } => {
                words.body.push(plain_body);
                words.body.push(self.texts.n(
                    self.locale,
                    "mails.recovery_code_used.left",
                    *left,
                    &[],
                ));
                words.facts.push(self.when(now));
                words.remedy = Some(self.new_password());
            }
            Message::NewDevice { agent, network } => {
                words.body.push(plain_body);
                words.facts.push(self.fact("browser", value(agent)));
                words.facts.push(self.fact("network", value(network)));
                words.facts.push(self.when(now));
                words.remedy = Some(self.new_password());
            }
            Message::KeyRevealed { name, masked } => {
                words.body.push(plain_body);
                words.facts.push(self.fact("key_name", value(name)));
                words.facts.push(self.fact("key", value(masked)));
                words.facts.push(self.when(now));
                words.remedy = Some((self.common("remedy.keys", &[]), self.url("/keys")));
            }
            Message::LowBalance { balance, below } => {
                let (balance, below) = (self.money(*balance), self.money(*below));
                words.subject = self.say("subject", &[("balance", &balance)]);
                words
                    .body
                    .push(self.say("body", &[("balance", &balance), ("below", &below)]));
                words.action = Some((self.say("action", &[]), self.url("/overview")));
                words.remedy = Some((self.common("remedy.settings", &[]), self.url("/settings")));
            }
            Message::AccountBlocked => {
                words.body.push(plain_body);
                words.facts.push(self.when(now));
            }
            Message::LedgerViolated { found, more } => {
                words.body.push(plain_body);
                let named = found
                    .iter()
                    .map(|(check, row)| (value(check), cut(row, ROW_MAX)));
                words.facts.extend(named);
                if *more > 0 {
                    let more = self
                        .texts
                        .n(self.locale, "mails.ledger_violated.more", *more, &[]);
                    words.note = Some(more);
                }
                words.action = Some((self.say("action", &[]), self.url("/admin")));
            }
            Message::OrderCredited {
                reference,
                paid,
                credited,
                bonus,
                late,
                link,
            } => {
                let (paid, credited) = (self.coins(*paid), self.money(*credited));
                words
                    .body
                    .push(self.say("body", &[("paid", &paid), ("credited", &credited)]));
                if !bonus.is_zero() {
                    let bonus = self.money(*bonus);
                    words.body.push(self.say("bonus", &[("bonus", &bonus)]));
                }
                if *late {
                    words.body.push(self.say("late", &[]));
                }
                words.facts.push(self.fact("order", reference.to_string()));
                words.facts.push(self.when(now));
                words.action = Some((self.say("action", &[]), self.url(link)));
            }
            Message::OrderRefunded {
                reference,
                coins,
                credit,
                link,
            } => {
                let (coins, credit) = (self.coins(*coins), self.money(*credit));
                words
                    .body
                    .push(self.say("body", &[("coins", &coins), ("credit", &credit)]));
                words.facts.push(self.fact("order", reference.to_string()));
                words.facts.push(self.when(now));
                words.action = Some((self.say("action", &[]), self.url(link)));
            }
        }
        words
    }

    fn fact(&self, name: &str, value: String) -> (String, String) {
        (self.common(&format!("fact.{name}"), &[]), value)
    }

    /// In UTC: a mail is read anywhere, and by the owner of a stolen account.
    fn when(&self, now: UnixMs) -> (String, String) {
        let at = format::date_time(self.locale, now, format::Zone::UTC);
        self.fact("when", at)
    }

    /// The page where a new password is asked for: a public one, so it has an address in every language.
    fn new_password(&self) -> (String, String) {
        let path = if self.locale == Locale::EN {
            "/recover".to_owned()
        } else {
            format!("/{}/recover", self.locale.code())
        };
        (self.common("remedy.password", &[]), self.url(&path))
    }
}

/// A value that somebody else chose: one line, short, and without marks that turn the direction of what follows.
fn value(text: &str) -> String {
    cut(text, VALUE_MAX)
}

fn cut(text: &str, most: usize) -> String {
    let turns = |c: char| matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let one_line: String = text
        .chars()
        .filter(|c| !turns(*c))
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    let one_line = one_line.trim();
    match one_line.char_indices().nth(most) {
        Some((end, _)) => format!("{}…", &one_line[..end]),
        None => one_line.to_owned(),
    }
}

fn text(words: &Words) -> String {
    let mut parts = words.body.clone();
    if !words.facts.is_empty() {
        let lines: Vec<_> = words
            .facts
            .iter()
            .map(|(name, value)| format!("{name}: {value}"))
            .collect();
        parts.push(lines.join("\n"));
    }
    parts.extend(
        words
            .action
            .iter()
            .map(|(label, url)| format!("{label}:\n{url}")),
    );
    parts.extend(words.note.clone());
    parts.push(words.not_you.clone());
    parts.extend(
        words
            .remedy
            .iter()
            .map(|(label, url)| format!("{label}:\n{url}")),
    );
    parts.push(format!("--\n{}", words.footer.join("\n")));
    parts.join("\n\n") + "\n"
}

/// The look: the tokens of `style/10-tokens.css`, written out because a mail has no stylesheet to ask.
const STYLE: &str = "\
:root{color-scheme:light dark;supported-color-schemes:light dark}\
body{margin:0;padding:24px 16px;background:#f8fbfa;color:#0f2224;font:16px/1.55 system-ui,-apple-system,\"Segoe UI\",Roboto,sans-serif}\
main{max-width:560px;margin:0 auto;padding:28px 24px;background:#fff;border:1px solid #d6dfdc;border-radius:12px;overflow-wrap:anywhere}\
h1{margin:0 0 16px;font-size:20px;line-height:1.3}p,dl{margin:0 0 16px}a{color:#005a5f}\
dt{color:#3f5455;font-size:13px}dd{margin:0 0 8px}\
.btn{display:inline-block;padding:12px 20px;border-radius:8px;background:#005a5f;color:#fcfcf5;font-weight:600;text-decoration:none}\
.quiet,footer{color:#3f5455;font-size:13px}footer{margin-top:24px;padding-top:16px;border-top:1px solid #d6dfdc}footer p{margin:0 0 4px}\
@media(prefers-color-scheme:dark){body{background:#091213;color:#ecf2ee}main{background:#101c1d;border-color:#263536}\
a{color:#d1ea52}.btn{background:#d1ea52;color:#131a0b}dt,.quiet,footer{color:#b0bebc}footer{border-color:#263536}}";

fn html(locale: Locale, config: &MailConfig, words: &Words) -> String {
    let mut body = String::new();
    let mut add = |line: String| body.push_str(&line);
    add(format!("<h1>{}</h1>", escaped(&words.subject)));
    for paragraph in &words.body {
        add(format!("<p>{}</p>", escaped(paragraph)));
    }
    if !words.facts.is_empty() {
        add("<dl>".to_owned());
        for (name, value) in &words.facts {
            add(format!(
                "<dt>{}</dt><dd><bdi>{}</bdi></dd>",
                escaped(name),
                escaped(value)
            ));
        }
        add("</dl>".to_owned());
    }
    if let Some((label, url)) = &words.action {
        let (label, url) = (escaped(label), escaped(url));
        // The address once more in full: some readers show no buttons, and a careful one compares.
        add(format!(
            "<p><a class=\"btn\" href=\"{url}\">{label}</a></p><p class=\"quiet\"><a href=\"{url}\" dir=\"ltr\">{url}</a></p>"
        ));
    }
    if let Some(note) = &words.note {
        add(format!("<p class=\"quiet\">{}</p>", escaped(note)));
    }
    add(format!("<p>{}</p>", escaped(&words.not_you)));
    if let Some((label, url)) = &words.remedy {
        add(format!(
            "<p><a href=\"{}\">{}</a></p>",
            escaped(url),
            escaped(label)
        ));
    }
    add("<footer>".to_owned());
    for line in &words.footer {
        add(format!("<p>{}</p>", escaped(line)));
    }
    add("</footer>".to_owned());

    let mut document = String::with_capacity(body.len() + STYLE.len() + 512);
    write!(
        document,
        "<!DOCTYPE html><html lang=\"{lang}\" dir=\"{dir}\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width\"><meta name=\"color-scheme\" content=\"light dark\">\
         <title>{title}</title><style>{STYLE}</style></head>\
         <body><main aria-label=\"{brand}\">{body}</main></body></html>",
        lang = escaped(locale.code()),
        dir = locale.dir(),
        title = escaped(&words.subject),
        brand = escaped(&config.brand),
    )
    .expect("writing to a string cannot fail");
    document
}
