//! How do people call what is priced, and the calls that a price is for?

use domain::price_rule::{Effort, Tier};
use domain::{Bucket, Terms, Unit};

use crate::reader::Ui;

/// The name of a bucket; of units, what they are at this model.
pub fn bucket(ui: &Ui, bucket: Bucket, unit: Option<Unit>) -> String {
    match bucket {
        Bucket::Input => t!(ui, "landing.models.input"),
        Bucket::CachedInput => t!(ui, "landing.models.cached_input"),
        Bucket::CacheWrite => t!(ui, "prices.bucket.cache_write"),
        Bucket::CacheWrite1h => t!(ui, "prices.bucket.cache_write_1h"),
        Bucket::AudioInput => t!(ui, "prices.bucket.audio_input"),
        Bucket::ImageInput => t!(ui, "prices.bucket.image_input"),
        Bucket::Output => t!(ui, "landing.models.output"),
        Bucket::Reasoning => t!(ui, "prices.bucket.reasoning"),
        Bucket::AudioOutput => t!(ui, "prices.bucket.audio_output"),
        Bucket::ImageOutput => t!(ui, "prices.bucket.image_output"),
        Bucket::ToolCalls => t!(ui, "prices.bucket.tool_calls"),
        Bucket::Call => t!(ui, "prices.bucket.call"),
        Bucket::Units => match unit {
            None => t!(ui, "prices.bucket.units"),
            Some(Unit::Millisecond) => t!(ui, "prices.bucket.milliseconds"),
            Some(Unit::Character) => t!(ui, "prices.bucket.characters"),
            Some(Unit::Image) => t!(ui, "prices.bucket.images"),
        },
    }
}

/// What is special about the calls that a variant is for, one word each.
pub fn terms(ui: &Ui, terms: &Terms) -> Vec<String> {
    let tier = match terms.tier {
        Tier::Default => None,
        Tier::Priority => Some(t!(ui, "prices.variants.priority")),
        Tier::Flex => Some(t!(ui, "prices.variants.flex")),
        Tier::Fast => Some(t!(ui, "prices.variants.fast")),
    };
    let effort = terms.effort.map(|effort| match effort {
        Effort::Minimal => t!(ui, "prices.variants.minimal"),
        Effort::Low => t!(ui, "prices.variants.low"),
        Effort::Medium => t!(ui, "prices.variants.medium"),
        Effort::High => t!(ui, "prices.variants.high"),
    });
    let from = terms.prompt_from;
    let long = (from > 0).then(|| t!(ui, "prices.variants.long", count = ui.number(from)));
    tier.into_iter().chain(effort).chain(long).collect()
}
