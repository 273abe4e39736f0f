//! Who reads this page, in which language, currency and theme? Worked out once per request.

mod cookies;
mod low;
mod prefs;
mod ui;

use std::convert::Infallible;
use std::sync::Arc;

use axum::extract::FromRequestParts;
use domain::fx::Table;
use domain::views::AccountView;
use http::request::Parts;
use http::{HeaderMap, header};
use texts::Locale;
use tower_sessions::Session;

pub use cookies::{Cookie, cookie, cookies, forget_cookie, set_cookie};
pub use low::Low;
pub use prefs::{Choice, Prefs, Theme, localized, offered, split_locale};
pub use ui::Ui;

use crate::flash::Flash;
use crate::services::Services;
use crate::session::{Known, Unavailable, known};

/// The header in which a request carries its number, to us and back; what others put there is replaced at the door.
pub const REQUEST_NUMBER: &str = "x-request-id";

/// The reader of one request.
pub struct Reader {
    pub services: Services,
    pub session: Session,
    pub prefs: Prefs,
    /// The language in the address.
    pub prefix: Option<Locale>,
    /// Path and query as asked, to come back to.
    pub asked: String,
    /// The path without the language's prefix: `/login` of `/ru/login`.
    pub path: String,
    /// The languages the browser asks for.
    pub accept_language: String,
    /// By which this request can be asked about.
    pub request_number: String,
    /// What the last answer left for this page. Pages that show it must clear it ([`Ui::flash`]).
    pub flash: Option<Flash>,
    /// Whether somebody signed in has yet to accept terms that are in force.
    pub to_accept: bool,
    /// What this browser has put away of the line about a low balance.
    pub put_away: Option<String>,
    /// The rates of this request: amounts of one page are converted alike.
    pub rates: Arc<Table>,
}

impl Reader {
    /// Reads a request without touching the database. `parts` need not carry a session.
    pub fn of(
        services: &Services,
        uri: &http::Uri,
        headers: &HeaderMap,
        session: Option<Session>,
    ) -> Self {
        let now = services.clock.now_ms();
        let (prefix, path) = split_locale(&services.texts, uri.path());
        let choice = cookie(headers, &services.site, Cookie::Prefs)
            .map(|text| Choice::parse(&text, &services.texts))
            .unwrap_or_default();
        let accept = headers
            .get(header::ACCEPT_LANGUAGE)
            .and_then(|value| value.to_str().ok());
        let flash = cookie(headers, &services.site, Cookie::Flash)
            .and_then(|text| Flash::open(&text, &services.ring, now));
        Self {
            services: services.clone(),
            session: session.unwrap_or_else(crate::session::nobody),
            prefs: Prefs::resolve(prefix, &choice, accept, &services.texts, now),
            prefix,
            asked: uri
                .path_and_query()
                .map_or_else(|| "/".to_owned(), ToString::to_string),
            path: path.to_owned(),
            accept_language: accept.unwrap_or_default().to_owned(),
            request_number: headers
                .get(REQUEST_NUMBER)
                .and_then(|value| value.to_str().ok())
                .unwrap_or_default()
                .to_owned(),
            flash,
            to_accept: false,
            put_away: cookie(headers, &services.site, Cookie::Low),
            rates: services.rates.table(),
        }
    }

    /// The signed-in person, if any. Asks the database only when the browser shows a session's cookie.
    pub async fn account(&self) -> Result<Option<AccountView>, Unavailable> {
        Ok(self.known().await?.map(|known| known.account))
    }

    /// The same with how sure of them this session is.
    pub async fn known(&self) -> Result<Option<Known>, Unavailable> {
        known(&self.session, &self.services.accounts).await
    }

    /// What views need, for this person.
    pub fn ui(mut self, account: Option<AccountView>) -> Ui {
        if let Some(account) = &account {
            self.prefs = self
                .prefs
                .of_account(self.prefix, &account.chosen, &self.services.texts);
        }
        Ui::new(Arc::new(self), account)
    }
}

impl FromRequestParts<Services> for Reader {
    type Rejection = Infallible;

    async fn from_request_parts(
        parts: &mut Parts,
        services: &Services,
    ) -> Result<Self, Infallible> {
        let session = parts.extensions.get::<Session>().cloned();
        Ok(Self::of(services, &parts.uri, &parts.headers, session))
    }
}
