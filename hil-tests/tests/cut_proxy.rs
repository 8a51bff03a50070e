//! The cutting proxy really cuts: seen from both ends of real connections.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::time::{Duration, Instant};

use anyhow::Result;
use hil_tests::cut_proxy::{CutProxy, Direction, Line};
use serde_json::{Value, json};

const LIMIT: Duration = Duration::from_secs(10);
/// Long enough for a local connection to carry something that it should not.
const QUIET: Duration = Duration::from_millis(300);

struct Pair {
    proxy: CutProxy,
    server: TcpListener,
    near: TcpStream,
    far: TcpStream,
}

fn pair() -> Result<Pair> {
    let server = TcpListener::bind("127.0.0.1:0")?;
    let any = "127.0.0.1:0".parse()?;
    let proxy = CutProxy::start(any, &server.local_addr()?.to_string(), Some(any))?;
    let (near, far) = connect(&proxy, &server)?;
    Ok(Pair { proxy, server, near, far })
}

fn connect(proxy: &CutProxy, server: &TcpListener) -> Result<(TcpStream, TcpStream)> {
    let near = TcpStream::connect(proxy.listen)?;
    let (far, _) = server.accept()?;
    for stream in [&near, &far] {
        stream.set_read_timeout(Some(LIMIT))?;
    }
    Ok((near, far))
}

fn carries(from: &mut TcpStream, to: &mut TcpStream, octets: &[u8]) -> Result<()> {
    from.write_all(octets)?;
    let mut got = vec![0; octets.len()];
    to.read_exact(&mut got)?;
    assert_eq!(got, octets);
    Ok(())
}

#[test]
fn a_cut_resets_both_ends_and_refuses_and_a_restore_takes_the_same_port() -> Result<()> {
    let Pair { proxy, server, mut near, mut far } = pair()?;
    carries(&mut near, &mut far, b"up")?;
    carries(&mut far, &mut near, b"down")?;
    proxy.cut()?;
    for stream in [&mut near, &mut far] {
        let error = stream.read(&mut [0; 8]).expect_err("a reset, not an end");
        assert_eq!(error.kind(), ErrorKind::ConnectionReset);
    }
    let refused = TcpStream::connect(proxy.listen).expect_err("a refusal");
    assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
    assert_eq!(proxy.status()?.line, Line::Cut);
    proxy.restore()?;
    let (mut near, mut far) = connect(&proxy, &server)?;
    carries(&mut near, &mut far, b"again")
}

#[test]
fn a_stall_carries_nothing_closes_nothing_and_loses_nothing() -> Result<()> {
    let Pair { proxy, mut near, mut far, .. } = pair()?;
    carries(&mut near, &mut far, b"before")?;
    proxy.stall()?;
    near.write_all(b"meanwhile")?;
    far.set_read_timeout(Some(QUIET))?;
    let silent = far.read(&mut [0; 16]).expect_err("silence");
    assert!(matches!(silent.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut), "{silent}");
    proxy.restore()?;
    far.set_read_timeout(Some(LIMIT))?;
    let mut got = [0; 9];
    far.read_exact(&mut got)?;
    assert_eq!(&got, b"meanwhile");
    Ok(())
}

#[test]
fn a_delay_makes_octets_late_and_a_drop_makes_them_vanish() -> Result<()> {
    let Pair { proxy, mut near, mut far, .. } = pair()?;
    proxy.delay(Duration::from_millis(200))?;
    let begun = Instant::now();
    carries(&mut near, &mut far, b"late")?;
    assert!(begun.elapsed() >= Duration::from_millis(200), "{:?}", begun.elapsed());
    proxy.delay(Duration::ZERO)?;
    proxy.drop_octets(Direction::Up, 3)?;
    near.write_all(b"abcdef")?;
    let mut got = [0; 3];
    far.read_exact(&mut got)?;
    assert_eq!(&got, b"def");
    Ok(())
}

#[test]
fn an_end_at_one_side_reaches_the_other_as_an_end() -> Result<()> {
    let Pair { mut near, mut far, proxy: _proxy, .. } = pair()?;
    near.write_all(b"last")?;
    near.shutdown(Shutdown::Write)?;
    let mut got = Vec::new();
    far.read_to_end(&mut got)?;
    assert_eq!(got, b"last");
    carries(&mut far, &mut near, b"answer")
}

#[test]
fn the_switch_works_over_http_too() -> Result<()> {
    let Pair { proxy, mut near, far: _far, .. } = pair()?;
    let control = proxy.control.expect("the control port was asked for");
    let ask = |path: &str| -> Result<Value> {
        let answer = ureq::post(format!("http://{control}{path}")).send_empty()?;
        Ok(serde_json::from_reader(answer.into_body().into_reader())?)
    };
    assert_eq!(ask("/cut")?["line"], json!("cut"));
    assert!(near.read(&mut [0; 1]).is_err());
    assert_eq!(ask("/restore")?["line"], json!("up"));
    let state = ureq::get(format!("http://{control}/state")).call()?;
    let state: Value = serde_json::from_reader(state.into_body().into_reader())?;
    assert_eq!((&state["reset"], &state["connections"]), (&json!(1), &json!(0)));
    Ok(())
}
