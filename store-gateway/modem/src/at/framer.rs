//! Octets to lines and prompts, one octet at a time, so that any split of them gives the same.

/// The longest line that is kept. The longest good one is a PDU of 176 octets in hexadecimal, with its echo; a longer one is
/// dropped as a whole and told as garbled.
const MAX_LINE: usize = 1_024;

const CTRL_Z: u8 = 0x1A;
const ESCAPE: u8 = 0x1B;

/// What the octets make.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Token {
    /// A line without its end; not empty.
    Line(String),
    /// `>` at the start of a line: the modem waits for a PDU.
    Prompt,
    /// A line that was too long.
    Garbled,
}

/// Gathers lines. Both CR and LF end a line, since echoes end with CR alone.
#[derive(Clone, Debug, Default)]
pub(crate) struct Framer {
    line: String,
    overlong: bool,
}

impl Framer {
    /// Takes one octet.
    pub(crate) fn push(&mut self, octet: u8) -> Option<Token> {
        match octet {
            b'\r' | b'\n' => self.end(),
            b'>' if self.line.is_empty() && !self.overlong => Some(Token::Prompt),
            b' ' if self.line.is_empty() => None,
            // A modem echoes the end of the PDU; some send zeros while they start.
            0 | CTRL_Z | ESCAPE => None,
            _ if self.line.len() >= MAX_LINE => {
                self.line.clear();
                self.overlong = true;
                None
            }
            _ if self.overlong => None,
            _ => {
                self.line.push(char::from(octet));
                None
            }
        }
    }

    /// Forgets what was gathered.
    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }

    fn end(&mut self) -> Option<Token> {
        let line = std::mem::take(&mut self.line);
        if std::mem::take(&mut self.overlong) {
            return Some(Token::Garbled);
        }
        let line = line.trim_end();
        (!line.is_empty()).then(|| Token::Line(line.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(octets: &[u8]) -> Vec<Token> {
        let mut framer = Framer::default();
        octets.iter().filter_map(|&o| framer.push(o)).collect()
    }

    #[test]
    fn lines_prompts_and_echoes() {
        let line = |text: &str| Token::Line(text.to_owned());
        assert_eq!(
            tokens(b"AT+CMGS=18\r\r\n> 0001AB\x1A\r\n+CMGS: 7\r\n\r\nOK\r\n"),
            [line("AT+CMGS=18"), Token::Prompt, line("0001AB"), line("+CMGS: 7"), line("OK")]
        );
    }

    #[test]
    fn an_overlong_line_is_dropped_and_the_next_one_is_whole() {
        let mut octets = vec![b'x'; 5_000];
        octets.extend(b"\r\nOK\r\n");
        assert_eq!(tokens(&octets), [Token::Garbled, Token::Line("OK".to_owned())]);
    }
}
