//! The registrar of the store's phones: who is who, and where each phone is reached.
//!
//! Decides what a REGISTER changes and whether a request's credentials are right. Pure: time and the nonces' key come as
//! arguments. Knows no password, only HA1. An unknown extension is asked and fails exactly as a wrong password does.
//! A phone is offered the hashes that it has, because some stop at the first one that they don't know; an unknown one is
//! offered what some phone of the store has, always the same. Never calls a phone; `agent` asks where it is.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use ring::hmac;
use sans_io::Instant;
use store_voice::dial::Extension;

use crate::address::{self, NameAddr};
use crate::config::{Phone, Registrations};
use crate::digest::{self, Algorithm, Asked, Fields, Ha1};
use crate::message::{Flow, Request};
use crate::nonce::{Nonces, Worth};

#[cfg(test)]
mod tests;

/// A `User-Agent` is kept up to here.
const MOST_AGENT: usize = 64;
/// A contact's URI may be this long.
const MOST_CONTACT: usize = 256;

/// What credentials are worth.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// This phone.
    Known(Extension),
    /// Ask (again).
    Challenge(Stale),
}

/// Whether a challenge says that only the nonce was at fault (RFC 7616 §3.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stale {
    Yes,
    No,
}

/// One place where a phone is reached.
#[derive(Clone, Debug)]
pub(crate) struct Binding {
    pub(crate) uri: String,
    pub(crate) flow: Flow,
    pub(crate) user_agent: String,
    pub(crate) since: Instant,
    pub(crate) until: Instant,
    instance: Option<String>,
    call_id: String,
    cseq: u32,
    refreshed: Instant,
}

/// The answer to a REGISTER.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Registered {
    /// 200 with these contacts and their seconds.
    Done(Vec<(String, u64)>),
    /// 423 with `Min-Expires`.
    TooBrief(u64),
    /// Another status.
    Refused(u16),
}

struct Secret {
    sha256: Option<Ha1>,
    md5: Option<Ha1>,
}

/// The registrar.
pub(crate) struct Registrar {
    realm: String,
    bounds: Registrations,
    secrets: BTreeMap<Extension, Secret>,
    shape_key: hmac::Key,
    nonces: Nonces,
    bindings: BTreeMap<Extension, Vec<Binding>>,
}

impl Registrar {
    pub(crate) fn new(
        realm: &str,
        phones: &[Phone],
        bounds: Registrations,
        nonce_life: Duration,
        nonce_key: &[u8; 32],
    ) -> Self {
        let secret = |phone: &Phone| Secret { sha256: phone.ha1_sha256.clone(), md5: phone.ha1_md5.clone() };
        Self {
            realm: realm.to_owned(),
            bounds,
            secrets: phones.iter().map(|phone| (phone.extension.clone(), secret(phone))).collect(),
            shape_key: hmac::Key::new(hmac::HMAC_SHA256, nonce_key),
            nonces: Nonces::new(nonce_key, nonce_life),
            bindings: BTreeMap::new(),
        }
    }

    /// Whether this is a phone of the store.
    pub(crate) fn knows(&self, extension: &Extension) -> bool {
        self.secrets.contains_key(extension)
    }

    /// Judges the credentials of a request.
    pub(crate) fn authenticate(&mut self, request: &Request, source: IpAddr, now: Instant) -> Verdict {
        for name in ["Authorization", "Proxy-Authorization"] {
            for header in request.headers.all(name) {
                let Some(fields) = Fields::parse(header) else { continue };
                if fields.get("realm") != Some(self.realm.as_str()) {
                    continue;
                }
                if let Some(verdict) = self.judge(request, &fields, source, now) {
                    return verdict;
                }
            }
        }
        Verdict::Challenge(Stale::No)
    }

    /// `None` when the fields are not ones that we could have asked for.
    fn judge(&mut self, request: &Request, fields: &Fields, source: IpAddr, now: Instant) -> Option<Verdict> {
        let algorithm = Algorithm::parse(fields.get("algorithm"))?;
        let nc = fields.get("nc").filter(|nc| nc.len() == 8)?;
        let count = u32::from_str_radix(nc, 16).ok()?;
        if fields.get("qop") != Some("auth") || fields.get("uri") != Some(request.uri.as_str()) {
            return None;
        }
        let nonce = fields.get("nonce")?;
        let asked = Asked {
            method: request.method.as_str(),
            uri: &request.uri,
            nonce,
            nc,
            cnonce: fields.get("cnonce").filter(|text| !text.is_empty())?,
        };
        let extension = Extension::parse(fields.get("username")?).ok();
        let known = extension.as_ref().and_then(|extension| self.secrets.get(extension));
        let ha1 = known.and_then(|secret| match algorithm {
            Algorithm::Sha256 => secret.sha256.as_ref(),
            Algorithm::Md5 => secret.md5.as_ref(),
        });
        // An unknown extension costs the same work, and no answer of it can be right.
        let nobody = Ha1::of(algorithm, "", &self.realm, "");
        let right = digest::same(
            &digest::response(algorithm, ha1.unwrap_or(&nobody), &asked),
            &fields.get("response")?.to_ascii_lowercase(),
        );
        let worth = self.nonces.check(nonce, count, source, now);
        Some(match (extension, right && ha1.is_some(), worth) {
            (Some(extension), true, Worth::Good) => {
                self.nonces.take(nonce, count, source, now);
                Verdict::Known(extension)
            }
            (_, true, Worth::Stale) => Verdict::Challenge(Stale::Yes),
            _ => Verdict::Challenge(Stale::No),
        })
    }

    /// The challenges for whoever claims to be `user`, in the order of preference (RFC 8760 §2.4): SHA-256, then MD5.
    pub(crate) fn challenges(&mut self, user: Option<&str>, source: IpAddr, stale: Stale, now: Instant) -> Vec<String> {
        let nonce = self.nonces.make(source, now);
        let stale = match stale {
            Stale::Yes => ", stale=true",
            Stale::No => "",
        };
        let line = |algorithm: &Algorithm| {
            let (realm, name) = (&self.realm, algorithm.as_str());
            format!("Digest realm=\"{realm}\", nonce=\"{nonce}\", algorithm={name}, qop=\"auth\"{stale}")
        };
        self.offered(user.unwrap_or_default()).iter().map(line).collect()
    }

    fn offered(&self, user: &str) -> Vec<Algorithm> {
        let known = Extension::parse(user).ok().and_then(|extension| self.secrets.get(&extension));
        let secret = known.or_else(|| {
            // Which one it is must tell nothing, so it hangs on the name alone and on a key that nobody knows.
            let mark = hmac::sign(&self.shape_key, user.as_bytes());
            let at = usize::from(mark.as_ref()[0]) % self.secrets.len().max(1);
            self.secrets.values().nth(at)
        });
        match secret {
            Some(Secret { sha256: None, md5: Some(_) }) => vec![Algorithm::Md5],
            Some(Secret { sha256: Some(_), md5: Some(_) }) => vec![Algorithm::Sha256, Algorithm::Md5],
            _ => vec![Algorithm::Sha256],
        }
    }

    /// Does what an authenticated REGISTER asks (RFC 3261 §10.3).
    pub(crate) fn register(
        &mut self,
        extension: &Extension,
        request: &Request,
        flow: Flow,
        now: Instant,
    ) -> Registered {
        let to = request.headers.get("To").map(NameAddr::parse);
        if to.and_then(|to| address::user(to.uri)) != Some(extension.as_str()) {
            return Registered::Refused(403);
        }
        let (Some(call_id), Some((cseq, _))) = (request.headers.get("Call-ID"), request.headers.cseq()) else {
            return Registered::Refused(400);
        };
        self.forget_expired(now);
        let contacts: Vec<&str> = request.headers.list("Contact").collect();
        let header = request.headers.number("Expires").map(u64::from);
        if contacts.contains(&"*") {
            if contacts.len() > 1 || header != Some(0) {
                return Registered::Refused(400);
            }
            self.bindings.remove(extension);
            return Registered::Done(Vec::new());
        }
        let mut wanted = Vec::new();
        for contact in contacts {
            match self.wanted(contact, header, (call_id, cseq), request, flow, now) {
                Ok(binding) => wanted.push(binding),
                Err(refused) => return refused,
            }
        }
        if wanted.iter().any(|new| self.is_older(extension, new)) {
            // §10.3 step 7: out of order.
            return Registered::Refused(500);
        }
        for binding in wanted {
            self.bind(extension, binding, now);
        }
        Registered::Done(self.listed(extension, now))
    }

    fn wanted(
        &self,
        contact: &str,
        header: Option<u64>,
        (call_id, cseq): (&str, u32),
        request: &Request,
        flow: Flow,
        now: Instant,
    ) -> Result<Binding, Registered> {
        let contact = NameAddr::parse(contact);
        let is_sip = contact.uri.get(..4).is_some_and(|scheme| scheme.eq_ignore_ascii_case("sip:"));
        if !is_sip || contact.uri.len() > MOST_CONTACT || address::host(contact.uri).is_empty() {
            return Err(Registered::Refused(400));
        }
        // A value that is no number counts as the default (§10.2.1.1).
        let asked = contact.param("expires").map_or(header, |text| text.parse().ok());
        let asked = Duration::from_secs(asked.unwrap_or(self.bounds.longest.as_secs()));
        if !asked.is_zero() && asked < self.bounds.shortest {
            return Err(Registered::TooBrief(self.bounds.shortest.as_secs()));
        }
        let agent = request.headers.get("User-Agent").unwrap_or_default();
        Ok(Binding {
            uri: contact.uri.to_owned(),
            flow,
            user_agent: agent.chars().filter(|c| !c.is_control()).take(MOST_AGENT).collect(),
            since: now,
            until: now + asked.min(self.bounds.longest),
            instance: contact.param("+sip.instance").map(|text| text.chars().take(MOST_CONTACT).collect()),
            call_id: call_id.to_owned(),
            cseq,
            refreshed: now,
        })
    }

    fn is_older(&self, extension: &Extension, new: &Binding) -> bool {
        let known = self.bindings.get(extension).into_iter().flatten();
        known.into_iter().any(|old| old.is_replaced_by(new) && old.call_id == new.call_id && old.cseq >= new.cseq)
    }

    fn bind(&mut self, extension: &Extension, mut new: Binding, now: Instant) {
        let known = self.bindings.entry(extension.clone()).or_default();
        if let Some(at) = known.iter().position(|old| old.is_replaced_by(&new)) {
            new.since = known.remove(at).since;
        }
        if new.until > now {
            known.push(new);
        }
        // A phone that comes back with another port each time would leave its old contacts until they expire.
        while known.len() > self.bounds.most_contacts {
            if let Some(oldest) = (0..known.len()).min_by_key(|at| known[*at].refreshed) {
                known.remove(oldest);
            }
        }
        self.bindings.retain(|_, bindings| !bindings.is_empty());
    }

    fn listed(&self, extension: &Extension, now: Instant) -> Vec<(String, u64)> {
        let known = self.bindings.get(extension).into_iter().flatten();
        known.map(|binding| (binding.uri.clone(), binding.until.since(now).as_secs())).collect()
    }

    /// Where a phone is reached now.
    pub(crate) fn contacts(&self, extension: &Extension, now: Instant) -> Vec<Binding> {
        let known = self.bindings.get(extension).into_iter().flatten();
        known.filter(|binding| binding.until > now).cloned().collect()
    }

    /// Every binding, for the pages.
    pub(crate) fn all(&self) -> impl Iterator<Item = (&Extension, &Binding)> {
        self.bindings.iter().flat_map(|(extension, bindings)| bindings.iter().map(move |b| (extension, b)))
    }

    /// A stream ended: what was registered over it is reached no more.
    pub(crate) fn handle_closed(&mut self, flow: Flow) {
        for bindings in self.bindings.values_mut() {
            bindings.retain(|binding| binding.flow != flow);
        }
        self.bindings.retain(|_, bindings| !bindings.is_empty());
    }

    /// When the next binding expires.
    pub(crate) fn next_timeout(&self) -> Option<Instant> {
        self.all().map(|(_, binding)| binding.until).min()
    }

    /// Time has passed.
    pub(crate) fn handle_timeout(&mut self, now: Instant) {
        self.forget_expired(now);
        self.nonces.forget_old(now);
    }

    fn forget_expired(&mut self, now: Instant) {
        for bindings in self.bindings.values_mut() {
            bindings.retain(|binding| binding.until > now);
        }
        self.bindings.retain(|_, bindings| !bindings.is_empty());
    }
}

impl Binding {
    fn is_replaced_by(&self, new: &Self) -> bool {
        self.uri == new.uri || (self.instance.is_some() && self.instance == new.instance)
    }
}
