//! What do people and the operator agree on? Policies: texts with versions, what is in force, and who accepted what.
//!
//! - [`Name`]: the closed list of policies; `versions`: which versions there are, and which one is in force
//! - `facts`: what is true of this installation, so that the texts say only that
//! - `compare`: what changed between two versions
//! - `log`: the append-only record of texts that were here and of who accepted them
//!
//! The texts are Markdown files (`locales/content/<locale>/policies/`); their older versions lie in `history/`.

mod compare;
mod facts;
mod log;
mod name;
#[cfg(test)]
mod tests;
mod versions;

use std::collections::HashSet;
use std::sync::Arc;

use domain::ids::AccountId;
use parking_lot::Mutex;
use texts::{Document, Locale, Texts};

pub use compare::{Change, Line, LineKind, Piece, compare};
pub use facts::{Cookie, Installation, Lifetime, Payments, Recipient, Seller};
pub(crate) use log::accept;
pub use log::{Accepted, Agreement, How, Reworded};
pub use name::Name;
pub use versions::{State, Version};

use crate::clock::Clock;
use crate::db::Db;
use crate::secrets::hex;
use crate::upstreams::Upstreams;

/// What people accept when they sign up, and again when a newer version is in force.
pub const ACCEPTED: [Name; 2] = [Name::Terms, Name::Privacy];

/// The policies. Cheap to clone.
#[derive(Clone)]
pub struct Policies(Arc<Inner>);

struct Inner {
    db: Db,
    clock: Clock,
    texts: Texts,
    upstreams: Upstreams,
    installation: Installation,
    /// Which paths have an address in every language, for links in the texts.
    translated: fn(&str) -> bool,
    /// Who has accepted a version, as far as this process asked: it is never taken back.
    accepted: Mutex<HashSet<(AccountId, Name, u32)>>,
}

/// One version of a policy, in a language, with this installation's facts.
#[derive(Debug, Clone)]
pub struct Text {
    pub version: Version,
    pub document: Document,
    /// Of the file in the language of `document`, before facts were filled in.
    pub sha256: String,
}

impl Text {
    /// What somebody agrees to who read this text.
    #[must_use]
    pub fn agreement(&self) -> Agreement {
        Agreement {
            name: self.version.name,
            version: self.version.number,
            locale: self.document.locale.clone(),
            sha256: self.sha256.clone(),
            markdown: self.document.markdown.clone(),
        }
    }
}

impl Policies {
    #[must_use]
    pub fn new(
        db: Db,
        clock: Clock,
        texts: Texts,
        upstreams: Upstreams,
        installation: Installation,
    ) -> Self {
        Self(Arc::new(Inner {
            db,
            clock,
            texts,
            upstreams,
            installation,
            translated: |_| true,
            accepted: Mutex::default(),
        }))
    }

    /// With the rule by which links in the texts get the reader's language.
    #[must_use]
    pub fn with_translated(mut self, translated: fn(&str) -> bool) -> Self {
        if let Some(inner) = Arc::get_mut(&mut self.0) {
            inner.translated = translated;
        }
        self
    }

    /// Every version of a policy, newest first, announced ones included.
    #[must_use]
    pub fn versions(&self, name: Name) -> Vec<Version> {
        versions::of(&self.0.texts, name, self.0.clock.now_ms())
    }

    /// The version that counts now.
    #[must_use]
    pub fn in_force(&self, name: Name) -> Option<Version> {
        let mut versions = self.versions(name).into_iter();
        versions.find(|version| version.state == State::InForce)
    }

    /// A version as readers of a language see it, in English where it is not translated. `None` when there is no such
    /// version, or its files cannot be shown (the log says why).
    #[must_use]
    pub fn text(&self, locale: Locale, name: Name, number: u32) -> Option<Text> {
        let version = self
            .versions(name)
            .into_iter()
            .find(|version| version.number == number)?;
        let upstreams = self.0.upstreams.hosts();
        let facts = self
            .0
            .installation
            .facts(&self.0.texts, locale, &upstreams)
            .translated(self.0.translated);
        let document = self
            .0
            .texts
            .document(locale.code(), &version.path, &facts)
            .ok()
            .flatten()?;
        let original = self
            .0
            .texts
            .original(&document.locale, &version.path)
            // A disguised language has the words of English.
            .or_else(|| self.0.texts.original(Locale::EN.code(), &version.path))?;
        Some(Text {
            version,
            document,
            sha256: sha256(&original.text),
        })
    }

    /// What changed with a version, in a sentence; in English where it is not translated.
    #[must_use]
    pub fn summary(&self, locale: Locale, version: &Version) -> String {
        let said = |locale: &str| {
            let original = self.0.texts.original(locale, &version.path)?;
            original.meta.get("summary").cloned()
        };
        let english = || said(Locale::EN.code()).unwrap_or_default();
        if locale.code().starts_with("qps") {
            return texts::pseudo::disguise(&english());
        }
        said(locale.code()).unwrap_or_else(english)
    }

    /// What is in force of [`ACCEPTED`], for somebody who reads this language.
    #[must_use]
    pub fn agreements(&self, locale: Locale) -> Vec<Agreement> {
        ACCEPTED
            .into_iter()
            .filter_map(|name| {
                let version = self.in_force(name)?;
                Some(self.text(locale, name, version.number)?.agreement())
            })
            .collect()
    }

    /// What the operator has not said, as one word of configuration each: without it the texts say that it is not known.
    #[must_use]
    pub fn unsaid(&self) -> Vec<&'static str> {
        self.0.installation.unsaid()
    }

    /// Hosts that prompts are sent to and of which the operator has not said whose they are.
    #[must_use]
    pub fn nameless(&self) -> Vec<String> {
        self.0.installation.nameless(&self.0.upstreams.hosts())
    }
}

fn sha256(text: &str) -> String {
    use sha2::{Digest, Sha256};
    hex(&Sha256::digest(text.as_bytes()))
}
