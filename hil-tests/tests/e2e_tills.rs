//! A till with a printer and a scanner: the real gateway, the real bridge, the simulated printer.

mod shop;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use hil_tests::sim_printer::{Paper, SimPrinter};
use hil_tests::world::{Process, binary, wait_for};
use serde_json::{Value, json};
use shop::{Gateway, Options, SOON, Shop};

/// A till's bridge, with its printer behind TCP and a pty for its scanner.
struct Till {
    config: PathBuf,
    process: Process,
    printer: SimPrinter,
}

fn bridge(command: &str, config: &Path) -> Result<Command> {
    let mut run = Command::new(binary("pos-bridge")?);
    run.args([command, "--config"]).arg(config);
    Ok(run)
}

impl Till {
    /// Starts printer and bridge; the bridge is not enrolled yet.
    fn start(dir: &Path, gateway: &str, profile: &str, printer: &[&str]) -> Result<Self> {
        let folder = dir.join("till");
        std::fs::create_dir_all(&folder)?;
        let arguments: Vec<&str> = ["--tcp", "127.0.0.1:0"].iter().chain(printer).copied().collect();
        let printer = SimPrinter::start(&folder, &arguments)?;
        let config = folder.join("till.toml");
        let text = format!(
            "[till]\nname = \"Kasa 1\"\n[gateway]\naddress = \"{gateway}\"\nretry_min_ms = 50\nretry_max_ms = 300\n\
             [storage]\npath = {:?}\n[[printer]]\nname = \"slips\"\ntcp = \"{}\"\nprofile = \"{profile}\"\n\
             duties = [\"slips\", \"labels\"]\ndrawer = true\nstatus_ms = 200\nanswer_ms = 1500\nretry_min_ms = 100\nretry_max_ms = 400\n",
            folder.join("bridge"),
            printer.tcp.as_deref().context("the printer's address")?,
        );
        std::fs::write(&config, text)?;
        let mut till = Self { process: Process::spawn("pos-bridge", &mut bridge("run", &config)?)?, config, printer };
        till.process.ready(Duration::from_secs(20))?;
        Ok(till)
    }

    fn enrol(&self, gateway: &Gateway) -> Result<()> {
        let (status, answer) = gateway.send("POST", "tills/code", "{}", &[])?;
        ensure!(status == 201, "{status} {answer}");
        let code = answer["code"].as_str().context("a code")?;
        let out = bridge("enrol", &self.config)?.args(["--code", code]).output()?;
        ensure!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
        self.wait_connected(gateway)
    }

    fn wait_connected(&self, gateway: &Gateway) -> Result<()> {
        wait_for("the till to be connected", SOON, || {
            let (_, tills) = gateway.get("tills").ok()?;
            let till = tills["items"].as_array()?.first()?.clone();
            (till["connected"] == true && till["printers"][0]["state"]["connected"] == true).then_some(())
        })
    }

    fn kill(&mut self) -> Result<()> {
        self.process.kill()
    }

    fn start_again(&mut self) -> Result<()> {
        self.process = Process::spawn("pos-bridge", &mut bridge("run", &self.config)?)?;
        self.process.ready(Duration::from_secs(20))?;
        Ok(())
    }
}

fn open() -> Result<Shop> {
    open_at("127.0.0.1:0")
}

fn open_at(tills: &str) -> Result<Shop> {
    let tables = format!("[tills]\nlisten = \"{tills}\"\ncollection_slip = true\n");
    Shop::start_with(&Options { tables, ..Options::default() })
}

/// An address that stays the same over restarts, as in a shop: its port is below those that the kernel gives to other
/// tests' connections.
fn steady_address() -> Result<String> {
    static ASKED: AtomicU16 = AtomicU16::new(0);
    let start = u16::try_from(std::process::id() % 10_000)? + 10_000 + 100 * ASKED.fetch_add(1, Ordering::Relaxed);
    let address = (start..start + 100).map(|port| format!("127.0.0.1:{port}"));
    let mut free = address.filter(|address| std::net::TcpListener::bind(address).is_ok());
    free.next().context("a free port")
}

fn listener(shop: &Shop) -> Result<String> {
    Ok(shop.gateway.listener("tills")?.to_string())
}

fn print(gateway: &Gateway, order: &str, document: &str) -> Result<String> {
    let (status, answer) = gateway.act(order, "print", &json!({ "document": document }))?;
    ensure!(status == 201, "{status} {answer}");
    Ok(answer["id"].as_str().context("an id")?.to_owned())
}

fn job(gateway: &Gateway, id: &str) -> Result<Value> {
    let (status, job) = gateway.get(&format!("prints/{id}"))?;
    ensure!(status == 200, "{status} {job}");
    Ok(job)
}

fn wait_job(gateway: &Gateway, id: &str, state: &str) -> Result<Value> {
    let mut last = Value::Null;
    wait_for(&format!("print {id} to be {state}"), SOON, || {
        last = job(gateway, id).ok()?;
        (last["state"] == state).then(|| last.clone())
    })
    .with_context(|| last.to_string())
}

/// What stands on a slip, in one text.
fn words(slip: &Value) -> String {
    slip.to_string()
}

#[test]
fn a_label_and_a_slip_come_out_with_codes_that_read_back_and_no_name() -> Result<()> {
    let mut shop = open()?;
    let mut till = Till::start(shop.dir.path(), &listener(&shop)?, "epson-tm-t20", &[])?;
    till.enrol(&shop.gateway)?;
    let orders = shop.orders(3, 20);
    let order = &orders[0];
    shop.place(order)?;
    shop.stage(order, "B4")?;

    let label = print(&shop.gateway, &order.order, "bag_label")?;
    let slip = till.printer.control.wait_slip(1, SOON)?;
    wait_job(&shop.gateway, &label, "printed")?;
    let said = words(&slip);
    ensure!(said.contains(&format!("B{}-1", order.order)) && said.contains("B4"), "{said}");
    let surname = order.customer.name.split_whitespace().last().context("a name")?;
    ensure!(!said.contains(surname) && !said.contains(order.customer.phone.trim_start_matches('+')), "{said}");

    // A clerk may print; only a manager lets tills in.
    let token = shop.gateway.log_in("anna", "1357")?;
    let (status, refused) = shop::request(
        "POST",
        &format!("http://{}/api/v1/tills/code", shop.gateway.web),
        &token,
        Some("{}"),
        &[("content-type", "application/json")],
    )?;
    ensure!(status == 403, "{status} {refused}");
    Ok(())
}

#[test]
fn a_printer_that_cannot_print_delays_and_nothing_is_lost_or_doubled() -> Result<()> {
    let shop = open()?;
    let mut till = Till::start(shop.dir.path(), &listener(&shop)?, "epson-tm-t20", &[])?;
    till.enrol(&shop.gateway)?;
    let orders = shop.orders(5, 20);
    let order = orders[0].order.clone();
    shop.place(&orders[0])?;

    till.printer.control.paper(Paper::Out)?;
    let waits = print(&shop.gateway, &order, "pick_slip")?;
    let held = wait_job(&shop.gateway, &waits, "held")?;
    ensure!(held["why"] == "paper_out", "{held}");
    let dropped = print(&shop.gateway, &order, "pick_slip")?;
    wait_for("the second job at the till", SOON, || {
        job(&shop.gateway, &dropped).ok().filter(|job| job["state"] != "waiting").map(|_| ())
    })?;
    let (status, _) = shop.gateway.send("POST", &format!("prints/{dropped}/cancel"), "{}", &[])?;
    ensure!(status == 204, "{status}");
    wait_job(&shop.gateway, &dropped, "cancelled")?;
    till.printer.control.paper(Paper::Ok)?;
    wait_job(&shop.gateway, &waits, "printed")?;

    // Silent in the middle: nobody knows, a person is asked, and the copy says what it is.
    till.printer.control.silent(true)?;
    let unsure = print(&shop.gateway, &order, "pick_slip")?;
    let held = wait_job(&shop.gateway, &unsure, "held")?;
    ensure!(held["why"] == "silent", "nothing is written to a printer that does not answer: {held}");
    till.printer.control.silent(false)?;
    wait_job(&shop.gateway, &unsure, "printed")?;
    let (status, again) = shop.gateway.send("POST", &format!("prints/{unsure}/again"), "{}", &[])?;
    ensure!(status == 201, "{status} {again}");
    wait_job(&shop.gateway, again["id"].as_str().context("an id")?, "printed")?;
    let third = till.printer.control.wait_slip(3, SOON)?;
    ensure!(words(&third).contains("KOPIA"), "{third}");

    // The drawer opens now or never.
    let before = till.printer.control.drawer(None)?;
    let (status, _) = shop.gateway.send("POST", "tills/1/drawer", "{}", &[])?;
    ensure!(status == 201, "{status}");
    wait_for("the drawer to open", SOON, || {
        till.printer.control.drawer(None).ok().filter(|now| now["pulses"] != before["pulses"]).map(|_| ())
    })?;
    till.kill()?;
    wait_for("the till to be gone", SOON, || {
        let (_, tills) = shop.gateway.get("tills").ok()?;
        (tills["items"][0]["connected"] == false).then_some(())
    })?;
    let (status, _) = shop.gateway.send("POST", "tills/1/drawer", "{}", &[])?;
    ensure!(status == 409, "{status}");
    // What is asked for while the till is away waits for it.
    let later = print(&shop.gateway, &order, "pick_slip")?;
    ensure!(job(&shop.gateway, &later)?["state"] == "waiting");
    till.start_again()?;
    wait_job(&shop.gateway, &later, "printed")?;
    let slips = till.printer.control.stats()?;
    ensure!(slips["slips"] == 4, "{slips}");
    Ok(())
}

#[test]
fn gateway_bridge_and_printer_are_killed_and_no_slip_comes_twice_or_is_forgotten() -> Result<()> {
    const SEEDS: u64 = 100;
    let address = steady_address()?;
    let mut shop = open_at(&address)?;
    let mut till = Till::start(shop.dir.path(), &address, "epson-tm-t20", &["--lines-per-s", "400"])?;
    till.enrol(&shop.gateway)?;
    // A slip of its own for each seed, so that each can be counted.
    let orders = shop.orders(9, SEEDS);
    for order in &orders {
        shop.place(order)?;
    }

    let mut jobs = Vec::new();
    let mut random = 0x2545_f491_4f6c_dd1d_u64;
    for (seed, order) in orders.iter().enumerate() {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        jobs.push((print(&shop.gateway, &order.order, "pick_slip")?, order.order.as_str()));
        // Somewhere between the row at the gateway and the last answer of the printer.
        std::thread::sleep(Duration::from_micros(random % 60_000));
        match (random >> 32) % 4 {
            0 => {
                shop.gateway.process.kill()?;
                shop.gateway.restart()?;
            }
            1 => {
                till.printer.control.power(false)?;
                till.printer.control.power(true)?;
            }
            _ => {
                till.kill()?;
                till.start_again()?;
            }
        }
        if seed % 10 == 9 {
            till.wait_connected(&shop.gateway).with_context(|| format!("seed {seed}"))?;
        }
    }
    let mut ended = Vec::new();
    for (id, order) in jobs {
        let state = wait_for(&format!("the end of {id}"), 2 * SOON, || {
            let state = job(&shop.gateway, &id).ok()?["state"].as_str()?.to_owned();
            ["printed", "unknown"].contains(&state.as_str()).then_some(state)
        })?;
        ended.push((state, order));
    }
    let slips = slips(&till.printer.slips)?;
    let came = |order: &str| slips.iter().filter(|slip| slip.contains(order)).count();
    let count = |state: &str| ended.iter().filter(|(is, _)| is == state).count();
    println!("{} printed, {} unknown, {} slips", count("printed"), count("unknown"), slips.len());
    ensure!(count("printed") > 0 && count("unknown") > 0, "the kills hit both");
    for (state, order) in &ended {
        let came = came(order);
        ensure!(if state == "printed" { came == 1 } else { came <= 1 }, "{order} is {state} and came out {came} times");
    }
    Ok(())
}

/// What stands on each slip that the printer cut off.
fn slips(folder: &Path) -> Result<Vec<String>> {
    let mut slips = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "json") {
            slips.push(std::fs::read_to_string(path)?);
        }
    }
    Ok(slips)
}

#[test]
fn any_start_order_serves_and_a_removed_till_is_out() -> Result<()> {
    let address = steady_address()?;
    let mut shop = open_at(&address)?;
    shop.gateway.process.stop(Duration::from_secs(5))?;
    // The till is there first, and a gateway that it does not know yet comes later.
    let till = Till::start(shop.dir.path(), &address, "generic-80", &["--status", "off", "--process-id", "off"])?;
    shop.gateway.start_again()?;
    shop.gateway.token = shop.gateway.log_in("ewa", "2468")?;
    till.enrol(&shop.gateway)?;
    let orders = shop.orders(11, 20);
    shop.place(&orders[0])?;
    let job = print(&shop.gateway, &orders[0].order, "pick_slip")?;
    // A printer that says nothing: what its port took is "sent", and no more is claimed.
    wait_job(&shop.gateway, &job, "sent")?;

    let wrong = bridge("enrol", &till.config)?.args(["--code", "0000-0000-0000-0000-0000-0000"]).output()?;
    ensure!(!wrong.status.success(), "a code of another gateway");
    let (status, _) = shop.gateway.send("DELETE", "tills/1", "", &[])?;
    ensure!(status == 204, "{status}");
    wait_for("the till to be gone", SOON, || {
        let (_, tills) = shop.gateway.get("tills").ok()?;
        tills["items"].as_array()?.is_empty().then_some(())
    })?;
    let (status, problem) = shop.gateway.act(&orders[0].order, "print", &json!({ "document": "pick_slip" }))?;
    ensure!(status == 409 && problem["type"] == "/problems/no-till", "{status} {problem}");
    Ok(())
}
