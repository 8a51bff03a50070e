//! What is particular to a modem, as data. The engine has no other place that knows a modem by name.

use std::time::Duration;

use crate::failure::Verdict;

/// A modem's profile by its name in the configuration.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ProfileName {
    /// Quectel EC25, EC21, EG25.
    Ec25,
    /// Quectel EC200, EG915.
    Ec200,
    /// SIMCom SIM7600.
    Sim7600,
    /// SIMCom SIM800, SIM900.
    Sim800,
    /// Huawei sticks (E3372 in modem mode, MU709).
    Huawei,
    /// Whatever keeps to the standards.
    Generic,
    /// Found out by asking the modem.
    #[default]
    Auto,
}

impl ProfileName {
    /// All names.
    pub const ALL: [Self; 7] =
        [Self::Ec25, Self::Ec200, Self::Sim7600, Self::Sim800, Self::Huawei, Self::Generic, Self::Auto];

    /// The word in the configuration.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ec25 => "ec25",
            Self::Ec200 => "ec200",
            Self::Sim7600 => "sim7600",
            Self::Sim800 => "sim800",
            Self::Huawei => "huawei",
            Self::Generic => "generic",
            Self::Auto => "auto",
        }
    }

    /// Reads the configuration's word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|name| name.as_str() == word)
    }

    /// The profile of a modem by what it answers to `ATI` and `AT+CGMM`.
    pub fn of_model(text: &str) -> Self {
        let text = text.to_ascii_uppercase();
        let has = |words: &[&str]| words.iter().any(|word| text.contains(word));
        // EC200 first: EC20 is a part of its name.
        if has(&["EC200", "EG91", "EC800"]) {
            Self::Ec200
        } else if has(&["EC25", "EC21", "EG25", "EG21", "EC20"]) {
            Self::Ec25
        } else if has(&["SIM76", "SIM75", "A76"]) {
            Self::Sim7600
        } else if has(&["SIM800", "SIM900", "SIM808", "SIM868"]) {
            Self::Sim800
        } else if has(&["HUAWEI", "E3372", "E3531", "MU709", "ME909"]) {
            Self::Huawei
        } else {
            Self::Generic
        }
    }
}

/// Where a modem tells how many tries of the PIN are left: the command, the answer's prefix, and which field (from 0)
/// holds the number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PinCounter {
    /// The command.
    pub command: &'static str,
    /// What its answer starts with.
    pub prefix: &'static str,
    /// Text of the first field, when there are several lines; empty for any.
    pub of: &'static str,
    /// The field with the tries of PIN 1.
    pub field: usize,
}

/// Whether a modem is proven to write the last used reference to the SIM (EF_SMSS).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LastReference {
    /// Seen to on a real one: an unmoved reference means that nothing was sent.
    Proven,
    /// Not seen to: an unmoved reference means nothing.
    Unproven,
}

/// How a modem writes the key that it heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DigitForm {
    /// The sign itself.
    Character,
    /// The sign's ASCII code in decimal digits.
    Code,
}

/// How a modem tells of keys that the other end of a call presses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DigitNotice {
    /// The notice.
    pub name: &'static str,
    /// Its value.
    pub form: DigitForm,
}

/// By which way the sound of a call goes between modem and box.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SoundPath {
    /// The modem's own wires (analogue or PCM to a codec).
    #[default]
    Wired,
    /// It is a sound card on USB.
    UsbAudio,
    /// Raw samples on a serial port of its own.
    Tty,
}

/// What opens and closes a way for the sound. An error is told with the call and otherwise passed over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SoundCommands {
    /// Once, at the set-up.
    pub setup: &'static [&'static str],
    /// When a call has been answered.
    pub begin: Option<&'static str>,
    /// When it is over.
    pub end: Option<&'static str>,
}

/// How a modem does voice calls.
#[derive(Clone, Copy, Debug)]
pub struct Voice {
    /// Commands of the set-up. An error is passed over.
    pub setup: &'static [&'static str],
    /// Keys of the other end.
    pub digits: Option<DigitNotice>,
    /// Sound over the modem's own wires.
    pub wired: SoundCommands,
    /// Sound over USB audio.
    pub usb_audio: SoundCommands,
    /// Sound over a serial port.
    pub tty: SoundCommands,
    /// The longest that `ATD…;` takes.
    pub dial: Duration,
    /// The longest that `ATA` takes.
    pub answer: Duration,
    /// The longest that `AT+CHUP` and `ATH` take.
    pub hang_up: Duration,
}

impl Voice {
    /// The commands of a way for the sound.
    pub const fn sound(&self, path: SoundPath) -> &SoundCommands {
        match path {
            SoundPath::Wired => &self.wired,
            SoundPath::UsbAudio => &self.usb_audio,
            SoundPath::Tty => &self.tty,
        }
    }
}

/// A modem's particulars.
#[derive(Clone, Copy, Debug)]
pub struct Profile {
    /// Its name.
    pub name: ProfileName,
    /// The longest that it takes from ^Z to the result.
    pub submit: Duration,
    /// After an unknown outcome: how late an answer can come.
    pub quiet: Duration,
    /// The PIN's retry counter.
    pub pin_counter: PinCounter,
    /// Sets the clock by the network; CCLK must show local time with its zone then. An error is passed over.
    pub clock_setup: &'static [&'static str],
    /// Further commands of the set-up. An error is passed over.
    pub setup: &'static [&'static str],
    /// Voice calls.
    pub voice: Voice,
    /// Turns it off.
    pub power_off: &'static str,
    /// How long the power key turns it on or off.
    pub power_key: Duration,
    /// How long the reset pin is pulled.
    pub reset_pin: Duration,
    /// EF_SMSS.
    pub last_reference: LastReference,
    /// Codes of +CMS ERROR that mean something else here.
    pub cms: &'static [(u16, Verdict)],
}

const CPINR: PinCounter = PinCounter { command: "AT+CPINR", prefix: "+CPINR:", of: "SIM PIN", field: 1 };

const SILENT: SoundCommands = SoundCommands { setup: &[], begin: None, end: None };

/// Waits as the EC25's manual has them for `ATA` and `ATH`; `ATD` may take as long where the modem answers it only when the
/// other end has picked up.
const GENERIC_VOICE: Voice = Voice {
    setup: &[],
    digits: None,
    wired: SILENT,
    usb_audio: SILENT,
    tty: SILENT,
    dial: Duration::from_secs(90),
    answer: Duration::from_secs(90),
    hang_up: Duration::from_secs(90),
};

const QUECTEL_VOICE: Voice = Voice {
    // Call states come as notices then, and need no waiting for the next look.
    setup: &["AT+QTONEDET=1", "AT+QINDCFG=\"ccinfo\",1"],
    digits: Some(DigitNotice { name: "+QTONEDET", form: DigitForm::Code }),
    wired: SoundCommands { setup: &["AT+QPCMV=0"], ..SILENT },
    usb_audio: SoundCommands { setup: &["AT+QPCMV=1,2"], ..SILENT },
    tty: SoundCommands { setup: &["AT+QPCMV=1,0"], ..SILENT },
    ..GENERIC_VOICE
};

/// Only while a call is up.
const CPCMREG: SoundCommands = SoundCommands { setup: &[], begin: Some("AT+CPCMREG=1"), end: Some("AT+CPCMREG=0") };

const SIM7600_VOICE: Voice = Voice {
    setup: &["AT+DDET=1,0,0"],
    digits: Some(DigitNotice { name: "+RXDTMF", form: DigitForm::Character }),
    usb_audio: CPCMREG,
    tty: CPCMREG,
    ..GENERIC_VOICE
};

const SIM800_VOICE: Voice = Voice {
    setup: &["AT+DDET=1,0,0"],
    digits: Some(DigitNotice { name: "+DTMF", form: DigitForm::Character }),
    ..GENERIC_VOICE
};

const GENERIC: Profile = Profile {
    name: ProfileName::Generic,
    submit: Duration::from_secs(120),
    quiet: Duration::from_secs(60),
    pin_counter: CPINR,
    clock_setup: &["AT+CTZU=1", "AT+CTZR=1"],
    setup: &[],
    voice: GENERIC_VOICE,
    power_off: "AT+CPOF",
    power_key: Duration::from_millis(1_000),
    reset_pin: Duration::from_millis(300),
    last_reference: LastReference::Unproven,
    cms: &[],
};

const EC25: Profile = Profile {
    name: ProfileName::Ec25,
    pin_counter: PinCounter { command: "AT+QPINC=\"SC\"", prefix: "+QPINC:", of: "SC", field: 1 },
    // With 1 the clock would show UTC beside a zone that is not its own.
    clock_setup: &["AT+CTZU=3", "AT+CTZR=1"],
    setup: &["AT+QURCCFG=\"urcport\",\"usbat\"", "AT+QINDCFG=\"smsfull\",1"],
    voice: QUECTEL_VOICE,
    power_off: "AT+QPOWD=1",
    // At least 500 ms turns it on and 650 ms off (hardware design guide).
    power_key: Duration::from_millis(800),
    ..GENERIC
};

const EC200: Profile = Profile { name: ProfileName::Ec200, ..EC25 };

const SIM7600: Profile = Profile {
    name: ProfileName::Sim7600,
    pin_counter: PinCounter { command: "AT+SPIC", prefix: "+SPIC:", of: "", field: 0 },
    voice: SIM7600_VOICE,
    power_off: "AT+CPOF",
    power_key: Duration::from_millis(2_600),
    ..GENERIC
};

const SIM800: Profile = Profile {
    name: ProfileName::Sim800,
    submit: Duration::from_secs(60),
    pin_counter: PinCounter { command: "AT+SPIC", prefix: "+SPIC:", of: "", field: 0 },
    clock_setup: &["AT+CLTS=1"],
    voice: SIM800_VOICE,
    power_off: "AT+CPOWD=1",
    power_key: Duration::from_millis(1_500),
    ..GENERIC
};

const HUAWEI: Profile = Profile {
    name: ProfileName::Huawei,
    pin_counter: PinCounter { command: "AT^CPIN?", prefix: "^CPIN:", of: "", field: 4 },
    // Its own periodic notices only cost time on the port.
    setup: &["AT^CURC=0"],
    power_off: "AT^POWEROFF",
    ..GENERIC
};

/// The particulars of a profile; `Auto` gives those of `Generic` until the modem was asked.
pub const fn profile(name: ProfileName) -> &'static Profile {
    match name {
        ProfileName::Ec25 => &EC25,
        ProfileName::Ec200 => &EC200,
        ProfileName::Sim7600 => &SIM7600,
        ProfileName::Sim800 => &SIM800,
        ProfileName::Huawei => &HUAWEI,
        ProfileName::Generic | ProfileName::Auto => &GENERIC,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_read_back() {
        for name in ProfileName::ALL {
            assert_eq!(ProfileName::parse(name.as_str()), Some(name));
        }
        assert_eq!(ProfileName::parse("nokia"), None);
    }

    #[test]
    fn models_are_known_by_their_own_words() {
        for (model, name) in [
            ("Quectel\nEC25\nRevision: EC25EFAR06A03M4G", ProfileName::Ec25),
            ("EC200A", ProfileName::Ec200),
            ("SIMCOM_SIM7600E-H", ProfileName::Sim7600),
            ("SIM800 R14.18", ProfileName::Sim800),
            ("E3372", ProfileName::Huawei),
            ("Acme 1", ProfileName::Generic),
        ] {
            assert_eq!(ProfileName::of_model(model), name, "{model}");
        }
    }
}
