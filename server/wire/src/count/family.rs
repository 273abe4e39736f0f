//! Which tokenizer does a model have? Told by its name, and what is known of it: the factors were measured against public
//! tokenizers, and what a provider adds to the text is what it or others published. `docs/tokens.md` says how.

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

const SAME: [u64; SCRIPTS] = [1_000; SCRIPTS];

const OPENAI: Family = Family {
    name: "openai",
    error: 50,
    encoding: Encoding::O200k,
    scripts: SAME,
    prompt: 3,
    instructions: 4,
    message: 4,
    tools: 16,
    forced_tools: 16,
    tool: 0,
    schema: 800,
    image: Image::Each(765),
    file: 2_000,
};

const OPENAI_OLD: Family = Family {
    name: "openai-cl100k",
    encoding: Encoding::Cl100k,
    ..OPENAI
};

/// Claude 3 to 4.1; from 4.5 on only the words about tools are others.
const CLAUDE: Family = Family {
    name: "claude",
    error: 100,
    encoding: Encoding::O200k,
    scripts: [
        1_260, 1_370, 1_830, 1_000, 1_520, 1_830, 1_800, 2_100, 2_110, 2_420, 1_360, 1_060, 1_770,
        2_170,
    ],
    prompt: 3,
    instructions: 0,
    message: 4,
    tools: 313,
    forced_tools: 315,
    tool: 12,
    schema: 1_000,
    image: Image::Pixels {
        side_max: 1_568,
        tokens_max: 1_568,
    },
    file: 3_000,
};

const CLAUDE_4_5: Family = Family {
    tools: 497,
    forced_tools: 589,
    ..CLAUDE
};

const CLAUDE_4_7: Family = Family {
    name: "claude-4.7",
    error: 150,
    scripts: [
        1_630, 1_810, 1_970, 990, 1_540, 1_870, 1_820, 2_130, 2_140, 2_460, 1_380, 1_070, 1_800,
        2_200,
    ],
    prompt: 8,
    tools: 675,
    forced_tools: 804,
    image: Image::Pixels {
        side_max: 2_576,
        tokens_max: 4_784,
    },
    ..CLAUDE
};

const CLAUDE_4_8: Family = Family {
    prompt: 3,
    tools: 354,
    forced_tools: 474,
    ..CLAUDE_4_7
};

const GEMINI: Family = Family {
    name: "gemini",
    error: 100,
    encoding: Encoding::O200k,
    scripts: [
        1_140, 1_050, 1_000, 1_510, 1_070, 1_080, 1_250, 1_090, 900, 780, 900, 580, 1_040, 850,
    ],
    prompt: 1,
    instructions: 2,
    message: 2,
    tools: 0,
    forced_tools: 0,
    tool: 0,
    schema: 600,
    image: Image::Each(1_120),
    file: 1_120,
};

const LLAMA: Family = Family {
    name: "llama",
    error: 100,
    encoding: Encoding::O200k,
    scripts: [
        1_030, 1_150, 990, 1_030, 1_150, 1_060, 2_360, 1_110, 1_490, 3_190, 1_020, 830, 1_060,
        1_150,
    ],
    prompt: 30,
    instructions: 5,
    message: 5,
    tools: 173,
    forced_tools: 173,
    tool: 20,
    schema: 1_050,
    image: Image::Each(1_600),
    file: 2_000,
};

const QWEN: Family = Family {
    name: "qwen",
    error: 100,
    encoding: Encoding::O200k,
    scripts: [
        1_000, 1_160, 990, 1_560, 1_210, 2_220, 1_010, 1_390, 2_490, 2_720, 850, 930, 1_120, 1_380,
    ],
    prompt: 7,
    instructions: 5,
    message: 5,
    tools: 245,
    forced_tools: 245,
    tool: 30,
    schema: 1_150,
    image: Image::Each(1_280),
    file: 2_000,
};

const DEEPSEEK: Family = Family {
    name: "deepseek",
    error: 100,
    encoding: Encoding::O200k,
    scripts: [
        1_090, 1_170, 1_450, 1_000, 1_160, 1_250, 1_220, 1_180, 1_660, 1_200, 800, 950, 1_170, 910,
    ],
    prompt: 5,
    instructions: 3,
    message: 3,
    tools: 145,
    forced_tools: 145,
    tool: 40,
    schema: 1_100,
    image: Image::Each(765),
    file: 2_000,
};

const MISTRAL: Family = Family {
    name: "mistral",
    error: 100,
    encoding: Encoding::O200k,
    scripts: [
        1_040, 1_080, 1_010, 1_570, 1_150, 1_080, 1_160, 1_020, 1_200, 1_210, 1_170, 820, 1_010,
        1_270,
    ],
    prompt: 3,
    instructions: 3,
    message: 3,
    tools: 60,
    forced_tools: 60,
    tool: 30,
    schema: 1_100,
    image: Image::Each(1_600),
    file: 2_000,
};

/// Nothing public is known: of each factor the second highest of the makers above whose tokenizers are public.
const OTHER: Family = Family {
    name: "other",
    error: 350,
    encoding: Encoding::O200k,
    scripts: [
        1_090, 1_160, 1_010, 1_560, 1_160, 1_250, 1_250, 1_180, 1_660, 2_720, 1_020, 930, 1_120,
        1_270,
    ],
    prompt: 7,
    instructions: 5,
    message: 5,
    tools: 200,
    forced_tools: 200,
    tool: 30,
    schema: 1_100,
    image: Image::Each(1_280),
    file: 2_000,
};

/// Names by what stands in them, the first that fits: a model made from another one's has that one's tokenizer.
const NAMES: [(&str, &Family); 22] = [
    ("gpt-4o", &OPENAI),
    ("gpt-4.1", &OPENAI),
    ("gpt-4.5", &OPENAI),
    ("gpt-3.5", &OPENAI_OLD),
    ("gpt-35", &OPENAI_OLD),
    ("gpt-4", &OPENAI_OLD),
    ("gpt", &OPENAI),
    ("codex", &OPENAI),
    ("gemini", &GEMINI),
    ("gemma", &GEMINI),
    ("llama", &LLAMA),
    ("qwen", &QWEN),
    ("qwq", &QWEN),
    ("deepseek", &DEEPSEEK),
    ("mistral", &MISTRAL),
    ("mixtral", &MISTRAL),
    ("ministral", &MISTRAL),
    ("magistral", &MISTRAL),
    ("codestral", &MISTRAL),
    ("devstral", &MISTRAL),
    ("pixtral", &MISTRAL),
    ("voxtral", &MISTRAL),
];

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
