//! What does the path ask for? Gemini's dialect names the model there, and whether the answer is streamed.

/// A model and how its answer is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    pub model: String,
    pub stream: bool,
    /// The stream is one JSON array: there is no `alt=sse` in the query.
    pub array: bool,
}

/// Reads what stands behind `/v1beta/models/`, as it was sent: `{model}:generateContent` or
/// `{model}:streamGenerateContent`. `None` for any other verb.
#[must_use]
pub fn read(rest: &str, query: Option<&str>) -> Option<Asked> {
    let (model, verb) = rest.rsplit_once(':')?;
    let stream = match verb {
        "generateContent" => false,
        "streamGenerateContent" => true,
        _ => return None,
    };
    let mut fields = query.unwrap_or_default().split('&');
    let array = stream && !fields.any(|field| field == "alt=sse");
    let model = decoded(model).filter(|model| !model.is_empty())?;
    Some(Asked {
        model,
        stream,
        array,
    })
}

/// Without percent signs: models' names may hold slashes, which some clients hide.
fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, behind)) = rest.split_first() {
        rest = behind;
        if *first != b'%' {
            bytes.push(*first);
            continue;
        }
        let digits = std::str::from_utf8(behind.get(..2)?).ok()?;
        // A sign would be read as part of the number.
        digits
            .bytes()
            .all(|digit| digit.is_ascii_hexdigit())
            .then_some(())?;
        bytes.push(u8::from_str_radix(digits, 16).ok()?);
        rest = behind.get(2..)?;
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_names_the_model_and_how_it_answers() {
        let asked = |rest, query| read(rest, query).map(|it| (it.model, it.stream, it.array));
        let model = |name: &str, stream, array| Some((name.to_owned(), stream, array));
        for (rest, query, wanted) in [
            ("m:generateContent", None, model("m", false, false)),
            (
                "a/b:free:generateContent",
                None,
                model("a/b:free", false, false),
            ),
            (
                "a%2Fb%C3%A9:generateContent",
                Some("alt=sse"),
                model("a/bé", false, false),
            ),
            (
                "m:streamGenerateContent",
                Some("x=1&alt=sse"),
                model("m", true, false),
            ),
            (
                "m:streamGenerateContent",
                Some("alt=json"),
                model("m", true, true),
            ),
            ("m:streamGenerateContent", None, model("m", true, true)),
            ("m:countTokens", None, None),
            (":generateContent", None, None),
            ("m", None, None),
            ("%+1:generateContent", None, None),
            ("%4:generateContent", None, None),
            ("%FF:generateContent", None, None),
        ] {
            assert_eq!(asked(rest, query), wanted, "{rest}");
        }
    }
}
