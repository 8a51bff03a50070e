//! Faults that a test orders: each waits for a command and strikes a counted number of times.

use serde::{Deserialize, Serialize};

/// Whether a fault strikes before or after the thing itself was done (for a submission: went on air).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Air {
    /// Nothing was done yet.
    #[default]
    Before,
    /// It was done; only the answer is missing or wrong.
    After,
}

/// What the modem does with other commands while an answer is late.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Meanwhile {
    /// They wait behind it.
    #[default]
    Queue,
    /// They are answered, and the late answer comes in between.
    Answer,
}

/// What goes wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Kind {
    /// The command is carried out and never answered.
    LostAnswer {},
    /// The answer comes `ms` milliseconds late.
    LateAnswer {
        /// Milliseconds.
        ms: u64,
        /// What happens to other commands.
        #[serde(default)]
        meanwhile: Meanwhile,
    },
    /// `+CMS ERROR: code`.
    CmsError {
        /// 3GPP TS 27.005 §3.2.5.
        code: u16,
        /// Before or after the message went on air.
        #[serde(default)]
        air: Air,
    },
    /// `+CME ERROR: code`.
    CmeError {
        /// 3GPP TS 27.007 §9.2.
        code: u16,
    },
    /// `ERROR`.
    Error {
        /// Before or after the message went on air.
        #[serde(default)]
        air: Air,
    },
    /// Lines of an unsolicited code after `line` lines of the answer (1: behind the first, e.g. between a `+CMGL` header and its PDU).
    UrcBetween {
        /// Lines of the answer before it; 0: before all.
        line: usize,
        /// The code, `\r\n` between its lines.
        text: String,
    },
    /// The answer ends in the middle: `keep` octets of line `line` (from 0) come, then nothing.
    TornLine {
        /// Line of the answer, from 0.
        #[serde(default)]
        line: usize,
        /// Octets of it that still come.
        keep: usize,
    },
    /// The modem starts again.
    Reboot {
        /// Before or after the message went on air.
        #[serde(default)]
        air: Air,
    },
    /// The modem answers nothing until its power is cycled or its reset pin is pulled.
    Hang {
        /// Before or after the message went on air.
        #[serde(default)]
        air: Air,
    },
    /// No `>` comes after AT+CMGS; the command is forgotten.
    NoPrompt {},
    /// These octets come before the answer, or at once when no command is named.
    Garbage {
        /// Hexadecimal.
        hex: String,
    },
    /// Command echo is on again.
    Echo {},
}

/// Where in a command's life a fault is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// AT+CMGS is about to show its prompt.
    Prompt,
    /// The command is about to be carried out.
    Before,
    /// It was carried out and is not yet answered.
    After,
    /// The answer is about to be written.
    Answer,
}

/// An ordered fault.
#[derive(Debug, Clone)]
pub struct Fault {
    /// Prefix of the command line, upper case, e.g. `AT+CMGS`.
    pub command: String,
    /// Matching commands that it lets pass first.
    pub skip: u32,
    /// Times that it strikes.
    pub count: u32,
    /// What it does.
    pub kind: Kind,
}

impl Kind {
    fn stage(&self) -> Stage {
        match self {
            Self::NoPrompt {} => Stage::Prompt,
            Self::CmsError { air, .. } | Self::Error { air } | Self::Reboot { air } | Self::Hang { air } => match air {
                Air::Before => Stage::Before,
                Air::After => Stage::After,
            },
            Self::CmeError { .. } | Self::Echo {} => Stage::Before,
            Self::LostAnswer {}
            | Self::LateAnswer { .. }
            | Self::UrcBetween { .. }
            | Self::TornLine { .. }
            | Self::Garbage { .. } => Stage::Answer,
        }
    }
}

/// Takes the faults that strike `line` at `stage`, counting each down. At most one strikes before and after; all that
/// concern the answer strike together.
pub fn strike(faults: &mut Vec<Fault>, stage: Stage, line: &str) -> Vec<Kind> {
    let line = line.to_ascii_uppercase();
    let mut struck: Vec<Kind> = Vec::new();
    for fault in faults.iter_mut() {
        let applies = fault.kind.stage() == stage && line.starts_with(&fault.command);
        if !applies || (stage != Stage::Answer && !struck.is_empty()) {
            continue;
        }
        if fault.skip > 0 {
            fault.skip -= 1;
            continue;
        }
        fault.count -= 1;
        struck.push(fault.kind.clone());
    }
    faults.retain(|fault| fault.count > 0);
    struck
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_lets_pass_what_it_skips_and_strikes_as_often_as_it_counts() {
        let mut faults = vec![Fault { command: "AT+CMGS".into(), skip: 1, count: 2, kind: Kind::LostAnswer {} }];
        let mut hits = || strike(&mut faults, Stage::Answer, "at+cmgs=20").len();
        assert_eq!([hits(), hits(), hits(), hits()], [0, 1, 1, 0]);
    }
}
