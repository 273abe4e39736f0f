//! How does somebody hand a receipt on? As a PDF file, in the language it was written in or another.

use axum::body::Body;
use axum::extract::Path;
use axum::response::Response;
use http::{HeaderValue, header};

use super::{own, unavailable};
use crate::pages::signed_in;
use crate::reader::Reader;

/// `GET /wallet/receipts/{number}/pdf?lang=en`. Without a language, or one that is not there, the original's.
pub async fn pdf(Path(number): Path<String>, reader: Reader) -> Response {
    let services = reader.services.clone();
    let asked = reader.asked.split(['?', '&']);
    let wanted = asked
        .filter_map(|pair| pair.strip_prefix("lang="))
        .next_back();
    let wanted = wanted.and_then(|code| services.texts.locale(code));
    let (ui, account) = match signed_in(reader).await {
        Ok(known) => known,
        Err(elsewhere) => return elsewhere,
    };
    let receipt = match own(&services, &ui, &account, &number).await {
        Ok(receipt) => receipt,
        Err(elsewhere) => return elsewhere,
    };
    match receipt.pdf(&services.texts, wanted) {
        Ok(file) => answer(file, &format!("{}.pdf", receipt.number)),
        Err(failed) => unavailable(&ui, &failed),
    }
}

fn answer(file: Vec<u8>, name: &str) -> Response {
    let mut response = Response::new(Body::from(file));
    let headers = response.headers_mut();
    let kind = HeaderValue::from_static("application/pdf");
    headers.insert(header::CONTENT_TYPE, kind);
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    // Numbers have Latin letters, digits and hyphens only.
    if let Ok(name) = HeaderValue::from_str(&format!("attachment; filename=\"{name}\"")) {
        headers.insert(header::CONTENT_DISPOSITION, name);
    }
    response
}
