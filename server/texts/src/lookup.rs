//! Where do rust-i18n's lookups find their texts? In the catalogue of the `Texts` that asks, never in a global.
//!
//! rust-i18n keeps one backend per process; two `Texts` (a test's and the server's) may hold different catalogues.
//! So a lookup lends its catalogue to the backend for the length of the call, on its own thread.

use std::borrow::Cow;
use std::cell::RefCell;
use std::sync::Arc;

use crate::catalogue::Catalogue;

thread_local! {
    static LENT: RefCell<Option<Arc<Catalogue>>> = const { RefCell::new(None) };
}

/// The text of `key` in `locale`, else in its wider language (`pt-BR`, `pt`), else in English.
pub fn find(catalogue: &Arc<Catalogue>, locale: &str, key: &str) -> Option<String> {
    LENT.set(Some(Arc::clone(catalogue)));
    let text: Cow<'_, str> = rust_i18n::t!(key, locale = locale);
    LENT.set(None);
    // rust-i18n answers a miss with the key itself, and no text of ours is its own key.
    (text != key).then(|| text.into_owned())
}

/// What rust-i18n sees.
pub struct Backend;

impl rust_i18n::Backend for Backend {
    fn available_locales(&self) -> Vec<Cow<'_, str>> {
        LENT.with_borrow(|lent| {
            let catalogue = lent.as_deref().into_iter();
            catalogue
                .flat_map(Catalogue::locales)
                .map(|locale| Cow::Borrowed(locale.code()))
                .collect()
        })
    }

    fn translate(&self, locale: &str, key: &str) -> Option<Cow<'_, str>> {
        LENT.with_borrow(|lent| Some(Cow::Owned(lent.as_ref()?.text(locale, key)?.to_owned())))
    }

    fn messages_for_locale(&self, locale: &str) -> Option<Vec<(Cow<'_, str>, Cow<'_, str>)>> {
        LENT.with_borrow(|lent| {
            let messages = lent.as_ref()?.messages(locale)?;
            Some(
                messages
                    .iter()
                    .map(|(key, text)| (key.clone().into(), text.clone().into()))
                    .collect(),
            )
        })
    }
}
