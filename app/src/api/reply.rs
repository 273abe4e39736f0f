//! What besides its value does a server function answer? Where to go, what to tell the next page, cookies.

use std::sync::{Arc, Mutex, PoisonError};

use axum::response::Response;
use http::{HeaderName, HeaderValue, StatusCode, header};

use super::call::Asker;
use crate::flash::Flash;
use crate::reader::{Cookie, set_cookie};

/// Filled by the function, applied to its answer.
#[derive(Clone, Default)]
pub struct Reply(Arc<Mutex<Parts>>);

#[derive(Default)]
struct Parts {
    to: Option<String>,
    status: Option<StatusCode>,
    headers: Vec<(HeaderName, HeaderValue)>,
}

impl Reply {
    fn with<T>(&self, change: impl FnOnce(&mut Parts) -> T) -> T {
        // A panic elsewhere cannot leave the parts half-written.
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Sends the person to a path of ours (303: the next request is a GET).
    pub fn go(&self, path: impl Into<String>) {
        self.with(|parts| parts.to = Some(path.into()));
    }

    /// The status of an answer that leads nowhere.
    pub fn fail(&self, status: StatusCode) {
        self.with(|parts| parts.status = Some(status));
    }

    pub fn header(&self, name: HeaderName, value: &str) {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.with(|parts| parts.headers.push((name, value)));
        }
    }

    pub fn redirects(&self) -> bool {
        self.with(|parts| parts.to.is_some())
    }

    pub fn status(&self) -> Option<StatusCode> {
        self.with(|parts| parts.status)
    }

    pub fn apply(&self, mut response: Response) -> Response {
        self.with(|parts| {
            if let Some(status) = parts.status {
                *response.status_mut() = status;
            }
            if let Some(Ok(to)) = parts.to.as_deref().map(HeaderValue::from_str) {
                *response.status_mut() = StatusCode::SEE_OTHER;
                response.headers_mut().insert(header::LOCATION, to);
            }
            for (name, value) in parts.headers.drain(..) {
                response.headers_mut().append(name, value);
            }
            response
        })
    }
}

impl Asker {
    /// Sends the person to `path` and tells the page there.
    pub fn go_and_tell(&self, path: impl Into<String>, flash: &Flash) {
        self.reply.go(path);
        if let Some(text) = flash.seal(&self.services.ring, self.services.clock.now_ms()) {
            self.set_cookie(Cookie::Flash, &text);
        }
    }

    pub fn set_cookie(&self, cookie: Cookie, value: &str) {
        self.reply.header(
            header::SET_COOKIE,
            &set_cookie(&self.services.site, cookie, value),
        );
    }
}
