//! `[sip]`, `[[sip.phone]]`, `[sip.trunk]`, `[sip.dial]` and `[voice]`: the store's phones, its account outside, who may
//! call whom, and what callers hear.

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;
use shop_model::language::Language;
use store_sip::{Algorithm, Ha1, Transport};
use store_voice::call;
use store_voice::dial::{Extension, Policy};

/// What `[sip]` and `[voice]` say.
#[derive(Clone, Debug)]
pub struct Calls {
    /// The SIP side; a box without one answers its SIM only.
    pub sip: Option<Sip>,
    /// What callers hear.
    pub voice: Voice,
}

/// `[sip]`.
#[derive(Clone, Debug)]
pub struct Sip {
    /// Where the store's phones find the box, by UDP and TCP.
    pub listen: SocketAddr,
    /// The address that descriptions and contacts name, when it is not the listener's.
    pub external: Option<IpAddr>,
    /// The realm of the phones' passwords.
    pub realm: String,
    /// Ports of sound; two for each leg.
    pub rtp_ports: RangeInclusive<u16>,
    /// Calls at a time.
    pub most_calls: usize,
    /// Of these, kept free for the store's own phones.
    pub kept_calls: usize,
    /// The interval of session timers.
    pub session: Duration,
    /// A leg without sound for so long is hung up.
    pub no_sound: Duration,
    /// The store's phones.
    pub phones: Vec<Phone>,
    /// The account outside.
    pub trunk: Option<Trunk>,
    /// Who may call whom.
    pub policy: Policy,
}

impl Sip {
    /// What the signalling is told.
    pub fn to_signalling(&self, user_agent: &str) -> store_sip::Config {
        let phone = |phone: &Phone| store_sip::Phone {
            extension: phone.extension.clone(),
            ha1_sha256: phone.ha1_sha256.clone(),
            ha1_md5: phone.ha1_md5.clone(),
        };
        let trunk = self.trunk.as_ref().map(|trunk| {
            let account = store_sip::Trunk::new(&trunk.registrar, &trunk.user, &trunk.password.0);
            let (transport, domain, expires) = (trunk.transport, trunk.domain.clone(), trunk.expires);
            store_sip::Trunk { transport, domain, expires, ..account }
        });
        store_sip::Config {
            listen: self.listen,
            external: self.external,
            realm: self.realm.clone(),
            user_agent: user_agent.to_owned(),
            phones: self.phones.iter().map(phone).collect(),
            trunk,
            // Each call has its caller and up to a dozen phones that ring.
            most_legs: self.most_calls * 4,
            session: store_voice::session::Config { interval: self.session, ..Default::default() },
            ..store_sip::Config::default()
        }
    }
}

/// One `[[sip.phone]]`.
#[derive(Clone, Debug)]
pub struct Phone {
    /// Its number within the store.
    pub extension: Extension,
    /// What screens call it.
    pub name: String,
    /// SHA-256 of `extension:realm:password`.
    pub ha1_sha256: Option<Ha1>,
    /// MD5 of the same, for phones that know no better.
    pub ha1_md5: Option<Ha1>,
}

/// `[sip.trunk]`.
#[derive(Clone, Debug)]
pub struct Trunk {
    /// The operator's registrar, `host` or `host:port`.
    pub registrar: String,
    /// How to reach it.
    pub transport: Transport,
    /// The account.
    pub user: String,
    /// Its password; never written anywhere.
    pub password: Password,
    /// The domain of the account, when it is not the registrar's name.
    pub domain: Option<String>,
    /// What we ask for at each registration.
    pub expires: Duration,
}

/// A password that no log and no message shows.
#[derive(Clone)]
pub struct Password(pub String);

impl std::fmt::Debug for Password {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("[password]")
    }
}

/// `[voice]`.
#[derive(Clone, Debug)]
pub struct Voice {
    /// Whether the menu answers calls from outside; without it the phones ring at once.
    pub ivr: bool,
    /// What is spoken, the language of unknown callers first.
    pub languages: Vec<Language>,
    /// The flow's limits.
    pub call: call::Config,
    /// The speech program.
    pub espeak: PathBuf,
    /// The longest that one text may take to be spoken.
    pub speech_limit: Duration,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SipFile {
    listen: SocketAddr,
    external: Option<IpAddr>,
    realm: String,
    rtp_ports: Option<String>,
    #[serde(default = "n::<40>")]
    calls: u64,
    #[serde(default = "n::<2>")]
    kept_calls: u64,
    #[serde(default = "n::<600>")]
    session_s: u64,
    #[serde(default = "n::<30>")]
    no_sound_s: u64,
    menu: Option<String>,
    #[serde(default)]
    phone: Vec<PhoneFile>,
    trunk: Option<TrunkFile>,
    #[serde(default)]
    dial: DialFile,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PhoneFile {
    extension: String,
    name: Option<String>,
    ha1_sha256: Option<String>,
    ha1_md5: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TrunkFile {
    registrar: String,
    transport: Option<String>,
    user: String,
    password: Option<String>,
    password_file: Option<PathBuf>,
    domain: Option<String>,
    #[serde(default = "n::<600>")]
    expires_s: u64,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct DialFile {
    allowed: Option<Vec<String>>,
    denied: Option<Vec<String>>,
    emergency: Option<Vec<String>>,
    per_hour: Option<u64>,
    at_once: Option<u64>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct VoiceFile {
    ivr: Option<bool>,
    languages: Option<Vec<String>>,
    phones: Option<Vec<String>>,
    answer_after_ms: Option<u64>,
    key_s: Option<u64>,
    ring_s: Option<u64>,
    missed_call_means_here: Option<bool>,
    espeak: Option<PathBuf>,
    speech_limit_ms: Option<u64>,
}

const fn n<const N: u64>() -> u64 {
    N
}

/// Where in the file, and why it is refused.
pub(crate) type Refusal = (String, String);

fn refuse<T>(at: impl Into<String>, why: impl Into<String>) -> Result<T, Refusal> {
    Err((at.into(), why.into()))
}

/// Checks both tables. `language` is the store's own.
pub(crate) fn calls_of(sip: Option<SipFile>, voice: VoiceFile, language: Language) -> Result<Calls, Refusal> {
    let sip = sip.map(sip_of).transpose()?;
    let extensions: Vec<Extension> = sip.iter().flat_map(|sip| &sip.phones).map(|p| p.extension.clone()).collect();
    let voice = voice_of(voice, language, &extensions)?;
    Ok(Calls { sip, voice })
}

fn sip_of(file: SipFile) -> Result<Sip, Refusal> {
    if file.listen.ip().is_unspecified() && file.external.is_none() {
        return refuse("sip.external", "is needed: descriptions can't name 0.0.0.0 or ::");
    }
    if file.realm.is_empty() || file.realm.contains(['"', '\\']) {
        return refuse("sip.realm", "must be some text without quotes");
    }
    let phones = file.phone.into_iter().enumerate().map(|(at, phone)| phone_of(at, phone));
    let phones = phones.collect::<Result<Vec<_>, _>>()?;
    let mut seen = BTreeSet::new();
    for (at, phone) in phones.iter().enumerate() {
        if !seen.insert(phone.extension.as_str()) {
            return refuse(
                format!("sip.phone[{at}].extension"),
                format!("{} is there twice", phone.extension.as_str()),
            );
        }
    }
    let menu = file.menu.map(|menu| Extension::parse(&menu).map_err(|e| ("sip.menu".to_owned(), e.to_string())));
    let menu = menu.transpose()?;
    if let Some(menu) = menu.as_ref().filter(|menu| seen.contains(menu.as_str())) {
        return refuse("sip.menu", format!("{} is a phone's", menu.as_str()));
    }
    let calls = usize::try_from(file.calls).unwrap_or(usize::MAX);
    let rtp_ports = match file.rtp_ports {
        Some(text) => ports_of(&text).map_err(|why| ("sip.rtp_ports".to_owned(), why))?,
        None => 40_000..=40_399,
    };
    let policy = policy_of(file.dial, menu, phones.iter().map(|p| p.extension.clone()).collect())?;
    Ok(Sip {
        listen: file.listen,
        external: file.external,
        realm: file.realm,
        rtp_ports,
        most_calls: calls.clamp(1, 1_000),
        kept_calls: usize::try_from(file.kept_calls).unwrap_or(usize::MAX).min(calls.saturating_sub(1)),
        session: Duration::from_secs(file.session_s.max(90)),
        no_sound: Duration::from_secs(file.no_sound_s.max(3)),
        phones,
        trunk: file.trunk.map(trunk_of).transpose()?,
        policy,
    })
}

/// `FIRST-LAST`.
fn ports_of(text: &str) -> Result<RangeInclusive<u16>, String> {
    let parts =
        text.split_once('-').and_then(|(first, last)| Some((first.trim().parse().ok()?, last.trim().parse().ok()?)));
    let (first, last): (u16, u16) = parts.ok_or_else(|| format!("{text:?} is not FIRST-LAST"))?;
    if first < 1_024 || last < first.saturating_add(3) {
        return Err(format!("{text:?} is below 1024 or holds no call (four ports)"));
    }
    Ok(first..=last)
}

fn phone_of(at: usize, file: PhoneFile) -> Result<Phone, Refusal> {
    let key = |name: &str| format!("sip.phone[{at}].{name}");
    let extension = Extension::parse(&file.extension).map_err(|e| (key("extension"), e.to_string()))?;
    if file.ha1_sha256.is_none() && file.ha1_md5.is_none() {
        return refuse(key("ha1_sha256"), "is missing; `store-gateway sip hash` makes it");
    }
    let ha1 = |name: &str, algorithm, text: Option<String>| {
        text.map(|text| Ha1::parse(algorithm, &text).map_err(|e| (key(name), e.to_string()))).transpose()
    };
    let ha1_sha256 = ha1("ha1_sha256", Algorithm::Sha256, file.ha1_sha256)?;
    let ha1_md5 = ha1("ha1_md5", Algorithm::Md5, file.ha1_md5)?;
    Ok(Phone { name: file.name.unwrap_or_else(|| extension.as_str().to_owned()), extension, ha1_sha256, ha1_md5 })
}

fn trunk_of(file: TrunkFile) -> Result<Trunk, Refusal> {
    let password = match (file.password, file.password_file) {
        (Some(password), None) => password,
        (None, Some(path)) => std::fs::read_to_string(&path)
            .map(|text| text.trim_end_matches(['\r', '\n']).to_owned())
            .map_err(|e| ("sip.trunk.password_file".to_owned(), format!("{}: {e}", path.display())))?,
        (Some(_), Some(_)) => return refuse("sip.trunk.password", "and password_file can't both be set"),
        (None, None) => return refuse("sip.trunk.password", "or password_file is needed"),
    };
    if file.registrar.is_empty() || file.registrar.contains(char::is_whitespace) {
        return refuse("sip.trunk.registrar", format!("{:?} is no host", file.registrar));
    }
    let transport = match file.transport.as_deref() {
        None | Some("udp") => Transport::Udp,
        Some("tcp") => Transport::Tcp,
        Some(other) => return refuse("sip.trunk.transport", format!("{other:?} is neither udp nor tcp")),
    };
    Ok(Trunk {
        registrar: file.registrar,
        transport,
        user: file.user,
        password: Password(password),
        domain: file.domain,
        expires: Duration::from_secs(file.expires_s.clamp(60, 86_400)),
    })
}

fn policy_of(file: DialFile, menu: Option<Extension>, extensions: Vec<Extension>) -> Result<Policy, Refusal> {
    let prefixes = |key: &str, list: Option<Vec<String>>, default: Vec<String>| {
        let Some(list) = list else { return Ok(default) };
        let bad = list.iter().find(|p| !p.strip_prefix('+').is_some_and(|d| d.bytes().all(|b| b.is_ascii_digit())));
        match bad {
            Some(bad) => refuse(format!("sip.dial.{key}"), format!("{bad:?} is no prefix like \"+48\"")),
            None => Ok(list),
        }
    };
    let count =
        |given: Option<u64>, default: usize| given.map_or(default, |n| usize::try_from(n).unwrap_or(usize::MAX));
    let default = Policy::default();
    Ok(Policy {
        extensions,
        menu,
        allowed: prefixes("allowed", file.allowed, default.allowed)?,
        denied: prefixes("denied", file.denied, default.denied)?,
        emergency: file.emergency.unwrap_or(default.emergency),
        per_hour: count(file.per_hour, default.per_hour),
        at_once: count(file.at_once, default.at_once),
        country: default.country,
        national_digits: default.national_digits,
    })
}

fn voice_of(file: VoiceFile, language: Language, extensions: &[Extension]) -> Result<Voice, Refusal> {
    let languages = match file.languages {
        None => vec![language],
        Some(list) => {
            let parse = |text: &String| {
                Language::parse(text)
                    .ok_or_else(|| ("voice.languages".to_owned(), format!("{text:?} is none of pl, uk, en")))
            };
            list.iter().map(parse).collect::<Result<Vec<_>, _>>()?
        }
    };
    let Some(first) = languages.first().copied() else { return refuse("voice.languages", "is empty") };
    let ring = match file.phones {
        None => extensions.to_vec(),
        Some(list) => {
            let find = |text: &String| {
                extensions
                    .iter()
                    .find(|e| e.as_str() == text)
                    .cloned()
                    .ok_or_else(|| ("voice.phones".to_owned(), format!("{text:?} is no [[sip.phone]]")))
            };
            list.iter().map(find).collect::<Result<Vec<_>, _>>()?
        }
    };
    let default = call::Config::default();
    let seconds =
        |given: Option<u64>, default: Duration| given.map_or(default, |s| Duration::from_secs(s.clamp(1, 600)));
    Ok(Voice {
        ivr: file.ivr.unwrap_or(true),
        call: call::Config {
            answer_after: Duration::from_millis(file.answer_after_ms.unwrap_or(0).min(60_000)),
            key: seconds(file.key_s, default.key),
            ring: seconds(file.ring_s, default.ring),
            phones: ring,
            language: first,
            missed_call_means_here: file.missed_call_means_here.unwrap_or(false),
            ..default
        },
        languages,
        espeak: file.espeak.unwrap_or_else(|| PathBuf::from("espeak-ng")),
        speech_limit: Duration::from_millis(file.speech_limit_ms.unwrap_or(5_000).clamp(100, 60_000)),
    })
}

#[cfg(test)]
mod tests {
    use crate::config::tests::load_with;

    const GOOD: &str = r#"
        [sip]
        listen = "127.0.0.1:0"
        realm = "wola.example"
        menu = "100"
        rtp_ports = "40000-40099"
        [[sip.phone]]
        extension = "101"
        ha1_sha256 = "0000000000000000000000000000000000000000000000000000000000000001"
        [sip.trunk]
        registrar = "sip.example"
        user = "48221234567"
        password = "tajne"
        [voice]
        languages = ["uk", "pl"]
        phones = ["101"]
    "#;

    #[test]
    fn a_whole_configuration_is_read_and_hides_its_secrets() {
        let config = load_with(GOOD).unwrap();
        let sip = config.calls.sip.as_ref().unwrap();
        assert_eq!((sip.phones.len(), sip.phones[0].name.as_str(), sip.most_calls, sip.kept_calls), (1, "101", 40, 2));
        assert_eq!(config.calls.voice.call.language.as_str(), "uk");
        let shown = format!("{config:?}");
        assert!(!shown.contains("tajne") && !shown.contains("00000001"), "{shown}");
        let signalling = sip.to_signalling("store-gateway/1");
        assert_eq!((signalling.phones.len(), signalling.most_legs), (1, 160));
        assert!(load_with("").unwrap().calls.sip.is_none());
    }

    #[test]
    fn every_mistake_is_named_with_its_key() {
        let cases = [
            ("listen = \"127.0.0.1:0\"", "listen = \"0.0.0.0:5060\"", "sip.external"),
            ("realm = \"wola.example\"", "realm = \"a\\\"b\"", "sip.realm"),
            ("menu = \"100\"", "menu = \"101\"", "sip.menu"),
            ("menu = \"100\"", "menu = \"sto\"", "sip.menu"),
            ("menu = \"100\"", "colour = 1", "sip"),
            ("\"40000-40099\"", "\"40000\"", "sip.rtp_ports"),
            ("\"40000-40099\"", "\"80-90\"", "sip.rtp_ports"),
            ("extension = \"101\"", "extension = \"lada\"", "sip.phone[0].extension"),
            ("ha1_sha256 = \"0000", "ha1_sha256 = \"", "sip.phone[0].ha1_sha256"),
            ("ha1_sha256 = \"0000", "ha1_md5 = \"0000", "sip.phone[0].ha1_md5"),
            ("password = \"tajne\"", "", "sip.trunk.password"),
            ("password = \"tajne\"", "password_file = \"/nowhere/at/all\"", "sip.trunk.password_file"),
            ("password = \"tajne\"", "password = \"x\"\ntransport = \"sctp\"", "sip.trunk.transport"),
            ("[voice]", "[sip.dial]\nallowed = [\"48\"]\n[voice]", "sip.dial.allowed"),
            ("[\"uk\", \"pl\"]", "[\"de\"]", "voice.languages"),
            ("[\"uk\", \"pl\"]", "[]", "voice.languages"),
            ("phones = [\"101\"]", "phones = [\"109\"]", "voice.phones"),
            ("phones = [\"101\"]", "phone = []", "voice"),
        ];
        for (good, bad, key) in cases {
            let text = GOOD.replace(good, bad);
            assert_ne!(text, GOOD, "{good}");
            let said = load_with(&text).map(drop).unwrap_err();
            assert!(said.contains(key), "{bad}: {said}");
        }
    }
}
