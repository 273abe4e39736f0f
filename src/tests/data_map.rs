//! Is every column of every table declared in `data_map.toml`, and nothing else?

use std::collections::{BTreeMap, BTreeSet};

use sea_orm::{ConnectionTrait, DbBackend, Statement};
use serde::Deserialize;
use server::db::Db;

use crate::app::on_both;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    class: Class,
    purpose: String,
    retention: String,
    export: String,
    on_erase: String,
    reason: Option<String>,
}

#[derive(Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Class {
    Personal,
    Billing,
    Security,
    Secret,
    Technical,
    None,
}

fn declared() -> BTreeMap<String, BTreeMap<String, Entry>> {
    toml::from_str(include_str!("../../data_map.toml")).unwrap()
}

/// `table.column` of everything in the database.
pub async fn columns(db: &Db) -> BTreeSet<String> {
    let sql = match db.backend() {
        DbBackend::Postgres => {
            "SELECT table_name || '.' || column_name AS name FROM information_schema.columns WHERE table_schema = current_schema()"
        }
        _ => {
            "SELECT m.name || '.' || c.name AS name FROM sqlite_master m JOIN pragma_table_xinfo(m.name) c
             WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite_%'"
        }
    };
    let rows = db
        .read()
        .query_all_raw(Statement::from_string(db.backend(), sql))
        .await
        .unwrap();
    rows.iter()
        .map(|row| row.try_get::<String>("", "name").unwrap())
        .collect()
}

on_both! {
    async fn the_map_and_the_schema_say_the_same(app) {
        let map: BTreeSet<String> =
            declared().iter().flat_map(|(table, columns)| columns.keys().map(move |column| format!("{table}.{column}"))).collect();
        let schema = columns(&app.handles.db).await;
        let missing: Vec<_> = schema.difference(&map).collect();
        assert!(missing.is_empty(), "columns without an entry in data_map.toml: {missing:?}");
        let gone: Vec<_> = map.difference(&schema).collect();
        assert!(gone.is_empty(), "entries of data_map.toml without a column: {gone:?}");
        app.finish().await;
    }
}

#[test]
fn every_entry_says_something() {
    for (table, columns) in declared() {
        for (column, entry) in columns {
            let place = format!("{table}.{column}");
            for text in [&entry.purpose, &entry.retention] {
                assert!(text.trim().len() > 3, "{place}: {text:?}");
            }
            let export = entry.export.split_once(':').is_some_and(|(file, field)| {
                !field.trim().is_empty()
                    && (file == "never" || file.ends_with(".json") || file.ends_with(".csv"))
            });
            assert!(
                export,
                "{place}: export is \"file.csv:field\" or \"never: why\", not {:?}",
                entry.export
            );
            let erase = ["delete", "null", "pseudonymise"].contains(&entry.on_erase.as_str())
                || entry
                    .on_erase
                    .strip_prefix("keep:")
                    .is_some_and(|why| !why.trim().is_empty());
            assert!(erase, "{place}: on_erase {:?}", entry.on_erase);
            assert_eq!(
                entry.class == Class::None,
                entry.reason.is_some(),
                "{place}: class none, and only that, has a reason"
            );
            let personal_kept =
                entry.class == Class::Personal && entry.on_erase.starts_with("keep");
            assert!(
                !personal_kept,
                "{place}: what is personal goes with the account"
            );
            let exported_secret =
                entry.class == Class::Secret && !entry.export.starts_with("never");
            assert!(!exported_secret, "{place}: a secret is in no export");
        }
    }
}
