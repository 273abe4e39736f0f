//! Which tokenizer does a model have? Told by its name. What is known of each is in [`super::families`].

use super::families::{CLAUDE, CLAUDE_4_5, CLAUDE_4_7, CLAUDE_4_8, NAMES, OPENAI, OTHER, SAME};
use super::image::Attached;
use super::script::{SCRIPTS, Script};

/// OpenAI's own encodings, which are counted exactly. Everything else is estimated from the first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    O200k,
    Cl100k,
}

/// Models that count alike. Factors are per thousand; the rest are tokens.
#[derive(Debug, PartialEq, Eq)]
pub struct Family {
    /// As `docs/tokens.md` names it.
    pub name: &'static str,
    /// Of a hundred requests, 95 are counted to within this, per thousand of the provider's own count.
    pub error: u64,
    pub(super) encoding: Encoding,
    /// For each token of the encoding, by [`Script`].
    pub(super) scripts: [u64; SCRIPTS],
    /// What stands around the whole prompt, around what the model is told beforehand, and around each message.
    pub(super) prompt: u64,
    pub(super) instructions: u64,
    pub(super) message: u64,
    /// What a provider tells the model about tools, once; and when it must use one.
    pub(super) tools: u64,
    pub(super) forced_tools: u64,
    /// What stands around each tool; and its definition, for each token of its JSON.
    pub(super) tool: u64,
    pub(super) schema: u64,
    pub(super) image: Image,
    /// A page or a few: how many there are is not known.
    pub(super) file: u64,
}

/// What an image has.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Image {
    Each(u64),
    /// A token for each 750 pixels, after it was made smaller so that neither side is longer than `side_max`.
    Pixels {
        side_max: u64,
        tokens_max: u64,
    },
}

/// What stands around one call of a tool, or its result, told by their id.
pub(super) const CALL: u64 = 8;

impl Family {
    /// The family of the first of these names that tells one: a model may be sold under a name of the shop's own.
    pub fn of<'a>(names: impl IntoIterator<Item = &'a str>) -> &'static Self {
        names.into_iter().find_map(Self::named).unwrap_or(&OTHER)
    }

    fn named(name: &str) -> Option<&'static Self> {
        let name = name.to_ascii_lowercase();
        if let Some((_, version)) = name.split_once("claude") {
            return Some(claude(version));
        }
        // Behind the maker's or the server's name.
        let own = name.rsplit('/').next().unwrap_or_default();
        if ["o1", "o3", "o4"]
            .iter()
            .any(|known| own.starts_with(known))
        {
            return Some(&OPENAI);
        }
        let found = NAMES.iter().find(|(part, _)| own.contains(part));
        found.map(|(_, family)| *family)
    }

    pub(super) fn factor(&self, script: Script) -> u64 {
        self.scripts[script as usize]
    }

    /// Are all scripts counted alike, so that nothing need be told apart?
    pub(super) fn is_exact(&self) -> bool {
        self.scripts == SAME
    }

    pub(super) fn attached(&self, attached: Attached) -> u64 {
        match (attached, &self.image) {
            (Attached::File, _) => self.file,
            (Attached::Image(_), Image::Each(tokens)) => *tokens,
            (
                Attached::Image(Some((width, height))),
                Image::Pixels {
                    side_max,
                    tokens_max,
                },
            ) => {
                let longer = width.max(height).max(*side_max);
                let (width, height) = (width * side_max / longer, height * side_max / longer);
                (width * height).div_ceil(750).clamp(1, *tokens_max)
            }
            (Attached::Image(None), Image::Pixels { tokens_max, .. }) => *tokens_max,
        }
    }
}

/// By the version, which stands behind the name or, in older ones, before it. A name without one is the newest.
fn claude(version: &str) -> &'static Family {
    let mut numbers = version
        .split(|letter: char| !letter.is_ascii_digit())
        .filter(|digits| !digits.is_empty());
    // Longer ones are dates.
    let mut number = || {
        numbers
            .next()
            .filter(|digits| digits.len() <= 2)?
            .parse()
            .ok()
    };
    let version: Option<u64> = number().map(|major: u64| major * 100 + number().unwrap_or(0));
    match version {
        Some(..=404) => &CLAUDE,
        Some(405..=406) => &CLAUDE_4_5,
        Some(407) => &CLAUDE_4_7,
        Some(408..) | None => &CLAUDE_4_8,
    }
}

#[cfg(test)]
mod tests {
    use super::super::families::{DEEPSEEK, GEMINI, LLAMA, MISTRAL, OPENAI_OLD, QWEN};
    use super::*;

    #[test]
    fn a_name_tells_the_family() {
        for (name, family) in [
            ("gpt", &OPENAI),
            ("gpt-4o-mini", &OPENAI),
            ("openai/gpt-5.1-codex", &OPENAI),
            ("o4-mini", &OPENAI),
            ("gpt-4-turbo", &OPENAI_OLD),
            ("gpt-35-turbo", &OPENAI_OLD),
            ("claude-3-5-sonnet-20241022", &CLAUDE),
            ("claude-2.1", &CLAUDE),
            ("claude-opus-4-20250514", &CLAUDE),
            ("anthropic.claude-sonnet-4-20250514-v1:0", &CLAUDE),
            ("anthropic/claude-opus-4.1", &CLAUDE),
            ("claude-haiku-4-5-20251001", &CLAUDE_4_5),
            ("claude-opus-4-6", &CLAUDE_4_5),
            ("us.anthropic.claude-opus-4-7-v1:0", &CLAUDE_4_7),
            ("claude-opus-4.8", &CLAUDE_4_8),
            ("Claude-Sonnet-5", &CLAUDE_4_8),
            ("claude-opus-4-10", &CLAUDE_4_8),
            ("claude", &CLAUDE_4_8),
            ("models/gemini-3-pro", &GEMINI),
            ("deepseek-r1-distill-llama-70b", &LLAMA),
            ("deepseek-r1-distill-qwen-32b", &QWEN),
            ("Qwen/Qwen3-Coder", &QWEN),
            ("deepseek-chat", &DEEPSEEK),
            ("codestral-latest", &MISTRAL),
            ("grok-4", &OTHER),
            ("", &OTHER),
        ] {
            assert_eq!(Family::of([name]), family, "{name}");
        }
        assert_eq!(Family::of(["fast", "gemma-3"]), &GEMINI);
    }

    #[test]
    fn an_image_has_a_token_for_750_pixels_up_to_what_the_model_looks_at() {
        for (family, size, tokens) in [
            (&CLAUDE, Some((200, 200)), 54),
            (&CLAUDE, Some((1_000, 1_000)), 1_334),
            (&CLAUDE, Some((3_136, 784)), 820),
            (&CLAUDE, Some((8_000, 8_000)), 1_568),
            (&CLAUDE, None, 1_568),
            (&CLAUDE_4_8, Some((1_920, 1_080)), 2_765),
            (&CLAUDE_4_8, Some((1, 4_000_000_000)), 1),
            (&OPENAI, Some((1_920, 1_080)), 765),
        ] {
            assert_eq!(family.attached(Attached::Image(size)), tokens, "{size:?}");
        }
        assert_eq!(CLAUDE.attached(Attached::File), 3_000);
    }
}
