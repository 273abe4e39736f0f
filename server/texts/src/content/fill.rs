//! How do facts get into a text? Through minijinja, where a name without a value is an error.

use std::collections::{BTreeMap, BTreeSet};

use minijinja::syntax::SyntaxConfig;
use minijinja::{Environment, Error, ErrorKind, UndefinedBehavior, Value};

use super::{ContentError, Fact, Facts};

/// The text with its facts. `line` is where the text begins in its file.
pub fn fill(file: &str, text: &str, line: usize, facts: &Facts) -> Result<String, ContentError> {
    if !text.contains('{') {
        return Ok(text.to_owned());
    }
    let environment = environment();
    let told = |error: &Error| told(file, text, line, error, Some(facts));
    let template = environment
        .template_from_named_str("text", text)
        .map_err(|error| told(&error))?;
    let values: BTreeMap<String, Value> = facts
        .values
        .iter()
        .map(|(name, fact)| (name.clone(), value(fact)))
        .collect();
    template.render(values).map_err(|error| told(&error))
}

/// Whether the tags of a text are well-formed, whatever the facts.
pub fn judge(file: &str, text: &str, line: usize) -> Result<(), ContentError> {
    environment()
        .template_from_named_str("text", text)
        .map(|_| ())
        .map_err(|error| told(file, text, line, &error, None))
}

/// The facts that a text asks for.
pub fn names(text: &str) -> BTreeSet<String> {
    environment()
        .template_from_named_str("text", text)
        .map(|template| template.undeclared_variables(false).into_iter().collect())
        .unwrap_or_default()
}

fn value(fact: &Fact) -> Value {
    match fact {
        Fact::Text(text) => Value::from(text.as_str()),
        Fact::Flag(flag) => Value::from(*flag),
        Fact::List(items) => Value::from(items.clone()),
    }
}

fn environment() -> Environment<'static> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    let syntax = SyntaxConfig::builder()
        // Tags on lines of their own leave no empty lines, which would cut a table in two.
        .trim_blocks(true)
        .lstrip_blocks(true)
        .keep_trailing_newline(true)
        // `{#id}` is a heading's address here, and no comment.
        .comment_delimiters("{##", "##}")
        .build()
        .expect("the delimiters differ from each other");
    environment.set_syntax(syntax);
    environment
}

fn told(file: &str, text: &str, line: usize, error: &Error, facts: Option<&Facts>) -> ContentError {
    let unknown = facts
        .filter(|_| error.kind() == ErrorKind::UndefinedError)
        .map(|facts| {
            let asked = names(text).into_iter();
            asked
                .filter(|name| !facts.values.contains_key(name))
                .collect::<Vec<_>>()
        })
        .filter(|unknown| !unknown.is_empty());
    let message = match unknown {
        Some(unknown) => format!(
            "There is no fact {}. Use the names that the English file has.",
            unknown.join(", ")
        ),
        None => format!(
            "{}: {}. Facts are written {{{{ name }}}}, conditions {{% if name %}} … {{% endif %}}.",
            error.kind(),
            error.detail().unwrap_or("is a tag closed?")
        ),
    };
    ContentError {
        file: file.to_owned(),
        line: line + error.line().unwrap_or(1).saturating_sub(1),
        message,
    }
}
