//! How is a price written on the command line? One option for each bucket, and what makes other prices of it.

use anyhow::Context;
use clap::{Args, ValueEnum};
use domain::price::More;
use domain::price_rule::{CostPlus, Efforts, Factor, LongPrompt, Tiers};
use domain::{Price, PricePerMtok, PriceRule, Unit};
use server::catalog::NewPrice;

use crate::cli::output;

/// Prices in US dollars per million tokens, or per million of what is not counted in tokens.
#[derive(Debug, Args)]
pub struct PriceArgs {
    /// US dollars per million prompt tokens
    #[arg(long, value_name = "2.50")]
    input_per_mtok: String,
    /// US dollars per million prompt tokens that the provider read from its cache; the input price when left out
    #[arg(long, value_name = "P")]
    cached_input_per_mtok: Option<String>,
    /// US dollars per million prompt tokens written into the provider's cache; the input price when left out
    #[arg(long, value_name = "P")]
    cache_write_per_mtok: Option<String>,
    /// US dollars per million prompt tokens written there for an hour; as --cache-write-per-mtok when left out
    #[arg(long, value_name = "P")]
    cache_write_1h_per_mtok: Option<String>,
    /// US dollars per million prompt tokens of audio; the input price when left out
    #[arg(long, value_name = "P")]
    audio_input_per_mtok: Option<String>,
    /// US dollars per million prompt tokens of images; the input price when left out
    #[arg(long, value_name = "P")]
    image_input_per_mtok: Option<String>,
    /// US dollars per million answer tokens, reasoning included
    #[arg(long, value_name = "10.00")]
    output_per_mtok: String,
    /// US dollars per million reasoning tokens among them; the output price when left out
    #[arg(long, value_name = "P")]
    reasoning_per_mtok: Option<String>,
    /// US dollars per million answer tokens of audio; the output price when left out
    #[arg(long, value_name = "P")]
    audio_output_per_mtok: Option<String>,
    /// US dollars per million answer tokens of images; the output price when left out
    #[arg(long, value_name = "P")]
    image_output_per_mtok: Option<String>,
    /// US dollars per million uses of tools that the provider runs (web_search …): 0 gives them away, `none` refuses calls
    /// that offer them; when left out 10000, a cent each, what OpenAI and Anthropic ask for a search
    #[arg(long, value_name = "P|none")]
    tool_calls_per_million: Option<String>,
    /// US dollars per million units: 0.10 for milliseconds is $0.006 a minute; nothing when left out
    #[arg(long, value_name = "P", requires = "unit")]
    units_per_million: Option<String>,
    /// What a unit is
    #[arg(long, value_enum, requires = "units_per_million")]
    unit: Option<UnitArg>,
    /// US dollars per million calls, whatever they use: 1000 is a tenth of a cent each; nothing when left out
    #[arg(long, value_name = "P")]
    calls_per_million: Option<String>,
    #[command(flatten)]
    long: LongArgs,
    #[command(flatten)]
    factors: FactorArgs,
    /// What you pay per million prompt tokens
    #[arg(long, value_name = "P")]
    cost_input_per_mtok: Option<String>,
    /// What you pay per million cached prompt tokens
    #[arg(long, value_name = "P")]
    cost_cached_input_per_mtok: Option<String>,
    /// What you pay per million answer tokens
    #[arg(long, value_name = "P")]
    cost_output_per_mtok: Option<String>,
}

/// Other prices for calls with a long prompt, for the whole call.
#[derive(Debug, Args)]
struct LongArgs {
    /// Prompts of more tokens than this have the --long prices
    #[arg(long, value_name = "200000", requires_all = ["long_input_per_mtok", "long_output_per_mtok"])]
    long_prompt_above: Option<u64>,
    /// Dollars per million input tokens of such a prompt
    #[arg(long, value_name = "P", requires = "long_prompt_above")]
    long_input_per_mtok: Option<String>,
    /// Dollars per million cached input tokens; as --long-input-per-mtok when left out
    #[arg(long, value_name = "P", requires = "long_prompt_above")]
    long_cached_input_per_mtok: Option<String>,
    /// Dollars per million tokens written into the cache; as --long-input-per-mtok when left out
    #[arg(long, value_name = "P", requires = "long_prompt_above")]
    long_cache_write_per_mtok: Option<String>,
    /// The same for an hour; as --long-cache-write-per-mtok when left out
    #[arg(long, value_name = "P", requires = "long_prompt_above")]
    long_cache_write_1h_per_mtok: Option<String>,
    /// Dollars per million output tokens of such a call
    #[arg(long, value_name = "P", requires = "long_prompt_above")]
    long_output_per_mtok: Option<String>,
}

/// What the prices are multiplied by for some of the calls; 1 when left out.
#[derive(Debug, Args)]
struct FactorArgs {
    /// What all tokens of a call at the priority tier cost times as much
    #[arg(long, value_name = "2")]
    priority_factor: Option<String>,
    /// The same for the flex tier
    #[arg(long, value_name = "0.5")]
    flex_factor: Option<String>,
    /// The same for fast answers (`speed` of the Messages dialect)
    #[arg(long, value_name = "6")]
    fast_factor: Option<String>,
    /// What the answer's tokens but for reasoning cost times as much at minimal effort
    #[arg(long, value_name = "F")]
    minimal_effort_factor: Option<String>,
    /// What the answer's tokens but for reasoning cost times as much at low effort
    #[arg(long, value_name = "F")]
    low_effort_factor: Option<String>,
    /// What the answer's tokens but for reasoning cost times as much at medium effort
    #[arg(long, value_name = "F")]
    medium_effort_factor: Option<String>,
    /// What the answer's tokens but for reasoning cost times as much at high effort
    #[arg(long, value_name = "F")]
    high_effort_factor: Option<String>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum UnitArg {
    Millisecond,
    Character,
    Image,
}

impl From<UnitArg> for Unit {
    fn from(unit: UnitArg) -> Self {
        match unit {
            UnitArg::Millisecond => Self::Millisecond,
            UnitArg::Character => Self::Character,
            UnitArg::Image => Self::Image,
        }
    }
}

/// Says what calls are refused at a price that leaves the provider's tools out.
pub fn note_tools(price: &NewPrice) {
    if !price.prices_tools() && price.output != PricePerMtok::FREE {
        output::note(
            "calls that offer tools which the provider runs (web_search, file_search …) are refused, Codex CLI's among them: no price \
             says what a use costs. 10000 dollars per million are a cent each, 0 gives them away.",
        );
    }
}

fn price(option: &'static str, text: &str) -> anyhow::Result<PricePerMtok> {
    PricePerMtok::parse_usd(text).context(option)
}

fn maybe(option: &'static str, text: Option<&String>) -> anyhow::Result<Option<PricePerMtok>> {
    text.map(|text| price(option, text)).transpose()
}

impl PriceArgs {
    /// # Errors
    /// Names the option that is no price.
    pub fn read(&self) -> anyhow::Result<NewPrice> {
        let input = price("--input-per-mtok", &self.input_per_mtok)?;
        let cached = maybe(
            "--cached-input-per-mtok",
            self.cached_input_per_mtok.as_ref(),
        )?;
        let output = price("--output-per-mtok", &self.output_per_mtok)?;
        let base = Price::stated(input, cached.unwrap_or(input), output, &self.more()?);
        let base = match self.tool_calls_per_million {
            Some(_) => base,
            None => base.with_usual_tools(),
        };
        let rule = CostPlus {
            base,
            long: self.long.read(&base)?,
            coefficient: Factor::ONE,
            margin: Factor::ONE,
            tiers: self.factors.tiers()?,
            efforts: self.factors.efforts()?,
        };
        let list = PriceRule::CostPlus(rule).list().context("the prices")?;
        Ok(NewPrice {
            cost_input: maybe("--cost-input-per-mtok", self.cost_input_per_mtok.as_ref())?,
            cost_cached_input: maybe(
                "--cost-cached-input-per-mtok",
                self.cost_cached_input_per_mtok.as_ref(),
            )?,
            cost_output: maybe("--cost-output-per-mtok", self.cost_output_per_mtok.as_ref())?,
            tools_free: self.of_tools()? == Some(PricePerMtok::FREE),
            ..NewPrice::of_list(list)
        })
    }

    /// The price that is said for uses of the provider's tools.
    fn of_tools(&self) -> anyhow::Result<Option<PricePerMtok>> {
        let said = self.tool_calls_per_million.as_ref();
        maybe(
            "--tool-calls-per-million",
            said.filter(|text| *text != "none"),
        )
    }

    fn more(&self) -> anyhow::Result<More> {
        Ok(More {
            cache_write: maybe("--cache-write-per-mtok", self.cache_write_per_mtok.as_ref())?,
            cache_write_1h: maybe(
                "--cache-write-1h-per-mtok",
                self.cache_write_1h_per_mtok.as_ref(),
            )?,
            audio_input: maybe("--audio-input-per-mtok", self.audio_input_per_mtok.as_ref())?,
            image_input: maybe("--image-input-per-mtok", self.image_input_per_mtok.as_ref())?,
            reasoning: maybe("--reasoning-per-mtok", self.reasoning_per_mtok.as_ref())?,
            audio_output: maybe(
                "--audio-output-per-mtok",
                self.audio_output_per_mtok.as_ref(),
            )?,
            image_output: maybe(
                "--image-output-per-mtok",
                self.image_output_per_mtok.as_ref(),
            )?,
            tool_calls: self.of_tools()?,
            units: maybe("--units-per-million", self.units_per_million.as_ref())?,
            call: maybe("--calls-per-million", self.calls_per_million.as_ref())?,
            unit: self.unit.map(Unit::from),
        })
    }
}

impl LongArgs {
    /// What is not counted in tokens costs what it does otherwise.
    fn read(&self, base: &Price) -> anyhow::Result<Option<LongPrompt>> {
        let (Some(above), Some(input), Some(output)) = (
            self.long_prompt_above,
            self.long_input_per_mtok.as_ref(),
            self.long_output_per_mtok.as_ref(),
        ) else {
            return Ok(None);
        };
        let input = price("--long-input-per-mtok", input)?;
        let output = price("--long-output-per-mtok", output)?;
        let cached = maybe(
            "--long-cached-input-per-mtok",
            self.long_cached_input_per_mtok.as_ref(),
        )?;
        let more = More {
            cache_write: maybe(
                "--long-cache-write-per-mtok",
                self.long_cache_write_per_mtok.as_ref(),
            )?,
            cache_write_1h: maybe(
                "--long-cache-write-1h-per-mtok",
                self.long_cache_write_1h_per_mtok.as_ref(),
            )?,
            tool_calls: Some(base.tool_calls),
            units: Some(base.units),
            call: Some(base.call),
            unit: base.unit,
            ..More::default()
        };
        Ok(Some(LongPrompt {
            from: above.saturating_add(1),
            price: Price::stated(input, cached.unwrap_or(input), output, &more),
        }))
    }
}

impl FactorArgs {
    fn tiers(&self) -> anyhow::Result<Tiers> {
        Ok(Tiers {
            default: Factor::ONE,
            priority: factor("--priority-factor", self.priority_factor.as_ref())?,
            flex: factor("--flex-factor", self.flex_factor.as_ref())?,
            fast: factor("--fast-factor", self.fast_factor.as_ref())?,
        })
    }

    fn efforts(&self) -> anyhow::Result<Efforts> {
        Ok(Efforts {
            minimal: factor(
                "--minimal-effort-factor",
                self.minimal_effort_factor.as_ref(),
            )?,
            low: factor("--low-effort-factor", self.low_effort_factor.as_ref())?,
            medium: factor("--medium-effort-factor", self.medium_effort_factor.as_ref())?,
            high: factor("--high-effort-factor", self.high_effort_factor.as_ref())?,
        })
    }
}

fn factor(option: &'static str, text: Option<&String>) -> anyhow::Result<Factor> {
    text.map_or(Ok(Factor::ONE), |text| Factor::parse(text).context(option))
}
