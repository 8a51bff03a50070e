//! What differs between modem families: identity, boot messages, offered modes, numbering of the storage.

use serde::{Deserialize, Serialize};

/// A family of modems that the simulator answers like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Profile {
    /// Quectel EC25 (USB 2c7c:0125).
    Ec25,
    /// SIMCom SIM7600 (USB 1e0e:9001).
    Sim7600,
    /// A plain GSM modem: no vendor commands, delivery reports only directly, storage counted from 1.
    Generic,
}

/// The figures behind a profile.
#[derive(Debug)]
pub struct Traits {
    /// AT+CGMI.
    pub manufacturer: &'static str,
    /// AT+CGMM.
    pub model: &'static str,
    /// AT+CGMR.
    pub revision: &'static str,
    /// Messages after a start, in order, before the SIM's state is known.
    pub boot: &'static [&'static str],
    /// Messages once the SIM is read.
    pub sim_ready: &'static [&'static str],
    /// AT+CNMI=? without the prefix.
    pub cnmi_offer: &'static str,
    /// Values of `<ds>` that it takes.
    pub cnmi_ds: &'static [u8],
    /// Index of the first storage place.
    pub first_index: usize,
    /// Storage that new messages go to, until AT+CPMS says otherwise.
    pub storage: &'static str,
    /// Memories named by AT+CPMS=?.
    pub memories: &'static [&'static str],
    /// Whether the SIM's last-used reference (EF_SMSS) follows each submission.
    pub writes_ef_smss: Written,
}

/// Whether the modem writes a file of the SIM.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Written {
    /// At each submission.
    Always,
    /// Never.
    Never,
}

impl Profile {
    /// Returns the family's figures.
    pub fn traits(self) -> &'static Traits {
        match self {
            Self::Ec25 => &EC25,
            Self::Sim7600 => &SIM7600,
            Self::Generic => &GENERIC,
        }
    }
}

static EC25: Traits = Traits {
    manufacturer: "Quectel",
    model: "EC25",
    revision: "EC25EFAR06A06M4G",
    boot: &["RDY", "+CFUN: 1"],
    sim_ready: &["+QUSIM: 1", "+QIND: SMS DONE", "+QIND: PB DONE"],
    cnmi_offer: "(0-2),(0-3),(0,2),(0-2),(0,1)",
    cnmi_ds: &[0, 1, 2],
    first_index: 0,
    storage: "ME",
    memories: &["ME", "MT", "SM", "SR"],
    writes_ef_smss: Written::Always,
};

static SIM7600: Traits = Traits {
    manufacturer: "SIMCOM INCORPORATED",
    model: "SIMCOM_SIM7600E-H",
    revision: "LE20B04SIM7600M22",
    boot: &["RDY"],
    sim_ready: &["SMS DONE", "PB DONE"],
    cnmi_offer: "(0,1,2),(0,1,2,3),(0,2),(0,1,2),(0,1)",
    cnmi_ds: &[0, 1, 2],
    first_index: 0,
    storage: "SM",
    memories: &["ME", "MT", "SM", "SR"],
    writes_ef_smss: Written::Always,
};

static GENERIC: Traits = Traits {
    manufacturer: "Generic",
    model: "GSM MODEM",
    revision: "1.0",
    boot: &[],
    sim_ready: &[],
    cnmi_offer: "(0-2),(0-3),(0,2),(0,1),(0,1)",
    cnmi_ds: &[0, 1],
    first_index: 1,
    storage: "SM",
    memories: &["SM"],
    writes_ef_smss: Written::Never,
};
