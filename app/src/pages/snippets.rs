//! Which lines does somebody paste to make the first call? curl, Python and JavaScript, filled in with this
//! installation's address, a model that exists and the key.

use leptos::prelude::*;

use crate::reader::Ui;
use crate::shell::copy_button;

/// What stands for a key nobody has chosen yet.
pub const KEY_PLACEHOLDER: &str = "sk-fb_…";

/// What the lines are filled in with.
pub struct Call {
    pub base_url: String,
    pub model: String,
    /// A masked key, or [`KEY_PLACEHOLDER`].
    pub key: String,
}

/// A piece of code and how it is coloured.
enum Bit {
    Plain(String),
    Word(&'static str),
    Text(String),
}

use Bit::{Plain, Text, Word};

fn plain(text: &str) -> Bit {
    Plain(text.to_owned())
}

/// Tabs that work without a script. `copy` adds the copy button, which needs one.
pub fn snippets(ui: &Ui, call: &Call, copy: bool) -> AnyView {
    let prompt = t!(ui, "quickstart.prompt");
    let tabs = [
        (
            "curl",
            t!(ui, "quickstart.tab_curl"),
            curl(call, &prompt, None),
        ),
        (
            "python",
            t!(ui, "quickstart.tab_python"),
            python(call, &prompt),
        ),
        (
            "javascript",
            t!(ui, "quickstart.tab_javascript"),
            javascript(call, &prompt),
        ),
    ];
    let panes = tabs.into_iter().enumerate().map(|(at, (id, name, code))| {
        let input_id = format!("snippet-{id}");
        let label = name.clone();
        let button = copy.then(|| copy_button(ui, t!(ui, "copy.copy_snippet", language = name)));
        view! {
            <input type="radio" name="snippet" id=input_id.clone() checked=at == 0/>
            <label for=input_id translate="no">{name}</label>
            <div class="pane" data-copyable="">
                <pre tabindex="0" role="group" dir="ltr" aria-label=label translate="no"><code data-copy="">{coloured(code)}</code></pre>
                {button}
            </div>
        }
    });
    let panes: Vec<_> = panes.collect();
    view! {
        <fieldset class="tabs">
            <legend class="vh">{t!(ui, "quickstart.tabs_label")}</legend>
            {panes}
        </fieldset>
    }
    .into_any()
}

fn coloured(code: Vec<Bit>) -> Vec<AnyView> {
    let bit = |bit| match bit {
        Plain(text) => text.into_any(),
        Word(word) => view! { <span class="tok-k">{word}</span> }.into_any(),
        Text(text) => view! { <span class="tok-s">{text}</span> }.into_any(),
    };
    code.into_iter().map(bit).collect()
}

/// The command of one particular request.
pub fn one_curl(call: &Call, prompt: &str, max_tokens: u32) -> Vec<AnyView> {
    coloured(curl(call, prompt, Some(max_tokens)))
}

fn curl(call: &Call, prompt: &str, max_tokens: Option<u32>) -> Vec<Bit> {
    let Call {
        base_url,
        model,
        key,
    } = call;
    // Short lines: on a phone, and beside the headline, the first thing people see should be whole.
    let limit = max_tokens.map_or(String::new(), |max| format!(",\n    \"max_tokens\": {max}"));
    let body = format!(
        "{{\n    \"model\": {},\n    \"messages\": [{{\n      \"role\": \"user\",\n      \"content\": {}\n    }}]{limit}\n  }}",
        quoted(model),
        quoted(prompt)
    );
    // A single quote would end the shell's string.
    let body = body.replace('\'', "'\\''");
    vec![
        Word("curl"),
        Plain(format!(" {base_url}/chat/completions \\\n  -H ")),
        Text(format!("\"Authorization: Bearer {key}\"")),
        plain(" \\\n  -H "),
        Text("\"Content-Type: application/json\"".to_owned()),
        plain(" \\\n  -d "),
        Text(format!("'{body}'")),
    ]
}

fn python(call: &Call, prompt: &str) -> Vec<Bit> {
    let Call {
        base_url,
        model,
        key,
    } = call;
    vec![
        Word("from"),
        plain(" openai "),
        Word("import"),
        plain(" OpenAI\n\nclient = OpenAI(\n    base_url="),
        Text(quoted(base_url)),
        plain(",\n    api_key="),
        Text(quoted(key)),
        plain(",\n)\nanswer = client.chat.completions.create(\n    model="),
        Text(quoted(model)),
        plain(",\n    messages=[{\n        "),
        Text("\"role\"".to_owned()),
        plain(": "),
        Text("\"user\"".to_owned()),
        plain(",\n        "),
        Text("\"content\"".to_owned()),
        plain(": "),
        Text(quoted(prompt)),
        plain(",\n    }],\n)\nprint(answer.choices[0].message.content)"),
    ]
}

fn javascript(call: &Call, prompt: &str) -> Vec<Bit> {
    let Call {
        base_url,
        model,
        key,
    } = call;
    vec![
        Word("import"),
        plain(" OpenAI "),
        Word("from"),
        plain(" "),
        Text("\"openai\"".to_owned()),
        plain(";\n\n"),
        Word("const"),
        plain(" client = "),
        Word("new"),
        plain(" OpenAI({\n  baseURL: "),
        Text(quoted(base_url)),
        plain(",\n  apiKey: "),
        Text(quoted(key)),
        plain(",\n});\n"),
        Word("const"),
        plain(" answer = "),
        Word("await"),
        plain(" client.chat.completions.create({\n  model: "),
        Text(quoted(model)),
        plain(",\n  messages: [{\n    role: "),
        Text("\"user\"".to_owned()),
        plain(",\n    content: "),
        Text(quoted(prompt)),
        plain(",\n  }],\n});\nconsole.log(answer.choices[0].message.content);"),
    ]
}

/// A string literal that Python and JavaScript both read, whatever is in it.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(bits: Vec<Bit>) -> String {
        let text = |bit| match bit {
            Plain(text) | Text(text) => text,
            Word(word) => word.to_owned(),
        };
        bits.into_iter().map(text).collect()
    }

    #[test]
    fn quotes_in_a_text_cannot_leave_their_string() {
        let call = Call {
            base_url: "http://x/v1".to_owned(),
            model: "m\"'".to_owned(),
            key: "k".to_owned(),
        };
        assert!(written(curl(&call, "it's", None)).contains(r#""content": "it'\''s""#));
        assert!(written(python(&call, "a\"b")).contains(r#""a\"b""#));
        assert!(written(javascript(&call, "a\"b")).contains(r#"model: "m\"'""#));
    }

    #[test]
    fn every_example_names_address_model_and_key() {
        let call = Call {
            base_url: "http://x/v1".to_owned(),
            model: "echo".to_owned(),
            key: "sk-fb_1".to_owned(),
        };
        for code in [
            curl(&call, "hi", Some(7)),
            python(&call, "hi"),
            javascript(&call, "hi"),
        ] {
            let code = written(code);
            assert!(
                ["http://x/v1", "echo", "sk-fb_1"]
                    .iter()
                    .all(|part| code.contains(part)),
                "{code}"
            );
        }
    }
}
