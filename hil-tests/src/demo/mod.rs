//! Starts the parts in order, tells the visitor where to look, restarts what dies, and stops all of it.

mod child;
mod files;
pub mod guard;
mod people;
mod ports;
mod signals;
mod team;
mod till;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result};
use clap::Args;
use hil_tests::world::free_port;
use serde_json::json;

use files::{Folder, Memory, Ports, Start};
use signals::{Signals, Woken};
use team::Team;

/// The demo's chain of shops.
pub const CHAIN: &str = "demo";
/// The demo's one shop.
pub const STORE: &str = "krakow";
/// The realm of the phones' passwords.
pub const SIP_REALM: &str = "krakow.demo";

/// How often children are looked at when no signal comes.
const LOOK: Duration = Duration::from_millis(500);

/// What the visitor may choose.
#[derive(Debug, Args)]
pub struct Options {
    /// Forget everything from earlier starts.
    #[arg(long)]
    fresh: bool,
    /// Hand this many orders to HQ once all is running.
    #[arg(long, value_name = "N", default_value_t = 0)]
    orders: u32,
    /// Where the data lie.
    #[arg(long, value_name = "FOLDER", default_value = "demo-data")]
    data: PathBuf,
    /// The counter's port; 0 takes any.
    #[arg(long, value_name = "PORT", default_value_t = 8080)]
    counter_port: u16,
    /// HQ's port; 0 takes any.
    #[arg(long, value_name = "PORT", default_value_t = 8081)]
    hq_port: u16,
    /// The phones' port; 0 takes any.
    #[arg(long, value_name = "PORT", default_value_t = 8082)]
    phones_port: u16,
    /// The uplink switch's port; 0 takes any.
    #[arg(long, value_name = "PORT", default_value_t = 8083)]
    switch_port: u16,
    /// The port for SIP phones; 0 takes any.
    #[arg(long, value_name = "PORT", default_value_t = 5060)]
    sip_port: u16,
    /// The port of the till's desk; 0 takes any.
    #[arg(long, value_name = "PORT", default_value_t = 8084)]
    desk_port: u16,
    /// Write addresses, logins and process numbers there, as JSON, once all is running.
    #[arg(long, value_name = "FILE")]
    ready_file: Option<PathBuf>,
}

/// Runs the demo until it is asked to stop.
///
/// # Errors
/// When a part can't be started, or one dies again and again. Everything is stopped by then.
pub fn run(options: &Options) -> Result<()> {
    let mut signals = Signals::take_over()?;
    let start = if options.fresh { Start::Fresh } else { Start::GoOn };
    let folder = Folder::open(&options.data, start)?;
    let known = folder.recall()?;
    let again = known.is_some();
    let mut memory = match known {
        Some(memory) => memory,
        None => Memory::first()?,
    };
    let ports = choose_ports(options)?;
    folder.configure_hq(&ports, &memory)?;
    folder.configure_gateway(&ports, &people::hq_key(&folder)?, &people::phones()?)?;
    folder.configure_till(&ports)?;
    folder.offer_orders(&memory)?;
    if !memory.people {
        people::add(&folder)?;
        memory.people = true;
    }
    folder.remember(&memory)?;

    println!(
        "starting; data and logs are in {}{}",
        options.data.display(),
        if again { ", going on with them" } else { "" }
    );
    let mut team = Team::new(&folder, &ports)?;
    let result = serve(&mut team, &mut signals, options, &folder, &ports, &mut memory);
    team.stop(&mut signals);
    if let Some(path) = &options.ready_file {
        remove_if_there(path)?;
    }
    if result.is_ok() {
        println!("stopped; ./dev demo goes on with the same data");
    }
    result
}

fn serve(
    team: &mut Team,
    signals: &mut Signals,
    options: &Options,
    folder: &Folder,
    ports: &Ports,
    memory: &mut Memory,
) -> Result<()> {
    if team.start_all(signals)? == Woken::Stop {
        return Ok(());
    }
    if !memory.till {
        till::enrol(folder, ports)?;
        memory.till = true;
        folder.remember(memory)?;
    }
    welcome(ports, memory, folder);
    if options.orders > 0 {
        println!("{}", people::place_orders(options.orders, ports, memory)?);
    }
    if let Some(path) = &options.ready_file {
        files::write_private(path, &ready(ports, memory, team).to_string())?;
    }
    while signals.wait(LOOK)? == Woken::Look && team.look_after(signals)? == Woken::Look {}
    println!("\nstopping");
    Ok(())
}

fn choose_ports(options: &Options) -> Result<Ports> {
    let wanted = [
        ("the counter", options.counter_port),
        ("HQ", options.hq_port),
        ("the phones", options.phones_port),
        ("the uplink switch", options.switch_port),
        ("SIP phones", options.sip_port),
        ("the till's desk", options.desk_port),
    ];
    let mut reserved: Vec<u16> = wanted.iter().map(|(_, port)| *port).collect();
    let mut chosen = Vec::new();
    for (what, port) in wanted {
        let choice = ports::choose(port, &reserved)?;
        if let Some(holder) = choice.taken {
            println!("port {port} for {what} is held by {holder}; using {} instead", choice.port);
        }
        reserved.push(choice.port);
        chosen.push(choice.port);
    }
    Ok(Ports {
        counter: chosen[0],
        hq: chosen[1],
        phones: chosen[2],
        switch: chosen[3],
        broker: free_port()?,
        uplink: free_port()?,
        modem: free_port()?,
        sound: free_port()?,
        sip: chosen[4],
        desk: chosen[5],
        tills: free_port()?,
        printer: free_port()?,
        printer_control: free_port()?,
        scanner: free_port()?,
    })
}

fn welcome(ports: &Ports, memory: &Memory, folder: &Folder) {
    println!();
    println!("  counter   http://127.0.0.1:{}   {}", ports.counter, people::staff_logins());
    println!("  HQ        http://127.0.0.1:{}   {}", ports.hq, people::hq_login());
    println!("  phones    http://127.0.0.1:{}   the customers' phones; answer an SMS there", ports.phones);
    println!(
        "  till      http://127.0.0.1:{}   its printer, drawer and scanner; join it to your screen on the counter's page \"Urządzenia\"",
        ports.desk
    );
    println!("  uplink    http://127.0.0.1:{}   cuts and joins the line between the shop and HQ", ports.switch);
    println!("  SIP       127.0.0.1:{}          UDP or TCP, realm {SIP_REALM}: {}", ports.sip, people::phone_logins());
    println!();
    println!("  orders: drop {} on HQ's page, or start with --orders 1000", folder.path("orders.jsonl").display());
    println!("  HQ's REST key: {}", memory.api_key);
    println!("  Ctrl-C stops everything");
    println!();
}

fn ready(ports: &Ports, memory: &Memory, team: &Team) -> serde_json::Value {
    let address = |port: u16| format!("http://127.0.0.1:{port}");
    json!({
        "ready": true,
        "counter": address(ports.counter),
        "hq": address(ports.hq),
        "phones": address(ports.phones),
        "switch": address(ports.switch),
        "till": address(ports.desk),
        "scanner_control": format!("127.0.0.1:{}", ports.scanner),
        "printer_control": format!("127.0.0.1:{}", ports.printer_control),
        "staff": people::staff_json(),
        "hq_user": people::hq_json(),
        "api_key": memory.api_key,
        "sip": format!("127.0.0.1:{}", ports.sip),
        "store": STORE,
        "pids": team.pids(),
    })
}

fn remove_if_there(path: &std::path::Path) -> Result<()> {
    match std::fs::remove_file(path) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error).with_context(|| format!("remove {}", path.display())),
    }
}
