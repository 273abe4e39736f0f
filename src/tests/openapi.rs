//! Does openapi.json describe the API that there is: its paths, its codes, and answers of the shape it says?

use std::collections::BTreeSet;

use serde_json::Value;

use crate::app::on_both;

#[test]
fn paths_and_codes_are_those_of_the_router() {
    let document = app::openapi_document("Farebox", "https://pay.example");
    let described: BTreeSet<(String, String)> = document["paths"]
        .as_object()
        .unwrap()
        .iter()
        .flat_map(|(path, methods)| {
            let methods = methods.as_object().unwrap().keys();
            methods.map(|method| (method.clone(), path.clone()))
        })
        .collect();
    let routed: BTreeSet<(String, String)> = proxy::documented()
        .into_iter()
        .map(|(method, path)| (method.to_owned(), path))
        .collect();
    assert_eq!(described, routed);
    let codes: Vec<&str> = document["components"]["schemas"]["ErrorCode"]["enum"]
        .as_array()
        .unwrap()
        .iter()
        .map(|code| code.as_str().unwrap())
        .collect();
    assert_eq!(codes, domain::Problem::CODES);
    each_reference(&document, &mut |name| {
        let target = name
            .trim_start_matches("#/")
            .split('/')
            .fold(&document, |at, step| &at[step]);
        assert!(target.is_object(), "{name} leads nowhere");
    });
}

fn each_reference(value: &Value, each: &mut dyn FnMut(&str)) {
    match value {
        Value::Object(fields) => {
            if let Some(Value::String(name)) = fields.get("$ref") {
                each(name);
            }
            fields
                .values()
                .for_each(|inner| each_reference(inner, each));
        }
        Value::Array(items) => items.iter().for_each(|inner| each_reference(inner, each)),
        _ => {}
    }
}

/// The schema with its `$ref` followed and its `allOf` put together: required names.
fn required(document: &Value, schema: &Value) -> BTreeSet<String> {
    if let Some(name) = schema["$ref"].as_str() {
        let target = name
            .trim_start_matches("#/")
            .split('/')
            .fold(document, |at, step| &at[step]);
        return required(document, target);
    }
    if let Some(all) = schema["allOf"].as_array() {
        return all
            .iter()
            .flat_map(|part| required(document, part))
            .collect();
    }
    let names = schema["required"].as_array().into_iter().flatten();
    names
        .map(|name| name.as_str().unwrap().to_owned())
        .collect()
}

on_both! {
    async fn answers_have_the_fields_that_are_promised(app) {
        let document = app::openapi_document("Farebox", "https://pay.example");
        let fake = crate::upstream::FakeUpstream::start().await;
        fake.then(crate::upstream::answer("hi", Some(crate::upstream::usage(10, 0, 5))));
        app.offer("gpt", &fake).await;
        let caller = app.caller("5").await;
        let answer = app.chat(&caller.key, "gpt", serde_json::json!({})).await;
        assert_eq!(answer.status(), 200);
        let calls = app.calls(&caller).await;
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let call = format!("/v1/calls/{}", calls[0].id);
        for (described, asked) in [
            ("/v1/models", "/v1/models"),
            ("/v1/models/{id}", "/v1/models/gpt"),
            ("/v1/prices", "/v1/prices"),
            ("/v1/prices/{id}", "/v1/prices/gpt"),
            ("/v1/key", "/v1/key"),
            ("/v1/usage/summary", "/v1/usage/summary"),
            ("/v1/usage/recent", "/v1/usage/recent"),
            ("/v1/calls/{id}", call.as_str()),
        ] {
            let response = client.get(app.url(asked)).bearer_auth(&caller.key).send().await.unwrap();
            assert_eq!(response.status(), 200, "{asked}");
            let answer: Value = response.json().await.unwrap();
            let schema = &document["paths"][described]["get"]["responses"]["200"]["content"]["application/json"]["schema"];
            let found: BTreeSet<String> = answer.as_object().unwrap().keys().cloned().collect();
            let wanted = required(&document, schema);
            assert!(!wanted.is_empty() && wanted.is_subset(&found), "{asked}: {answer}");
        }
        let refused = app.get("/v1/nothing").await;
        let error: Value = refused.json().await.unwrap();
        let url = error["error"]["docs_url"].as_str().unwrap();
        assert!(url.starts_with("http://127.0.0.1:") && url.ends_with("/docs/errors#path_not_found"), "{url}");
    }
}
