//! A database that the disk damaged: it is set aside, the last backup takes its place, HQ's snapshot brings the rest, and
//! the counter works on. What may have gone out as a text meanwhile is never sent again by itself.

mod shop;

use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use hil_tests::make_orders::Order;
use hil_tests::world::wait_for;
use serde_json::json;
use shop::{Options, SOON, Shop, code_in};

/// A shop whose only backup was taken before any order came, and two orders: one told and ready, one new.
fn shop_after_its_backup() -> Result<(Shop, Order, Order, String)> {
    let mut shop = Shop::start_with(&Options { storage: "backup_s = 86400".into(), ..Options::default() })?;
    wait_for("the first backup", SOON, || shop.gateway.storage.join("backup/shop.db.1").exists().then_some(()))?;
    let prepaid = |o: &Order| serde_json::to_value(o).is_ok_and(|value| value["kind"] == "prepaid");
    let mut orders = shop.orders(17, 40).into_iter().filter(prepaid);
    let (told, new) = (orders.next().context("an order")?, orders.next().context("another")?);
    shop.place(&told)?;
    shop.place(&new)?;
    let code = code_in(&shop.stage(&told, "A1")?)?;
    shop.hq.wait_order(&told.order, |v| v["goods"] == "ready")?;
    shop.gateway.wait_order(&told.order, |v| v["messages"][0]["state"] == "delivered")?;
    shop.hq.wait_order(&told.order, |v| v["messages"][0]["state"] == "delivered")?;
    Ok((shop, told, new, code))
}

/// Waits until the restored shop is in step with HQ again, and checks what it knows and does.
fn goes_on(shop: &mut Shop, told: &Order, new: &Order, code: &str) -> Result<()> {
    wait_for("the damage to be told and the snapshot to be adopted", SOON * 2, || {
        let health = shop.gateway.health().ok()?;
        let told = health["alerts"].as_array()?.iter().any(|kind| kind == "database");
        (told && health["uplink"]["online"] == true && health["uplink"]["recovery"] == false).then_some(())
    })?;
    shop.gateway.token = shop.gateway.log_in("ewa", "2468")?;
    let here = shop.gateway.wait_order(&told.order, |v| v["goods"] == "ready")?;
    ensure!(here["messages"][0]["state"] == "delivered", "HQ's copy of our log says so: {here}");
    shop.gateway.wait_order(&new.order, |v| v["goods"] == "received")?;
    let texts = shop::texts_to(&mut shop.modem.control, &told.customer.phone).len();
    ensure!(texts == 1, "{texts} texts to one customer for one bag");

    let (status, problem) = shop.gateway.act(&told.order, "hand-over", &json!({"code": code}))?;
    ensure!(
        status == 409 && problem["type"] == "/problems/bag-scan",
        "the bag may be gone already: {status} {problem}"
    );
    let scanned = json!({"code": code, "bag": format!("B{}-1", told.order)});
    let (status, done) = shop.gateway.act(&told.order, "hand-over", &scanned)?;
    ensure!(status == 200 && done["goods"] == "handed_over", "{status} {done}");
    shop.hq.wait_order(&told.order, |v| v["goods"] == "handed_over")?;
    let aside: Vec<_> = std::fs::read_dir(shop.gateway.storage.join("damaged"))?.collect();
    ensure!(!aside.is_empty(), "the damaged database is kept");
    Ok(())
}

fn overwrite(database: &Path, first: u64, bytes: usize) -> Result<()> {
    let file = File::options().write(true).open(database)?;
    Ok(file.write_all_at(&vec![0xA5; bytes], first)?)
}

#[test]
fn a_database_that_is_none_any_more_is_replaced_at_the_start() -> Result<()> {
    let (mut shop, told, new, code) = shop_after_its_backup()?;
    shop.gateway.process.kill()?;
    let database = shop.gateway.storage.join("shop.db");
    std::fs::remove_file(database.with_extension("db-wal"))?;
    overwrite(&database, 0, 512)?;
    shop.gateway.start_again()?;
    goes_on(&mut shop, &told, &new, &code)
}

#[test]
fn a_damaged_page_is_found_after_a_crash_and_the_counter_comes_back_at_the_same_address() -> Result<()> {
    let (mut shop, told, new, code) = shop_after_its_backup()?;
    // An orderly stop brings the log into the file; the mark of an unclean stop is put back by hand.
    shop.gateway.process.stop(std::time::Duration::from_secs(5))?;
    let database = shop.gateway.storage.join("shop.db");
    let root = damage_target(&database, "inbound_part")?;
    overwrite(&database, root, 4_096)?;
    shop.gateway.start_again()?;
    goes_on(&mut shop, &told, &new, &code)
}

#[test]
fn a_damaged_page_that_the_start_reads_does_not_keep_the_box_from_starting() -> Result<()> {
    let (mut shop, told, new, code) = shop_after_its_backup()?;
    shop.gateway.process.stop(std::time::Duration::from_secs(5))?;
    let database = shop.gateway.storage.join("shop.db");
    let root = damage_target(&database, "sync_head")?;
    overwrite(&database, root, 4_096)?;
    shop.gateway.start_again()?;
    goes_on(&mut shop, &told, &new, &code)
}

/// Marks the stop as unclean and names the place of a table in the file: no start and no log-in reads `inbound_part`.
fn damage_target(database: &Path, table: &str) -> Result<u64> {
    let db = rusqlite::Connection::open(database)?;
    db.execute("UPDATE meta SET value = '0' WHERE key = 'clean_shutdown'", [])?;
    let page: u64 = db.query_row("SELECT rootpage FROM sqlite_schema WHERE name = ?1", [table], |row| row.get(0))?;
    let size: u64 = db.query_row("PRAGMA page_size", [], |row| row.get(0))?;
    db.close().map_err(|(_, e)| e)?;
    Ok((page - 1) * size)
}
