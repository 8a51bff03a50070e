//! `sms encode` and `sms decode`: the PDU codec on the command line, for support and for checks against other tools.

use std::io::Write;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Subcommand, ValueEnum};
use gsm_modem::pdu::{Direction, Folding, Message, Report, SubmitRequest, UserData, decode, encode_submit};
use jiff::{Span, SpanRelativeTo, Timestamp};
use serde_json::{Map, Value, json};
use store_daemon::process::{EXIT_CONFIG, EXIT_FAILED};

/// `sms …`.
#[derive(Debug, Subcommand)]
pub enum SmsCommand {
    /// Prints a line for each part: LENGTH HEX, as AT+CMGS wants them.
    Encode(Encode),
    /// Prints a line of JSON for each PDU.
    Decode(Decode),
}

/// `sms encode`.
#[derive(clap::Args)]
pub struct Encode {
    /// The recipient: digits, with + in front when international.
    #[arg(long, value_name = "N", allow_hyphen_values = true)]
    to: String,
    /// The text.
    #[arg(long, value_name = "T", allow_hyphen_values = true)]
    text: String,
    /// Replaces letters that the GSM alphabet lacks by plain ones.
    #[arg(long)]
    fold: bool,
    /// Asks for a delivery report.
    #[arg(long)]
    report: bool,
    /// How long the service centre keeps trying, such as 30m, 24h, 3d.
    #[arg(long, value_name = "TIME", value_parser = duration)]
    validity: Option<Duration>,
    /// Reference of a long text, and of its first part.
    #[arg(long, value_name = "N", default_value_t = 0)]
    reference: u8,
}

/// Numbers and texts stay out of logs, whoever traces the command line.
impl std::fmt::Debug for Encode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Encode").field("reference", &self.reference).finish_non_exhaustive()
    }
}

/// `sms decode`.
#[derive(clap::Args)]
pub struct Decode {
    /// Who sent it: the service centre, or a phone.
    #[arg(long, value_enum, default_value_t = From::Sc)]
    from: From,
    /// PDUs in hexadecimal, with the service centre's address in front.
    #[arg(required = true, value_name = "HEX")]
    hex: Vec<String>,
}

impl std::fmt::Debug for Decode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Decode").field("from", &self.from).field("pdus", &self.hex.len()).finish()
    }
}

/// `--from`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum From {
    /// The service centre.
    Sc,
    /// A phone or modem.
    Ms,
}

/// Reads `24h`, `1d 12h`, `90 minutes`; a day is 24 hours.
fn duration(text: &str) -> Result<Duration, String> {
    let span: Span = text.parse().map_err(|_| "is no time such as 30m, 24h or 3d".to_owned())?;
    let exact = span.to_duration(SpanRelativeTo::days_are_24_hours()).map_err(|e| e.to_string())?;
    Duration::try_from(exact).map_err(|_| "is negative".to_owned())
}

/// Runs the command; what can't be read is exit code 2.
pub fn run(command: &SmsCommand) -> ExitCode {
    let done = match command {
        SmsCommand::Encode(encode) => encoded(encode),
        SmsCommand::Decode(decode) => decoded(decode),
    };
    let lines = match done {
        Ok(lines) => lines,
        Err(why) => {
            eprintln!("{why}");
            return ExitCode::from(EXIT_CONFIG);
        }
    };
    let mut out = std::io::stdout().lock();
    let written = lines.iter().try_for_each(|line| writeln!(out, "{line}")).and_then(|()| out.flush());
    match written {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::from(EXIT_FAILED),
    }
}

fn encoded(command: &Encode) -> Result<Vec<String>, String> {
    let request = SubmitRequest {
        fold: if command.fold { Folding::Fold } else { Folding::Keep },
        report: if command.report { Report::Request } else { Report::None },
        validity: command.validity,
        reference: command.reference,
        ..SubmitRequest::new(&command.to, &command.text)
    };
    let pdus = encode_submit(&request).map_err(|e| e.to_string())?;
    Ok(pdus.iter().map(|pdu| format!("{} {}", pdu.length, *pdu.hex)).collect())
}

fn decoded(command: &Decode) -> Result<Vec<String>, String> {
    let direction = match command.from {
        From::Sc => Direction::FromSc,
        From::Ms => Direction::FromMs,
    };
    let numbered = command.hex.iter().enumerate();
    numbered
        .map(|(i, hex)| match decode(hex.trim(), direction) {
            Ok(message) => Ok(shown(&message).to_string()),
            Err(e) if command.hex.len() > 1 => Err(format!("PDU {}: {e}", i + 1)),
            Err(e) => Err(e.to_string()),
        })
        .collect()
}

/// The message as JSON, keys in reading order.
fn shown(message: &Message) -> Value {
    let mut json = Map::new();
    let mut put = |key: &str, value: Value| {
        json.insert(key.to_owned(), value);
    };
    match message {
        Message::Deliver(deliver) => {
            put("kind", json!("deliver"));
            put("number", json!(*deliver.sender.number));
            put_data(&mut put, &deliver.data);
            put("scts", time(deliver.scts));
        }
        Message::Submit(submit) => {
            put("kind", json!("submit"));
            put("number", json!(*submit.recipient.number));
            put_data(&mut put, &submit.data);
            put("mr", json!(submit.reference));
            put("report", json!(submit.report == Report::Request));
            if let Some(validity) = submit.validity {
                put("validity_s", json!(validity.as_secs()));
            }
        }
        Message::StatusReport(report) => {
            put("kind", json!("status_report"));
            put("number", json!(*report.recipient.number));
            put("scts", time(report.scts));
            put("discharge", time(report.discharge));
            put("mr", json!(report.reference));
            put("status", json!(report.status));
        }
    }
    Value::Object(json)
}

fn put_data(put: &mut impl FnMut(&str, Value), data: &UserData) {
    put("text", json!(*data.text));
    put("encoding", json!(data.encoding.as_str()));
    if let Some(concat) = data.concat {
        put("concat", json!({ "reference": concat.reference, "part": concat.part, "parts": concat.parts }));
    }
}

/// RFC 3339 in UTC.
fn time(unix_ms: i64) -> Value {
    Timestamp::from_millisecond(unix_ms).map_or(Value::Null, |at| json!(at.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser as _;

    #[derive(clap::Parser)]
    struct Cli {
        #[command(subcommand)]
        sms: SmsCommand,
    }

    fn lines(arguments: &[&str]) -> Result<Vec<String>, String> {
        let cli = Cli::try_parse_from([&["sms"], arguments].concat()).map_err(|e| e.to_string())?;
        match &cli.sms {
            SmsCommand::Encode(encode) => encoded(encode),
            SmsCommand::Decode(decode) => decoded(decode),
        }
    }

    /// "hellohello" as SMS-SUBMIT to +46708251358: the example that every PDU tutorial carries (septets E8329BFD4697D9EC37).
    #[test]
    fn a_known_text_encodes_to_its_known_pdu() {
        let line = lines(&["encode", "--to", "+46708251358", "--text", "hellohello"]).unwrap();
        assert_eq!(line, ["22 0001000B916407281553F800000AE8329BFD4697D9EC37"]);
    }

    #[test]
    fn validity_and_report_set_their_bits() {
        let line = lines(&["encode", "--to", "+46708251358", "--text", "hellohello", "--report", "--validity", "24h"])
            .unwrap();
        // First octet 31: SUBMIT, relative validity (10), report (20); 24 h is 167 = A7 (TS 23.040 §9.2.3.12.1).
        assert_eq!(line, ["23 0031000B916407281553F80000A70AE8329BFD4697D9EC37"]);
    }

    #[test]
    fn folding_keeps_a_polish_text_in_one_part() {
        let text = "ż".repeat(160);
        let parts = |fold: &[&str]| {
            lines(&[&["encode", "--to", "+48600100200", "--text", &text], fold].concat()).unwrap().len()
        };
        // 160 UCS-2 characters are 67 + 67 + 26.
        assert_eq!((parts(&[]), parts(&["--fold"])), (3, 1));
    }

    #[test]
    fn a_known_deliver_decodes() {
        // The DELIVER of the same tutorial: from 27838890001, with its year made 26: 26-03-29 15:16:59 +02:00.
        let hex = "07917283010010F5040BC87238880900F10000623092516195800AE8329BFD4697D9EC37";
        let line = lines(&["decode", hex]).unwrap();
        let json: Value = serde_json::from_str(&line[0]).unwrap();
        assert_eq!(json["kind"], "deliver");
        assert_eq!(json["text"], "hellohello");
        assert_eq!(json["encoding"], "gsm7");
        assert_eq!(json["scts"], "2026-03-29T13:16:59Z");
        assert!(json["number"].as_str().unwrap().ends_with("27838890001"));
    }

    #[test]
    fn what_was_encoded_decodes_with_its_parts() {
        let text = "Zamówienie 48213 czeka. ".repeat(12);
        let pdus = lines(&["encode", "--to", "+48600100200", "--text", &text, "--reference", "7"]).unwrap();
        let mut joined = String::new();
        for (i, line) in pdus.iter().enumerate() {
            let hex = line.split_once(' ').unwrap().1;
            let shown: Value = serde_json::from_str(&lines(&["decode", "--from", "ms", hex]).unwrap()[0]).unwrap();
            assert_eq!(shown["concat"], json!({ "reference": 7, "part": i + 1, "parts": pdus.len() }));
            assert_eq!(shown["mr"], 7 + i);
            joined.push_str(shown["text"].as_str().unwrap());
        }
        assert_eq!(joined, text);
    }

    #[test]
    fn bad_hex_names_the_octet() {
        for hex in ["0011XX", "001", "07917283010010F5040BC8"] {
            let said = lines(&["decode", hex]).unwrap_err();
            assert!(said.contains("octet"), "{hex}: {said}");
        }
        assert!(lines(&["decode", "00", "zz"]).unwrap_err().starts_with("PDU 1"));
    }

    #[test]
    fn durations_are_read_as_people_write_them() {
        for (text, seconds) in [("24h", 86_400), ("30m", 1_800), ("3d", 259_200), ("1h 30m", 5_400)] {
            assert_eq!(duration(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
        assert!(duration("soon").is_err());
        assert!(duration("-1h").is_err());
    }
}
