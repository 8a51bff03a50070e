//! The values of lines about voice calls (TS 27.007 §7.6, §7.11, §7.12, §7.18). `None` is a line that does not keep to its form.

use super::line::fields;
use crate::Private;
use crate::profile::DigitForm;

/// The longest number that is taken: twenty digits of TS 24.008 §10.5.4.7, a plus sign, and some room.
const MAX_NUMBER: usize = 32;

/// Who called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Direction {
    /// The SIM called.
    Outgoing,
    /// The SIM was called.
    Incoming,
}

/// Where a call stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CallState {
    Active,
    Held,
    Dialing,
    Alerting,
    Incoming,
    Waiting,
}

/// A line of `AT+CLCC`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CallLine {
    /// Its number among the modem's calls.
    pub(crate) index: u8,
    pub(crate) direction: Direction,
    pub(crate) state: CallState,
    /// Whether it is a voice call; modems list data connections too.
    pub(crate) voice: bool,
    /// The other end's, when it is known.
    pub(crate) number: Option<Private<String>>,
}

/// `+CLCC: id,dir,stat,mode,mpty[,number,type[,alpha[,…]]]` (TS 27.007 §7.18).
pub(crate) fn call_line(values: &str) -> Option<CallLine> {
    let fields = fields(values);
    let [index, direction, state, mode, _, rest @ ..] = fields.as_slice() else { return None };
    let direction = match *direction {
        "0" => Direction::Outgoing,
        "1" => Direction::Incoming,
        _ => return None,
    };
    let state = match *state {
        "0" => CallState::Active,
        "1" => CallState::Held,
        "2" => CallState::Dialing,
        "3" => CallState::Alerting,
        "4" => CallState::Incoming,
        "5" => CallState::Waiting,
        _ => return None,
    };
    let number = match rest {
        [number, kind, ..] => caller(number, kind),
        _ => None,
    };
    // Voice, voice before data either way, and unknown.
    let voice = matches!(*mode, "0" | "3" | "6" | "9");
    Some(CallLine { index: index.parse().ok()?, direction, state, voice, number })
}

/// The number of `+CLIP: number,type[,subaddr,satype[,alpha[,validity]]]` (§7.11) and `+CCWA: number,type,class[,…]`
/// (§7.12); within, `None` is a number that was withheld or is not known.
pub(crate) fn calling_number(values: &str) -> Option<Option<Private<String>>> {
    match fields(values).as_slice() {
        [number, kind, ..] => Some(caller(number, kind)),
        _ => None,
    }
}

/// A number with its type of address (TS 24.008 §10.5.4.7: bits 5 to 7 are the type of number, 1 is international).
fn caller(number: &str, kind: &str) -> Option<Private<String>> {
    let digits = number.strip_prefix('+').unwrap_or(number);
    let good = !digits.is_empty() && digits.len() <= MAX_NUMBER;
    if !good || !digits.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'*' | b'#')) {
        return None;
    }
    let international = digits.len() < number.len() || kind.parse::<u8>().is_ok_and(|kind| kind >> 4 & 7 == 1);
    Some(Private(if international { format!("+{digits}") } else { digits.to_owned() }))
}

/// The key that a modem heard in the call.
pub(crate) fn pressed(values: &str, form: DigitForm) -> Option<char> {
    let value = *fields(values).first()?;
    let key = match form {
        DigitForm::Character => single(value)?,
        // Some firmware of the same maker gives the digit itself, which is no code of any key.
        DigitForm::Code if value.len() == 1 => single(value)?,
        DigitForm::Code => char::from(value.parse::<u8>().ok()?),
    };
    matches!(key, '0'..='9' | '*' | '#' | 'A'..='D').then_some(key)
}

fn single(value: &str) -> Option<char> {
    let mut signs = value.chars();
    signs.next().filter(|_| signs.next().is_none())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(text: &str) -> Option<Private<String>> {
        Some(text.into())
    }

    #[test]
    fn calls_are_listed_with_their_state() {
        // The example of TS 27.007 §7.18 in a modem's manual: an outgoing call that rings, an incoming one that waits.
        let line = call_line("1,0,3,0,0,\"0146294079\",129").unwrap();
        assert_eq!((line.index, line.direction, line.state), (1, Direction::Outgoing, CallState::Alerting));
        assert_eq!((line.voice, line.number), (true, number("0146294079")));
        let line = call_line("2,1,5,0,0,\"+48600100200\",145,\"\"").unwrap();
        assert_eq!((line.direction, line.state), (Direction::Incoming, CallState::Waiting));
        // Without a number, and an LTE modem's own data connection.
        assert_eq!(call_line("1,1,4,0,0").unwrap().number, None);
        assert!(!call_line("1,1,0,1,0,\"\",128").unwrap().voice);
        for torn in ["", "1", "1,0,3,0", "1,2,3,0,0", "1,0,7,0,0", "x,0,3,0,0"] {
            assert_eq!(call_line(torn), None, "{torn}");
        }
    }

    #[test]
    fn a_caller_is_international_by_its_type_and_may_withhold_the_number() {
        assert_eq!(calling_number("\"+48600100200\",145,\"\",0,\"\",0"), Some(number("+48600100200")));
        assert_eq!(calling_number("\"48600100200\",145,,,,0"), Some(number("+48600100200")));
        assert_eq!(calling_number("\"600100200\",129,,,,0"), Some(number("600100200")));
        assert_eq!(calling_number("\"600100200\",161,1,,7"), Some(number("600100200")));
        assert_eq!(calling_number("\"\",128,,,,1"), Some(None));
        assert_eq!(calling_number("\"Anonymous\",128"), Some(None));
        assert_eq!(calling_number("\"60010"), None);
    }

    #[test]
    fn keys_come_as_signs_or_as_their_codes() {
        assert_eq!(pressed("1", DigitForm::Character), Some('1'));
        assert_eq!(pressed("#,160", DigitForm::Character), Some('#'));
        assert_eq!(pressed("1400", DigitForm::Character), None);
        // Quectel's table: 0 is 48, 9 is 57, * is 42, # is 35, A is 65.
        for (code, key) in [("48", '0'), ("57", '9'), ("42", '*'), ("35", '#'), ("65", 'A'), ("7", '7')] {
            assert_eq!(pressed(code, DigitForm::Code), Some(key));
        }
        for wrong in ["", "70", "300", "x"] {
            assert_eq!(pressed(wrong, DigitForm::Code), None, "{wrong}");
        }
    }
}
