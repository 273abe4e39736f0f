//! Which names may tools have? Anthropic's callers send up to 128 characters, Google's with dots and colons; OpenAI's
//! models take 64 letters, digits, `_` and `-`. A name that does not fit is written shorter, and given back as it was.

use std::borrow::Cow;
use std::hash::{DefaultHasher, Hash, Hasher};

use super::{Choice, Part, Prompt, Tool};

/// What every dialect takes.
const MAX: usize = 64;

/// The name as every dialect takes it: its beginning, and a mark by which no two are the same.
fn fitted(name: &str) -> Cow<'_, str> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    if name.len() <= MAX && name.chars().all(is_plain) {
        return Cow::Borrowed(name);
    }
    let mut hasher = DefaultHasher::new();
    name.hash(&mut hasher);
    let plain = name.chars().map(|c| if is_plain(c) { c } else { '_' });
    let beginning: String = plain.take(MAX - 17).collect();
    Cow::Owned(format!("{beginning}_{:016x}", hasher.finish()))
}

/// Writes all names of a prompt so.
pub(crate) fn fit(prompt: &mut Prompt) {
    let fit = |name: &mut String| {
        if let Cow::Owned(fits) = fitted(name) {
            *name = fits;
        }
    };
    prompt.tools.iter_mut().for_each(|tool| fit(&mut tool.name));
    if let Some(Choice::Tool(name)) = &mut prompt.choice {
        fit(name);
    }
    for turn in &mut prompt.turns {
        for part in &mut turn.parts {
            if let Part::ToolCall { name, .. } = part {
                fit(name);
            }
        }
    }
}

/// The names that were written shorter, with those that the caller gave.
#[derive(Default)]
pub struct Names(Vec<(String, String)>);

impl Names {
    #[must_use]
    pub fn of(tools: &[Tool]) -> Self {
        let changed = tools.iter().filter_map(|tool| match fitted(&tool.name) {
            Cow::Owned(fits) => Some((fits, tool.name.clone())),
            Cow::Borrowed(_) => None,
        });
        Self(changed.collect())
    }

    /// As the caller knows it.
    pub fn give_back(&self, name: &mut String) {
        if let Some((_, own)) = self.0.iter().find(|(fits, _)| fits == name) {
            name.clone_from(own);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_fit_and_come_back() {
        let long = format!("mcp__server__{}", "x".repeat(90));
        let other = format!("mcp__server__{}y", "x".repeat(89));
        let tools = ["plain_name-1", "a.b:c", &long, &other].map(|name| Tool {
            name: name.to_owned(),
            description: None,
            parameters: None,
            strict: None,
            kind: Default::default(),
        });
        let mut prompt = Prompt {
            tools: tools.to_vec(),
            ..Prompt::default()
        };
        fit(&mut prompt);
        let names = Names::of(&tools);
        let mut seen = std::collections::BTreeSet::new();
        for (fits, own) in prompt.tools.iter().zip(&tools) {
            assert!(fits.name.len() <= MAX && !fits.name.contains(['.', ':']));
            assert!(seen.insert(fits.name.clone()), "two tools have one name");
            let mut name = fits.name.clone();
            names.give_back(&mut name);
            assert_eq!(name, own.name);
        }
        assert_eq!(prompt.tools[0].name, "plain_name-1");
    }
}
