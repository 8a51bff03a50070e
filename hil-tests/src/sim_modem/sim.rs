//! The SIM card and the modem's own storage: what survives a reboot.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::network::{Inbound, OnAir};

/// PIN state of the card.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Lock {
    /// No lock, or the PIN was given.
    Ready,
    /// Waits for the PIN.
    Pin,
    /// Waits for the PUK.
    Puk,
    /// No card in the holder.
    Absent,
}

/// Status of a stored message (3GPP TS 27.005 §3.1, `<stat>`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Status {
    /// 0.
    Unread,
    /// 1.
    Read,
    /// 2.
    Unsent,
    /// 3.
    Sent,
}

impl Status {
    /// Returns the figure of PDU mode.
    pub fn figure(self) -> u8 {
        match self {
            Self::Unread => 0,
            Self::Read => 1,
            Self::Unsent => 2,
            Self::Sent => 3,
        }
    }

    /// Returns the word of text mode.
    pub fn word(self) -> &'static str {
        match self {
            Self::Unread => "REC UNREAD",
            Self::Read => "REC READ",
            Self::Unsent => "STO UNSENT",
            Self::Sent => "STO SENT",
        }
    }
}

/// A stored PDU.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Slot {
    /// Read, unread, sent, unsent.
    pub status: Status,
    /// Service-centre address with its length octet, hexadecimal.
    pub service_centre: String,
    /// TPDU, hexadecimal.
    pub pdu: String,
    /// Inbound id, when it came from the network.
    pub inbound: Option<u64>,
}

/// One memory: places that are free or taken.
pub type Memory = Vec<Option<Slot>>;

/// What survives a reboot, and a restart of the simulator with `--state`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Card {
    /// PIN state.
    pub lock: Lock,
    /// Whether the PIN is asked at each start.
    pub pin_enabled: PinAtStart,
    /// The PIN.
    pub pin: String,
    /// The PUK.
    pub puk: String,
    /// PIN tries left.
    pub pin_tries: u8,
    /// PUK tries left.
    pub puk_tries: u8,
    /// Storage by name: ME, SM, SR.
    pub memories: BTreeMap<String, Memory>,
    /// EF_SMSS (3GPP TS 31.102 §4.2.9): last used TP-MR, then the memory-capacity flag (bit 1 clear: exceeded).
    pub ef_smss: [u8; 2],
    /// The modem's own last reference; EF_SMSS follows it when the profile writes that file.
    pub last_reference: u8,
    /// Messages on air so far.
    pub air: u64,
    /// Inbound PDUs so far.
    pub last_inbound: u64,
    /// What waits at the service centre.
    pub inbound: Vec<Inbound>,
    /// Messages on air that no handset has yet, so that held reports survive a restart of the simulator.
    pub held: Vec<OnAir>,
    /// Service centre.
    pub service_centre: String,
    /// The card's own number.
    pub number: String,
}

/// Whether a start asks for the PIN.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PinAtStart {
    /// It does.
    Asked,
    /// It does not.
    Off,
}

impl Default for Card {
    fn default() -> Self {
        let memories = [("ME", 255), ("SM", 50), ("SR", 20)];
        Self {
            lock: Lock::Ready,
            pin_enabled: PinAtStart::Off,
            pin: "1234".into(),
            puk: "12345678".into(),
            pin_tries: 3,
            puk_tries: 10,
            memories: memories.map(|(name, size)| (name.to_owned(), vec![None; size])).into(),
            ef_smss: [0, 0xFF],
            last_reference: 0,
            air: 0,
            last_inbound: 0,
            inbound: Vec::new(),
            held: Vec::new(),
            service_centre: "+48501200777".into(),
            number: "+48600100200".into(),
        }
    }
}

impl Card {
    /// Returns a memory by its AT name; MT is the modem's own.
    ///
    /// # Panics
    /// For a name that AT+CPMS does not take.
    pub fn memory(&mut self, name: &str) -> &mut Memory {
        let name = if name == "MT" { "ME" } else { name };
        self.memories.get_mut(name).expect("AT+CPMS lets only known memories through")
    }

    /// Puts a slot in the first free place and returns it, from 0; `None` when the memory is full.
    pub fn store(&mut self, memory: &str, slot: Slot) -> Option<usize> {
        let places = self.memory(memory);
        let free = places.iter().position(Option::is_none)?;
        places[free] = Some(slot);
        Some(free)
    }

    /// Returns the taken and all places of a memory.
    pub fn usage(&mut self, name: &str) -> (usize, usize) {
        let places = self.memory(name);
        (places.iter().flatten().count(), places.len())
    }
}
