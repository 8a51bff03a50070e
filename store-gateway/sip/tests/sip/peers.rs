//! Other people's phones and exchanges. sipp 3.6.1, baresip 1.0.0 and linphone 5.1 are looked for as Debian 12 has them.
//!
//! linphone proves itself by SHA-256. sipp and baresip know MD5 only: such a phone gets an MD5 hash and no other.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::Stdio;

use store_sip::{Caller, Event, Gone, Source, Target, Trunk, TrunkState};
use tempfile::TempDir;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::net::UdpSocket;
use tokio::process::{Child, ChildStdin, Command};
use tokio::sync::mpsc;
use tokio::time::timeout;

use crate::harness::{LIMIT, PASSWORD, REALM, SDP, Server, config, ext};

/// A program of a Debian package; its absence is loud.
fn program(name: &str, package: &str) -> Command {
    let found = std::env::var_os("PATH")
        .and_then(|path| std::env::split_paths(&path).map(|folder| folder.join(name)).find(|file| file.is_file()));
    let mut command = Command::new(found.unwrap_or_else(|| panic!("{name} is missing: apt-get install {package}")));
    command.kill_on_drop(true).stdout(Stdio::null()).stderr(Stdio::null()).stdin(Stdio::null());
    command
}

async fn free_port() -> u16 {
    UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap().local_addr().unwrap().port()
}

struct Sipp {
    folder: TempDir,
    child: Child,
}

impl Sipp {
    /// Plays a scenario once, as phone 203, towards `server` from `port`.
    fn start(scenario: &str, server: SocketAddr, port: u16, password: &str, more: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let fields = folder.path().join("fields.csv");
        std::fs::write(&fields, format!("SEQUENTIAL\n203;[authentication username=203 password={password}];\n"))
            .unwrap();
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/sipp").join(format!("{scenario}.xml"));
        let child = program("sipp", "sip-tester")
            .args([server.to_string(), "-i".to_owned(), "127.0.0.1".to_owned(), "-p".to_owned(), port.to_string()])
            .arg("-sf")
            .arg(file)
            .arg("-inf")
            .arg(fields)
            .args([
                "-m",
                "1",
                "-s",
                "600",
                "-nostdin",
                "-timeout",
                "20s",
                "-timeout_error",
                "-trace_err",
                "-error_file",
            ])
            .arg(folder.path().join("errors"))
            .args(more)
            .current_dir(folder.path())
            .env("TERM", "dumb")
            .spawn()
            .unwrap();
        Self { folder, child }
    }

    async fn succeeds(mut self) {
        let status = timeout(LIMIT + LIMIT, self.child.wait()).await.expect("sipp ends in time").unwrap();
        let errors = std::fs::read_to_string(self.folder.path().join("errors")).unwrap_or_default();
        assert!(status.success(), "sipp: {status}\n{errors}");
    }
}

async fn sipp_registers(server: &Server) -> u16 {
    let port = free_port().await;
    Sipp::start("register", server.address(), port, PASSWORD, &[]).succeeds().await;
    port
}

fn sipp_calls(server: &Server, scenario: &str, port: u16) -> Sipp {
    let uri = format!("600@{}", server.address());
    Sipp::start(scenario, server.address(), port, PASSWORD, &["-auth_uri", &uri])
}

#[tokio::test]
async fn sipp_registers_with_the_right_password_only() {
    let server = Server::start(config()).await;
    let port = sipp_registers(&server).await;
    let listed = server.sip.registrations().await;
    assert_eq!((listed[0].extension.as_str(), listed[0].source.port()), ("203", port));
    Sipp::start("register_wrong", server.address(), free_port().await, "wrong", &[]).succeeds().await;
    assert_eq!(server.sip.registrations().await.len(), 1);
    server.stop().await;
}

#[tokio::test]
async fn sipp_calls_in_and_either_side_hangs_up() {
    for (transport, port) in [("u1", free_port().await), ("t1", free_port().await)] {
        let mut server = Server::start(config()).await;
        let uri = format!("600@{}", server.address());
        let more = ["-auth_uri", uri.as_str(), "-t", transport];
        let sipp = Sipp::start("call_hang_up", server.address(), port, PASSWORD, &more);
        let Event::Incoming { leg, source, .. } = server.incoming().await else { panic!() };
        assert_eq!(source, Source::Phone(ext("203")));
        server.sip.progress(leg).await.unwrap();
        server.sip.answer(leg, SDP.into()).await.unwrap();
        assert_eq!(server.gone(leg).await, Gone::Bye);
        sipp.succeeds().await;
        let sipp = Sipp::start("call_hung_up_on", server.address(), free_port().await, PASSWORD, &more);
        let Event::Incoming { leg, .. } = server.incoming().await else { panic!() };
        server.sip.answer(leg, SDP.into()).await.unwrap();
        assert_eq!(server.event().await, Event::Confirmed { leg, body: None });
        server.sip.hang_up(leg, None).await.unwrap();
        assert_eq!(server.gone(leg).await, Gone::HungUp);
        sipp.succeeds().await;
        server.until(|s| (s.legs, s.dialogs) == (0, 0)).await;
        server.stop().await;
    }
}

#[tokio::test]
async fn sipp_holds_and_takes_back() {
    let mut server = Server::start(config()).await;
    let sipp = sipp_calls(&server, "call_hold", free_port().await);
    let Event::Incoming { leg, .. } = server.incoming().await else { panic!() };
    server.sip.answer(leg, SDP.into()).await.unwrap();
    let mut directions = Vec::new();
    let why = loop {
        match server.event().await {
            Event::Offered { offer, offer_id, .. } => {
                let offer = String::from_utf8(offer.unwrap()).unwrap();
                let held = offer.contains("a=sendonly");
                directions.push(held);
                let answer = if held { SDP.replace("sendrecv", "recvonly") } else { SDP.to_owned() };
                server.sip.answer_offer(leg, offer_id, Ok(answer.into())).await.unwrap();
            }
            Event::Gone { why, .. } => break why,
            _ => {}
        }
    };
    assert_eq!((directions, why), (vec![true, false], Gone::Bye));
    sipp.succeeds().await;
    server.stop().await;
}

#[tokio::test]
async fn sipp_gives_up_while_it_rings() {
    let mut server = Server::start(config()).await;
    let sipp = sipp_calls(&server, "call_cancel", free_port().await);
    let Event::Incoming { leg, .. } = server.incoming().await else { panic!() };
    server.sip.progress(leg).await.unwrap();
    assert_eq!(server.gone(leg).await, Gone::Cancelled);
    sipp.succeeds().await;
    server.stop().await;
}

#[tokio::test]
async fn sipp_is_rung_answers_is_busy_and_is_cancelled() {
    let mut server = Server::start(config()).await;
    let port = sipp_registers(&server).await;
    let call =
        async |sip: store_sip::Sip| sip.call(Target::Phone(ext("203")), SDP.into(), Caller::default()).await.unwrap();
    let sipp = Sipp::start("rung_hung_up_on", server.address(), port, PASSWORD, &[]);
    let leg = call(server.sip.clone()).await;
    assert_eq!(server.event().await, Event::Ringing { leg, body: None });
    assert!(matches!(server.event().await, Event::Answered { .. }));
    server.sip.hang_up(leg, None).await.unwrap();
    assert_eq!(server.gone(leg).await, Gone::HungUp);
    sipp.succeeds().await;
    let sipp = Sipp::start("rung_busy", server.address(), port, PASSWORD, &[]);
    let leg = call(server.sip.clone()).await;
    assert_eq!(server.gone(leg).await, Gone::Refused(486));
    sipp.succeeds().await;
    let sipp = Sipp::start("rung_cancelled", server.address(), port, PASSWORD, &[]);
    let leg = call(server.sip.clone()).await;
    assert_eq!(server.event().await, Event::Ringing { leg, body: None });
    server.sip.hang_up(leg, None).await.unwrap();
    assert_eq!(server.gone(leg).await, Gone::HungUp);
    sipp.succeeds().await;
    server.stop().await;
}

#[tokio::test]
async fn sipp_is_a_carrier_that_wants_proof() {
    let port = free_port().await;
    let nobody = SocketAddr::from((Ipv4Addr::LOCALHOST, free_port().await));
    let sipp = Sipp::start("carrier_registrar", nobody, port, PASSWORD, &[]);
    let trunk = Trunk::new(format!("127.0.0.1:{port}"), "shop", PASSWORD);
    let mut server = Server::start(crate::Config { trunk: Some(trunk), ..config() }).await;
    sipp.succeeds().await;
    assert!(matches!(server.sip.trunk().await, TrunkState::Registered { .. }));
    let sipp = Sipp::start("carrier_answers", nobody, port, PASSWORD, &[]);
    let target = Target::Trunk("+48600100200".to_owned());
    let leg = server.sip.call(target, SDP.into(), Caller::default()).await.unwrap();
    assert_eq!(server.event().await, Event::Ringing { leg, body: None });
    assert!(matches!(server.event().await, Event::Answered { .. }));
    server.sip.hang_up(leg, None).await.unwrap();
    assert_eq!(server.gone(leg).await, Gone::HungUp);
    sipp.succeeds().await;
    server.stop().await;
}

/// A phone that is told what to do over its standard input.
struct Program {
    name: &'static str,
    _folder: TempDir,
    _child: Child,
    input: ChildStdin,
    pieces: mpsc::UnboundedReceiver<String>,
    seen: String,
}

impl Program {
    fn spawn(name: &'static str, mut command: Command, folder: TempDir) -> Self {
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.current_dir(folder.path()).spawn().unwrap();
        let (sender, pieces) = mpsc::unbounded_channel();
        let output = child.stdout.take().unwrap();
        let errors = child.stderr.take().unwrap();
        tokio::spawn(forward(output, sender.clone()));
        tokio::spawn(forward(errors, sender));
        let input = child.stdin.take().unwrap();
        Self { name, _folder: folder, _child: child, input, pieces, seen: String::new() }
    }

    async fn say(&mut self, line: &str) {
        self.input.write_all(format!("{line}\n").as_bytes()).await.unwrap();
        self.input.flush().await.unwrap();
    }

    /// Waits until it says one of these; prompts end without a line's end.
    async fn until(&mut self, wanted: &[&str]) {
        let waiting = async {
            while !wanted.iter().any(|text| self.seen.contains(text)) {
                match self.pieces.recv().await {
                    Some(piece) => self.seen += &piece,
                    None => return false,
                }
            }
            true
        };
        let found = timeout(LIMIT, waiting).await;
        assert_eq!(found, Ok(true), "{} did not say {wanted:?}:\n{}", self.name, self.seen);
    }
}

async fn forward(mut reader: impl AsyncRead + Unpin, sender: mpsc::UnboundedSender<String>) {
    let mut buffer = [0; 4_096];
    while let Ok(length @ 1..) = reader.read(&mut buffer).await {
        if sender.send(String::from_utf8_lossy(&buffer[..length]).into_owned()).is_err() {
            return;
        }
    }
}

/// 8 kHz, 16 bits, mono.
fn minute_of_silence() -> Vec<u8> {
    let data = vec![0; 60 * 8_000 * 2];
    let length = data.len() as u32;
    let mut wav = b"RIFF".to_vec();
    wav.extend((36 + length).to_le_bytes());
    wav.extend(b"WAVEfmt \x10\0\0\0\x01\0\x01\0");
    wav.extend(8_000_u32.to_le_bytes());
    wav.extend(16_000_u32.to_le_bytes());
    wav.extend(b"\x02\0\x10\0data");
    wav.extend(length.to_le_bytes());
    wav.extend(data);
    wav
}

fn baresip(server: SocketAddr, user: &str, password: &str) -> Program {
    let folder = tempfile::tempdir().unwrap();
    let modules = "/usr/lib/baresip/modules";
    let sound = folder.path().join("in.wav");
    std::fs::write(&sound, minute_of_silence()).unwrap();
    let config = format!(
        "module_path {modules}\nmodule stdio.so\nmodule g711.so\nmodule aufile.so\n\
         module_app account.so\nmodule_app menu.so\nmodule_tmp uuid.so\n\
         sip_listen 127.0.0.1:0\nnet_interface 127.0.0.1\naudio_source aufile,{}\naudio_player aufile,/dev/null\n\
         audio_alert aufile,/dev/null\n",
        sound.display()
    );
    std::fs::write(folder.path().join("config"), config).unwrap();
    let account = format!(
        "<sip:{user}@{server};transport=udp>;auth_user={user};auth_pass={password};regint=60;answermode=auto\n"
    );
    std::fs::write(folder.path().join("accounts"), account).unwrap();
    std::fs::write(folder.path().join("contacts"), "").unwrap();
    let mut command = program("baresip", "baresip");
    command.arg("-f").arg(folder.path());
    Program::spawn("baresip", command, folder)
}

#[tokio::test]
async fn baresip_registers_with_the_right_password_only() {
    let server = Server::start(config()).await;
    let _phone = baresip(server.address(), "203", PASSWORD);
    server.until_registered("203").await;
    let mut wrong = baresip(server.address(), "204", "wrong");
    wrong.until(&["401", "Unauthorized", "Authentication"]).await;
    assert!(!server.sip.is_registered(&ext("204")).await);
    server.stop().await;
}

#[tokio::test]
async fn baresip_is_rung_and_hung_up_on_and_calls_and_hangs_up() {
    let mut server = Server::start(config()).await;
    let mut phone = baresip(server.address(), "203", PASSWORD);
    server.until_registered("203").await;
    let leg = server.sip.call(Target::Phone(ext("203")), SDP.into(), Caller::default()).await.unwrap();
    let body = loop {
        match server.event().await {
            Event::Answered { body, .. } => break body,
            Event::Gone { why, .. } => panic!("{why:?}"),
            _ => {}
        }
    };
    assert!(String::from_utf8(body).unwrap().contains("m=audio"));
    server.sip.reoffer(leg, SDP.replace("sendrecv", "sendonly").into()).await.unwrap();
    let Event::Answered { body, .. } = server.event().await else { panic!() };
    assert!(String::from_utf8(body).unwrap().contains("a=recvonly"), "it is on hold");
    server.sip.hang_up(leg, None).await.unwrap();
    assert_eq!(server.gone(leg).await, Gone::HungUp);
    phone.say(&format!("/dial sip:600@{}", server.address())).await;
    let Event::Incoming { leg, offer, .. } = server.incoming().await else { panic!() };
    assert!(offer.is_some());
    server.sip.answer(leg, SDP.into()).await.unwrap();
    assert!(matches!(server.event().await, Event::Confirmed { .. }));
    phone.until(&["established"]).await;
    phone.say("/hangup").await;
    assert_eq!(server.gone(leg).await, Gone::Bye);
    server.stop().await;
}

fn linphone(server: SocketAddr, password: &str) -> Program {
    let folder = tempfile::tempdir().unwrap();
    for needed in [".local/share/linphone", ".config/linphone"] {
        std::fs::create_dir_all(folder.path().join(needed)).unwrap();
    }
    let config = format!(
        "[sip]\nsip_port=-1\nsip_tcp_port=0\nsip_tls_port=0\nbind_address=127.0.0.1\ndefault_proxy=0\n\
         register_only_when_network_is_up=0\n[rtp]\naudio_rtp_port=-1\n\
         [auth_info_0]\nusername=202\nuserid=202\npasswd={password}\nrealm={REALM}\n\
         [proxy_0]\nreg_proxy=<sip:{server};transport=udp>\nreg_identity=sip:202@{server}\nreg_expires=300\n\
         reg_sendregister=1\npublish=0\n"
    );
    let file = folder.path().join("linphonerc");
    std::fs::write(&file, config).unwrap();
    let mut command = program("linphonec", "linphone-cli");
    command.env("HOME", folder.path()).arg("-a").arg("-c").arg(&file);
    Program::spawn("linphonec", command, folder)
}

/// linphone 5.1 answers SHA-256: extension 202 has no other hash.
#[tokio::test]
async fn linphone_proves_itself_by_sha_256() {
    let server = Server::start(config()).await;
    let mut wrong = linphone(server.address(), "wrong");
    wrong.until(&["Password for 202"]).await;
    assert!(!server.sip.is_registered(&ext("202")).await);
    let _right = linphone(server.address(), PASSWORD);
    server.until_registered("202").await;
    server.stop().await;
}

#[tokio::test]
async fn linphone_is_rung_and_hung_up_on_and_calls_and_hangs_up() {
    let mut server = Server::start(config()).await;
    let mut phone = linphone(server.address(), PASSWORD);
    phone.say("soundcard use files").await;
    server.until_registered("202").await;
    let leg = server.sip.call(Target::Phone(ext("202")), SDP.into(), Caller::default()).await.unwrap();
    loop {
        match server.event().await {
            Event::Answered { .. } => break,
            Event::Gone { why, .. } => panic!("{why:?}"),
            _ => {}
        }
    }
    server.sip.hang_up(leg, None).await.unwrap();
    assert_eq!(server.gone(leg).await, Gone::HungUp);
    phone.say(&format!("call sip:600@{}", server.address())).await;
    let Event::Incoming { leg, source, .. } = server.incoming().await else { panic!() };
    assert_eq!(source, Source::Phone(ext("202")));
    server.sip.answer(leg, SDP.into()).await.unwrap();
    assert!(matches!(server.event().await, Event::Confirmed { .. }));
    phone.say("terminate").await;
    assert_eq!(server.gone(leg).await, Gone::Bye);
    server.stop().await;
}
