//! Calls, end to end: a customer calls over the trunk, hears how the order stands, and is put through to a phone in the
//! shop; a call that nobody takes is on the board, at the order and at HQ. The exchange outside and the phones are
//! telephones of the tests' own on loopback; baresip is one of the shop's.

mod shop;

use std::io::Write as _;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use hil_tests::softphone::{Account, Digest, Direction, Phone, State, goertzel};
use hil_tests::world::{Process, Tap, binary, peer, wait_for};
use serde_json::{Value, json};
use shop::{Gateway, Options, SOON, Shop, segment};

const REALM: &str = "wola.example";
/// What the tests' speech program says a status with, and the menu (see `speak-tones`).
const STATUS_TONE: f64 = 1_000.0;
const MENU_TONE: f64 = 700.0;

/// A phone's entry, as `store-gateway sip hash` writes it.
fn entry(extension: &str, password: &str, digest: &str) -> Result<String> {
    let mut hash = Command::new(binary("store-gateway")?);
    hash.args(["sip", "hash", "--extension", extension, "--realm", REALM, "--digest", digest]);
    let mut child = hash.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
    writeln!(child.stdin.take().context("its standard input")?, "{password}")?;
    let output = child.wait_with_output()?;
    ensure!(output.status.success(), "sip hash: {}", output.status);
    Ok(String::from_utf8(output.stdout)?)
}

/// Ports of sound for one gateway: tests run beside each other.
fn rtp_ports() -> Result<String> {
    let free = std::net::UdpSocket::bind("127.0.0.1:0")?.local_addr()?.port();
    let first = if free > 60_000 { free - 10_000 } else { free };
    Ok(format!("{first}-{}", first + 600))
}

fn tables(trunk: Option<SocketAddr>, sip: &str, voice: &str) -> Result<String> {
    let trunk = trunk.map_or_else(String::new, |at| {
        format!("[sip.trunk]\nregistrar = \"{at}\"\nuser = \"12223344\"\npassword = \"tajne\"\n")
    });
    Ok(format!(
        "[sip]\nlisten = \"127.0.0.1:0\"\nrealm = \"{REALM}\"\nmenu = \"100\"\nrtp_ports = \"{}\"\n{sip}\n{}\n{}\n{}\n{trunk}\n\
         [voice]\nespeak = {:?}\n{voice}\n",
        rtp_ports()?,
        entry("101", "jeden-101", "both")?,
        entry("102", "dwa-102", "both")?,
        entry("103", "trzy-103", "md5")?,
        binary("speak-tones")?,
    ))
}

struct World {
    _turn: MutexGuard<'static, ()>,
    shop: Shop,
    sip: SocketAddr,
    exchange: Phone,
}

/// A shop whose gateway is registered at an exchange of the test's own.
fn world(sip: &str, voice: &str) -> Result<World> {
    world_with(sip, voice, Options::default())
}

fn world_with(sip: &str, voice: &str, options: Options) -> Result<World> {
    /// Sound goes by the clock: one shop at a time has the machine.
    static TURN: Mutex<()> = Mutex::new(());
    let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let nobody = Account {
        user: "exchange".to_owned(),
        password: String::new(),
        server: "127.0.0.1:9".parse()?,
        digest: Digest::Md5,
    };
    let mut exchange = Phone::new(nobody)?;
    let options = Options { tables: tables(Some(exchange.address()), sip, voice)?, ..options };
    // The gateway asks the exchange while it starts; that one is stepped once it is up.
    let shop = Shop::start_with(&options)?;
    let sip = shop.gateway.listener("sip")?;
    exchange.until("the gateway's registration at the exchange", SOON, |exchange| !exchange.contacts().is_empty())?;
    Ok(World { _turn: turn, shop, sip, exchange })
}

impl World {
    fn phone(&self, user: &str, password: &str, digest: Digest) -> Result<Phone> {
        let account = Account { user: user.to_owned(), password: password.to_owned(), server: self.sip, digest };
        Phone::new(account)
    }

    fn registered(&self, user: &str, password: &str, digest: Digest) -> Result<Phone> {
        let mut phone = self.phone(user, password, digest)?;
        phone.register(300)?;
        phone.until("a registration", SOON, |phone| phone.registration() == Some(200))?;
        Ok(phone)
    }

    fn calls(&self) -> Result<Value> {
        calls(&self.shop.gateway)
    }

    /// The timeline of the call that is under way, or of the last one.
    fn story(&self) -> Vec<String> {
        let calls = self.calls().unwrap_or_default();
        let id = calls["live"][0]["id"].as_str().or(calls["items"][0]["id"].as_str()).unwrap_or_default().to_owned();
        self.shop.gateway.get(&format!("calls/{id}")).map(|(_, call)| whats(&call)).unwrap_or_default()
    }

    /// The newest call of the log, once it is as wanted.
    fn logged(&self, wanted: impl Fn(&Value) -> bool) -> Result<Value> {
        let mut last = Value::Null;
        let found = wait_for("the call in the log", SOON, || {
            last = self.calls().ok()?["items"][0].clone();
            wanted(&last).then(|| last.clone())
        })
        .with_context(|| format!("last seen: {last}"))?;
        let id = found["id"].as_str().context("its id")?.to_owned();
        let (status, call) = self.shop.gateway.get(&format!("calls/{id}"))?;
        ensure!(status == 200, "the call: {status} {call}");
        Ok(call)
    }
}

fn calls(gateway: &Gateway) -> Result<Value> {
    let (status, calls) = gateway.get("calls")?;
    ensure!(status == 200, "calls: {status} {calls}");
    Ok(calls)
}

/// Steps several phones until `done`.
fn until<const N: usize>(
    what: &str,
    limit: Duration,
    mut phones: [&mut Phone; N],
    mut done: impl FnMut(&mut [&mut Phone; N]) -> bool,
) -> Result<()> {
    let end = Instant::now() + limit;
    while !done(&mut phones) {
        if Instant::now() >= end {
            let stories: Vec<String> = phones.iter().map(|p| format!("{:?}\n{}", p.state(), p.story())).collect();
            anyhow::bail!("{what}: not within {limit:?}\n{}", stories.join("\n"));
        }
        for phone in &mut phones {
            phone.step()?;
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    Ok(())
}

fn whats(call: &Value) -> Vec<String> {
    let entries = call["timeline"].as_array().cloned().unwrap_or_default();
    entries
        .iter()
        .map(|e| {
            let text = |field: &str| e[field].as_str().unwrap_or_default().to_owned();
            format!("{} {} {}", text("what"), text("leg"), text("detail")).trim().to_owned()
        })
        .collect()
}

#[test]
fn a_caller_hears_how_the_order_stands_and_is_put_through() -> Result<()> {
    let mut w = world("", "ring_s = 20")?;
    let tap = Tap::start(w.shop.broker.port, "v1/#")?;
    let order = w.shop.orders(7, 1).remove(0);
    w.shop.place(&order)?;
    w.shop.stage(&order, "A1")?;
    let mut counter = w.registered("101", "jeden-101", Digest::Sha256)?;
    let mut office = w.registered("102", "dwa-102", Digest::Md5)?;

    // No internet: none of what follows needs it.
    w.shop.proxy.cut()?;
    w.exchange.dial_registered(&order.customer.phone)?;
    let World { exchange, .. } = &mut w;
    until("the menu", SOON, [exchange], |[caller]| caller.sound().hears(MENU_TONE))?;
    exchange.sound().press("1");
    until("the order's status", SOON, [exchange], |[caller]| caller.sound().hears(STATUS_TONE))?;
    exchange.sound().press("2");
    until("both phones to ring", SOON, [exchange, &mut counter, &mut office], |[_, counter, office]| {
        matches!((counter.state(), office.state()), (State::Ringing(_), State::Ringing(_)))
    })?;
    assert_eq!(counter.state(), &State::Ringing(order.customer.phone.clone()), "staff see who calls");
    counter.answer()?;
    counter.sound().tone = Some(620.0);
    exchange.sound().tone = Some(440.0);
    until("each to hear the other", SOON, [exchange, &mut counter, &mut office], |[caller, counter, _]| {
        caller.sound().hears(620.0) && counter.sound().hears(440.0)
    })?;
    until("the other phone to stop ringing", SOON, [exchange, &mut counter, &mut office], |[_, _, office]| {
        office.state() == &State::Ended(487)
    })?;
    counter.hang_up()?;
    until("the caller's end", SOON, [exchange, &mut counter, &mut office], |[caller, ..]| {
        caller.state() == &State::Ended(200)
    })?;

    let call = w.logged(|call| call["outcome"] == "talked")?;
    assert_eq!((&call["answered_by"], &call["order"]), (&json!("101"), &json!(order.order)));
    let story = whats(&call);
    for expected in [
        "began  trunk",
        "found  1",
        "key caller 1 event",
        "prompt  status",
        "key caller 2 event",
        "rang 101",
        "rang 102",
        "picked-up 101",
        "bridged 101",
    ] {
        assert!(story.iter().any(|line| line == expected), "{expected:?} is not in {story:#?}");
    }
    assert!(calls(&w.shop.gateway)?["live"].as_array().is_some_and(Vec::is_empty), "nothing is left of it");

    // HQ hears of it once the line is back, without a word about the number.
    w.shop.proxy.restore()?;
    let told = wait_for("the call at the broker", SOON, || {
        let frames = tap.drain().ok()?;
        frames.into_iter().find_map(|frame| {
            let body: Value = serde_json::from_slice(&frame.payload).ok()?;
            body["events"].as_array()?.iter().find(|event| event["type"] == "call.ended").cloned()
        })
    })?;
    assert_eq!((&told["body"]["direction"], &told["body"]["answered"]), (&json!("in"), &json!(true)));
    assert!(!told.to_string().contains(&order.customer.phone[3..]), "no number leaves the store");
    Ok(())
}

#[test]
fn a_call_that_nobody_takes_is_on_the_board_and_says_that_the_customer_is_here() -> Result<()> {
    let mut w = world("", "ring_s = 2\nmissed_call_means_here = true")?;
    let order = w.shop.orders(8, 1).remove(0);
    w.shop.place(&order)?;
    w.shop.stage(&order, "A2")?;
    let mut counter = w.registered("101", "jeden-101", Digest::Sha256)?;
    w.exchange.dial_registered(&order.customer.phone)?;
    let World { exchange, .. } = &mut w;
    until("the menu", SOON, [exchange], |[caller]| caller.sound().hears(MENU_TONE))?;
    exchange.sound().press("2");
    until("the phone to ring in vain", SOON, [exchange, &mut counter], |[_, counter]| {
        counter.state() == &State::Ended(487)
    })?;
    exchange.hang_up()?;
    exchange.until("the end", SOON, |exchange| matches!(exchange.state(), State::Ended(_)))?;

    let call = w.logged(|call| call["outcome"] == "missed")?;
    assert_eq!(call["open"], true);
    let shown = w.shop.gateway.wait_order(&order.order, |order| order["presence"] == "arrived")?;
    assert_eq!(shown["arrived"]["via"], "call", "{shown}");
    let (_, page) = w.shop.gateway.plain("/")?;
    let page = page.as_str().unwrap_or_default().to_owned();
    assert!(page.contains("b-missed"), "the board shows it");
    let (_, card) = w.shop.gateway.plain(&format!("/orders/{}", segment(&order.order)))?;
    assert!(card.as_str().unwrap_or_default().contains("msg-call"), "and so does the customer's card");

    let id = call["id"].as_str().unwrap_or_default();
    let (status, answer) = w.shop.gateway.send("POST", &format!("calls/{id}/done"), "", &[])?;
    assert_eq!(status, 204, "{answer}");
    let (status, open) = w.shop.gateway.get("calls?open=true")?;
    assert_eq!((status, open["items"].as_array().map(Vec::len)), (200, Some(0)));
    Ok(())
}

#[test]
fn six_digits_find_an_order_and_are_written_down_nowhere() -> Result<()> {
    let mut w = world("", "")?;
    let order = w.shop.orders(9, 1).remove(0);
    w.shop.place(&order)?;
    let text = w.shop.stage(&order, "A3")?;
    let code = shop::code_in(&text)?;
    let mut phone = w.registered("101", "jeden-101", Digest::Sha256)?;
    phone.dial("100")?;
    phone.until("the menu", SOON, |phone| phone.sound().hears(MENU_TONE))?;
    phone.sound().press("1");
    // The prompt that asks for digits is none of the known tones; keys count during it too.
    wait_for_prompt(&w, &mut phone, "ask-code")?;
    phone.sound().press(&code);
    phone.until("the order's status", SOON, |phone| phone.sound().hears(STATUS_TONE))?;
    phone.hang_up()?;
    phone.until("the end", SOON, |phone| matches!(phone.state(), State::Ended(_)))?;
    let call = w.logged(|call| call["outcome"] == "menu")?;
    let story = whats(&call);
    assert!(story.iter().any(|line| line == "code  right"), "{story:#?}");
    assert!(!call.to_string().contains(&code) && story.iter().filter(|l| l.contains('•')).count() == 6, "{story:#?}");
    assert!(!w.shop.gateway.process.log().contains(&code), "the log has it");
    Ok(())
}

fn wait_for_prompt(w: &World, phone: &mut Phone, prompt: &str) -> Result<()> {
    let mut asked = Instant::now();
    phone.until(&format!("the prompt {prompt}"), SOON, |_| {
        if asked.elapsed() < Duration::from_millis(100) {
            return false;
        }
        asked = Instant::now();
        w.story().iter().any(|line| line == &format!("prompt  {prompt}"))
    })
}

#[test]
fn phones_call_each_other_hold_and_pass_keys_on() -> Result<()> {
    let w = world("", "")?;
    let mut one = w.registered("101", "jeden-101", Digest::Sha256)?;
    let mut two = w.registered("102", "dwa-102", Digest::Sha256)?;
    one.dial("102")?;
    until("the other to ring", SOON, [&mut one, &mut two], |[_, two]| two.state() == &State::Ringing("101".into()))?;
    assert_eq!(one.state(), &State::Calling(180), "the caller hears it ring");
    two.answer()?;
    (one.sound().tone, two.sound().tone) = (Some(440.0), Some(620.0));
    until("both to hear", SOON, [&mut one, &mut two], |[one, two]| {
        one.sound().hears(620.0) && two.sound().hears(440.0)
    })?;
    one.sound().press("7#");
    until("the keys", SOON, [&mut one, &mut two], |[_, two]| two.sound().heard.keys == "7#")?;

    one.hold(Direction::SendOnly)?;
    let (mut packets, mut since) = (0, Instant::now());
    until("silence on hold", SOON, [&mut one, &mut two], |[one, _]| {
        let heard = one.sound().heard.packets;
        if heard != packets {
            (packets, since) = (heard, Instant::now());
        }
        since.elapsed() > Duration::from_millis(300)
    })?;
    one.hold(Direction::SendRecv)?;
    until("sound again", SOON, [&mut one, &mut two], |[one, two]| {
        one.sound().hears(620.0) && two.sound().hears(440.0)
    })?;
    two.hang_up()?;
    until("the end", SOON, [&mut one, &mut two], |[one, _]| one.state() == &State::Ended(200))?;
    let call = w.logged(|call| call["direction"] == "inside")?;
    let story = whats(&call);
    assert!(story.iter().any(|l| l == "held caller") && story.iter().any(|l| l == "resumed caller"), "{story:#?}");
    Ok(())
}

#[test]
fn wrong_passwords_forbidden_numbers_and_strangers_get_nowhere() -> Result<()> {
    let w = world("", "")?;
    let mut thief = w.phone("101", "zgaduję", Digest::Sha256)?;
    thief.register(300)?;
    thief.until("an answer", SOON, |phone| phone.registration().is_some())?;
    assert!(matches!(thief.registration(), Some(401 | 403)), "{:?}", thief.registration());
    let mut phone = w.registered("101", "jeden-101", Digest::Md5)?;
    for (number, status) in [("0048701234567", 403), ("+12125550100", 403), ("199", 404), ("102", 480)] {
        phone.dial(number)?;
        phone.until(number, SOON, |phone| matches!(phone.state(), State::Ended(_)))?;
        assert_eq!(phone.state(), &State::Ended(status), "{number}");
    }
    let (status, phones) = w.shop.gateway.get("phones")?;
    assert_eq!(status, 200);
    assert_eq!(phones["phones"][0]["contacts"].as_array().map(Vec::len), Some(1), "{phones}");
    assert_eq!(phones["trunk"]["state"], "registered", "{phones}");
    Ok(())
}

#[test]
fn a_caller_whose_sound_stops_is_hung_up_and_the_log_says_why() -> Result<()> {
    let mut w = world("no_sound_s = 3", "key_s = 60")?;
    w.exchange.dial_registered("+48600100999")?;
    let World { exchange, .. } = &mut w;
    until("the menu", SOON, [exchange], |[caller]| caller.sound().hears(MENU_TONE))?;
    exchange.sound().is_mute = true;
    until("the hang-up", SOON, [exchange], |[caller]| caller.state() == &State::Ended(200))?;
    let call = w.logged(|call| call["why"] == "no-sound")?;
    assert!(whats(&call).iter().any(|line| line == "silent caller dead"), "{call}");
    Ok(())
}

/// baresip as phone 103: it answers by itself, says a tone of 440 Hz, and writes down what it hears.
fn baresip(folder: &Path, sip: SocketAddr) -> Result<Process> {
    let program = peer("baresip", "baresip")?;
    std::fs::create_dir_all(folder)?;
    let tone = folder.join("tone.wav");
    tone_file(&tone, 440.0)?;
    let config = format!(
        "module_path /usr/lib/baresip/modules\nmodule stdio.so\nmodule g711.so\nmodule aufile.so\n\
         module sndfile.so\nmodule_app account.so\nmodule_app menu.so\nmodule_tmp uuid.so\nsip_listen 127.0.0.1:0\n\
         net_interface 127.0.0.1\naudio_source aufile,{}\naudio_player aufile,/dev/null\naudio_alert aufile,/dev/null\n\
         snd_path {}\n",
        tone.display(),
        folder.display()
    );
    std::fs::write(folder.join("config"), config)?;
    let account = format!("<sip:103@{sip};transport=udp>;auth_user=103;auth_pass=trzy-103;regint=60;answermode=auto\n");
    std::fs::write(folder.join("accounts"), account)?;
    std::fs::write(folder.join("contacts"), "")?;
    Process::spawn("baresip", Command::new(program).arg("-f").arg(folder))
}

/// Half a minute of a tone as a WAV file of 8 kHz, 16 bits, one channel.
fn tone_file(path: &Path, hertz: f64) -> Result<()> {
    const SAMPLES: u32 = 8_000 * 30;
    let mut file = b"RIFF".to_vec();
    file.extend((36 + 2 * SAMPLES).to_le_bytes());
    file.extend(b"WAVEfmt \x10\0\0\0\x01\0\x01\0");
    file.extend(8_000_u32.to_le_bytes());
    file.extend(16_000_u32.to_le_bytes());
    file.extend(b"\x02\0\x10\0data");
    file.extend((2 * SAMPLES).to_le_bytes());
    for n in 0..SAMPLES {
        let sample = (f64::from(n) * hertz * std::f64::consts::TAU / 8_000.0).sin() * 9_000.0;
        file.extend((sample as i16).to_le_bytes());
    }
    Ok(std::fs::write(path, file)?)
}

/// The samples of a WAV file that another program wrote, perhaps without finishing its header.
fn samples_of(path: &Path) -> Vec<i16> {
    let file = std::fs::read(path).unwrap_or_default();
    let Some(at) = file.windows(4).position(|w| w == b"data") else { return Vec::new() };
    file.get(at + 8..).unwrap_or_default().chunks_exact(2).map(|pair| i16::from_le_bytes([pair[0], pair[1]])).collect()
}

/// Whether a tone lasted for a fifth of a second anywhere.
fn has_tone(samples: &[i16], hertz: f64) -> bool {
    samples.chunks(1_600).any(|window| goertzel(window, hertz) > 0.5)
}

#[test]
fn a_call_to_the_sim_walks_the_menu_and_is_bridged_to_baresip() -> Result<()> {
    let mut w = world_with("", "phones = [\"103\"]", Options { sim_voice: true, ..Options::default() })?;
    let order = w.shop.orders(10, 1).remove(0);
    w.shop.place(&order)?;
    w.shop.stage(&order, "A4")?;
    let folder = w.shop.dir.path().join("baresip");
    let _phone = baresip(&folder, w.sip)?;
    wait_for("baresip's registration", SOON, || {
        let (_, phones) = w.shop.gateway.get("phones").ok()?;
        (phones["phones"][2]["contacts"].as_array()?.len() == 1).then_some(())
    })?;

    let heard = w.shop.dir.path().join("heard.wav");
    w.shop.modem.control.ask(&json!({
        "do": "call", "from": order.customer.phone, "tone": 620.0, "record": heard, "give_up_ms": 60_000
    }))?;
    let told = |w: &World, what: &str| -> Result<()> {
        let heard = wait_for(what, SOON, || w.story().iter().any(|line| line.starts_with(what)).then_some(()));
        heard.with_context(|| format!("{:#?}", w.story()))
    };
    told(&w, "prompt  menu")?;
    // Greeting and menu last a second and a quarter; both are to be in the recording whole.
    std::thread::sleep(Duration::from_millis(1_400));
    w.shop.modem.control.ask(&json!({"do": "press", "keys": "1"}))?;
    told(&w, "prompt  status")?;
    // So are the number of orders and the status: not quite two seconds.
    std::thread::sleep(Duration::from_millis(2_000));
    w.shop.modem.control.ask(&json!({"do": "press", "keys": "2"}))?;
    told(&w, "bridged 103")?;
    std::thread::sleep(Duration::from_secs(2));
    w.shop.modem.control.ask(&json!({"do": "hang_up"}))?;

    let call = w.logged(|call| call["outcome"] == "talked")?;
    assert_eq!(
        (&call["line"], &call["answered_by"], &call["order"]),
        (&json!("sim"), &json!("103"), &json!(order.order))
    );
    let recorded = wait_for("the customer's recording", SOON, || {
        Some(samples_of(&heard)).filter(|samples| has_tone(samples, 440.0))
    })?;
    for (tone, what) in [(MENU_TONE, "the menu"), (STATUS_TONE, "the order's status"), (440.0, "baresip")] {
        assert!(has_tone(&recorded, tone), "the customer did not hear {what}: {:#?}", whats(&call));
    }
    wait_for("baresip's recording of the customer", SOON, || {
        let files = std::fs::read_dir(&folder).ok()?.flatten().map(|entry| entry.path());
        let dumps = files.filter(|path| path.to_string_lossy().ends_with("-dec.wav"));
        dumps.map(|path| samples_of(&path)).any(|samples| has_tone(&samples, 620.0)).then_some(())
    })
    .with_context(|| format!("{:#?}", whats(&call)))?;
    Ok(())
}

/// sipp as phone 103 calls the menu and plays the recorded RFC 4733 event of a key.
fn sipp_presses(folder: &Path, sip: SocketAddr, key: char) -> Result<Process> {
    let program = peer("sipp", "sip-tester")?;
    let pcap = format!("/usr/share/sip-tester/dtmf_2833_{key}.pcap");
    ensure!(Path::new(&pcap).is_file(), "{pcap} is missing: apt-get install sip-tester");
    let text = include_str!("sipp/key.xml").replace("KEY.pcap", &pcap);
    std::fs::create_dir_all(folder)?;
    let (scenario, fields) = (folder.join("key.xml"), folder.join("fields.csv"));
    std::fs::write(&scenario, text)?;
    std::fs::write(&fields, "SEQUENTIAL\n103;[authentication username=103 password=trzy-103];\n")?;
    let mut command = Command::new(program);
    let uri = format!("100@{sip}");
    command.arg(sip.to_string()).args([
        "-auth_uri",
        &uri,
        "-i",
        "127.0.0.1",
        "-s",
        "100",
        "-m",
        "1",
        "-nostdin",
        "-timeout",
        "30s",
    ]);
    command.arg("-sf").arg(scenario).arg("-inf").arg(fields).args(["-timeout_error", "-trace_err", "-error_file"]);
    Process::spawn("sipp", command.arg(folder.join("errors")).current_dir(folder))
}

#[test]
fn keys_of_sipp_s_recordings_are_heard() -> Result<()> {
    let w = world("", "")?;
    for key in ['1', '7', '0'] {
        let mut sipp = sipp_presses(&w.shop.dir.path().join(format!("sipp-{key}")), w.sip, key)?;
        let ended = sipp.wait(Duration::from_secs(60))?;
        ensure!(ended.success(), "sipp: {ended}\n{}", sipp.log());
        let call = w.logged(|call| call["line"] == "phone" && call["direction"] == "inside")?;
        let pressed: Vec<String> = whats(&call).into_iter().filter(|line| line.starts_with("key ")).collect();
        assert_eq!(pressed, [format!("key caller {key} event")], "{:#?}", whats(&call));
        let id = call["id"].clone();
        wait_for("the next call", SOON, || (w.calls().ok()?["items"][0]["id"] == id).then_some(()))?;
    }
    Ok(())
}

#[test]
fn callers_that_die_in_the_middle_of_a_call_leave_nothing_behind() -> Result<()> {
    const CALLERS: usize = 200;
    let w = world("calls = 250\nno_sound_s = 3", "key_s = 60")?;
    let pid = w.shop.gateway.process.pid();
    let sockets = || std::fs::read_dir(format!("/proc/{pid}/fd")).map_or(0, Iterator::count);
    let before = sockets();
    let mut callers = Vec::new();
    for _ in 0..CALLERS {
        let mut caller = w.phone("101", "jeden-101", Digest::Sha256)?;
        caller.dial("100")?;
        caller.until("the answer", SOON, |caller| caller.state() == &State::Talking)?;
        callers.push(caller);
        // The gateway takes fifty messages a second from one address, and each caller has five. Meanwhile all of them talk.
        let next = Instant::now() + Duration::from_millis(110);
        while Instant::now() < next {
            callers.iter_mut().try_for_each(Phone::step)?;
            std::thread::sleep(Duration::from_millis(2));
        }
    }
    let running = w.shop.gateway.metric("store_calls")?;
    assert!(running > CALLERS as u64 / 2, "{running} calls are up");
    drop(callers);
    // Three seconds without sound, then 32 s (RFC 3261, timer F) for a BYE that nobody answers.
    let limit = Duration::from_secs(90);
    wait_for("the last call's end", limit, || (w.shop.gateway.metric("store_calls").ok()? == 0).then_some(()))?;
    wait_for("the last socket's end", SOON, || (sockets() <= before + 2).then_some(()))
        .with_context(|| format!("{before} descriptors before, {} now", sockets()))?;
    let (_, calls) = w.shop.gateway.get("calls?limit=100")?;
    assert!(
        calls["items"].as_array().is_some_and(|calls| calls.iter().all(|call| call["why"] == "no-sound")),
        "{calls}"
    );
    Ok(())
}
