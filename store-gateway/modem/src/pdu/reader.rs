//! A cursor over the octets of a PDU whose errors name the octet.

/// Why a PDU can't be read. Octets are counted from 1, the service centre's length octet being the first.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// The text is no hexadecimal number.
    #[error("octet {octet} (\"{found}\") is not two hexadecimal digits")]
    NotHex {
        /// Which octet.
        octet: usize,
        /// Its characters, at most two.
        found: String,
    },
    /// The PDU ends too early.
    #[error("octet {octet} is missing: the PDU ends within its {field}")]
    Truncated {
        /// The first missing octet.
        octet: usize,
        /// What it should belong to.
        field: &'static str,
    },
    /// Octets follow the end.
    #[error("octet {octet} (0x{found:02X}) follows the end of the PDU")]
    Surplus {
        /// The first surplus octet.
        octet: usize,
        /// Its value.
        found: u8,
    },
    /// A value that the standard does not allow or that this codec does not take.
    #[error("octet {octet} (0x{found:02X}): {problem}")]
    Invalid {
        /// Which octet.
        octet: usize,
        /// Its value.
        found: u8,
        /// What is wrong with it.
        problem: &'static str,
    },
}

/// Reads `octets` from the front.
pub(super) struct Reader<'a> {
    octets: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    pub(super) fn new(octets: &'a [u8]) -> Self {
        Self { octets, at: 0 }
    }

    /// The next octet.
    pub(super) fn octet(&mut self, field: &'static str) -> Result<u8, DecodeError> {
        Ok(self.take(1, field)?[0])
    }

    /// The next `count` octets.
    pub(super) fn take(&mut self, count: usize, field: &'static str) -> Result<&'a [u8], DecodeError> {
        let rest = &self.octets[self.at..];
        let taken = rest.get(..count).ok_or(DecodeError::Truncated { octet: self.octets.len() + 1, field })?;
        self.at += count;
        Ok(taken)
    }

    /// What is wrong with an octet that was read `back` octets ago (1 is the last one read).
    pub(super) fn invalid(&self, back: usize, problem: &'static str) -> DecodeError {
        let index = self.at - back;
        DecodeError::Invalid { octet: index + 1, found: self.octets[index], problem }
    }

    /// Refuses surplus octets.
    pub(super) fn finish(&self) -> Result<(), DecodeError> {
        match self.octets.get(self.at) {
            None => Ok(()),
            Some(&found) => Err(DecodeError::Surplus { octet: self.at + 1, found }),
        }
    }
}

/// The octets of a hexadecimal text; white space around it is dropped.
pub(super) fn octets_of_hex(hex: &str) -> Result<Vec<u8>, DecodeError> {
    let digits: Vec<char> = hex.trim().chars().collect();
    digits
        .chunks(2)
        .enumerate()
        .map(|(i, pair)| {
            let value = match pair {
                [high, low] => high.to_digit(16).zip(low.to_digit(16)).map(|(h, l)| h * 16 + l),
                _ => None,
            };
            value
                .and_then(|v| u8::try_from(v).ok())
                .ok_or_else(|| DecodeError::NotHex { octet: i + 1, found: pair.iter().collect() })
        })
        .collect()
}

/// Upper-case hexadecimal text of octets.
pub(super) fn hex_of_octets(octets: &[u8]) -> String {
    octets.iter().map(|o| format!("{o:02X}")).collect()
}
