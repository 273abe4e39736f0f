//! Where can one go from here? The pages of the navigation, in its order; the search knows some more.

use crate::pages::prices;
use crate::reader::Ui;

/// A page that the navigation leads to.
pub struct Place {
    pub path: &'static str,
    /// Its icon.
    pub sign: &'static str,
    pub words: String,
}

impl Place {
    pub const fn new(path: &'static str, sign: &'static str, words: String) -> Self {
        Self { path, sign, words }
    }
}

/// The rooms of who is signed in.
pub fn rooms(ui: &Ui) -> Vec<Place> {
    vec![
        Place::new("/overview", "gauge", t!(ui, "header.overview")),
        Place::new("/usage", "chart-column", t!(ui, "header.usage")),
        Place::new("/keys", "key", t!(ui, "header.keys")),
        Place::new("/wallet", "wallet", t!(ui, "palette.pages.wallet")),
        Place::new("/try", "play", t!(ui, "header.try")),
        Place::new("/settings", "settings", t!(ui, "header.settings")),
    ]
}

/// What is for everybody; each has an address in every language.
pub fn site(ui: &Ui) -> Vec<Place> {
    vec![
        Place::new(prices::PATH, "tag", t!(ui, "header.prices")),
        Place::new("/docs", "book-open", t!(ui, "header.docs")),
        Place::new("/status", "activity", t!(ui, "palette.pages.status")),
    ]
}
