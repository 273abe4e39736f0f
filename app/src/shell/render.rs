//! How does a view become an answer? Rendered at once, as one string, with the headers that this kind of page has.
//!
//! Not through `leptos_axum`: its streams exist for views that wait while they render, and bring two inline scripts
//! with a nonce. Our pages ask the business before they render, so nothing waits, the answer has a length, and the
//! content policy needs no nonce.

use std::fmt::Write;
use std::sync::Arc;

use axum::body::Body;
use axum::response::Response;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use hydration_context::SsrSharedContext;
use leptos::prelude::*;
use leptos::reactive::owner::Owner;

use super::document::{Frame, Page, document};
use crate::guard::CSP_ISLANDS;
use crate::reader::{Cookie, Ui, forget_cookie};

/// The answer that shows the page that `make` makes.
pub fn respond(ui: &Ui, status: StatusCode, make: impl FnOnce(&Ui) -> Page) -> Response {
    let (html, frame) = html(ui, make);
    let (islands, public) = (frame.has_islands(), frame.is_public());
    let mut response = Response::new(Body::from(html));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    set(headers, header::CONTENT_TYPE, "text/html; charset=utf-8");
    set(headers, header::CONTENT_LANGUAGE, ui.locale().code());
    set(headers, header::LINK, &preloads(ui));
    if public {
        // Shown to nobody else's eyes even so: the header differs for who is signed in.
        set(headers, header::VARY, "Accept-Language, Cookie");
        set(
            headers,
            header::CACHE_CONTROL,
            if ui.account().is_none() && ui.flash().is_none() {
                "private, no-cache"
            } else {
                "no-store"
            },
        );
    }
    if islands {
        set(headers, header::CONTENT_SECURITY_POLICY, CSP_ISLANDS);
    }
    if ui.flash().is_some() {
        // Shown once.
        if let Ok(gone) = HeaderValue::from_str(&forget_cookie(ui.site(), Cookie::Flash)) {
            headers.append(header::SET_COOKIE, gone);
        }
    }
    response
}

/// A part of a page, for an island that puts it where it belongs. Nobody keeps it: it may hold something personal.
pub fn fragment(ui: &Ui, make: impl FnOnce(&Ui) -> AnyView) -> Response {
    let owner = Owner::new_root(Some(Arc::new(SsrSharedContext::new_islands())));
    let html = owner.with(|| whole_comments(&make(ui).to_html()));
    owner.unset_with_forced_cleanup();
    let mut response = Response::new(Body::from(html));
    let headers = response.headers_mut();
    set(headers, header::CONTENT_TYPE, "text/html; charset=utf-8");
    set(headers, header::CONTENT_LANGUAGE, ui.locale().code());
    response
}

/// The whole document. An owner of its own, so that nothing of this reader is left for the next one; views are made
/// within it, because islands look for it.
fn html(ui: &Ui, make: impl FnOnce(&Ui) -> Page) -> (String, Frame) {
    let owner = Owner::new_root(Some(Arc::new(SsrSharedContext::new_islands())));
    let made = owner.with(|| {
        let page = make(ui);
        let frame = page.frame;
        (
            format!(
                "<!DOCTYPE html>{}",
                whole_comments(&document(ui, page).to_html())
            ),
            frame,
        )
    });
    owner.unset_with_forced_cleanup();
    made
}

/// Leptos marks empty places with `<!>`, which browsers read as an empty comment and validators as a mistake. This
/// writes the comment out; what the browser makes of it stays the same. Attributes are left alone.
fn whole_comments(html: &str) -> String {
    let mut out = String::with_capacity(html.len() + html.len() / 32);
    let mut rest = html;
    while let Some(at) = rest.find('<') {
        let (text, tag) = rest.split_at(at);
        out.push_str(text);
        if let Some(after) = tag.strip_prefix("<!>") {
            out.push_str("<!---->");
            rest = after;
            continue;
        }
        let mut quoted = false;
        let end = tag.find(|c| {
            quoted ^= c == '"';
            c == '>' && !quoted
        });
        let (tag, after) = tag.split_at(end.map_or(tag.len(), |end| end + 1));
        out.push_str(tag);
        rest = after;
    }
    out.push_str(rest);
    out
}

/// Style and the fonts of every first paint, before the document is read: digits and names of models are Latin in every
/// script.
fn preloads(ui: &Ui) -> String {
    const LATIN: &str = "fonts/onest-latin.woff2";
    let fonts: &[&str] = match ui.locale().code().split('-').next() {
        Some("ru" | "uk" | "bg" | "sr" | "be" | "kk") => &["fonts/onest-cyrillic.woff2", LATIN],
        Some("ar" | "fa") => &["fonts/vazirmatn-arabic.woff2", LATIN],
        _ => &[LATIN],
    };
    let mut link = format!("<{}>; rel=preload; as=style", ui.assets().path("app.css"));
    for font in fonts {
        let written = write!(
            link,
            ", <{}>; rel=preload; as=font; type=\"font/woff2\"; crossorigin",
            ui.assets().path(font)
        );
        written.expect("writing to a string cannot fail");
    }
    link
}

fn set(headers: &mut HeaderMap, name: header::HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_become_comments_and_nothing_else_changes() {
        let html = r#"<p title="a <!> > b">x<!>y</p><!><input value="<!>"/>1 > 0"#;
        assert_eq!(
            whole_comments(html),
            r#"<p title="a <!> > b">x<!---->y</p><!----><input value="<!>"/>1 > 0"#
        );
        for broken in ["<", "<p", "<p title=\"", "", "<!"] {
            assert_eq!(whole_comments(broken), broken);
        }
    }
}
