//! Chooses ports on loopback, and names the process that holds a wanted one.

use std::fs;
use std::io::ErrorKind;
use std::net::{Ipv4Addr, TcpListener};

use anyhow::{Context, Result, bail};
use hil_tests::world::free_port;

/// How many ports above the wanted one are tried.
const TRIES: u16 = 100;

/// A chosen port, and what to tell when it is not the wanted one.
#[derive(Debug, PartialEq, Eq)]
pub struct Choice {
    /// The port on 127.0.0.1.
    pub port: u16,
    /// Who held the wanted port.
    pub taken: Option<String>,
}

/// Takes `wanted`, or the next free port above it that is not in `reserved`. 0 stands for any.
pub fn choose(wanted: u16, reserved: &[u16]) -> Result<Choice> {
    if wanted == 0 {
        return Ok(Choice { port: free_port()?, taken: None });
    }
    if free(wanted)? {
        return Ok(Choice { port: wanted, taken: None });
    }
    let taken = Some(holder(wanted).unwrap_or_else(|| "a process that can't be seen from here".to_owned()));
    for port in (wanted..wanted.saturating_add(TRIES)).skip(1).filter(|port| !reserved.contains(port)) {
        if free(port)? {
            return Ok(Choice { port, taken });
        }
    }
    bail!("no free port from {wanted} to {}", wanted.saturating_add(TRIES));
}

fn free(port: u16) -> Result<bool> {
    match TcpListener::bind((Ipv4Addr::LOCALHOST, port)) {
        Ok(_) => Ok(true),
        Err(error) if matches!(error.kind(), ErrorKind::AddrInUse | ErrorKind::PermissionDenied) => Ok(false),
        Err(error) => Err(error).with_context(|| format!("try port {port}")),
    }
}

/// Names the process that listens on `port`: its number and its command line, from /proc.
pub fn holder(port: u16) -> Option<String> {
    let inodes: Vec<String> = ["/proc/net/tcp", "/proc/net/tcp6"]
        .iter()
        .filter_map(|table| fs::read_to_string(table).ok())
        .flat_map(|table| listening_inodes(&table, port))
        .collect();
    let sockets: Vec<String> = inodes.iter().map(|inode| format!("socket:[{inode}]")).collect();
    let processes = fs::read_dir("/proc").ok()?.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    let pid: u32 = processes.into_iter().find(|pid| holds(*pid, &sockets))?;
    let command = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    let command = String::from_utf8_lossy(&command).trim_end_matches('\0').replace('\0', " ");
    Some(format!("pid {pid} ({command})"))
}

/// Reads the inodes of sockets that listen on `port` from a table of the form of /proc/net/tcp (proc(5)).
fn listening_inodes(table: &str, port: u16) -> Vec<String> {
    const LISTEN: &str = "0A";
    let suffix = format!(":{port:04X}");
    table
        .lines()
        .skip(1)
        .filter_map(|line| {
            let fields: Vec<&str> = line.split_whitespace().collect();
            let listens = fields.get(1)?.ends_with(&suffix) && *fields.get(3)? == LISTEN;
            listens.then(|| fields.get(9).map(|inode| (*inode).to_owned())).flatten()
        })
        .collect()
}

fn holds(pid: u32, sockets: &[String]) -> bool {
    let Ok(descriptors) = fs::read_dir(format!("/proc/{pid}/fd")) else { return false };
    descriptors
        .flatten()
        .filter_map(|descriptor| fs::read_link(descriptor.path()).ok())
        .any(|target| sockets.iter().any(|socket| target.as_os_str() == socket.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_taken_port_is_named_with_its_holder_and_the_next_free_one_is_used() {
        let held = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("bind");
        let wanted = held.local_addr().expect("address").port();
        let choice = choose(wanted, &[wanted.saturating_add(1)]).expect("choose");
        assert!(choice.port > wanted + 1, "the reserved port is skipped");
        let taken = choice.taken.expect("a holder");
        assert!(taken.starts_with(&format!("pid {} (", std::process::id())), "{taken}");
    }

    #[test]
    fn a_free_port_is_taken_without_a_word() {
        let wanted = free_port().expect("a free port");
        assert_eq!(choose(wanted, &[]).expect("choose"), Choice { port: wanted, taken: None });
    }

    #[test]
    fn only_listening_sockets_of_that_port_count() {
        // Two lines as proc(5) shows them: 8080 (1F90) listening, and an established connection from it.
        let table = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n   \
            0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4711 1 0 100 0 0 10 0\n   \
            1: 0100007F:1F90 0100007F:C350 01 00000000:00000000 00:00000000 00000000     0        0 4712 1 0 20 4 30 10 -1\n";
        assert_eq!(listening_inodes(table, 8080), ["4711"]);
        assert!(listening_inodes(table, 8081).is_empty());
    }
}
