use std::io::{Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::path::PathBuf;

use nix::pty::openpty;
use nix::sys::termios::{SetArg, cfmakeraw, tcsetattr};

use super::*;

/// A raw pseudo terminal: the printer's end, and the path of ours.
fn pty() -> (File, PathBuf, OwnedFd) {
    let pty = openpty(None, None).unwrap();
    let mut raw = tcgetattr(&pty.slave).unwrap();
    cfmakeraw(&mut raw);
    tcsetattr(&pty.slave, SetArg::TCSANOW, &raw).unwrap();
    let path = nix::unistd::ttyname(&pty.slave).unwrap();
    (File::from(pty.master), path, pty.slave)
}

async fn step(port: &mut Port, out: &[u8]) -> io::Result<Moved> {
    timeout(Duration::from_secs(5), port.step(out)).await.expect("something happens within 5 s")
}

#[tokio::test]
async fn a_pseudo_terminal_is_driven_as_a_serial_port_both_ways() {
    let (mut printer, path, _slave) = pty();
    assert!(is_tty(&path).unwrap());
    let mut port = Port::open(&Place::Device { path, baud: 19_200 }, true).await.unwrap();
    let Moved::Wrote(5) = step(&mut port, b"\x1b@abc").await.unwrap() else { panic!("five octets") };
    let mut octets = [0; 5];
    printer.read_exact(&mut octets).unwrap();
    assert_eq!(&octets, b"\x1b@abc", "nothing is changed on the way");
    printer.write_all(&[0x16, 0x0D, 0x0A]).unwrap();
    let Moved::Read(octets) = step(&mut port, b"").await.unwrap() else { panic!("an answer") };
    assert_eq!(octets, [0x16, 0x0D, 0x0A]);
}

#[tokio::test]
async fn a_device_that_is_no_terminal_takes_octets_and_a_file_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("lp0");
    nix::unistd::mkfifo(&path, nix::sys::stat::Mode::S_IRWXU).unwrap();
    let mut printer = OpenOptions::new().read(true).write(true).open(&path).unwrap();
    let mut port = Port::open(&Place::Device { path, baud: 0 }, false).await.unwrap();
    let Moved::Wrote(3) = step(&mut port, b"abc").await.unwrap() else { panic!("three octets") };
    let mut octets = [0; 3];
    printer.read_exact(&mut octets).unwrap();
    assert_eq!(&octets, b"abc");
    let file = dir.path().join("file");
    std::fs::write(&file, "").unwrap();
    let refused = Port::open(&Place::Device { path: file, baud: 0 }, false).await.err().unwrap();
    assert!(refused.to_string().contains("neither a serial port nor a character device"), "{refused}");
}

#[tokio::test]
async fn a_printer_in_the_network_that_goes_is_noticed() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let place = Place::Tcp(listener.local_addr().unwrap().to_string());
    let mut port = Port::open(&place, true).await.unwrap();
    let (printer, _) = listener.accept().await.unwrap();
    drop(printer);
    assert_eq!(step(&mut port, b"").await.unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
    drop(listener);
    assert_eq!(Port::open(&place, true).await.err().unwrap().kind(), io::ErrorKind::ConnectionRefused);
}
