//! Answering a challenge: the trunk asks, we prove our password (RFC 7616 §3.4, RFC 8760 §2.4).
//!
//! Decides which challenge is answered and with what. Never keeps a password; never sends anything.

use crate::digest::{self, Algorithm, Asked, Fields, Ha1};
use crate::message::{Request, Response, split_list};

/// Who proves itself.
pub(crate) struct Account<'a> {
    pub(crate) user: &'a str,
    pub(crate) password: &'a str,
}

/// A challenge that can be answered, and how often it was.
#[derive(Clone)]
pub(crate) struct Challenge {
    answer_header: &'static str,
    algorithm: Algorithm,
    named: bool,
    realm: String,
    nonce: String,
    opaque: Option<String>,
    qop: bool,
    pub(crate) stale: bool,
    count: u32,
}

impl Challenge {
    /// The topmost challenge that we understand.
    pub(crate) fn choose(response: &Response) -> Option<Self> {
        let (asked, answer_header) = match response.status {
            401 => ("WWW-Authenticate", "Authorization"),
            407 => ("Proxy-Authenticate", "Proxy-Authorization"),
            _ => return None,
        };
        response.headers.all(asked).find_map(|header| {
            let fields = Fields::parse(header)?;
            let algorithm = Algorithm::parse(fields.get("algorithm"))?;
            let qop = match fields.get("qop") {
                None => false,
                Some(offered) if split_list(offered).iter().any(|q| q.eq_ignore_ascii_case("auth")) => true,
                Some(_) => return None,
            };
            Some(Self {
                answer_header,
                algorithm,
                named: fields.get("algorithm").is_some(),
                realm: plain(fields.get("realm")?)?,
                nonce: plain(fields.get("nonce")?)?,
                opaque: fields.get("opaque").and_then(plain),
                qop,
                stale: fields.get("stale").is_some_and(|stale| stale.eq_ignore_ascii_case("true")),
                count: 0,
            })
        })
    }

    /// Puts the answer into a request.
    pub(crate) fn answer(&mut self, request: &mut Request, account: &Account<'_>, cnonce: &str) {
        self.count += 1;
        let ha1 = Ha1::of(self.algorithm, account.user, &self.realm, account.password);
        let (method, uri) = (request.method.as_str(), request.uri.clone());
        let nc = format!("{:08x}", self.count);
        let Self { realm, nonce, algorithm, .. } = self;
        let mut value = format!("Digest username=\"{}\", realm=\"{realm}\", nonce=\"{nonce}\"", account.user);
        let response = if self.qop {
            let asked = Asked { method, uri: &uri, nonce, nc: &nc, cnonce };
            digest::response(*algorithm, &ha1, &asked)
        } else {
            digest::response_without_qop(*algorithm, &ha1, method, &uri, nonce)
        };
        value += &format!(", uri=\"{uri}\", response=\"{response}\"");
        if self.named {
            value += &format!(", algorithm={}", algorithm.as_str());
        }
        if let Some(opaque) = &self.opaque {
            value += &format!(", opaque=\"{opaque}\"");
        }
        if self.qop {
            value += &format!(", qop=auth, nc={nc}, cnonce=\"{cnonce}\"");
        }
        for name in ["Authorization", "Proxy-Authorization"] {
            request.headers.remove(name);
        }
        request.headers.push(self.answer_header, value);
    }
}

/// A text that can stand in quotes as it is.
fn plain(text: &str) -> Option<String> {
    let good = text.len() <= 512 && !text.contains(['"', '\\']) && !text.chars().any(char::is_control);
    good.then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::{Headers, Method};

    fn asked(challenges: &[&str]) -> Response {
        let mut headers = Headers::default();
        for challenge in challenges {
            headers.push("WWW-Authenticate", *challenge);
        }
        Response { status: 401, headers, body: Vec::new() }
    }

    fn answered(challenge: &mut Challenge) -> Fields {
        let mut request = Request::new(Method::Register, "sip:trunk.example");
        challenge.answer(&mut request, &Account { user: "bob", password: "zanzibar" }, "0a4f113b");
        Fields::parse(request.headers.get("Authorization").unwrap()).unwrap()
    }

    /// `python3 -c "import hashlib as h; H=lambda s:h.sha256(s.encode()).hexdigest(); print(H(H('bob:biloxi.com:zanzibar')+
    /// ':dcd98b:00000001:0a4f113b:auth:'+H('REGISTER:sip:trunk.example')))"`, the same with md5, and without `qop`.
    #[test]
    fn answers_the_first_challenge_that_it_knows() {
        let sha = r#"Digest realm="biloxi.com", nonce="dcd98b", algorithm=SHA-256, qop="auth,auth-int", opaque="5c""#;
        let md5 = r#"Digest realm="biloxi.com", nonce="dcd98b", qop="auth""#;
        let strange = r#"Digest realm="biloxi.com", nonce="dcd98b", algorithm=SHA-512-256, qop="auth""#;
        let fields = answered(&mut Challenge::choose(&asked(&[strange, sha, md5])).unwrap());
        assert_eq!(fields.get("response"), Some("9867c6cdb245b12d52c82718b28fda9e53db32b3933f8a3d075e894dcc44b0a8"));
        assert_eq!((fields.get("opaque"), fields.get("nc")), (Some("5c"), Some("00000001")));
        let mut first = Challenge::choose(&asked(&[md5, sha])).unwrap();
        assert_eq!(answered(&mut first).get("response"), Some("4e6cd66c4227b2018bff99c621fd9a27"));
        assert_eq!(answered(&mut first).get("nc"), Some("00000002"));
        let old = r#"Digest realm="biloxi.com", nonce="dcd98b", algorithm=MD5"#;
        let fields = answered(&mut Challenge::choose(&asked(&[old])).unwrap());
        assert_eq!((fields.get("response"), fields.get("qop")), (Some("df22ce96194b9daa065d2cb5913c08b1"), None));
        assert!(Challenge::choose(&asked(&["Basic realm=x", strange])).is_none());
    }
}
