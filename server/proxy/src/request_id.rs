//! By which name can an answer be asked about? Every answer of the endpoint carries one; a metered call's is its id.

use axum::extract::Request;
use axum::http::HeaderValue;
use axum::middleware::Next;
use axum::response::Response;
use domain::Dialect;
use domain::ids::CallId;
use server::ids::NewId;

use crate::voice::dialect_of;

pub(crate) async fn assign(mut request: Request, next: Next) -> Response {
    let call = CallId::new();
    request.extensions_mut().insert(call);
    let dialect = dialect_of(request.uri().path(), request.headers());
    let mut response = next.run(request).await;
    if let Ok(id) = HeaderValue::from_str(&call.to_string()) {
        if dialect == Dialect::Messages {
            // Where Anthropic's SDKs look for it.
            response.headers_mut().insert("request-id", id.clone());
        }
        response.headers_mut().insert("x-request-id", id);
    }
    response
}
