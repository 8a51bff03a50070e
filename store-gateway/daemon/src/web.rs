//! The web side that both daemons share: listeners, TLS, security headers, embedded assets, sessions and throttling.

pub mod assets;
pub mod session;
pub mod throttle;

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::http::{HeaderName, HeaderValue, header};
use axum::middleware::Next;
use axum::response::Response;
use axum_server::Handle;
use axum_server::tls_rustls::RustlsConfig;
use serde::Deserialize;

use crate::supervisor::Stop;

/// How long open requests may go on after a stop.
const DRAIN: Duration = Duration::from_secs(2);

/// `[web]` of either daemon.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WebConfig {
    /// Address and port; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Certificate chain, PEM.
    pub tls_cert: Option<PathBuf>,
    /// Private key, PEM.
    pub tls_key: Option<PathBuf>,
    /// Allows a listener beyond loopback without TLS.
    #[serde(default)]
    pub allow_plain_http: bool,
}

impl WebConfig {
    /// Checks what the types can't say.
    ///
    /// # Errors
    /// The key and what is wrong with it.
    pub fn check(&self) -> Result<(), (&'static str, String)> {
        match (&self.tls_cert, &self.tls_key) {
            (Some(_), Some(_)) => Ok(()),
            (Some(_), None) => Err(("web.tls_key", "is missing beside tls_cert".into())),
            (None, Some(_)) => Err(("web.tls_cert", "is missing beside tls_key".into())),
            (None, None) if self.listen.ip().is_loopback() || self.allow_plain_http => Ok(()),
            (None, None) => Err((
                "web.listen",
                format!(
                    "{} is reachable from other machines: give tls_cert and tls_key, or set allow_plain_http = true",
                    self.listen
                ),
            )),
        }
    }

    /// True when pages are served over TLS, so that cookies may say `Secure`.
    pub fn is_tls(&self) -> bool {
        self.tls_cert.is_some()
    }
}

/// A bound listener that does not answer yet.
pub struct Listener {
    socket: TcpListener,
    address: SocketAddr,
    tls: Option<RustlsConfig>,
}

impl Listener {
    /// Binds, and reads the certificate where there is one.
    ///
    /// # Errors
    /// When the port is taken or a PEM file can't be used.
    pub async fn bind(config: &WebConfig) -> io::Result<Listener> {
        let socket = TcpListener::bind(config.listen)?;
        socket.set_nonblocking(true)?;
        let address = socket.local_addr()?;
        let tls = match (&config.tls_cert, &config.tls_key) {
            (Some(cert), Some(key)) => Some(RustlsConfig::from_pem_file(cert, key).await?),
            _ => None,
        };
        Ok(Listener { socket, address, tls })
    }

    /// The address with its real port.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until the stop, then lets open requests finish for a short while.
    ///
    /// # Errors
    /// When the listener breaks.
    pub async fn serve(self, router: Router, mut stop: Stop) -> io::Result<()> {
        let handle = Handle::new();
        let stopper = handle.clone();
        tokio::spawn(async move {
            stop.asked().await;
            stopper.graceful_shutdown(Some(DRAIN));
        });
        let service = router.into_make_service_with_connect_info::<SocketAddr>();
        match self.tls {
            Some(tls) => axum_server::from_tcp_rustls(self.socket, tls)?.handle(handle).serve(service).await,
            None => axum_server::from_tcp(self.socket)?.handle(handle).serve(service).await,
        }
    }
}

/// Adds the headers that every answer carries: no foreign content, no framing, no sniffing, no referrer, and no
/// storing of pages that show customers.
pub async fn security_headers(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    let fixed = [
        (
            header::CONTENT_SECURITY_POLICY,
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; \
             connect-src 'self'; manifest-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
        ),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::REFERRER_POLICY, "same-origin"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("permissions-policy"), "camera=(), microphone=(), geolocation=()"),
    ];
    for (name, value) in fixed {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

/// The value of cookie `name`.
pub fn cookie<'h>(headers: &'h axum::http::HeaderMap, name: &str) -> Option<&'h str> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find_map(|(key, value)| (key == name).then_some(value))
}

/// A `Set-Cookie` value: host-only, HttpOnly, SameSite=Strict; `max_age` zero deletes it.
///
/// # Panics
/// When `name` or `value` has characters that no cookie may have; both are ours.
pub fn set_cookie(name: &str, value: &str, max_age: Duration, transport: Transport) -> HeaderValue {
    let secure = match transport {
        Transport::Tls => "; Secure",
        Transport::Plain => "",
    };
    let text = format!("{name}={value}; Path=/; Max-Age={}; HttpOnly; SameSite=Strict{secure}", max_age.as_secs());
    HeaderValue::from_str(&text).expect("our cookies are plain ASCII")
}

/// How a page reaches the browser.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// HTTPS.
    Tls,
    /// HTTP on loopback, or where the configuration allows it.
    Plain,
}

/// Constant-time comparison of secrets of equal length.
pub fn same_secret(a: &str, b: &str) -> bool {
    a.len() == b.len() && a.bytes().zip(b.bytes()).fold(0, |diff, (x, y)| diff | (x ^ y)) == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(listen: &str) -> WebConfig {
        WebConfig { listen: listen.parse().unwrap(), tls_cert: None, tls_key: None, allow_plain_http: false }
    }

    #[test]
    fn plain_http_beyond_loopback_is_refused_unless_allowed() {
        assert!(config("127.0.0.1:0").check().is_ok());
        assert!(config("[::1]:0").check().is_ok());
        assert_eq!(config("0.0.0.0:80").check().unwrap_err().0, "web.listen");
        assert!(WebConfig { allow_plain_http: true, ..config("0.0.0.0:80") }.check().is_ok());
        assert_eq!(
            WebConfig { tls_cert: Some("c".into()), ..config("0.0.0.0:80") }.check().unwrap_err().0,
            "web.tls_key"
        );
    }

    #[test]
    fn finds_a_cookie_among_others() {
        let mut headers = axum::http::HeaderMap::new();
        headers.append(header::COOKIE, HeaderValue::from_static("a=1; session=xyz"));
        assert_eq!(cookie(&headers, "session"), Some("xyz"));
        assert_eq!(cookie(&headers, "sess"), None);
    }

    #[test]
    fn secrets_compare_by_value() {
        assert!(same_secret("abc", "abc") && !same_secret("abc", "abd") && !same_secret("abc", "ab"));
    }
}
