//! TCP: who may connect, where a message ends, and what is done with one that does not read.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rsipstack::transport::TransportEvent;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::{Inner, Input, count, lock};
use crate::message::{Flow, Transport};

/// A message with its body.
const MOST_MESSAGE: usize = 64 * 1024;
/// Streams at a time; beyond it a new one is closed at once.
const MOST_STREAMS: usize = 256;
/// Streams of one source.
const MOST_OF_A_SOURCE: usize = 16;
/// Messages that wait for one stream's reader; then it is closed.
const WAITING: usize = 64;
/// A stream that says nothing whole in this time after it opened is closed.
const FIRST_WORD: Duration = Duration::from_secs(32);
/// One that was silent for so long too: longer than the longest registration.
const SILENCE: Duration = Duration::from_secs(2 * 3_600);
/// A message must have gone out in this time.
const WRITE_WAIT: Duration = Duration::from_secs(10);

/// The streams that are open.
#[derive(Default)]
pub(super) struct Streams {
    table: Mutex<BTreeMap<SocketAddr, Stream>>,
    made: AtomicU64,
}

struct Stream {
    number: u64,
    local: Option<SocketAddr>,
    out: mpsc::Sender<Vec<u8>>,
    stop: CancellationToken,
}

impl Streams {
    pub(super) fn local(&self, remote: SocketAddr) -> Option<SocketAddr> {
        lock(&self.table).get(&remote)?.local
    }

    pub(super) fn len(&self) -> usize {
        lock(&self.table).len()
    }

    fn has_room(&self, remote: SocketAddr) -> bool {
        let table = lock(&self.table);
        table.len() < MOST_STREAMS && table.keys().filter(|known| known.ip() == remote.ip()).count() < MOST_OF_A_SOURCE
    }

    /// False when there is no such stream, or it does not read: then it is closed.
    fn send(&self, remote: SocketAddr, bytes: Vec<u8>) -> bool {
        let table = lock(&self.table);
        let Some(stream) = table.get(&remote) else { return false };
        let sent = stream.out.try_send(bytes).is_ok();
        if !sent {
            stream.stop.cancel();
        }
        sent
    }

    fn remove(&self, remote: SocketAddr, number: u64) {
        let mut table = lock(&self.table);
        if table.get(&remote).is_some_and(|stream| stream.number == number) {
            table.remove(&remote);
        }
    }
}

pub(super) async fn accept(inner: Arc<Inner>, listener: TcpListener) {
    loop {
        match listener.accept().await {
            Ok((stream, remote)) if inner.streams.has_room(remote) => adopt(&inner, stream, remote),
            Ok(_) => count(&inner.shared.counts.connections),
            // Out of descriptors: others must close first.
            Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
        }
    }
}

pub(super) fn adopt(inner: &Arc<Inner>, stream: TcpStream, remote: SocketAddr) {
    let local = stream.local_addr().ok();
    let (reader, writer) = stream.into_split();
    let (out, queue) = mpsc::channel(WAITING);
    let stop = inner.shared.stop.child_token();
    let number = inner.streams.made.fetch_add(1, Ordering::Relaxed);
    lock(&inner.streams.table).insert(remote, Stream { number, local, out, stop: stop.clone() });
    let inner = inner.clone();
    let flow = Flow { line: inner.line, transport: Transport::Tcp, remote };
    inner.shared.clone().spawn(async move {
        tokio::select! {
            () = stop.cancelled() => count(&inner.shared.counts.connections),
            () = read(&inner, reader, flow) => {}
            () = write(writer, queue) => {}
        }
        inner.streams.remove(remote, number);
        inner.tell(Input::Closed(flow)).await;
    });
}

async fn write(mut writer: OwnedWriteHalf, mut queue: mpsc::Receiver<Vec<u8>>) {
    while let Some(bytes) = queue.recv().await {
        if !matches!(timeout(WRITE_WAIT, writer.write_all(&bytes)).await, Ok(Ok(()))) {
            return;
        }
    }
}

async fn read(inner: &Arc<Inner>, mut reader: OwnedReadHalf, flow: Flow) {
    let connection = inner.channel(flow);
    let mut buffer = Vec::new();
    let mut wait = FIRST_WORD;
    loop {
        match next(&buffer) {
            Next::Message(length) => {
                let message: Vec<u8> = buffer.drain(..length).collect();
                inner.take(&message, flow, &connection).await;
                wait = SILENCE;
            }
            Next::Ping => {
                buffer.drain(..4);
                inner.streams.send(flow.remote, b"\r\n".to_vec());
            }
            Next::Blank => {
                buffer.drain(..2);
            }
            Next::TooLong => return count(&inner.shared.counts.oversize),
            Next::More => {
                let read = timeout(wait, reader.read_buf(&mut buffer)).await;
                if !matches!(read, Ok(Ok(1..))) {
                    return;
                }
            }
        }
    }
}

/// What stands at the start of a buffer.
#[derive(Debug, PartialEq, Eq)]
enum Next {
    /// A message of so many bytes.
    Message(usize),
    /// A keep-alive that wants an answer (RFC 5626 §3.5.1).
    Ping,
    /// Its answer, or a blank line before a message (RFC 3261 §7.5).
    Blank,
    /// Not yet whole.
    More,
    /// It would be longer than a message may be.
    TooLong,
}

fn next(buffer: &[u8]) -> Next {
    if buffer.starts_with(b"\r\n\r\n") {
        return Next::Ping;
    }
    if buffer == b"\r\n" || buffer == b"\r\n\r" {
        return Next::More;
    }
    if buffer.starts_with(b"\r\n") {
        return Next::Blank;
    }
    let Some(end) = buffer.windows(4).position(|window| window == b"\r\n\r\n") else {
        return if buffer.len() > MOST_MESSAGE { Next::TooLong } else { Next::More };
    };
    let Some(length) = content_length(&buffer[..end]).and_then(|body| body.checked_add(end + 4)) else {
        // Without a length nobody knows where the next message begins (§18.3).
        return Next::TooLong;
    };
    match length {
        _ if length > MOST_MESSAGE => Next::TooLong,
        _ if length > buffer.len() => Next::More,
        _ => Next::Message(length),
    }
}

/// `Content-Length`, zero when it is absent; `None` when it is no number.
fn content_length(head: &[u8]) -> Option<usize> {
    for line in head.split(|byte| *byte == b'\n') {
        let Some(colon) = line.iter().position(|byte| *byte == b':') else { continue };
        let name = line[..colon].trim_ascii();
        if name.eq_ignore_ascii_case(b"Content-Length") || name.eq_ignore_ascii_case(b"l") {
            return std::str::from_utf8(line[colon + 1..].trim_ascii()).ok()?.parse().ok();
        }
    }
    Some(0)
}

/// Takes what the library sends to streams.
pub(super) async fn write_all(inner: Arc<Inner>, mut queue: mpsc::Receiver<TransportEvent>) {
    while let Some(event) = queue.recv().await {
        let TransportEvent::Incoming(message, _, to) = event else { continue };
        let Ok(remote) = to.get_socketaddr() else { continue };
        if !inner.streams.send(remote, message.to_bytes()) {
            let flow = Flow { line: inner.line, transport: Transport::Tcp, remote };
            inner.tell(Input::Closed(flow)).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_where_a_message_ends() {
        let message = b"OPTIONS sip:a SIP/2.0\r\nL : 3\r\n\r\nabcOPT";
        let whole = message.len() - 3;
        for at in 1..whole {
            assert_eq!(next(&message[..at]), Next::More, "{at}");
        }
        assert_eq!(next(message), Next::Message(whole));
        assert_eq!(
            (next(b"\r\n\r\nO"), next(b"\r\nO"), next(b"\r\n"), next(b"")),
            (Next::Ping, Next::Blank, Next::More, Next::More)
        );
        assert_eq!(next(b"A\r\nContent-Length: x\r\n\r\n"), Next::TooLong);
        assert_eq!(next(b"A\r\nContent-Length: 65536\r\n\r\n"), Next::TooLong);
        assert_eq!(next(b"A\r\nContent-Length: 18446744073709551615\r\n\r\n"), Next::TooLong);
        assert_eq!(next(&vec![b'a'; MOST_MESSAGE + 1]), Next::TooLong);
    }
}
