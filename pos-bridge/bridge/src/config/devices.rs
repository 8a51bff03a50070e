//! `[[scanner]]` and `[[printer]]`.

use std::path::PathBuf;

use serde::Deserialize;
use till_devices::escpos::profile::{Profile, ProfileError};
use till_devices::scanner::{self, Aim, Charset, MOST_FRAME, Suffix};
use till_link::Duty;

use super::{Place, Printer, Refusal, Scanner, Timing, address_of, longest_after_first, n, name_of, wait};

/// Line speeds of serial ports.
const BAUDS: std::ops::RangeInclusive<u32> = 300..=921_600;
/// Line speed of a scanner, where none is given.
const SCANNER_BAUD: u32 = 9_600;
/// Line speed of a printer, where none is given.
const PRINTER_BAUD: u32 = 19_200;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ScannerFile {
    name: String,
    port: PathBuf,
    #[serde(default = "scanner_baud")]
    baud: u32,
    #[serde(default)]
    prefix: String,
    #[serde(default = "cr")]
    suffix: String,
    #[serde(default = "yes")]
    aim: bool,
    idle_ms: Option<u64>,
    #[serde(default)]
    repeat_ms: u64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PrinterFile {
    name: String,
    port: Option<PathBuf>,
    tcp: Option<String>,
    baud: Option<u32>,
    profile: String,
    width: Option<u16>,
    duties: Vec<Duty>,
    #[serde(default)]
    drawer: bool,
    #[serde(default)]
    overrides: toml::Table,
    #[serde(default = "n::<2_000>")]
    status_ms: u64,
    #[serde(default = "n::<10_000>")]
    answer_ms: u64,
    #[serde(default = "n::<600_000>")]
    finish_ms: u64,
    #[serde(default = "n::<1_000>")]
    retry_min_ms: u64,
    #[serde(default = "n::<30_000>")]
    retry_max_ms: u64,
}

fn scanner_baud() -> u32 {
    SCANNER_BAUD
}

fn cr() -> String {
    "cr".to_owned()
}

fn yes() -> bool {
    true
}

pub(super) fn scanner_of(at: &str, file: ScannerFile) -> Result<Scanner, Refusal> {
    let reading = reading_of(at, &file)?;
    Ok(Scanner {
        name: name_of(&format!("{at}.name"), file.name)?,
        baud: baud_of(&format!("{at}.baud"), file.baud)?,
        port: file.port,
        reading,
    })
}

fn reading_of(at: &str, file: &ScannerFile) -> Result<scanner::Config, Refusal> {
    let suffix_at = format!("{at}.suffix");
    let suffix = match &*file.suffix {
        // Every scanner's line end is taken: one that sends both must not leave the other half to the next read.
        "cr" | "lf" | "crlf" | "tab" => Suffix::LineEnd,
        "none" => Suffix::None,
        "" => return Err((suffix_at, "is empty; a scanner that sends none has \"none\"".to_owned())),
        other => Suffix::Octets(frame(&suffix_at, other)?),
    };
    let idle_at = format!("{at}.idle_ms");
    let idle = file.idle_ms.map(|ms| wait(&idle_at, ms, 10..=5_000)).transpose()?;
    let ours = scanner::Config::default();
    Ok(scanner::Config {
        prefix: frame(&format!("{at}.prefix"), &file.prefix)?,
        charset: Charset::Utf8OrLatin1,
        // Silence ends a read, or tells that only half of one came.
        idle: idle.filter(|_| suffix == Suffix::None).unwrap_or(ours.idle),
        half_after: idle.filter(|_| suffix != Suffix::None).unwrap_or(ours.half_after),
        suffix,
        aim: if file.aim { Aim::Auto } else { Aim::Off },
        repeat: wait(&format!("{at}.repeat_ms"), file.repeat_ms, 0..=60_000)?,
        ..ours
    })
}

fn frame(at: &str, text: &str) -> Result<Vec<u8>, Refusal> {
    if text.len() > MOST_FRAME {
        return Err((at.to_owned(), format!("is longer than {MOST_FRAME} octets")));
    }
    Ok(text.as_bytes().to_vec())
}

pub(super) fn printer_of(at: &str, file: PrinterFile) -> Result<Printer, Refusal> {
    let profile = profile_of(at, &file)?;
    let timing = timing_of(at, &file)?;
    if file.duties.is_empty() {
        return Err((format!("{at}.duties"), "is empty; what shall it print?".to_owned()));
    }
    if file.drawer && profile.drawer_pin.is_none() {
        return Err((format!("{at}.drawer"), "this profile has no socket for a drawer".to_owned()));
    }
    Ok(Printer {
        name: name_of(&format!("{at}.name"), file.name)?,
        place: place_of(at, file.port, file.tcp, file.baud)?,
        profile,
        duties: file.duties,
        drawer: file.drawer,
        timing,
    })
}

fn place_of(at: &str, port: Option<PathBuf>, tcp: Option<String>, baud: Option<u32>) -> Result<Place, Refusal> {
    let baud_at = format!("{at}.baud");
    match (port, tcp) {
        (Some(path), None) => Ok(Place::Device { path, baud: baud_of(&baud_at, baud.unwrap_or(PRINTER_BAUD))? }),
        (None, Some(_)) if baud.is_some() => Err((baud_at, "is for serial ports alone".to_owned())),
        (None, Some(address)) => Ok(Place::Tcp(address_of(&format!("{at}.tcp"), address)?)),
        _ => Err((at.to_owned(), "needs either port or tcp, and not both".to_owned())),
    }
}

fn profile_of(at: &str, file: &PrinterFile) -> Result<Profile, Refusal> {
    let told = |key: &str| {
        let at = format!("{at}.{key}");
        move |e: ProfileError| (at, e.to_string())
    };
    let mut profile = Profile::named(&file.profile).map_err(told("profile"))?;
    profile = profile.with_overrides(file.overrides.clone()).map_err(told("overrides"))?;
    if let Some(width) = file.width {
        let paper = toml::Table::from_iter([("paper".to_owned(), i64::from(width).into())]);
        profile = profile.with_overrides(paper).map_err(told("width"))?;
    }
    Ok(profile)
}

fn timing_of(at: &str, file: &PrinterFile) -> Result<Timing, Refusal> {
    let longest_at = format!("{at}.retry_max_ms");
    let timing = Timing {
        status: wait(&format!("{at}.status_ms"), file.status_ms, 20..=60_000)?,
        answer: wait(&format!("{at}.answer_ms"), file.answer_ms, 20..=600_000)?,
        finish: wait(&format!("{at}.finish_ms"), file.finish_ms, 100..=3_600_000)?,
        retry_min: wait(&format!("{at}.retry_min_ms"), file.retry_min_ms, 10..=600_000)?,
        retry_max: wait(&longest_at, file.retry_max_ms, 10..=600_000)?,
    };
    longest_after_first(&longest_at, timing.retry_min, timing.retry_max)?;
    Ok(timing)
}

fn baud_of(at: &str, baud: u32) -> Result<u32, Refusal> {
    if BAUDS.contains(&baud) {
        return Ok(baud);
    }
    Err((at.to_owned(), format!("{baud} is outside {} to {}", BAUDS.start(), BAUDS.end())))
}
