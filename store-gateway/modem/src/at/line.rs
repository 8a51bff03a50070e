//! What a line is, whoever it is for.

/// A final result that is an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ErrorCode {
    /// `ERROR`.
    Plain,
    /// `+CMS ERROR: n` (TS 27.005 §3.2.5).
    Cms(u16),
    /// `+CME ERROR: n` (TS 27.007 §9.2).
    Cme(u16),
}

/// What a word says of a voice call (V.250 §5.7.1, and SIMCom's notices).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CallWord {
    /// Somebody calls.
    Ring,
    /// It ended, or did not come about.
    NoCarrier,
    /// The number called is engaged.
    Busy,
    /// The number called does not answer.
    NoAnswer,
    /// Nothing can be dialled.
    NoDialtone,
    /// It ended, by `VOICE CALL: END: …` or `MISSED_CALL: …`.
    Ended,
    /// It went on in some way: `VOICE CALL: BEGIN`, `CONNECT`.
    Changed,
}

/// A line by its form alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Line<'a> {
    /// `OK`.
    Ok,
    /// An error.
    Error(ErrorCode),
    /// The modem starts or stops: everything that was set is gone.
    Restart,
    /// A part of the modem has started; mostly the tail of a start that is known already.
    Started,
    /// The storage is full.
    StorageFull,
    /// `NAME: values` or another notice that keeps to the form; the engine knows some.
    Named {
        /// With its first sign, without the colon.
        name: &'a str,
        /// Behind the colon, trimmed.
        values: &'a str,
    },
    /// Hexadecimal digits, an even number of them.
    Hex(&'a str),
    /// A word of a voice call.
    Call(CallWord),
    /// A word of the supply, of no concern here.
    Aside,
    /// Anything else: free text, an echo, or a torn line.
    Other(&'a str),
}

/// What modems say when they start or stop.
const RESTART: [&str; 10] = [
    "UNDER-VOLTAGE POWER DOWN",
    "OVER-VOLTAGE POWER DOWN",
    "RDY",
    "START",
    "^SYSSTART",
    "NORMAL POWER DOWN",
    "POWERED DOWN",
    "POWER DOWN",
    "+CFUN: 1",
    "*ATREADY: 1",
];

/// What they say when a part has started.
const STARTED: [&str; 7] =
    ["Call Ready", "SMS Ready", "SMS DONE", "PB DONE", "+QIND: SMS DONE", "+QIND: PB DONE", "SMS READY"];

/// What they say when the storage has no room.
const FULL: [&str; 3] = ["SMS FULL", "+SMS FULL", "+SMSFULL"];

/// A supply that is out of its range, with the modem's own spelling.
const ASIDES: [&str; 2] = ["UNDER-VOLTAGE WARNNING", "OVER-VOLTAGE WARNNING"];

/// Says what a line is.
pub(crate) fn classify(line: &str) -> Line<'_> {
    if line == "OK" {
        return Line::Ok;
    }
    if line == "ERROR" {
        return Line::Error(ErrorCode::Plain);
    }
    if let Some(code) = line.strip_prefix("+CMS ERROR:") {
        // A code that is torn off or a text says nothing: 500, unknown error.
        return Line::Error(ErrorCode::Cms(code.trim().parse().unwrap_or(500)));
    }
    if let Some(code) = line.strip_prefix("+CME ERROR:") {
        return Line::Error(ErrorCode::Cme(cme_code(code.trim())));
    }
    if RESTART.contains(&line) {
        return Line::Restart;
    }
    if STARTED.contains(&line) {
        return Line::Started;
    }
    if FULL.contains(&line) || line.starts_with("^SMMEMFULL") || line.starts_with("+QIND: \"smsfull\"") {
        return Line::StorageFull;
    }
    if ASIDES.contains(&line) {
        return Line::Aside;
    }
    if let Some(word) = call_word(line) {
        return Line::Call(word);
    }
    if let Some((name, values)) = named(line) {
        return Line::Named { name, values };
    }
    if line.len() >= 2 && line.len().is_multiple_of(2) && line.bytes().all(|b| b.is_ascii_hexdigit()) {
        return Line::Hex(line);
    }
    Line::Other(line)
}

fn call_word(line: &str) -> Option<CallWord> {
    Some(match line {
        "RING" => CallWord::Ring,
        "NO CARRIER" => CallWord::NoCarrier,
        "BUSY" => CallWord::Busy,
        "NO ANSWER" => CallWord::NoAnswer,
        "NO DIALTONE" | "NO DIAL TONE" => CallWord::NoDialtone,
        "CONNECT" => CallWord::Changed,
        _ if line.starts_with("VOICE CALL: END") || line.starts_with("MISSED_CALL:") => CallWord::Ended,
        _ if line.starts_with("VOICE CALL:") => CallWord::Changed,
        _ => return None,
    })
}

/// The number, or the number of the commonest texts (a modem that did not take `AT+CMEE=1`).
fn cme_code(code: &str) -> u16 {
    code.parse().unwrap_or(match code {
        "SIM not inserted" => 10,
        "SIM PIN required" => 11,
        "SIM PUK required" => 12,
        "SIM failure" => 13,
        "SIM busy" => 14,
        "incorrect password" => 16,
        _ => 100,
    })
}

/// `+NAME: values`; the name has capitals, digits and spaces only, so that torn lines rarely pass for one.
fn named(line: &str) -> Option<(&str, &str)> {
    let (name, values) = line.split_once(':')?;
    let rest = name.strip_prefix(['+', '^', '*', '#', '$', '%', '&'])?;
    let good = !rest.is_empty() && rest.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b' ');
    good.then(|| (name, values.trim()))
}

/// Fields between commas that stand in neither quotes nor brackets; quotes are taken off.
pub(crate) fn fields(values: &str) -> Vec<&str> {
    let (mut quoted, mut depth, mut from) = (false, 0_u32, 0);
    let mut found = Vec::new();
    for (at, octet) in values.bytes().enumerate() {
        match octet {
            b'"' => quoted = !quoted,
            b'(' if !quoted => depth += 1,
            b')' if !quoted => depth = depth.saturating_sub(1),
            b',' if !quoted && depth == 0 => {
                found.push(unquoted(&values[from..at]));
                from = at + 1;
            }
            _ => {}
        }
    }
    found.push(unquoted(&values[from..]));
    found
}

fn unquoted(field: &str) -> &str {
    let field = field.trim();
    field.strip_prefix('"').and_then(|f| f.strip_suffix('"')).unwrap_or(field)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_by_form() {
        assert_eq!(classify("+CMS ERROR: 38"), Line::Error(ErrorCode::Cms(38)));
        assert_eq!(classify("+CMS ERROR: "), Line::Error(ErrorCode::Cms(500)));
        assert_eq!(classify("+CME ERROR: SIM busy"), Line::Error(ErrorCode::Cme(14)));
        assert_eq!(classify("+CMTI: \"SM\",3"), Line::Named { name: "+CMTI", values: "\"SM\",3" });
        assert_eq!(classify("0791AB"), Line::Hex("0791AB"));
        for (line, word) in [
            ("RING", CallWord::Ring),
            ("NO CARRIER", CallWord::NoCarrier),
            ("VOICE CALL: BEGIN", CallWord::Changed),
            ("VOICE CALL: END: 000017", CallWord::Ended),
            ("MISSED_CALL: 02:17AM 600100200", CallWord::Ended),
        ] {
            assert_eq!(classify(line), Line::Call(word), "{line}");
        }
        for torn in
            ["+CM", "K", "RIN", "VOICE CAL", "NO CARR", "MS ERROR: 38", "+CMGS", "0791A", "\u{FF}+CMGS: 1", "12OK"]
        {
            assert_eq!(classify(torn), Line::Other(torn), "{torn}");
        }
    }

    #[test]
    fn fields_keep_quotes_and_brackets_together() {
        assert_eq!(fields("1,\"a,b\",,(0-2,4),\"SM\""), ["1", "a,b", "", "(0-2,4)", "SM"]);
        assert_eq!(fields(""), [""]);
    }
}
