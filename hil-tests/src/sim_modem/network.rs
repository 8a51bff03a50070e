//! The air, the service centre and the handsets: what went out, what waits for the modem, who reports what.

use std::collections::{BTreeMap, VecDeque};

use serde::{Deserialize, Serialize};

use super::pdu::{Concat, Encoding};

/// What becomes of messages to a number once they are on air.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "policy", rename_all = "snake_case", deny_unknown_fields)]
pub enum Policy {
    /// The handset gets it and the report says so, `delay_ms` after the air.
    Auto {
        /// Milliseconds.
        #[serde(default)]
        delay_ms: u64,
    },
    /// The handset is off: the service centre holds message and report until `release`.
    Hold,
    /// The service centre gives up with this TP-ST; the handset gets nothing.
    Fail {
        /// TP-ST, 3GPP TS 23.040 §9.2.3.15.
        status: u8,
        /// Milliseconds.
        #[serde(default)]
        delay_ms: u64,
    },
    /// The handset gets it; the report is lost.
    Never {
        /// Milliseconds.
        #[serde(default)]
        delay_ms: u64,
    },
}

/// A message that went on air.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct OnAir {
    /// Counts messages on air, from 1, over restarts when the state is kept.
    pub air: u64,
    /// UTC, RFC 3339.
    pub wall: String,
    /// The SMS-SUBMIT as sent, with the modem's reference, upper-case hexadecimal.
    pub pdu: String,
    /// As the host wrote it.
    pub host_pdu: String,
    /// Service centre that it went to.
    pub service_centre: String,
    /// Destination.
    pub number: String,
    /// Text of this part, or hexadecimal for octets.
    pub text: String,
    /// What the text is made of, hexadecimal: one septet an octet for GSM-7, else the octets.
    pub units: String,
    /// Coding.
    pub encoding: Encoding,
    /// TP-DCS.
    pub dcs: u8,
    /// User data header without its length, hexadecimal.
    pub udh: String,
    /// Place in a long message.
    pub concat: Option<Concat>,
    /// TP-MR as sent.
    pub mr: u8,
    /// Whether a status report was asked for.
    pub srr: bool,
    /// Relative validity.
    pub validity_minutes: Option<u32>,
    /// The service centre's time stamp, seven octets in hexadecimal.
    pub scts: String,
    /// Whether the handset has it.
    pub handset: bool,
    /// TP-ST of the reports sent so far.
    pub reports: Vec<u8>,
}

/// What waits at the service centre for the modem.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Inbound {
    /// Counts inbound PDUs, from 1.
    pub id: u64,
    /// Message or report.
    pub kind: InboundKind,
    /// The TPDU in hexadecimal.
    pub pdu: String,
}

/// Kind of an inbound PDU.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InboundKind {
    /// SMS-DELIVER.
    Deliver,
    /// SMS-STATUS-REPORT.
    StatusReport,
}

/// Registration as AT+CREG says it (3GPP TS 27.007 §7.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Registration {
    /// 0: not registered, not searching.
    Off,
    /// 1: home network.
    Home,
    /// 2: searching.
    Searching,
    /// 3: denied.
    Denied,
    /// 5: roaming.
    Roaming,
}

impl Registration {
    /// Returns AT+CREG's figure.
    pub fn figure(self) -> u8 {
        match self {
            Self::Off => 0,
            Self::Home => 1,
            Self::Searching => 2,
            Self::Denied => 3,
            Self::Roaming => 5,
        }
    }

    /// Tells whether messages can pass.
    pub fn serves(self) -> bool {
        matches!(self, Self::Home | Self::Roaming)
    }
}

/// The world outside of the modem.
#[derive(Debug)]
pub struct Network {
    /// What the network grants once the modem asks.
    pub registration: Registration,
    /// Long operator name.
    pub operator: String,
    /// Operator in digits.
    pub plmn: String,
    /// AT+CSQ's first figure, 0–31 or 99.
    pub signal: u8,
    /// For numbers without their own.
    pub policy: Policy,
    /// By number.
    pub policies: BTreeMap<String, Policy>,
    /// Everything that went on air, oldest first.
    pub on_air: Vec<OnAir>,
    /// What waits for the modem, oldest first.
    pub inbound: VecDeque<Inbound>,
    /// Last inbound id.
    pub last_inbound: u64,
    /// Concatenation reference of the last long message to the modem.
    pub last_concat: u16,
    /// Answer of AT+CUSD.
    pub ussd: String,
}

impl Default for Network {
    fn default() -> Self {
        Self {
            registration: Registration::Home,
            operator: "SIMNET PL".into(),
            // 001-01: the test network of ITU-T E.212 Annex.
            plmn: "00101".into(),
            signal: 21,
            policy: Policy::Auto { delay_ms: 0 },
            policies: BTreeMap::new(),
            on_air: Vec::new(),
            inbound: VecDeque::new(),
            last_inbound: 0,
            last_concat: 0,
            ussd: "Stan konta: 12,34 PLN. Wazne do 31.12.2026.".into(),
        }
    }
}

impl Network {
    /// Returns the policy for a number.
    pub fn policy_of(&self, number: &str) -> &Policy {
        self.policies.get(number).unwrap_or(&self.policy)
    }

    /// Puts a PDU in line for the modem and returns its id.
    pub fn queue(&mut self, kind: InboundKind, pdu: String) -> u64 {
        self.last_inbound += 1;
        self.inbound.push_back(Inbound { id: self.last_inbound, kind, pdu });
        self.last_inbound
    }

    /// Returns a message on air by its counter.
    pub fn by_air(&mut self, air: u64) -> Option<&mut OnAir> {
        self.on_air.iter_mut().find(|message| message.air == air)
    }
}
