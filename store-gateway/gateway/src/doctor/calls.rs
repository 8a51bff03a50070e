//! What calls need: a free port, a registrar that answers, a speech program, the modem's sound.

use std::net::{SocketAddr, TcpStream, ToSocketAddrs as _, UdpSocket};
use std::path::Path;
use std::time::Duration;

use store_sip::Transport;
use store_sound::port::{Device, list_devices};
use store_sound::prompts::Speaker;

use crate::calls::{
    self,
    config::{Sip, Trunk},
};

use crate::config::Config;

/// How long the registrar has for an answer.
const ANSWER: Duration = Duration::from_secs(3);
/// SIP's port where none is named.
const SIP_PORT: u16 = 5060;

/// Tells of each of them.
pub fn look(config: &Config, tell: &mut impl FnMut(&str, Result<String, String>)) {
    if let Some(sip) = &config.calls.sip {
        tell("phones", listener(sip));
        if let Some(trunk) = &sip.trunk {
            tell("trunk", registrar(trunk));
        }
    }
    if config.calls.sip.is_some() || config.sim_voice_is_set() {
        tell("speech", speech(config));
    }
    if let Some(voice) = config.modem.as_ref().and_then(|modem| modem.voice.as_ref()) {
        tell("modem's sound", sound(&voice.device));
    }
}

fn listener(sip: &Sip) -> Result<String, String> {
    let taken = |how: &str, e: std::io::Error| format!("{} by {how}: {e}", sip.listen);
    let udp = UdpSocket::bind(sip.listen).map_err(|e| taken("UDP", e))?;
    let same = SocketAddr::new(sip.listen.ip(), udp.local_addr().map_err(|e| e.to_string())?.port());
    std::net::TcpListener::bind(same).map_err(|e| taken("TCP", e))?;
    Ok(format!("{} is free, {} phones are configured", sip.listen, sip.phones.len()))
}

fn registrar(trunk: &Trunk) -> Result<String, String> {
    let place = match trunk.registrar.rsplit_once(':') {
        Some((_, port)) if port.parse::<u16>().is_ok() => trunk.registrar.clone(),
        _ => format!("{}:{SIP_PORT}", trunk.registrar),
    };
    let address = place.to_socket_addrs().map_err(|e| format!("{place}: {e}"))?.next().ok_or("no address")?;
    match trunk.transport {
        Transport::Tcp => TcpStream::connect_timeout(&address, ANSWER)
            .map(|_| format!("{place} takes connections"))
            .map_err(|e| format!("{place}: {e}")),
        Transport::Udp => {
            asked(address).map(|status| format!("{place} answers: {status}")).map_err(|e| format!("{place}: {e}"))
        }
    }
}

/// Asks by OPTIONS; any answer shows that somebody is there.
fn asked(address: SocketAddr) -> Result<String, String> {
    let from = if address.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" };
    let socket = UdpSocket::bind(from).map_err(|e| e.to_string())?;
    socket.connect(address).map_err(|e| e.to_string())?;
    socket.set_read_timeout(Some(ANSWER)).map_err(|e| e.to_string())?;
    let own = socket.local_addr().map_err(|e| e.to_string())?;
    let id = hex_of(&store_daemon::secrets::random::<8>());
    let request = format!(
        "OPTIONS sip:{address} SIP/2.0\r\nVia: SIP/2.0/UDP {own};branch=z9hG4bK{id};rport\r\nMax-Forwards: 1\r\n\
         From: <sip:doctor@{own}>;tag={id}\r\nTo: <sip:{address}>\r\nCall-ID: {id}\r\nCSeq: 1 OPTIONS\r\n\
         Contact: <sip:doctor@{own}>\r\nContent-Length: 0\r\n\r\n"
    );
    socket.send(request.as_bytes()).map_err(|e| e.to_string())?;
    let mut answer = [0; 2_048];
    let length = socket.recv(&mut answer).map_err(|e| format!("no answer ({e})"))?;
    let text = String::from_utf8_lossy(&answer[..length]);
    let status = text.lines().next().unwrap_or_default();
    if status.starts_with("SIP/2.0 ") { Ok(status.to_owned()) } else { Err("what answers there speaks no SIP".into()) }
}

fn hex_of(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}

fn speech(config: &Config) -> Result<String, String> {
    let speaker = Speaker::new(calls::speech(config));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|e| e.to_string())?;
    runtime.block_on(speaker.check()).map_err(|e| {
        format!("{}: {e}; callers hear a beep in place of every text", config.calls.voice.espeak.display())
    })
}

fn sound(device: &Device) -> Result<String, String> {
    match device {
        Device::Tty { path, .. } => tty(path),
        Device::Card { input, output, .. } => {
            let runtime =
                tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|e| e.to_string())?;
            let found = runtime.block_on(list_devices()).map_err(|e| e.to_string())?;
            for (name, way) in [(input, "input"), (output, "output")] {
                let fits = |d: &&store_sound::port::Found| d.name == *name || d.description == *name;
                let usable = found.iter().filter(fits).any(|d| if way == "input" { d.is_input } else { d.is_output });
                if !usable {
                    let names: Vec<&str> = found.iter().map(|d| d.name.as_str()).collect();
                    return Err(format!("there is no {way} {name:?}; there are: {}", names.join(", ")));
                }
            }
            Ok(format!("{input} and {output}"))
        }
    }
}

fn tty(path: &Path) -> Result<String, String> {
    std::fs::metadata(path).map(|_| path.display().to_string()).map_err(|e| format!("{}: {e}", path.display()))
}
