//! Does every migration go up, down and up again, on both databases?

use migrations::{Migrator, MigratorTrait};
use sea_orm::{ConnectionTrait, DbBackend, DbErr, Statement};
use server::db::Db;

use crate::app::on_both;
use crate::data_map::columns;
use crate::upstream::FakeUpstream;

/// Everything that a migration can make, by name; PostgreSQL's own functions left out.
async fn objects(db: &Db) -> Vec<String> {
    let sql = match db.backend() {
        DbBackend::Postgres => {
            "SELECT 'table ' || tablename AS name FROM pg_tables WHERE schemaname = current_schema()
             UNION ALL SELECT 'index ' || indexdef FROM pg_indexes WHERE schemaname = current_schema()
             UNION ALL SELECT 'function ' || proname FROM pg_proc WHERE pronamespace = current_schema()::regnamespace
             UNION ALL SELECT 'trigger ' || tgname FROM pg_trigger WHERE NOT tgisinternal ORDER BY 1"
        }
        _ => "SELECT type || ' ' || name || ' ' || coalesce(sql, '') AS name FROM sqlite_master WHERE name NOT LIKE 'sqlite_%' ORDER BY 1",
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
    async fn up_down_up(app) {
        let db = app.handles.db.clone();
        let (before, fields) = (objects(&db).await, columns(&db).await);
        assert!(before.len() > 20, "{before:?}");
        Migrator::down(db.write(), None).await.unwrap();
        let left = objects(&db).await;
        assert!(left.iter().all(|object| object.contains("seaql_migrations")), "down leaves something behind: {left:?}");
        Migrator::up(db.write(), None).await.unwrap();
        assert_eq!(objects(&db).await, before);
        assert_eq!(columns(&db).await, fields);
        app.finish().await;
    }

    async fn one_step_at_a_time(app) {
        let db = app.handles.db.clone();
        let steps = Migrator::migrations().len();
        for left in (0..steps).rev() {
            Migrator::down(db.write(), Some(1)).await.unwrap();
            assert_eq!(farebox::database::applied(&db).await.unwrap().len(), left);
        }
        for done in 1..=steps {
            Migrator::up(db.write(), Some(1)).await.unwrap();
            assert_eq!(farebox::database::applied(&db).await.unwrap().len(), done);
        }
        app.finish().await;
    }

    async fn a_price_that_refuses_tools_never_comes_back_as_one_that_gives_them_away(app) {
        let fake = FakeUpstream::start().await;
        app.offer("gpt", &fake).await;
        let db = app.handles.db.clone();
        let (applied, fields) = (farebox::database::applied(&db).await.unwrap(), columns(&db).await);
        let after = applied.iter().position(|name| name.starts_with("m023")).unwrap();
        let steps = u32::try_from(applied.len() - after).unwrap();
        let refused = Migrator::down(db.write(), Some(steps)).await.unwrap_err();
        assert!(matches!(&refused, DbErr::Migration(why) if why.contains("give them away")), "{refused}");
        Migrator::up(db.write(), None).await.unwrap();
        assert_eq!(columns(&db).await, fields);
        app.handles.catalog.reload().await.unwrap();
        assert_eq!(app.handles.catalog.unpriced_tools(), ["gpt"]);
        app.finish().await;
    }

    async fn transfers_and_prices_cannot_be_changed(app) {
        let caller = app.caller("5").await;
        assert!(app.posted(&caller).await > 0);
        let db = app.handles.db.clone();
        for sql in ["UPDATE transfer SET amount = amount + 1", "DELETE FROM transfer", "DELETE FROM lot_part WHERE 1 = 0"] {
            let refused = db.write().execute_unprepared(sql).await;
            let harmless = sql.contains("1 = 0");
            assert_eq!(refused.is_ok(), harmless, "{sql}");
        }
        app.finish().await;
    }

    async fn movements_name_what_is_there_and_stays(app) {
        app.caller("5").await;
        let db = app.handles.db.clone();
        let transfer = "INSERT INTO transfer (txn_id, seq, debit_id, credit_id, currency, amount, code, created_at)";
        for sql in [
            "INSERT INTO lot_part (transfer_id, lot_id, amount) SELECT 999999999, min(id), 1 FROM lot".to_owned(),
            "INSERT INTO lot_part (transfer_id, lot_id, amount) SELECT min(id), 999999999, 1 FROM transfer".to_owned(),
            format!("{transfer} SELECT 'x', 0, 999999999, id, 'USD', 1, 'usage', 0 FROM book WHERE kind = 'revenue'"),
            format!("{transfer} SELECT 'x', 0, id, 999999999, 'USD', 1, 'usage', 0 FROM book WHERE kind = 'revenue'"),
            "DELETE FROM book".to_owned(),
            "UPDATE book SET id = id + 1000000000".to_owned(),
        ] {
            let refused = db.write().execute_unprepared(&sql).await;
            assert!(refused.is_err(), "allowed: {sql}");
        }
        app.finish().await;
    }
}
