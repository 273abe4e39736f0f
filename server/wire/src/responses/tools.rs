//! Which tools does a request offer, and under which names do other dialects know them?
//!
//! Codex offers tools in groups (`namespace`), and finds a call by the group and the name. Other dialects have one flat
//! list, so there a tool is called by both; on the way back they are told apart again.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::fields::given;
use crate::function::Function;
use crate::neutral::{Choice, Tool, ToolKind};
use crate::request::{BadRequest, Caller};

/// A tool with its name in the flat list, and its own.
#[derive(Clone)]
pub(super) struct Offered {
    pub(super) tool: Tool,
    pub(super) namespace: Option<String>,
    pub(super) name: String,
}

/// The tools of a request that another dialect can say. Those that the provider runs are dropped.
#[derive(Default)]
pub(super) struct Tools(pub(super) Vec<Offered>);

#[derive(Deserialize)]
struct Kind {
    #[serde(rename = "type")]
    kind: String,
}

#[derive(Deserialize)]
struct Custom {
    name: String,
    description: Option<String>,
    format: Option<Grammar>,
}

#[derive(Deserialize)]
struct Grammar {
    syntax: Option<String>,
    definition: Option<String>,
}

#[derive(Deserialize)]
struct Group<'a> {
    name: String,
    #[serde(borrow)]
    tools: Vec<&'a RawValue>,
}

impl Tools {
    /// # Errors
    /// [`BadRequest`] when it is no list of tools.
    pub(super) fn read(raw: Option<&RawValue>) -> Result<Self, BadRequest> {
        let mut tools = Self::default();
        if let Some(raw) = given(raw) {
            let list: Vec<&RawValue> = parse(raw)?;
            for raw in list {
                tools.add(None, raw)?;
            }
        }
        Ok(tools)
    }

    fn add(&mut self, namespace: Option<&str>, raw: &RawValue) -> Result<(), BadRequest> {
        let kind: Kind = parse(raw)?;
        let tool = match kind.kind.as_str() {
            "function" => parse::<Function>(raw)?.into(),
            "custom" => custom(parse(raw)?),
            "namespace" if namespace.is_none() => {
                let group: Group<'_> = parse(raw)?;
                for raw in group.tools {
                    self.add(Some(&group.name), raw)?;
                }
                return Ok(());
            }
            _ => return Ok(()),
        };
        let name = tool.name.clone();
        let mut flat = flat(namespace, &name);
        for number in 2..=self.0.len() + 1 {
            if !self.0.iter().any(|other| other.tool.name == flat) {
                break;
            }
            flat = short(format!("{flat}_{number}"));
        }
        self.0.push(Offered {
            tool: Tool { name: flat, ..tool },
            namespace: namespace.map(str::to_owned),
            name,
        });
        Ok(())
    }

    /// The name in the flat list of a tool that was called by its own.
    pub(super) fn flat(&self, namespace: Option<&str>, name: &str) -> String {
        let offered = self
            .0
            .iter()
            .find(|offered| offered.namespace.as_deref() == namespace && offered.name == name);
        offered.map_or_else(
            || flat(namespace, name),
            |offered| offered.tool.name.clone(),
        )
    }

    /// Which tool the model has to use; the tools that it may not are taken out.
    ///
    /// # Errors
    /// [`BadRequest`] when it has to use one that only the provider of this dialect runs.
    pub(super) fn choose(&mut self, raw: Option<&RawValue>) -> Result<Option<Choice>, BadRequest> {
        #[derive(Deserialize)]
        struct Named {
            name: Option<String>,
            namespace: Option<String>,
        }
        #[derive(Deserialize)]
        struct Allowed {
            mode: String,
            tools: Vec<Named>,
        }
        let Some(raw) = given(raw) else {
            return Ok(None);
        };
        let wrong = || BadRequest::new("tool_choice", "`tool_choice` is of no known form");
        if let Ok(word) = serde_json::from_str::<String>(raw.get()) {
            return self.by_word(&word).map(Some);
        }
        let kind: Kind = serde_json::from_str(raw.get()).map_err(|_| wrong())?;
        match kind.kind.as_str() {
            "function" | "custom" => {
                let named: Named = serde_json::from_str(raw.get()).map_err(|_| wrong())?;
                let name = named.name.ok_or_else(wrong)?;
                Ok(Some(Choice::Tool(
                    self.flat(named.namespace.as_deref(), &name),
                )))
            }
            "allowed_tools" => {
                let allowed: Allowed = serde_json::from_str(raw.get()).map_err(|_| wrong())?;
                self.0.retain(|offered| {
                    allowed.tools.iter().any(|named| {
                        named.name.as_deref() == Some(&offered.name)
                            && (named.namespace.is_none() || named.namespace == offered.namespace)
                    })
                });
                self.by_word(&allowed.mode).map(Some)
            }
            _ => Err(hosted()),
        }
    }

    fn by_word(&self, word: &str) -> Result<Choice, BadRequest> {
        match word {
            "auto" => Ok(Choice::Auto),
            "none" => Ok(Choice::None),
            "required" if self.0.is_empty() => Err(hosted()),
            "required" => Ok(Choice::Required),
            _ => Err(BadRequest::new(
                "tool_choice",
                "`tool_choice` must be auto, none, required or a tool",
            )),
        }
    }
}

fn hosted() -> BadRequest {
    BadRequest::new(
        "tool_choice",
        "this model's provider does not run the tool that `tool_choice` asks for",
    )
}

fn parse<'a, T: Deserialize<'a>>(raw: &'a RawValue) -> Result<T, BadRequest> {
    serde_json::from_str(raw.get()).map_err(|_| {
        BadRequest::new(
            "tools",
            "each of `tools` must be an object with a `type` and what belongs to it",
        )
    })
}

fn custom(custom: Custom) -> Tool {
    let grammar = custom
        .format
        .and_then(|format| Some((format.syntax?, format.definition?)));
    // The other dialects cannot hold a model to a grammar, but it can read one.
    let description = match (custom.description, grammar) {
        (description, None) => description,
        (description, Some((syntax, definition))) => {
            let rule = format!("The input must match this {syntax} grammar:\n{definition}");
            Some(match description {
                Some(description) => format!("{description}\n\n{rule}"),
                None => rule,
            })
        }
    };
    Tool {
        name: custom.name,
        description,
        parameters: None,
        strict: None,
        kind: ToolKind::Custom,
    }
}

/// What every provider allows in a name, and how much of it.
const NAME_MAX: usize = 64;

fn flat(namespace: Option<&str>, name: &str) -> String {
    let Some(namespace) = namespace else {
        return name.to_owned();
    };
    let allowed = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '_' | '-');
    short(
        format!("{namespace}__{name}")
            .chars()
            .map(|letter| if allowed(letter) { letter } else { '_' })
            .collect(),
    )
}

/// A name that is too long keeps its end, which tells the tools of a group apart, and a mark of the whole.
fn short(name: String) -> String {
    if name.len() <= NAME_MAX || !name.is_ascii() {
        return name;
    }
    // FNV-1a: <http://www.isthe.com/chongo/tech/comp/fnv/>
    let mark = name.bytes().fold(0x811c_9dc5_u32, |hash, byte| {
        (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
    });
    let end = &name[name.len() - (NAME_MAX - 9)..];
    format!("{mark:08x}_{end}")
}

/// The tools that a caller offered, by their names in the flat list.
pub(super) struct Names(BTreeMap<String, Offered>);

impl Names {
    /// The request's own list is what an answer repeats of it.
    pub(super) fn of(caller: &Caller) -> Self {
        let raw = caller.echo.iter().find(|(name, _)| *name == "tools");
        let offered = match raw.map(|(_, raw)| Tools::read(Some(raw))) {
            Some(Ok(tools)) => tools.0,
            _ => caller
                .tools
                .iter()
                .map(|tool| Offered {
                    namespace: None,
                    name: tool.name.clone(),
                    tool: tool.clone(),
                })
                .collect(),
        };
        let named = offered
            .into_iter()
            .map(|offered| (offered.tool.name.clone(), offered));
        Self(named.collect())
    }

    pub(super) fn given(&self, flat: &str) -> Option<&Offered> {
        self.0.get(flat)
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    fn raw(json: &str) -> Box<RawValue> {
        RawValue::from_string(json.to_owned()).unwrap()
    }

    fn read(json: &str) -> Tools {
        Tools::read(Some(&raw(json)))
            .map_err(|wrong| wrong.detail)
            .unwrap()
    }

    const CODEX: &str = r#"[
        {"type":"function","name":"shell","parameters":{"type":"object"},"strict":false},
        {"type":"custom","name":"apply_patch","description":"Edits.","format":{"type":"grammar","syntax":"lark","definition":"start: x"}},
        {"type":"namespace","name":"mcp__git","description":"","tools":[{"type":"function","name":"log"},{"type":"custom","name":"run"}]},
        {"type":"namespace","name":"mcp.git","description":"","tools":[{"type":"function","name":"log"}]},
        {"type":"namespace","name":"mcp-git","description":"","tools":[{"type":"function","name":"log"}]},
        {"type":"namespace","name":"mcp_git","description":"","tools":[{"type":"function","name":"log"}]},
        {"type":"web_search","filters":{"tools":7}}
    ]"#;

    #[test]
    fn groups_are_flattened_and_found_again() {
        let tools = read(CODEX);
        let names: Vec<&str> = tools
            .0
            .iter()
            .map(|offered| offered.tool.name.as_str())
            .collect();
        assert_eq!(
            names,
            [
                "shell",
                "apply_patch",
                "mcp__git__log",
                "mcp__git__run",
                "mcp_git__log",
                "mcp-git__log",
                "mcp_git__log_2"
            ]
        );
        let caller = Caller {
            call: "1".to_owned(),
            model: "m".to_owned(),
            created: 0,
            wants_usage: false,
            tools: Vec::new(),
            echo: vec![("tools", raw(CODEX))],
        };
        let found = Names::of(&caller);
        for offered in &tools.0 {
            assert_eq!(
                tools.flat(offered.namespace.as_deref(), &offered.name),
                offered.tool.name
            );
            let again = found.given(&offered.tool.name).unwrap();
            assert_eq!(
                (&again.namespace, &again.name, again.tool.kind),
                (&offered.namespace, &offered.name, offered.tool.kind)
            );
        }
        let description = tools.0[1].tool.description.as_deref().unwrap();
        assert!(description.starts_with("Edits.") && description.ends_with("start: x"));
    }

    #[test]
    fn long_names_fit_and_stay_apart() {
        let long = "n".repeat(60);
        let (one, other) = (flat(Some("first"), &long), flat(Some("other"), &long));
        assert!(one.len() == NAME_MAX && other.len() == NAME_MAX && one != other);
        assert_eq!(flat(None, "as it is"), "as it is");
    }

    #[test]
    fn a_choice_is_one_that_can_be_made() {
        for (choice, wanted) in [
            (r#""auto""#, Ok(Some(Choice::Auto))),
            (r#""required""#, Ok(Some(Choice::Required))),
            ("null", Ok(None)),
            (
                r#"{"type":"function","name":"shell"}"#,
                Ok(Some(Choice::Tool("shell".to_owned()))),
            ),
            (
                r#"{"type":"function","name":"log","namespace":"mcp__git"}"#,
                Ok(Some(Choice::Tool("mcp__git__log".to_owned()))),
            ),
            (
                r#"{"type":"allowed_tools","mode":"required","tools":[{"type":"function","name":"shell"}]}"#,
                Ok(Some(Choice::Required)),
            ),
            (
                r#"{"type":"allowed_tools","mode":"required","tools":[{"type":"web_search"}]}"#,
                Err(()),
            ),
            (r#"{"type":"web_search_preview"}"#, Err(())),
            (r#""often""#, Err(())),
            ("7", Err(())),
        ] {
            let made = read(CODEX).choose(Some(&raw(choice)));
            let made = made.map_err(|wrong| assert_eq!(wrong.param, Some("tool_choice")));
            assert!(made == wanted, "{choice}");
        }
        let mut tools = read(CODEX);
        let only =
            r#"{"type":"allowed_tools","mode":"auto","tools":[{"type":"function","name":"log"}]}"#;
        tools.choose(Some(&raw(only))).unwrap();
        assert!(tools.0.iter().all(|offered| offered.name == "log") && tools.0.len() == 4);
        assert!(Tools::read(Some(&raw(r#"[{"name":"x"}]"#))).is_err());
    }
}
