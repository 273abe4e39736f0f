//! Which small parts do pages share? Icons, the ruler, notes, the copy button.

use std::fmt::Write;

use leptos::prelude::*;

use crate::flash::Notice;
use crate::islands::Copy;
use crate::reader::Ui;

/// An icon of the sprite, beside words that say the same. `class` may add one more name (`flip`: turns in
/// right-to-left languages).
pub fn icon(ui: &Ui, name: &str, class: &str) -> AnyView {
    let href = format!("{}#{name}", ui.assets().path("icons.svg"));
    view! { <svg class=format!("ic {class}").trim_end().to_owned() aria-hidden="true"><use href=href></use></svg> }.into_any()
}

/// The brand's mark: four strokes of a meter.
pub fn mark() -> AnyView {
    view! {
        <svg viewBox="0 0 24 24" aria-hidden="true">
            <rect width="24" height="24" rx="5"></rect>
            <path d="M5 18v-4M9 18v-7M13 18v-4M17 18v-10"></path>
        </svg>
    }
    .into_any()
}

/// The tick ruler: `filled` of `of` is left. `label` says the same in words; without one it is an ornament.
pub fn ruler(filled: u32, of: u32, label: Option<String>) -> AnyView {
    let of = of.max(1);
    let width = 1_000 * filled.min(of) / of;
    let mut ticks = String::new();
    for tick in 0..=of {
        let top = if tick % 5 == 0 { 12 } else { 19 };
        write!(ticks, "M{} 28V{top}", 1_000 * tick / of).expect("writing to a string cannot fail");
    }
    let picture = view! {
        <rect class="fill" x="0" y="4" width=width.to_string() height="24" data-live-width=""></rect>
        <path d=ticks></path>
        <path class="base" d="M0 28H1000"></path>
    };
    match label {
        None => view! {
            <svg class="ruler" viewBox="0 0 1000 28" preserveAspectRatio="none" aria-hidden="true">{picture}</svg>
        }
        .into_any(),
        Some(label) => view! {
            <svg class="ruler" viewBox="0 0 1000 28" preserveAspectRatio="none" role="img" aria-label=label data-live-label="">
                {picture}
            </svg>
        }
        .into_any(),
    }
}

/// A note: something the reader should see before the rest. `kind` is `ok`, `warn`, `danger` or nothing.
pub fn notice(ui: &Ui, kind: &'static str, content: impl IntoView + 'static) -> AnyView {
    let sign = match kind {
        "ok" => "circle-check",
        "" => "circle-alert",
        _ => "triangle-alert",
    };
    let role = if kind == "danger" { "alert" } else { "status" };
    view! { <div class=format!("note {kind}") role=role>{icon(ui, sign, "")}<p>{content}</p></div> }
        .into_any()
}

/// What the last form did.
pub fn sign_notice(ui: &Ui, done: Notice) -> AnyView {
    match done {
        Notice::SignedOut => notice(ui, "ok", t!(ui, "flash.signed_out")),
        Notice::SessionExpired => notice(ui, "warn", t!(ui, "flash.session_expired")),
        Notice::AdminCreated => notice(
            ui,
            "ok",
            t!(ui, "flash.admin_created", brand = ui.site().brand),
        ),
        Notice::MailSent => notice(ui, "ok", t!(ui, "verify.sent")),
        Notice::Verified => notice(ui, "ok", t!(ui, "verify.done")),
        Notice::EmailAsked => notice(ui, "ok", t!(ui, "settings.email.asked")),
        Notice::EmailChanged => notice(ui, "ok", t!(ui, "verify.email.done")),
        Notice::EmailUndone => notice(ui, "warn", t!(ui, "verify.undo.done")),
        Notice::PasswordChanged => notice(ui, "ok", t!(ui, "settings.password.done")),
        Notice::SecondFactorOn => notice(ui, "ok", t!(ui, "second_factor.done")),
        Notice::SecondFactorOff => notice(ui, "ok", t!(ui, "second_factor.end.done")),
        Notice::NewCodes => notice(ui, "ok", t!(ui, "second_factor.codes.done")),
        Notice::SessionEnded => notice(ui, "ok", t!(ui, "settings.sessions.ended")),
        Notice::SessionsEnded => notice(ui, "ok", t!(ui, "settings.sessions.ended_others")),
        Notice::PoliciesAccepted => notice(ui, "ok", t!(ui, "policies.accepted.done")),
        Notice::PoliciesChanged => notice(ui, "warn", t!(ui, "policies.accepted.changed")),
        Notice::Saved => notice(ui, "ok", t!(ui, "settings.saved")),
        Notice::Admin(done) => crate::pages::admin::admin_told(ui, done),
        Notice::Wallet(done) => crate::pages::wallet::told(ui, done),
        done => crate::pages::keys::told(ui, done).unwrap_or_else(|| ().into_any()),
    }
}

/// The button that copies what lies beside it: the text of `[data-copy]` in the nearest `[data-copyable]`.
pub fn copy_button(ui: &Ui, label: String) -> AnyView {
    let faces = view! {
        <span class="idle">
            {icon(ui, "copy", "")}<span aria-hidden="true">{t!(ui, "copy.copy")}</span><span class="vh">{label}</span>
        </span>
        <span class="done">{icon(ui, "check", "")}<span class="copied">{t!(ui, "copy.copied")}</span></span>
        <span class="failed" hidden>{t!(ui, "copy.failed")}</span>
    };
    view! { <Copy>{faces}</Copy> }.into_any()
}

/// A text with one marked part: `Write to <0>us</0>` with `part` making the link around "us".
pub fn rich(text: &str, part: impl FnOnce(String) -> AnyView) -> AnyView {
    let marked = text.split_once("<0>").and_then(|(before, rest)| {
        rest.split_once("</0>")
            .map(|(inner, after)| (before, inner, after))
    });
    match marked {
        Some((before, inner, after)) => {
            (before.to_owned(), part(inner.to_owned()), after.to_owned()).into_any()
        }
        None => text.to_owned().into_any(),
    }
}
