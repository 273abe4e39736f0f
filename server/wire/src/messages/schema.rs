//! How does a schema of OpenAI's become one that Anthropic keeps an answer, or the input of a strict tool, to?
//!
//! Anthropic's has every object closed and every type said, and knows neither bounds nor patterns nor recursion; a
//! schema with anything else in it is refused. As Anthropic's own SDKs do, objects are closed, `oneOf` is `anyOf`, and
//! what it does not know moves into the description, where the model reads it.
//!
//! Where closing would change what is meant (a map from any name, recursion) nothing is written: [`Unfit`] says why.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Map, Value};

type Object = Map<String, Value>;

/// Where schemas lie that others refer to.
const DEFINITIONS: [&str; 2] = ["$defs", "definitions"];
/// What says nothing of the answer.
const SILENT: [&str; 4] = ["$schema", "$id", "$comment", "$anchor"];
const TYPES: [&str; 7] = [
    "object", "array", "string", "integer", "number", "boolean", "null",
];
const FORMATS: [&str; 10] = [
    "date-time",
    "time",
    "date",
    "duration",
    "email",
    "hostname",
    "uri",
    "ipv4",
    "ipv6",
    "uuid",
];

/// Why a schema cannot be kept to: the end of a sentence that begins with the schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Unfit(pub(super) &'static str);

const NOT_A_SCHEMA: Unfit = Unfit("has something in it that is no schema");
const UNTYPED: Unfit = Unfit("has a part that does not say its type");
const OPEN: Unfit = Unfit("has an object whose fields are not all named");
const RECURSIVE: Unfit = Unfit("refers to itself");
const ELSEWHERE: Unfit = Unfit("refers to something outside of its `$defs`");
const JOINED: Unfit = Unfit("joins several schemas in one place");

/// A schema that can be kept to.
pub(super) struct Fitted {
    pub(super) schema: Box<RawValue>,
    /// Fields that may be left out.
    optional: usize,
    /// Places that may hold one thing or another.
    unions: usize,
}

/// What all the schemas of one request may have together: with more, Anthropic refuses it.
pub(super) struct Room {
    tools: usize,
    optional: usize,
    unions: usize,
}

impl Default for Room {
    fn default() -> Self {
        Self {
            tools: 20,
            optional: 24,
            unions: 16,
        }
    }
}

impl Room {
    /// Takes its share for the schema of the answer, however large it is.
    pub(super) const fn answer(&mut self, schema: &Fitted) {
        self.optional = self.optional.saturating_sub(schema.optional);
        self.unions = self.unions.saturating_sub(schema.unions);
    }

    /// Takes the share of a tool's schema, if there is room for it.
    pub(super) const fn tool(&mut self, schema: &Fitted) -> bool {
        let fits =
            self.tools > 0 && self.optional >= schema.optional && self.unions >= schema.unions;
        if fits {
            self.tools -= 1;
            self.optional -= schema.optional;
            self.unions -= schema.unions;
        }
        fits
    }
}

/// The schema as Anthropic takes it.
///
/// # Errors
/// [`Unfit`] when that would mean something else.
pub(super) fn fit(schema: &RawValue) -> Result<Fitted, Unfit> {
    let mut root: Object = serde_json::from_str(schema.get()).map_err(|_| NOT_A_SCHEMA)?;
    let mut fitter = Fitter::default();
    let mut defined = Vec::new();
    for list in DEFINITIONS {
        let all = match root.shift_remove(list) {
            None => continue,
            Some(Value::Object(all)) => all,
            Some(_) => return Err(NOT_A_SCHEMA),
        };
        for (name, schema) in all {
            let pointer = name.replace('~', "~0").replace('/', "~1");
            let number = defined.len();
            fitter.names.insert(format!("#/{list}/{pointer}"), number);
            defined.push((list, name, schema));
        }
    }
    let mut fitted = fitter.object(root)?;
    for (number, (list, name, schema)) in defined.into_iter().enumerate() {
        fitter.within = Some(number);
        let schema = fitter.schema(schema)?;
        let all = fitted
            .entry(list)
            .or_insert_with(|| Value::Object(Object::new()));
        if let Value::Object(all) = all {
            all.insert(name, schema);
        }
    }
    if fitter.is_recursive() {
        return Err(RECURSIVE);
    }
    Ok(Fitted {
        schema: to_raw_value(&fitted).map_err(|_| NOT_A_SCHEMA)?,
        optional: fitter.optional,
        unions: fitter.unions,
    })
}

#[derive(Default)]
struct Fitter {
    /// What can be referred to, by the reference.
    names: BTreeMap<String, usize>,
    /// The definition that is being read.
    within: Option<usize>,
    /// Which definition refers to which.
    uses: BTreeSet<(usize, usize)>,
    optional: usize,
    unions: usize,
}

impl Fitter {
    fn schema(&mut self, schema: Value) -> Result<Value, Unfit> {
        match schema {
            Value::Object(schema) => self.object(schema).map(Value::Object),
            // It lets anything through.
            Value::Bool(_) => Err(UNTYPED),
            _ => Err(NOT_A_SCHEMA),
        }
    }

    fn object(&mut self, mut given: Object) -> Result<Object, Unfit> {
        join(&mut given)?;
        for name in SILENT.into_iter().chain(DEFINITIONS) {
            given.shift_remove(name);
        }
        let mut out = Object::new();
        if let Some(target) = given.shift_remove("$ref") {
            let target = target.as_str().ok_or(NOT_A_SCHEMA)?;
            self.refer(target)?;
            // Nothing may stand beside it.
            out.insert("$ref".to_owned(), target.into());
            return Ok(out);
        }
        let is_listed = literals(&mut given, &mut out);
        if let Some(any) = either(&mut given) {
            if is_listed || given.contains_key("properties") || given.contains_key("items") {
                return Err(JOINED);
            }
            given.shift_remove("type");
            self.unions += 1;
            let any: Result<Vec<Value>, Unfit> =
                any.into_iter().map(|one| self.schema(one)).collect();
            out.insert("anyOf".to_owned(), any?.into());
        } else {
            let types = types(given.shift_remove("type"), &given)?;
            self.typed(&types, &mut given, &mut out)?;
            match types.as_slice() {
                [one] if !is_listed || are_all(one, &out) => {
                    out.insert("type".to_owned(), one.as_str().into());
                }
                // Values that are listed say it themselves, and Anthropic refuses them beside a type that is not that of each.
                _ if is_listed => {}
                [] => return Err(UNTYPED),
                several => {
                    self.unions += 1;
                    out.insert("type".to_owned(), several.into());
                }
            }
        }
        if let Some(title) = given.shift_remove("title") {
            out.insert("title".to_owned(), title);
        }
        describe(given, &mut out);
        Ok(out)
    }

    /// What belongs to these types.
    fn typed(
        &mut self,
        types: &[String],
        given: &mut Object,
        out: &mut Object,
    ) -> Result<(), Unfit> {
        let may_be = |name: &str| types.iter().any(|known| known == name);
        if may_be("object") {
            self.fields(given, out)?;
        }
        if may_be("array") {
            match given.shift_remove("items") {
                None | Some(Value::Bool(true)) => {}
                Some(items) => {
                    let items = self.schema(items)?;
                    out.insert("items".to_owned(), items);
                }
            }
            keep(given, out, "minItems", |least| {
                matches!(least.as_u64(), Some(0 | 1))
            });
        }
        if may_be("string") {
            keep(given, out, "format", |format| {
                format.as_str().is_some_and(|name| FORMATS.contains(&name))
            });
        }
        Ok(())
    }

    fn fields(&mut self, given: &mut Object, out: &mut Object) -> Result<(), Unfit> {
        let fields = match given.shift_remove("properties") {
            None => None,
            Some(Value::Object(fields)) => Some(fields),
            Some(_) => return Err(NOT_A_SCHEMA),
        };
        let has_none = fields.as_ref().is_none_or(Object::is_empty);
        // One that may have other fields is narrowed to those that are named; one that is nothing but them would always
        // be empty.
        let is_open = match given.shift_remove("additionalProperties") {
            Some(Value::Bool(false)) => false,
            Some(Value::Object(others)) if !others.is_empty() => true,
            Some(_) => has_none,
            None => fields.is_none(),
        };
        if is_open || given.contains_key("patternProperties") {
            return Err(OPEN);
        }
        let fields = fields.unwrap_or_default();
        let required: Vec<Value> = match given.shift_remove("required") {
            Some(Value::Array(names)) => {
                let named =
                    |name: &Value| name.as_str().is_some_and(|name| fields.contains_key(name));
                names.into_iter().filter(named).collect()
            }
            _ => Vec::new(),
        };
        self.optional += fields.len().saturating_sub(required.len());
        let mut fitted = Object::new();
        for (name, field) in fields {
            fitted.insert(name, self.schema(field)?);
        }
        out.insert("properties".to_owned(), fitted.into());
        out.insert("required".to_owned(), required.into());
        out.insert("additionalProperties".to_owned(), false.into());
        Ok(())
    }

    fn refer(&mut self, target: &str) -> Result<(), Unfit> {
        match self.names.get(target) {
            Some(number) => {
                if let Some(within) = self.within {
                    self.uses.insert((within, *number));
                }
                Ok(())
            }
            None if target == "#" => Err(RECURSIVE),
            None => Err(ELSEWHERE),
        }
    }

    /// Whether a definition comes back to itself: taking away what nothing refers to leaves the rings.
    fn is_recursive(&self) -> bool {
        let mut referred = vec![0_usize; self.names.len()];
        for (_, to) in &self.uses {
            referred[*to] += 1;
        }
        let mut free: Vec<usize> = (0..referred.len())
            .filter(|number| referred[*number] == 0)
            .collect();
        let mut taken = 0;
        while let Some(number) = free.pop() {
            taken += 1;
            for (_, to) in self.uses.range((number, 0)..=(number, usize::MAX)) {
                referred[*to] -= 1;
                if referred[*to] == 0 {
                    free.push(*to);
                }
            }
        }
        taken < referred.len()
    }
}

/// `allOf` of one schema is that schema, with what stands beside it. Several would each be closed, and nothing fit all.
fn join(given: &mut Object) -> Result<(), Unfit> {
    while let Some(all) = given.shift_remove("allOf") {
        let Value::Array(mut all) = all else {
            return Err(NOT_A_SCHEMA);
        };
        let (Some(Value::Object(one)), true) = (all.pop(), all.is_empty()) else {
            return Err(JOINED);
        };
        for (name, value) in one {
            match given.contains_key(&name) {
                false => {
                    given.insert(name, value);
                }
                // The outer one speaks of this place.
                true if matches!(name.as_str(), "title" | "description") => {}
                true => return Err(JOINED),
            }
        }
    }
    Ok(())
}

/// Keeps the values that are listed, if they are texts, numbers, truth values or null. Answers whether there are any.
fn literals(given: &mut Object, out: &mut Object) -> bool {
    let is_plain = |value: &Value| !value.is_array() && !value.is_object();
    keep(given, out, "enum", |all| {
        all.as_array()
            .is_some_and(|all| !all.is_empty() && all.iter().all(is_plain))
    });
    keep(given, out, "const", is_plain);
    !out.is_empty()
}

/// Whether all the values that are listed are of this type.
fn are_all(name: &str, listed: &Object) -> bool {
    let several = listed.get("enum").and_then(Value::as_array);
    let mut all = several.into_iter().flatten().chain(listed.get("const"));
    all.all(|value| match name {
        "string" => value.is_string(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "boolean" => value.is_boolean(),
        "null" => value.is_null(),
        _ => false,
    })
}

/// The schemas of which one must fit.
fn either(given: &mut Object) -> Option<Vec<Value>> {
    let is_list = |name: &&str| {
        let all = given.get(*name).and_then(Value::as_array);
        all.is_some_and(|all| !all.is_empty())
    };
    let name = ["anyOf", "oneOf"].into_iter().find(is_list)?;
    match given.shift_remove(name) {
        Some(Value::Array(all)) => Some(all),
        _ => None,
    }
}

/// The types that are said, or that the other fields tell; none where nothing does.
fn types(said: Option<Value>, given: &Object) -> Result<Vec<String>, Unfit> {
    let types = match said {
        Some(Value::String(one)) => vec![one],
        Some(Value::Array(several)) => several
            .into_iter()
            .map(|one| one.as_str().map(str::to_owned).ok_or(NOT_A_SCHEMA))
            .collect::<Result<_, _>>()?,
        Some(_) => return Err(NOT_A_SCHEMA),
        None if given.contains_key("properties") => vec!["object".to_owned()],
        None if given.contains_key("items") => vec!["array".to_owned()],
        None => Vec::new(),
    };
    let is_known = |name: &String| TYPES.contains(&name.as_str());
    match types.iter().all(is_known) {
        true => Ok(types),
        false => Err(NOT_A_SCHEMA),
    }
}

/// Moves a field over if its value can be said; what stays is described.
fn keep(
    given: &mut Object,
    out: &mut Object,
    name: &'static str,
    can_be_said: impl Fn(&Value) -> bool,
) {
    if given.get(name).is_some_and(can_be_said)
        && let Some(value) = given.shift_remove(name)
    {
        out.insert(name.to_owned(), value);
    }
}

/// Puts what is left into the description.
fn describe(mut given: Object, out: &mut Object) {
    let said = given.shift_remove("description");
    let mut text = match &said {
        Some(Value::String(text)) => text.clone(),
        _ => String::new(),
    };
    let left: Vec<String> = given
        .iter()
        .map(|(name, value)| format!("{name}: {value}"))
        .collect();
    if !left.is_empty() {
        if !text.is_empty() {
            text.push_str("\n\n");
        }
        let left = format!("{{{}}}", left.join(", "));
        text.push_str(&left);
    }
    if !text.is_empty() {
        out.insert("description".to_owned(), text.into());
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn fitted(schema: Value) -> Result<Value, Unfit> {
        let raw = to_raw_value(&schema).unwrap();
        fit(&raw).map(|fitted| serde_json::from_str(fitted.schema.get()).unwrap())
    }

    #[test]
    fn what_can_be_said_is_closed_and_the_rest_is_described() {
        for (given, wanted) in [
            (
                json!({"type": "object", "$schema": "x", "properties": {
                    "age": {"type": "integer", "minimum": 0, "maximum": 150, "description": "In years"},
                    "tags": {"type": "array", "minItems": 2, "items": {"type": "string", "maxLength": 9}},
                    "mail": {"type": "string", "format": "email"},
                    "phone": {"type": "string", "format": "phone"}}, "required": ["age"]}),
                json!({"type": "object", "properties": {
                    "age": {"type": "integer", "description": "In years\n\n{minimum: 0, maximum: 150}"},
                    "tags": {"type": "array", "items": {"type": "string", "description": "{maxLength: 9}"}, "description": "{minItems: 2}"},
                    "mail": {"type": "string", "format": "email"},
                    "phone": {"type": "string", "description": "{format: \"phone\"}"}},
                    "required": ["age"], "additionalProperties": false}),
            ),
            // As OpenAI's SDKs write what may be left out.
            (
                json!({"type": ["string", "null"], "enum": ["a", null]}),
                json!({"enum": ["a", null]}),
            ),
            (
                json!({"type": "integer", "enum": [1, 2.5]}),
                json!({"enum": [1, 2.5]}),
            ),
            (
                json!({"type": "string", "enum": ["a", "b"], "maxLength": 1}),
                json!({"type": "string", "enum": ["a", "b"], "description": "{maxLength: 1}"}),
            ),
            (
                json!({"oneOf": [{"type": "string", "const": "a"}, {"type": ["array", "null"], "items": {"type": "null"}, "minItems": 1}]}),
                json!({"anyOf": [{"type": "string", "const": "a"}, {"type": ["array", "null"], "items": {"type": "null"}, "minItems": 1}]}),
            ),
            (
                json!({"type": "object", "properties": {"to": {"allOf": [{"$ref": "#/$defs/A"}], "description": "d"}}, "additionalProperties": true,
                    "$defs": {"A": {"properties": {"b": {"$ref": "#/$defs/B"}, "c": {"$ref": "#/$defs/B"}}, "required": ["b", "zz"]}, "B": {"type": "boolean"}}}),
                json!({"type": "object", "properties": {"to": {"$ref": "#/$defs/A"}}, "required": [], "additionalProperties": false,
                    "$defs": {"A": {"type": "object", "properties": {"b": {"$ref": "#/$defs/B"}, "c": {"$ref": "#/$defs/B"}}, "required": ["b"], "additionalProperties": false},
                        "B": {"type": "boolean"}}}),
            ),
            (
                json!({"type": "object", "properties": {}}),
                json!({"type": "object", "properties": {}, "required": [], "additionalProperties": false}),
            ),
        ] {
            assert_eq!(fitted(given), Ok(wanted.clone()));
            assert_eq!(fitted(wanted.clone()), Ok(wanted), "it stays as it is");
        }
    }

    #[test]
    fn what_would_mean_something_else_is_not_written() {
        for (given, why) in [
            (json!({"type": "object"}), OPEN),
            (
                json!({"type": "object", "additionalProperties": {"type": "integer"}}),
                OPEN,
            ),
            (
                json!({"type": "object", "properties": {}, "additionalProperties": true}),
                OPEN,
            ),
            (
                json!({"type": "object", "properties": {"a": {"type": "null"}}, "patternProperties": {}}),
                OPEN,
            ),
            (json!({"type": "array", "items": {"$ref": "#"}}), RECURSIVE),
            (
                json!({"$ref": "#/$defs/A", "$defs": {
                    "A": {"type": "object", "properties": {"b": {"$ref": "#/definitions/B"}}}},
                    "definitions": {"B": {"type": "array", "items": {"$ref": "#/$defs/A"}}}}),
                RECURSIVE,
            ),
            (json!({"$ref": "https://x/y.json"}), ELSEWHERE),
            (json!({"$ref": "#/properties/a"}), ELSEWHERE),
            (json!({}), UNTYPED),
            (json!({"type": "array", "items": false}), UNTYPED),
            (json!({"enum": [{"a": 1}]}), UNTYPED),
            (json!({"type": "text"}), NOT_A_SCHEMA),
            (
                json!({"type": "array", "items": [{"type": "null"}]}),
                NOT_A_SCHEMA,
            ),
            (json!([]), NOT_A_SCHEMA),
            (
                json!({"allOf": [{"type": "string"}, {"type": "string"}]}),
                JOINED,
            ),
            (
                json!({"properties": {"a": {"type": "null"}}, "anyOf": [{"type": "null"}]}),
                JOINED,
            ),
        ] {
            let case = given.to_string();
            assert_eq!(fitted(given), Err(why), "{case}");
        }
    }

    #[test]
    fn a_request_has_room_for_so_much() {
        let with = |optional, unions| Fitted {
            schema: to_raw_value(&json!({})).unwrap(),
            optional,
            unions,
        };
        let mut room = Room::default();
        room.answer(&with(4, 90));
        assert!(!room.tool(&with(0, 1)) && !room.tool(&with(21, 0)));
        assert!(room.tool(&with(20, 0)) && !room.tool(&with(1, 0)));
        let tools = (0..30).filter(|_| room.tool(&with(0, 0))).count();
        assert_eq!(tools, 19);
        let three = json!({"type": "object", "required": ["a"], "properties": {"a": {"type": ["null", "string"]},
            "b": {"anyOf": [{"type": "null"}]}, "c": {"type": "null"}}});
        let counted = fit(&to_raw_value(&three).unwrap()).ok().unwrap();
        assert_eq!((counted.optional, counted.unions), (2, 2));
    }

    proptest! {
        #[test]
        fn what_was_fitted_fits(schema in crate::neutral::any::any_json(&[
            "type", "object", "array", "string", "properties", "items", "anyOf", "allOf", "enum", "$ref", "$defs", "#/$defs/type",
            "required", "additionalProperties", "minItems", "description",
        ])) {
            if let Ok(once) = fitted(schema) {
                prop_assert_eq!(fitted(once.clone()), Ok(once));
            }
        }
    }
}
