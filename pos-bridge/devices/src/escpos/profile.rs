//! What is particular to a printer, as data: the embedded `profiles.toml`, and what a shop changes in it.

use serde::{Deserialize, Serialize};

use super::codepage::CodePage;

/// The embedded profiles; the file's head says what each key means.
const PROFILES: &str = include_str!("profiles.toml");

/// A printer's profile, checked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    /// The word in the configuration.
    pub name: String,
    /// The models, for people.
    pub title: String,
    /// Width of the loaded roll in mm; one of `widths`.
    pub paper: u16,
    /// What the printer prints on each roll that fits it.
    pub widths: Vec<RollWidth>,
    /// Code pages by preference, each with its number for `ESC t`; empty: ASCII alone is written, all else drawn.
    pub code_pages: Vec<(CodePage, u8)>,
    /// `FS .` is sent first.
    pub cancel_kanji: bool,
    /// How paper is cut.
    pub cutter: Cutter,
    /// Lines fed before `Cutter::Cut` and `Cutter::None`, so that the last line passes the knife or tear bar.
    pub lines_to_knife: u8,
    /// Prints Code 128 itself (`GS k 73`).
    pub native_code128: bool,
    /// Prints QR codes itself (`GS ( k`).
    pub native_qr: bool,
    /// The drawer's pin; `None` without a socket.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drawer_pin: Option<DrawerPin>,
    /// What the level of the drawer's switch means.
    pub drawer_sensor: DrawerSensor,
    /// Answers `DLE EOT 1` to `4`.
    pub realtime_status: bool,
    /// Answers `GS ( H` function 48; needs `realtime_status`.
    pub process_id: bool,
    /// How pictures are sent.
    pub raster: RasterCommand,
    /// Most rows of one picture command, 8 to 255.
    pub image_band: u16,
}

/// What fits on a roll.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RollWidth {
    /// Width of the roll in mm.
    pub mm: u16,
    /// Characters of font A (12 dots wide) in a line.
    pub columns: u16,
    /// Dots across.
    pub dots: u16,
}

/// The paper that a line is drawn for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PaperWidth {
    /// Characters of ordinary size in a line.
    pub columns: u16,
    /// Dots across.
    pub dots: u16,
}

/// How paper is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cutter {
    /// `GS V 66 0`: the printer feeds to its knife and cuts all but one point.
    FeedAndCut,
    /// Lines are fed, then `GS V 1` cuts all but one point.
    Cut,
    /// Torn by hand.
    None,
}

/// The pin of the drawer socket that the pulse goes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "u8", into = "u8")]
pub enum DrawerPin {
    /// Pin 2, the first drawer.
    Two,
    /// Pin 5, the second drawer.
    Five,
}

/// What the level of pin 3 means; it depends on the drawer's switch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DrawerSensor {
    /// High: open.
    #[default]
    HighIsOpen,
    /// Low: open.
    LowIsOpen,
}

/// The command that pictures are sent by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum RasterCommand {
    /// `GS v 0`: old, and known to nearly every printer.
    #[serde(rename = "gs_v_0")]
    GsV0,
    /// `GS ( L` functions 112 and 50.
    #[serde(rename = "gs_paren_l")]
    GsParenL,
}

/// What is wrong with a profile, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProfileError {
    /// No embedded profile has this name.
    #[error("no printer profile is called {0:?}")]
    UnknownName(String),
    /// An override names a key that profiles do not have.
    #[error("{0}: no such key in a printer profile")]
    UnknownKey(String),
    /// The text is no profile; the message names the place.
    #[error("{0}")]
    Form(String),
    /// A value is out of its range.
    #[error("{path}: {why}")]
    Value {
        /// The key, dotted.
        path: String,
        /// What is wrong with it.
        why: String,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Embedded {
    profile: Vec<Profile>,
}

/// Keys that a profile may have, though not every one has them.
const OPTIONAL_KEYS: [&str; 1] = ["drawer_pin"];
/// Dots across of the widest printers (104 mm at 203 dpi).
const MOST_DOTS: u16 = 832;
/// Width of a character of font A.
const CHARACTER_DOTS: u16 = 12;

impl Profile {
    /// The embedded profiles, in the order of the device page.
    ///
    /// # Errors
    /// When the embedded file is no list of profiles; the crate's tests rule that out.
    pub fn embedded() -> Result<Vec<Self>, ProfileError> {
        let embedded: Embedded = toml::from_str(PROFILES).map_err(form)?;
        embedded.profile.iter().try_for_each(Self::check)?;
        Ok(embedded.profile)
    }

    /// The embedded profile of a name.
    ///
    /// # Errors
    /// [`ProfileError::UnknownName`].
    pub fn named(name: &str) -> Result<Self, ProfileError> {
        let mut all = Self::embedded()?.into_iter();
        all.find(|profile| profile.name == name).ok_or_else(|| ProfileError::UnknownName(name.to_owned()))
    }

    /// Reads one profile of a shop's own: the keys of `profiles.toml` without a table's head.
    ///
    /// # Errors
    /// When the text is no TOML, a key is missing or unknown, or a value is out of range; the message names the place.
    pub fn from_toml(text: &str) -> Result<Self, ProfileError> {
        let profile: Self = toml::from_str(text).map_err(form)?;
        profile.check()?;
        Ok(profile)
    }

    /// This profile with some keys changed; a list is replaced as a whole.
    ///
    /// # Errors
    /// [`ProfileError::UnknownKey`] with the key, or what [`Profile::from_toml`] tells.
    pub fn with_overrides(&self, overrides: toml::Table) -> Result<Self, ProfileError> {
        let mut table = toml::Table::try_from(self).map_err(|e| ProfileError::Form(e.to_string()))?;
        for (key, value) in overrides {
            if !table.contains_key(&key) && !OPTIONAL_KEYS.contains(&key.as_str()) {
                return Err(ProfileError::UnknownKey(key));
            }
            check_lists(&key, &value)?;
            table.insert(key, value);
        }
        let profile: Self = table.try_into().map_err(form)?;
        profile.check()?;
        Ok(profile)
    }

    /// The loaded roll.
    pub fn paper_width(&self) -> PaperWidth {
        let roll = self.widths.iter().find(|roll| roll.mm == self.paper);
        roll.map_or(PaperWidth { columns: 0, dots: 0 }, |roll| PaperWidth { columns: roll.columns, dots: roll.dots })
    }

    fn check(&self) -> Result<(), ProfileError> {
        let wrong = |path: &str, why: &str| Err(ProfileError::Value { path: path.to_owned(), why: why.to_owned() });
        if self.name.is_empty() {
            return wrong("name", "is empty");
        }
        for (i, roll) in self.widths.iter().enumerate() {
            if roll.dots > MOST_DOTS || roll.columns == 0 || roll.columns.saturating_mul(CHARACTER_DOTS) > roll.dots {
                let why = format!("columns must be 1 or more, 12 dots each, and dots {MOST_DOTS} or less");
                return Err(ProfileError::Value { path: format!("widths[{i}]"), why });
            }
        }
        if !self.widths.iter().any(|roll| roll.mm == self.paper) {
            return wrong("paper", "is none of widths");
        }
        if !(8..=255).contains(&self.image_band) {
            return wrong("image_band", "must be 8 to 255 rows");
        }
        if self.process_id && !self.realtime_status {
            return wrong("process_id", "needs realtime_status");
        }
        Ok(())
    }
}

/// Names an unknown key inside `widths` by its path; the other values have no keys.
fn check_lists(key: &str, value: &toml::Value) -> Result<(), ProfileError> {
    let ("widths", Some(rolls)) = (key, value.as_array()) else { return Ok(()) };
    for (i, roll) in rolls.iter().enumerate() {
        let mut keys = roll.as_table().into_iter().flat_map(toml::Table::keys);
        if let Some(unknown) = keys.find(|key| !["mm", "columns", "dots"].contains(&key.as_str())) {
            return Err(ProfileError::UnknownKey(format!("widths[{i}].{unknown}")));
        }
    }
    Ok(())
}

fn form(error: toml::de::Error) -> ProfileError {
    ProfileError::Form(error.to_string().trim_end().to_owned())
}

impl TryFrom<u8> for DrawerPin {
    type Error = String;

    fn try_from(pin: u8) -> Result<Self, String> {
        match pin {
            2 => Ok(Self::Two),
            5 => Ok(Self::Five),
            _ => Err(format!("a drawer hangs on pin 2 or 5, not {pin}")),
        }
    }
}

impl From<DrawerPin> for u8 {
    fn from(pin: DrawerPin) -> u8 {
        match pin {
            DrawerPin::Two => 2,
            DrawerPin::Five => 5,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_embedded_profiles_are_whole_and_their_names_differ() {
        let names: Vec<String> = Profile::embedded().unwrap().into_iter().map(|profile| profile.name).collect();
        let wanted = [
            "epson-tm-t20",
            "epson-tm-t88",
            "star-escpos",
            "bixolon-srp350",
            "xprinter-58",
            "generic-80",
            "generic-58",
        ];
        assert_eq!(names, wanted);
        assert_eq!(Profile::named("lp"), Err(ProfileError::UnknownName("lp".into())));
    }

    #[test]
    fn a_profile_written_as_toml_reads_back() {
        for profile in Profile::embedded().unwrap() {
            assert_eq!(Profile::from_toml(&toml::to_string(&profile).unwrap()), Ok(profile));
        }
    }

    fn overridden(text: &str) -> Result<Profile, ProfileError> {
        Profile::named("epson-tm-t20").unwrap().with_overrides(text.parse().unwrap())
    }

    #[test]
    fn overrides_change_what_they_name() {
        let profile = overridden("paper = 58\ndrawer_pin = 5\ncode_pages = [[\"PC866\", 17]]").unwrap();
        assert_eq!(profile.paper_width(), PaperWidth { columns: 32, dots: 384 });
        assert_eq!(profile.drawer_pin, Some(DrawerPin::Five));
        assert_eq!(profile.code_pages, [(CodePage::Pc866, 17)]);
        assert_eq!(profile.title, "Epson TM-T20, TM-T20II, TM-T20III");
    }

    #[test]
    fn a_wrong_override_names_its_place() {
        let told = |text: &str| overridden(text).unwrap_err().to_string();
        assert_eq!(told("papre = 58"), "papre: no such key in a printer profile");
        let inside = "widths = [{ mm = 58, columns = 32, dots = 384, dpi = 203 }]";
        assert_eq!(told(inside), "widths[0].dpi: no such key in a printer profile");
        assert_eq!(told("paper = 112"), "paper: is none of widths");
        assert_eq!(told("image_band = 4"), "image_band: must be 8 to 255 rows");
        assert_eq!(told("realtime_status = false"), "process_id: needs realtime_status");
        assert!(told("drawer_pin = 3").contains("drawer_pin"), "{}", told("drawer_pin = 3"));
        assert!(told("cutter = \"saw\"").contains("cutter"), "{}", told("cutter = \"saw\""));
        let narrow = "paper = 80\nwidths = [{ mm = 80, columns = 48, dots = 384 }]";
        assert!(told(narrow).starts_with("widths[0]: "), "{}", told(narrow));
    }

    #[test]
    fn a_text_with_an_unknown_key_is_refused() {
        let text = toml::to_string(&Profile::named("generic-58").unwrap()).unwrap() + "speed = 9600\n";
        assert!(Profile::from_toml(&text).unwrap_err().to_string().contains("speed"));
    }
}
