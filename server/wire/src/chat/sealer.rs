//! With what is a block of reasoning sealed? With what its provider said of it and wants back: see [`super::kept`].

use super::delta::Delta;
use super::kept::{self, Kept, Object};

/// Follows what is said of reasoning until its block ends.
#[derive(Default)]
pub(super) struct Sealer {
    /// The model as the caller named it.
    model: String,
    /// The field of the words that came last, if their provider takes them back there.
    field: Option<&'static str>,
    /// What else was said and is not sealed yet, and the words since.
    details: Vec<Object>,
    words: String,
}

impl Sealer {
    pub(super) fn of(model: &str) -> Self {
        Self {
            model: model.to_owned(),
            ..Self::default()
        }
    }

    /// Reads the details of a delta, which may belong to the words beside them or to those before.
    pub(super) fn read(&mut self, delta: &Delta<'_>) {
        for detail in delta.details() {
            kept::add(&mut self.details, detail);
        }
    }

    /// Words of a block, which was opened for them or before.
    pub(super) fn said(&mut self, words: &str, field: Option<&'static str>) {
        self.field = field;
        if !self.details.is_empty() {
            self.words.push_str(words);
        }
    }

    /// The seal of a block of words that ends.
    pub(super) fn of_words(&mut self) -> Option<String> {
        let said = std::mem::take(&mut self.words);
        kept::shorten(&mut self.details, &said);
        let kept = self.of_details().or(self.field.map(Kept::Words));
        kept.map(|kept| kept.seal(&self.model))
    }

    /// The seals that are blocks of their own before a call, or the end: of details without words, and of what comes
    /// with the call.
    pub(super) fn wordless(&mut self, extra: Option<Object>) -> Vec<String> {
        let kept = [self.of_details(), extra.map(Kept::Extra)];
        let kept = kept.into_iter().flatten();
        kept.map(|kept| kept.seal(&self.model)).collect()
    }

    fn of_details(&mut self) -> Option<Kept> {
        let details = std::mem::take(&mut self.details);
        (!details.is_empty()).then_some(Kept::Details(details))
    }
}
