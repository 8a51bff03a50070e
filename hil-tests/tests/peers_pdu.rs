//! Random texts through the product's codec and through decoders that others wrote, both ways.
//!
//! Three read what we write: smspdudecoder, python-messaging, and the simulated modem, which shares no code with the product.
//! The peers' known faults are told apart where they stand: smspdudecoder appends `@` when seven padding bits are left, and
//! python-messaging spoils what lies beyond the basic plane and splits escape pairs when it encodes.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use anyhow::{Context, Result, bail, ensure};
use gsm_modem::pdu::{Direction, Message, Report, SubmitRequest, decode, encode_submit};
use hil_tests::sim_modem::pdu::{Encoding, parse_submit, unhex, units_text};
use hil_tests::world::peers_python;
use sans_io::Rng;
use serde_json::{Value, json};

/// Texts in each test; `PDU_CASES` asks for more.
const CASES: u64 = 150;

const PLAIN: &str = "@£$¥èéùìòÇ\nØøÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCXYZÄÖÑÜ§¿abcxyzäöñüà";
const ESCAPED: &str = "^{}\\[~]|€";
const UNICODE: &str = "ąćęłńóśźżЇжакҐєшчю №«»—0123 abc";
const BEYOND: &str = "😀🛒🎁";

struct Peers {
    child: Child,
    asked: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Peers {
    fn start() -> Result<Self> {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/peers/lines.py");
        let mut command = Command::new(peers_python()?);
        command.arg("-B").arg(script).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().context("starting the peers' decoders")?;
        let asked = child.stdin.take().context("their standard input")?;
        let answers = BufReader::new(child.stdout.take().context("their standard output")?);
        Ok(Self { child, asked, answers })
    }

    fn ask(&mut self, question: &Value) -> Result<Value> {
        writeln!(self.asked, "{question}")?;
        let mut line = String::new();
        ensure!(self.answers.read_line(&mut line)? > 0, "the peers failed at {question}");
        Ok(serde_json::from_str(&line)?)
    }
}

impl Drop for Peers {
    fn drop(&mut self) {
        if self.child.kill().and_then(|()| self.child.wait()).is_err() {
            eprintln!("the peers' decoders had ended before");
        }
    }
}

fn figure(name: &str, usual: u64) -> Result<u64> {
    std::env::var(name).map_or(Ok(usual), |text| text.parse().with_context(|| format!("{name} is a number")))
}

fn text(rng: &mut Rng, letters: &[&str], most: u64) -> String {
    let letters: Vec<char> = letters.iter().flat_map(|set| set.chars()).collect();
    let length = 1 + rng.below(most);
    (0..length).map(|_| letters[usize::try_from(rng.below(letters.len() as u64)).unwrap_or(0)]).collect()
}

fn number(rng: &mut Rng) -> String {
    let digits = 7 + rng.below(9);
    let digits: String = (0..digits).map(|_| char::from(b'1' + u8::try_from(rng.below(9)).unwrap_or(0))).collect();
    format!("+{digits}")
}

/// What the peers and the simulator read of one part; the three agree with each other, or it is an error.
fn read_part(peers: &mut Peers, hex: &str, to: &str, beyond: Beyond) -> Result<(Encoding, Vec<u8>)> {
    let answer = peers.ask(&json!({"decode": hex}))?;
    let octets = unhex(hex).context("hexadecimal")?;
    let ours = parse_submit(&octets[1..])?;
    ensure!(ours.number == to && ours.report, "the simulator reads {} and report {}", ours.number, ours.report);
    let first = &answer["smspdudecoder"];
    ensure!(first["number"] == to[1..] && first["report"] == true, "smspdudecoder reads {first}");
    let septets = usize::from(octets[octets.len() - user_data_octets(&octets)? - 1]);
    let spoilt = ours.encoding == Encoding::Gsm7 && septets % 8 == 7;
    let mut read = first["text"].as_str().unwrap_or_default();
    if spoilt {
        read = read.strip_suffix('@').unwrap_or(read);
    }
    let whole = spoilt && ours.text.ends_with('@') && ours.text.strip_suffix('@') == Some(read);
    // A part may end within a surrogate pair for a decoder that looks at one part alone.
    ensure!(whole || read == ours.text, "smspdudecoder reads {read:?}, the simulator {:?}", ours.text);
    if beyond == Beyond::Absent {
        let second = &answer["python_messaging"];
        ensure!(second["text"] == ours.text.as_str(), "python-messaging reads {second}, the simulator {:?}", ours.text);
        let concat = ours.concat.map(|concat| json!([concat.reference, concat.part, concat.parts]));
        ensure!(second["concat"] == concat.unwrap_or(Value::Null), "python-messaging reads {second}");
    }
    Ok((ours.encoding, ours.units))
}

/// Whether a text has characters beyond the basic plane.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Beyond {
    Present,
    Absent,
}

/// Octets of user data at the end of an SMS-SUBMIT with a relative or no validity period.
fn user_data_octets(octets: &[u8]) -> Result<usize> {
    let digits = usize::from(octets[3]);
    let validity = match octets[1] >> 3 & 3 {
        0 => 0,
        2 => 1,
        other => bail!("validity format {other}"),
    };
    Ok(octets.len() - (5 + digits.div_ceil(2) + 2 + validity + 1))
}

fn ours_is_read_alike(letters: &[&str], most: u64, beyond: Beyond) -> Result<()> {
    let seed = figure("PDU_SEED", 20_261_122)?;
    let mut rng = Rng::new(seed);
    let mut peers = Peers::start()?;
    for case in 0..figure("PDU_CASES", CASES)? {
        let (text, to) = (text(&mut rng, letters, most), number(&mut rng));
        let context = || format!("PDU_SEED={seed}, case {case}: {text:?} to {to}");
        let mut request = SubmitRequest::new(to.clone(), text.clone());
        request.report = Report::Request;
        request.reference = u8::try_from(rng.below(256))?;
        let mut units = Vec::new();
        let mut encoding = Encoding::Gsm7;
        for part in encode_submit(&request).with_context(context)? {
            ensure!(part.length * 2 + 2 == part.hex.len(), "a wrong length: {}", context());
            let (read, some) = read_part(&mut peers, &part.hex, &to, beyond).with_context(context)?;
            encoding = read;
            units.extend(some);
        }
        ensure!(units_text(encoding, &units) == text, "{}", context());
    }
    Ok(())
}

#[test]
fn what_we_write_in_gsm_7_bit_others_read() -> Result<()> {
    ours_is_read_alike(&[PLAIN, ESCAPED], 400, Beyond::Absent)
}

#[test]
fn what_we_write_in_ucs_2_others_read() -> Result<()> {
    ours_is_read_alike(&[PLAIN, UNICODE], 250, Beyond::Absent)
}

#[test]
fn what_we_write_beyond_the_basic_plane_others_read() -> Result<()> {
    ours_is_read_alike(&[UNICODE, BEYOND], 200, Beyond::Present)
}

#[test]
fn what_python_messaging_writes_we_read() -> Result<()> {
    let seed = figure("PDU_SEED", 20_261_122)?;
    let mut rng = Rng::new(seed);
    let mut peers = Peers::start()?;
    for case in 0..figure("PDU_CASES", CASES)? {
        let letters: &[&str] = if rng.chance(500) { &[PLAIN] } else { &[UNICODE] };
        let (text, to) = (text(&mut rng, letters, 300), number(&mut rng));
        let context = || format!("PDU_SEED={seed}, case {case}: {text:?} to {to}");
        let parts = peers.ask(&json!({"encode": text, "number": to})).with_context(context)?;
        let mut whole = String::new();
        for part in parts.as_array().into_iter().flatten() {
            let hex = part.as_str().unwrap_or_default();
            let Message::Submit(submit) = decode(hex, Direction::FromMs).with_context(context)? else {
                bail!("no submit: {}", context());
            };
            ensure!(*submit.recipient.number == to, "another number: {}", context());
            whole.push_str(&submit.data.text);
        }
        ensure!(whole == text, "read as {whole:?}: {}", context());
    }
    Ok(())
}

#[test]
fn what_the_simulator_delivers_we_read() -> Result<()> {
    use hil_tests::sim_modem::pdu::{Reference, Stamp, deliver, hex, split, status_report};
    let seed = figure("PDU_SEED", 20_261_122)?;
    let mut rng = Rng::new(seed);
    let stamp = Stamp { fields: [26, 5, 21, 12, 7, 9], quarters: 8 };
    for case in 0..figure("PDU_CASES", CASES)? {
        let (text, from) = (text(&mut rng, &[PLAIN, ESCAPED], 400), number(&mut rng));
        let width = if rng.chance(500) { Reference::Octet } else { Reference::Word };
        let mut whole = String::new();
        for part in split(&text, None, 0x1234, width).context("a text of the alphabet")? {
            let pdu = format!("00{}", hex(&deliver(&from, &part, stamp)));
            let Message::Deliver(read) = decode(&pdu, Direction::FromSc)? else { bail!("no deliver") };
            ensure!(*read.sender.number == from, "seed {seed}, case {case}");
            // 2026-05-21T12:07:09+02:00.
            ensure!(read.scts == 1_779_358_029_000, "seed {seed}, case {case}: {}", read.scts);
            whole.push_str(&read.data.text);
        }
        ensure!(whole == text, "PDU_SEED={seed}, case {case}: {text:?} read as {whole:?}");
        let report = format!("00{}", hex(&status_report(200, &from, stamp, stamp, 0x46)));
        let Message::StatusReport(read) = decode(&report, Direction::FromSc)? else { bail!("no report") };
        ensure!((read.reference, read.status) == (200, 0x46) && *read.recipient.number == from, "seed {seed}");
    }
    Ok(())
}
