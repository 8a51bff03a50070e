//! The commands that the engine gives, with what they ask, expect and take.

use std::time::Duration;

use super::call::Digit;
use super::types::{Config, Key, MoreToSend, Token};
use crate::Private;
use crate::at::Indications;
use crate::profile::Profile;

/// A message to submit.
#[derive(Clone, Debug)]
pub(super) struct Submission {
    pub(super) token: Token,
    pub(super) length: usize,
    pub(super) hex: Private<String>,
    pub(super) more: MoreToSend,
}

/// Which registration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Domain {
    /// `CREG`.
    Circuit,
    /// `CEREG`.
    Eps,
}

impl Domain {
    pub(super) const fn prefix(self) -> &'static str {
        match self {
            Self::Circuit => "+CREG",
            Self::Eps => "+CEREG",
        }
    }
}

/// Whether the radio link is kept between messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Link {
    /// `AT+CMMS=2`.
    Keep,
    /// `AT+CMMS=0`.
    Release,
}

/// How a call is ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum HangUpBy {
    /// `AT+CHUP` (TS 27.007 §6.5): voice calls, also one that rings.
    Chup,
    /// `ATH` (V.250 §6.3.6), which some modems want instead.
    Hook,
}

/// What is done to the way of the sound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SoundStep {
    Open,
    Close,
}

/// A place in the modem's storage.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    /// `SM`, `ME`, `SR`; empty when the modem can't choose.
    pub(super) storage: String,
    pub(super) index: u16,
}

/// One command.
#[derive(Clone, Debug)]
pub(super) enum Job {
    Probe,
    EchoOff,
    Errors,
    Identify,
    Model,
    Imei,
    SimState,
    PinTries,
    EnterPin(Private<String>),
    PduMode,
    MessageService,
    StoragesOffered,
    ReceiveStorage { reading: String, writing: String, receiving: String },
    IndicationsOffered,
    Indications(Indications),
    RegistrationNotices(Domain),
    Setting(&'static str),
    OperatorForm,
    Registration(Domain),
    Signal,
    Operator,
    Clock,
    LastReference,
    SelectStorage(String),
    List(String),
    Read(Place),
    Delete { place: Place, key: Key },
    Acknowledge(Key),
    Link(Link),
    Submit(Submission),
    Calls,
    Dial(Private<String>),
    Answer,
    HangUp(HangUpBy),
    RefuseSecond,
    SendDigit(Digit),
    Sound(SoundStep, &'static str),
}

impl Job {
    /// The command line without its end.
    pub(super) fn text(&self, profile: &Profile) -> String {
        match self {
            Self::Probe => "AT".into(),
            Self::EchoOff => "ATE0".into(),
            Self::Errors => "AT+CMEE=1".into(),
            Self::Identify => "ATI".into(),
            Self::Model => "AT+CGMM".into(),
            Self::Imei => "AT+CGSN".into(),
            Self::SimState => "AT+CPIN?".into(),
            Self::PinTries => profile.pin_counter.command.into(),
            Self::EnterPin(pin) => format!("AT+CPIN=\"{}\"", pin.as_str()),
            Self::PduMode => "AT+CMGF=0".into(),
            Self::MessageService => "AT+CSMS=1".into(),
            Self::StoragesOffered => "AT+CPMS=?".into(),
            Self::ReceiveStorage { reading, writing, receiving } => {
                format!("AT+CPMS=\"{reading}\",\"{writing}\",\"{receiving}\"")
            }
            Self::IndicationsOffered => "AT+CNMI=?".into(),
            Self::Indications(i) => format!("AT+CNMI={},{},0,{},{}", i.mode, i.mt, i.ds, i.bfr),
            Self::RegistrationNotices(domain) => format!("AT{}=1", domain.prefix()),
            Self::Setting(command) => (*command).into(),
            Self::OperatorForm => "AT+COPS=3,0".into(),
            Self::Registration(domain) => format!("AT{}?", domain.prefix()),
            Self::Signal => "AT+CSQ".into(),
            Self::Operator => "AT+COPS?".into(),
            Self::Clock => "AT+CCLK?".into(),
            // READ BINARY of EF_SMSS, 0x6F43, two octets: last used TP-MR and memory flag.
            Self::LastReference => "AT+CRSM=176,28483,0,0,2".into(),
            Self::SelectStorage(storage) => format!("AT+CPMS=\"{storage}\""),
            Self::List(_) => "AT+CMGL=4".into(),
            Self::Read(place) => format!("AT+CMGR={}", place.index),
            Self::Delete { place, .. } => format!("AT+CMGD={}", place.index),
            Self::Acknowledge(_) => "AT+CNMA".into(),
            Self::Link(Link::Keep) => "AT+CMMS=2".into(),
            Self::Link(Link::Release) => "AT+CMMS=0".into(),
            Self::Submit(submission) => format!("AT+CMGS={}", submission.length),
            Self::Calls => "AT+CLCC".into(),
            // The semicolon makes it a voice call (TS 27.007 §6.2).
            Self::Dial(number) => format!("ATD{};", number.as_str()),
            Self::Answer => "ATA".into(),
            Self::HangUp(HangUpBy::Chup) => "AT+CHUP".into(),
            Self::HangUp(HangUpBy::Hook) => "ATH".into(),
            // User determined user busy for the call that waits (TS 27.007 §7.13).
            Self::RefuseSecond => "AT+CHLD=0".into(),
            Self::SendDigit(digit) => format!("AT+VTS={}", digit.as_char()),
            Self::Sound(_, command) => (*command).into(),
        }
    }

    /// The name of the answer that must come before OK, when there must be one.
    pub(super) fn answer(&self, profile: &Profile) -> Option<&'static str> {
        Some(match self {
            Self::SimState => "+CPIN",
            Self::PinTries => profile.pin_counter.prefix.trim_end_matches(':'),
            Self::StoragesOffered | Self::ReceiveStorage { .. } | Self::SelectStorage(_) => "+CPMS",
            Self::IndicationsOffered => "+CNMI",
            Self::Registration(domain) => domain.prefix(),
            Self::Signal => "+CSQ",
            Self::Operator => "+COPS",
            Self::Clock => "+CCLK",
            Self::LastReference => "+CRSM",
            Self::MessageService => "+CSMS",
            Self::List(_) => "+CMGL",
            Self::Read(_) => "+CMGR",
            Self::Submit(_) => "+CMGS",
            Self::Calls => "+CLCC",
            _ => return None,
        })
    }

    /// Whether OK without that answer is incomplete, that is, belongs to something else. Modems leave the answers to
    /// `CSMS=` and `CPMS=` out, and lists may be empty.
    pub(super) fn needs_answer(&self) -> bool {
        matches!(
            self,
            Self::SimState
                | Self::StoragesOffered
                | Self::IndicationsOffered
                | Self::Registration(_)
                | Self::Signal
                | Self::Operator
                | Self::Clock
                | Self::LastReference
        )
    }

    /// Whether any text may come before OK.
    pub(super) fn takes_free_text(&self) -> bool {
        matches!(self, Self::Identify | Self::Model | Self::Imei)
    }

    /// Whether it is about a voice call.
    pub(super) fn is_of_call(&self) -> bool {
        matches!(
            self,
            Self::Calls
                | Self::Dial(_)
                | Self::Answer
                | Self::HangUp(_)
                | Self::RefuseSecond
                | Self::SendDigit(_)
                | Self::Sound(..)
        )
    }

    /// How long its answer may take.
    pub(super) fn wait(&self, config: &Config, profile: &Profile) -> Duration {
        let factor = match self {
            Self::List(_) | Self::Operator | Self::EnterPin(_) => 10,
            Self::Delete { .. } | Self::Read(_) | Self::SelectStorage(_) | Self::ReceiveStorage { .. } => 4,
            Self::SimState | Self::StoragesOffered | Self::Acknowledge(_) => 2,
            Self::Submit(_) => return config.prompt,
            Self::Dial(_) => return profile.voice.dial,
            Self::Answer => return profile.voice.answer,
            Self::HangUp(_) => return profile.voice.hang_up,
            _ => 1,
        };
        config.answer * factor
    }
}
