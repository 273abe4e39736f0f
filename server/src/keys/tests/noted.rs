//! What is noted on the way and written later?

use tokio_util::sync::CancellationToken;

use super::*;

#[tokio::test]
async fn last_use_is_written_in_batches_and_never_goes_back() {
    let house = house().await;
    let workspace = house.workspace("ann@example.com").await;
    let id = house
        .keys
        .create(workspace, &NewKeyForm::named("laptop"))
        .await
        .unwrap()
        .view
        .id;
    let used = async || house.keys.list(workspace).await.unwrap()[0].last_used_at;
    let slower = house.another_process();
    slower.touch(id);
    house.clock.advance(1_000);
    house.keys.touch(id);
    house.keys.touch(id);
    assert_eq!(used().await, None, "nothing is written on the way");
    assert_eq!(house.keys.write_touches().await, Ok(1));
    assert_eq!(used().await, Some(NOW + 1_000));
    assert_eq!(slower.write_touches().await, Ok(1));
    assert_eq!(used().await, Some(NOW + 1_000));
    assert_eq!(house.keys.write_touches().await, Ok(0));
}

#[tokio::test]
async fn stopping_writes_what_was_noted() {
    let house = house().await;
    let workspace = house.workspace("ann@example.com").await;
    let id = house
        .keys
        .create(workspace, &NewKeyForm::named("laptop"))
        .await
        .unwrap()
        .view
        .id;
    house.keys.touch(id);
    let stop = CancellationToken::new();
    stop.cancel();
    house.keys.clone().keep_touches(stop).await;
    assert_eq!(
        house.keys.list(workspace).await.unwrap()[0].last_used_at,
        Some(NOW)
    );
}

#[tokio::test]
async fn refusals_are_counted_by_key_hour_and_reason() {
    let house = house().await;
    let workspace = house.workspace("ann@example.com").await;
    let (one, two) = (KeyId::new(), KeyId::new());
    let elsewhere = house.another_process();
    for _ in 0..3 {
        house.keys.refused(workspace, one, "keys_frozen");
    }
    house.keys.refused(workspace, one, "rate_limit_exceeded");
    house.keys.refused(workspace, two, "keys_frozen");
    assert_eq!(house.keys.write_refusals().await, Ok(3));
    assert_eq!(house.keys.write_refusals().await, Ok(0), "once is enough");
    elsewhere.refused(workspace, one, "keys_frozen");
    house.clock.advance(3_600_000);
    elsewhere.refused(workspace, one, "keys_frozen");
    assert_eq!(elsewhere.write_refusals().await, Ok(2));

    let rows = crate::db::all(
        house.db.read(),
        "SELECT hour, count, last_at FROM refused_call WHERE key_id = $1 AND code = 'keys_frozen' ORDER BY hour",
        [one.to_string().into()],
    );
    let rows: Vec<(i64, i64, i64)> = rows
        .await
        .unwrap()
        .iter()
        .map(|row| {
            let column = |name| row.try_get("", name).unwrap();
            (column("hour"), column("count"), column("last_at"))
        })
        .collect();
    let hour = NOW - NOW % 3_600_000;
    assert_eq!(
        rows,
        [(hour, 4, NOW), (hour + 3_600_000, 1, NOW + 3_600_000)]
    );
}

#[tokio::test]
async fn refusals_are_forgotten_after_four_hundred_days() {
    let house = house().await;
    let workspace = house.workspace("ann@example.com").await;
    let hour = 3_600_000;
    house.keys.refused(workspace, KeyId::new(), "keys_frozen");
    assert_eq!(house.keys.write_refusals().await, Ok(1));
    house.clock.advance(400 * 24 * hour - NOW % hour);
    house.keys.refused(workspace, KeyId::new(), "keys_frozen");
    assert_eq!(house.keys.write_refusals().await, Ok(1));
    assert_eq!(house.keys.sweep_refusals().await, Ok(0), "to the hour");
    house.clock.advance(1);
    assert_eq!(house.keys.sweep_refusals().await, Ok(1), "the older one");
    assert_eq!(house.keys.sweep_refusals().await, Ok(0));
}

#[tokio::test]
async fn refusals_survive_a_database_that_is_away() {
    let house = house().await;
    let workspace = house.workspace("ann@example.com").await;
    house.keys.refused(workspace, KeyId::new(), "keys_frozen");
    house.db.write().clone().close().await.unwrap();
    assert_eq!(
        house.keys.write_refusals().await,
        Err(KeyError::Unavailable)
    );
    assert_eq!(
        house.keys.write_refusals().await,
        Err(KeyError::Unavailable),
        "still counted"
    );
}
