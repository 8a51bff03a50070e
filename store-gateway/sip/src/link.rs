//! The way to the trunk's registrar: its addresses, our own towards it, the socket or stream.
//!
//! Decides which address is used and who may speak on that side: the registrar's resolved addresses and nobody else.
//! Never registers; `trunk` says when the way is wanted.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use tokio::net::{TcpSocket, TcpStream, UdpSocket, lookup_host};
use tokio::sync::mpsc;
use tokio::time::timeout;

use crate::config::Trunk;
use crate::message::Transport;
use crate::stack::Stack;
use crate::trunk::Link;

/// A name is found, and a stream opened, within this.
const WAIT: Duration = Duration::from_secs(10);
/// Addresses of one registrar that are listened to.
const MOST_ADDRESSES: usize = 16;
/// SIP's port where none is named (RFC 3261 §19.1.2).
const PORT: u16 = 5060;

/// What came of looking for the way.
pub(crate) enum Found {
    /// It is open.
    Way(Link),
    /// It is not.
    Nothing(String),
}

/// Looks for the way each time it is asked.
pub(crate) async fn run(
    trunk: Trunk,
    external: Option<IpAddr>,
    stack: Stack,
    mut asked: mpsc::Receiver<()>,
    found: mpsc::Sender<Found>,
) {
    let mut local = None;
    while asked.recv().await.is_some() {
        let answer = match open(&trunk, external, &stack, &mut local).await {
            Ok(link) => Found::Way(link),
            Err(why) => Found::Nothing(why),
        };
        if found.send(answer).await.is_err() {
            return;
        }
    }
}

async fn open(
    trunk: &Trunk,
    external: Option<IpAddr>,
    stack: &Stack,
    local: &mut Option<IpAddr>,
) -> Result<Link, String> {
    let addresses = resolve(&trunk.registrar).await?;
    stack.allow(addresses.iter().map(SocketAddr::ip).collect());
    let (remote, ours) = match trunk.transport {
        Transport::Udp => datagrams(stack, addresses[0], local).await?,
        Transport::Tcp => stream(stack, &addresses).await?,
    };
    let shown = external.map_or(ours, |ip| SocketAddr::new(ip, ours.port()));
    Ok(Link { remote, local: shown })
}

async fn resolve(registrar: &str) -> Result<Vec<SocketAddr>, String> {
    let has_port = registrar
        .rsplit_once(':')
        .is_some_and(|(host, port)| port.parse::<u16>().is_ok() && (!host.contains(':') || host.ends_with(']')));
    let name = if has_port { registrar.to_owned() } else { format!("{registrar}:{PORT}") };
    let found = timeout(WAIT, lookup_host(name)).await;
    let found = found.map_err(|_| "looking up the registrar took too long".to_owned())?;
    let found = found.map_err(|error| format!("the registrar's name is not found: {error}"))?;
    let addresses: Vec<SocketAddr> = found.take(MOST_ADDRESSES).collect();
    if addresses.is_empty() { Err("the registrar's name has no address".to_owned()) } else { Ok(addresses) }
}

/// Our address towards another, as the routes have it; nothing is sent.
async fn towards(remote: SocketAddr) -> std::io::Result<IpAddr> {
    let any: SocketAddr = if remote.is_ipv4() { ([0, 0, 0, 0], 0).into() } else { ([0_u16; 8], 0).into() };
    let probe = UdpSocket::bind(any).await?;
    probe.connect(remote).await?;
    Ok(probe.local_addr()?.ip())
}

async fn datagrams(
    stack: &Stack,
    remote: SocketAddr,
    local: &mut Option<IpAddr>,
) -> Result<(SocketAddr, SocketAddr), String> {
    let wrong = |error: std::io::Error| format!("no way to the registrar: {error}");
    let ip = towards(remote).await.map_err(wrong)?;
    // The network may have changed under us; then the old socket's address reaches nobody.
    if *local != Some(ip) || stack.local().is_none() {
        let socket = UdpSocket::bind((ip, 0)).await.map_err(wrong)?;
        stack.use_socket(socket).await.map_err(wrong)?;
        *local = Some(ip);
    }
    let ours = stack.local().ok_or_else(|| "no socket towards the registrar".to_owned())?;
    Ok((remote, ours))
}

async fn stream(stack: &Stack, addresses: &[SocketAddr]) -> Result<(SocketAddr, SocketAddr), String> {
    if let Some((remote, ours)) = addresses.iter().find_map(|remote| Some((*remote, stack.stream_to(*remote)?))) {
        return Ok((remote, ours));
    }
    let mut last = String::new();
    for remote in addresses {
        match timeout(WAIT, connect(*remote)).await {
            Ok(Ok(stream)) => {
                let ours = stream.local_addr().map_err(|error| error.to_string())?;
                stack.use_stream(stream, *remote);
                return Ok((*remote, ours));
            }
            Ok(Err(error)) => last = format!("the registrar refuses the connection: {error}"),
            Err(_) => last = "the registrar does not accept the connection".to_owned(),
        }
    }
    Err(last)
}

async fn connect(remote: SocketAddr) -> std::io::Result<TcpStream> {
    let socket = if remote.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    socket.set_nodelay(true)?;
    socket.connect(remote).await
}
