//! What do programs read? The pages as Markdown, `llms.txt`, `openapi.json`, `robots.txt` and the map of the site.
//!
//! None of it depends on who asks: the language stands in the address, so caches may keep all of it for a while.

use std::fmt::Write;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use domain::Problem;
use http::{StatusCode, header};
use serde_json::{Value, json};
use texts::Locale;

use super::facts::facts;
use super::tree::{self, TREE};
use crate::pages::{PUBLIC, error, prices};
use crate::reader::{Reader, localized};
use crate::services::Services;

/// How long others may keep it: five minutes, so that an edit shows soon.
pub(super) const KEPT: &str = "public, max-age=300";

/// The API as it is described by hand; what depends on the installation is put in by [`openapi_document`].
const OPENAPI: &str = include_str!("openapi.json");

/// `GET /docs/….md`
pub async fn markdown(reader: Reader) -> Response {
    let services = reader.services.clone();
    let locale = reader.prefix.unwrap_or(Locale::EN);
    let path = reader.path.strip_suffix(".md").unwrap_or_default();
    let document = tree::document_of(path).and_then(|path| {
        let facts = facts(&services, locale);
        super::read(&services, locale, path, &facts)
    });
    match document {
        Some(document) => (
            [
                (header::CONTENT_TYPE, "text/markdown; charset=utf-8"),
                (header::CONTENT_LANGUAGE, locale.code()),
                (header::CACHE_CONTROL, KEPT),
            ],
            document.markdown,
        )
            .into_response(),
        None => error::page(&reader.ui(None), StatusCode::NOT_FOUND),
    }
}

/// `GET /llms.txt`: what there is to read, in the form of llmstxt.org.
pub async fn llms(State(services): State<Services>) -> Response {
    let site = &services.site;
    let facts = facts(&services, Locale::EN);
    let front = |page: &str| {
        services
            .texts
            .front_matter(Locale::EN.code(), page, &facts)
            .unwrap_or_default()
    };
    let say = |key: &str| services.texts.t(Locale::EN, key, &[]);
    let lead = front("docs/index")
        .remove("description")
        .unwrap_or_default();
    let mut out = format!("# {}\n\n> {lead}\n", site.brand);
    for (part, pages) in TREE {
        let heading = match part {
            tree::Part::Start => say("docs.menu.start"),
            tree::Part::Tools => say("docs.menu.tools"),
            tree::Part::Rules => say("docs.menu.rules"),
            tree::Part::Reference => say("docs.menu.reference"),
        };
        let written = write!(out, "\n## {heading}\n\n");
        written.expect("writing to a string cannot fail");
        for page in pages {
            let mut meta = front(page);
            let title = meta.remove("title").unwrap_or_default();
            let words = meta.remove("description").unwrap_or_default();
            let address = format!("{}{}.md", site.public_url, tree::address(page));
            let written = writeln!(out, "- [{title}]({address}): {words}");
            written.expect("writing to a string cannot fail");
        }
        if part == tree::Part::Reference {
            let words = say("docs.openapi");
            let written = writeln!(
                out,
                "- [OpenAPI]({}/openapi.json): {words}",
                site.public_url
            );
            written.expect("writing to a string cannot fail");
        }
    }
    text("text/plain; charset=utf-8", out)
}

/// `GET /openapi.json`
pub async fn openapi(State(services): State<Services>) -> Response {
    let document = openapi_document(&services.site.brand, &services.site.public_url);
    let mut response = text("application/json", document.to_string());
    // Tools on other sites show such descriptions.
    response.headers_mut().insert(
        header::ACCESS_CONTROL_ALLOW_ORIGIN,
        header::HeaderValue::from_static("*"),
    );
    response
}

/// The description of the API of one installation.
#[must_use]
pub fn openapi_document(brand: &str, public_url: &str) -> Value {
    let mut document: Value =
        serde_json::from_str(OPENAPI).expect("openapi.json is JSON, which a test reads");
    document["info"]["title"] = json!(format!("{brand} API"));
    document["info"]["version"] = json!(env!("CARGO_PKG_VERSION"));
    document["servers"] = json!([{ "url": public_url }]);
    document["externalDocs"]["url"] = json!(format!("{public_url}{}", tree::address("docs/api")));
    document["components"]["schemas"]["ErrorCode"]["enum"] = json!(Problem::CODES);
    document
}

/// `GET /robots.txt`: what is behind the door is of no use to search engines.
pub async fn robots(State(services): State<Services>) -> Response {
    let closed = [
        "/admin",
        "/api/",
        "/claim/",
        "/confirm",
        "/email/",
        "/keys",
        "/overview",
        "/reset/",
        "/settings",
        "/try",
        "/usage",
        "/v1/",
        "/verify/",
        "/wallet",
    ];
    let mut out = "User-agent: *\n".to_owned();
    for path in closed {
        writeln!(out, "Disallow: {path}").expect("writing to a string cannot fail");
    }
    let written = write!(out, "\nSitemap: {}/sitemap.xml\n", services.site.public_url);
    written.expect("writing to a string cannot fail");
    text("text/plain; charset=utf-8", out)
}

/// `GET /sitemap.xml`: every page for everybody, in every language.
pub async fn sitemap(State(services): State<Services>) -> Response {
    let site = &services.site.public_url;
    let locales = crate::reader::offered(&services.texts);
    let forms = ["/login", "/recover", "/signup"];
    let pages = PUBLIC
        .into_iter()
        .filter(|path| !forms.contains(path))
        .map(str::to_owned);
    let docs = tree::pages()
        .map(tree::address)
        .filter(|path| path != tree::PATH);
    let models = services.catalog.published();
    let models = models.iter().map(|model| prices::price_path(&model.id));
    let mut out = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<urlset xmlns=\"http://www.sitemaps.org/schemas/sitemap/0.9\" \
                   xmlns:xhtml=\"http://www.w3.org/1999/xhtml\">\n"
        .to_owned();
    for path in pages.chain(docs).chain(models) {
        let path = path
            .replace('&', "&amp;")
            .replace('"', "%22")
            .replace('<', "%3C");
        let alternates: String = locales
            .iter()
            .map(|locale| {
                format!(
                    "<xhtml:link rel=\"alternate\" hreflang=\"{}\" href=\"{site}{}\"/>",
                    locale.code(),
                    localized(*locale, &path)
                )
            })
            .collect();
        for locale in &locales {
            let here = localized(*locale, &path);
            let written = writeln!(out, "<url><loc>{site}{here}</loc>{alternates}</url>");
            written.expect("writing to a string cannot fail");
        }
    }
    out.push_str("</urlset>\n");
    text("application/xml", out)
}

fn text(kind: &'static str, body: String) -> Response {
    let headers = [(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, KEPT)];
    (headers, body).into_response()
}
