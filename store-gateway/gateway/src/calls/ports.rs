//! The UDP ports of sound: an even one for RTP and the odd one above it for RTCP (RFC 3550 §11).

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::ops::RangeInclusive;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::net::UdpSocket;

/// Two sockets of one leg.
pub(super) struct Pair {
    /// Sound.
    pub rtp: UdpSocket,
    /// Reports, for peers that want them apart.
    pub rtcp: UdpSocket,
}

/// The range that pairs are taken from, in turn, so that a port is not used again at once.
pub(super) struct Ports {
    range: RangeInclusive<u16>,
    next: AtomicUsize,
}

impl Ports {
    /// `range` must hold at least one even port with its neighbour.
    pub fn new(range: RangeInclusive<u16>) -> Self {
        Self { range, next: AtomicUsize::new(0) }
    }

    /// Binds the next free pair.
    ///
    /// # Errors
    /// When no pair is free, or the address is none of this machine's.
    pub async fn bind(&self, address: IpAddr) -> io::Result<Pair> {
        let first = self.range.start().next_multiple_of(2);
        let pairs = usize::from((self.range.end() - first).div_ceil(2)).max(1);
        let mut last = io::Error::new(io::ErrorKind::AddrInUse, "no port is free in sip.rtp_ports");
        for _ in 0..pairs {
            let at = self.next.fetch_add(1, Ordering::Relaxed) % pairs;
            let port = first + 2 * u16::try_from(at).unwrap_or(0);
            match Self::pair(address, port).await {
                Ok(pair) => return Ok(pair),
                Err(e) if e.kind() == io::ErrorKind::AddrInUse => last = e,
                Err(e) => return Err(e),
            }
        }
        Err(last)
    }

    async fn pair(address: IpAddr, port: u16) -> io::Result<Pair> {
        let rtp = UdpSocket::bind(SocketAddr::new(address, port)).await?;
        let rtcp = UdpSocket::bind(SocketAddr::new(address, port + 1)).await?;
        Ok(Pair { rtp, rtcp })
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    #[tokio::test]
    async fn pairs_are_even_and_odd_and_end_when_all_are_taken() {
        let address = IpAddr::V4(Ipv4Addr::LOCALHOST);
        // Somewhere that the system gives out: room for two pairs, whatever the parity of its first port.
        let free = UdpSocket::bind((address, 0)).await.unwrap().local_addr().unwrap().port().min(65_000);
        let ports = Ports::new(free..=free.next_multiple_of(2) + 3);
        let (a, b) = (ports.bind(address).await.unwrap(), ports.bind(address).await.unwrap());
        for pair in [&a, &b] {
            let (rtp, rtcp) = (pair.rtp.local_addr().unwrap().port(), pair.rtcp.local_addr().unwrap().port());
            assert_eq!((rtp % 2, rtcp), (0, rtp + 1));
        }
        assert!(ports.bind(address).await.is_err(), "both pairs are taken");
        drop(a);
        assert!(ports.bind(address).await.is_ok(), "one came back");
    }
}
