//! How does a posted form reach its server function? Through the table of who may call it, and without Leptos' habit
//! of redirecting to the `Referer`: the function itself says where people go next.

use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use domain::views::AccountView;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use leptos::prelude::provide_context;
use tower_sessions::Session;

use super::reply::Reply;
use super::{Refusal, TABLE, Who};
use crate::flash::{Flash, Notice};
use crate::guard::{safe_next, with_next};
use crate::pages::{SECOND_FACTOR, error_page};
use crate::reader::{Cookie, Prefs, Reader, cookie, set_cookie};
use crate::services::{ClientIp, Services};
use crate::session::Seen;

/// Who asks, and with what: the context of every server function.
#[derive(Clone)]
pub struct Asker {
    pub services: Services,
    pub session: Session,
    pub prefs: Prefs,
    /// There, when the table says that only the signed-in may call.
    pub account: Option<AccountView>,
    pub ip: std::net::IpAddr,
    pub seen: Seen,
    /// What this browser keeps of having signed in here before.
    pub device: Option<String>,
    pub reply: Reply,
}

impl Asker {
    /// The asker of the server function that is running.
    pub fn current() -> Self {
        leptos::prelude::expect_context::<Self>()
    }

    /// The browser by name: `Firefox, Linux`.
    pub fn agent(&self) -> &str {
        &self.seen.agent
    }
}

pub async fn call(State(services): State<Services>, mut request: Request) -> Response {
    let Some((_, who)) = TABLE.iter().find(|(path, _)| *path == request.uri().path()) else {
        return error_page(&services, &request, StatusCode::NOT_FOUND);
    };
    let session = request.extensions().get::<Session>().cloned();
    let reader = Reader::of(&services, request.uri(), request.headers(), session);
    let wants_page = wants_page(request.headers());
    let account = match admitted(&reader, *who).await {
        Ok(account) => account,
        Err(refusal) => return refuse(&services, &request, wants_page, refusal),
    };
    let ip = request
        .extensions()
        .get::<ClientIp>()
        .map_or(std::net::Ipv4Addr::UNSPECIFIED.into(), |ip| ip.0);
    let prefs = account.as_ref().map_or(reader.prefs, |account| {
        reader
            .prefs
            .of_account(None, &account.chosen, &services.texts)
    });
    let asker = Asker {
        services: services.clone(),
        session: reader.session.clone(),
        prefs,
        account,
        ip,
        seen: Seen::new(
            request
                .headers()
                .get(header::USER_AGENT)
                .and_then(|value| value.to_str().ok())
                .unwrap_or_default(),
            ip,
        ),
        device: cookie(request.headers(), &services.site, Cookie::Browser),
        reply: Reply::default(),
    };
    let reply = asker.reply.clone();
    // Leptos would send whoever accepts HTML back to the address in `Referer`, with the error in the URL.
    let shell = Request::builder()
        .uri(request.uri().clone())
        .body(Body::empty());
    let headers = request.headers_mut();
    headers.remove(header::REFERER);
    headers.insert(header::ACCEPT, HeaderValue::from_static("application/json"));
    let response = leptos_axum::handle_server_fns_with_context(
        move || provide_context(asker.clone()),
        request,
    )
    .await
    .into_response();
    let failed = response.status().is_client_error() || response.status().is_server_error();
    match (failed, shell) {
        // A form that could not be read has said nothing about where to go.
        (true, Ok(shell)) if wants_page && !reply.redirects() => error_page(
            &services,
            &shell,
            reply.status().unwrap_or(StatusCode::BAD_REQUEST),
        ),
        _ => reply.apply(response),
    }
}

/// The account on whose behalf a function that is for `who` runs; nobody's for those that are for anyone.
async fn admitted(reader: &Reader, who: Who) -> Result<Option<AccountView>, Refusal> {
    if who == Who::Anyone {
        return Ok(None);
    }
    let known = reader.known().await.map_err(|_| Refusal::Unavailable)?;
    let known = known.ok_or(Refusal::SignedOut)?;
    match who {
        Who::Anyone | Who::SignedIn => {}
        Who::Confirmed if known.confirmed(reader.prefs.now) => {}
        Who::Confirmed => return Err(Refusal::Unconfirmed),
        Who::Admin if !known.account.admin => return Err(Refusal::NotFound),
        Who::Admin if known.second_factor => {}
        Who::Admin => return Err(Refusal::SecondFactor),
    }
    Ok(Some(known.account))
}

/// A form of the signed-in, sent when they no longer are, leads to the sign-in page; one that asks for more certainty
/// leads to where it is given. An island gets a code.
fn refuse(services: &Services, request: &Request, wants_page: bool, refusal: Refusal) -> Response {
    let status = match refusal {
        Refusal::Invalid => StatusCode::BAD_REQUEST,
        Refusal::SignedOut => StatusCode::UNAUTHORIZED,
        Refusal::Unconfirmed | Refusal::SecondFactor => StatusCode::FORBIDDEN,
        Refusal::NotFound => StatusCode::NOT_FOUND,
        Refusal::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
    };
    if !wants_page {
        return (status, axum::Json(refusal)).into_response();
    }
    let from = came_from(services, request.headers()).unwrap_or("/overview");
    let to = match refusal {
        Refusal::SignedOut => "/login".to_owned(),
        Refusal::Unconfirmed => with_next("/confirm", from),
        Refusal::SecondFactor => with_next(SECOND_FACTOR, from),
        _ => return error_page(services, request, status),
    };
    let mut response = (StatusCode::SEE_OTHER, [(header::LOCATION, to)]).into_response();
    if refusal == Refusal::SignedOut {
        let flash =
            Flash::notice(Notice::SessionExpired).seal(&services.ring, services.clock.now_ms());
        if let Some(Ok(line)) = flash
            .map(|text| HeaderValue::from_str(&set_cookie(&services.site, Cookie::Flash, &text)))
        {
            response.headers_mut().append(header::SET_COOKIE, line);
        }
    }
    response
}

/// The page of ours on which the form stood.
fn came_from<'a>(services: &Services, headers: &'a HeaderMap) -> Option<&'a str> {
    let referer = headers.get(header::REFERER)?.to_str().ok()?;
    let origins = services.site.origins();
    let path = origins
        .iter()
        .find_map(|origin| referer.strip_prefix(origin.as_str()))?;
    safe_next(path)
}

fn wants_page(headers: &HeaderMap) -> bool {
    headers
        .get(header::ACCEPT)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|accept| accept.contains("text/html"))
}
