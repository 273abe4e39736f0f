//! What is known of each maker's tokenizer: the factors are measured, 3 % above the best fit, 4 % for Claude 4.7 and later; the rest
//! is what was published. `docs/tokens.md` has the errors, and says how to measure again.

use super::family::{Encoding, Family, Image};
use super::script::SCRIPTS;

pub(super) const SAME: [u64; SCRIPTS] = [1_000; SCRIPTS];

pub(super) const OPENAI: Family = Family {
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

pub(super) const OPENAI_OLD: Family = Family {
    name: "openai-cl100k",
    encoding: Encoding::Cl100k,
    ..OPENAI
};

/// Claude 3 to 4.1; from 4.5 on only the words about tools are others.
pub(super) const CLAUDE: Family = Family {
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

pub(super) const CLAUDE_4_5: Family = Family {
    tools: 497,
    forced_tools: 589,
    ..CLAUDE
};

pub(super) const CLAUDE_4_7: Family = Family {
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

pub(super) const CLAUDE_4_8: Family = Family {
    prompt: 3,
    tools: 354,
    forced_tools: 474,
    ..CLAUDE_4_7
};

pub(super) const GEMINI: Family = Family {
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

pub(super) const LLAMA: Family = Family {
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

pub(super) const QWEN: Family = Family {
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

pub(super) const DEEPSEEK: Family = Family {
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

pub(super) const MISTRAL: Family = Family {
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
pub(super) const OTHER: Family = Family {
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
pub(super) const NAMES: [(&str, &Family); 22] = [
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
