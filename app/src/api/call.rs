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
use crate::pages::error_page;
use crate::reader::{Prefs, Reader, set_cookie};
use crate::services::{ClientIp, Services};

/// Who asks, and with what: the context of every server function.
#[derive(Clone)]
pub struct Asker {
    pub services: Services,
    pub session: Session,
    pub prefs: Prefs,
    /// There, when the table says that only the signed-in may call.
    pub account: Option<AccountView>,
    pub ip: std::net::IpAddr,
    pub reply: Reply,
}

impl Asker {
    /// The asker of the server function that is running.
    pub fn current() -> Self {
        leptos::prelude::expect_context::<Self>()
    }
}

pub async fn call(State(services): State<Services>, mut request: Request) -> Response {
    let Some((_, who)) = TABLE.iter().find(|(path, _)| *path == request.uri().path()) else {
        return error_page(&services, &request, StatusCode::NOT_FOUND);
    };
    let session = request.extensions().get::<Session>().cloned();
    let reader = Reader::of(&services, request.uri(), request.headers(), session);
    let wants_page = wants_page(request.headers());
    let account = match who {
        Who::Anyone => None,
        Who::SignedIn | Who::Admin => match reader.account().await {
            Ok(Some(account)) if *who == Who::SignedIn || account.admin => Some(account),
            Ok(Some(_)) => return refuse(&services, &request, wants_page, Refusal::Forbidden),
            Ok(None) => return refuse(&services, &request, wants_page, Refusal::SignedOut),
            Err(_) => return refuse(&services, &request, wants_page, Refusal::Unavailable),
        },
    };
    let asker = Asker {
        services: services.clone(),
        session: reader.session.clone(),
        prefs: reader.prefs,
        account,
        ip: request
            .extensions()
            .get::<ClientIp>()
            .map_or(std::net::Ipv4Addr::UNSPECIFIED.into(), |ip| ip.0),
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

/// A form of the signed-in, sent when they no longer are, leads to the sign-in page; an island gets a code.
fn refuse(services: &Services, request: &Request, wants_page: bool, refusal: Refusal) -> Response {
    let status = match refusal {
        Refusal::Invalid => StatusCode::BAD_REQUEST,
        Refusal::SignedOut => StatusCode::UNAUTHORIZED,
        Refusal::Forbidden => StatusCode::FORBIDDEN,
        Refusal::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
    };
    if !wants_page {
        return (status, axum::Json(refusal)).into_response();
    }
    if refusal != Refusal::SignedOut {
        return error_page(services, request, status);
    }
    let mut response = (StatusCode::SEE_OTHER, [(header::LOCATION, "/login")]).into_response();
    let flash = Flash::notice(Notice::SessionExpired).seal(&services.ring, services.clock.now_ms());
    if let Some(Ok(line)) = flash.map(|text| {
        HeaderValue::from_str(&set_cookie(
            &services.site,
            "flash",
            &text,
            crate::flash::LIFETIME_S,
        ))
    }) {
        response.headers_mut().append(header::SET_COOKIE, line);
    }
    response
}

fn wants_page(headers: &HeaderMap) -> bool {
    headers
        .get(header::ACCEPT)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|accept| accept.contains("text/html"))
}
