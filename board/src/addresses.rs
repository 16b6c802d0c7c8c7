//! The addresses of this machine, and whether the board answers there.

use std::collections::BTreeSet;
use std::fs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::routes::HEADER;

/// An address of this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Own {
    pub(crate) address: IpAddr,
    /// What has happened when we connected to ourselves by it, if we could not.
    pub(crate) fault: Option<String>,
}

/// How long an address may take to answer.
const PATIENCE: Duration = Duration::from_secs(2);

/// All of them that another machine may reach; first the one from which this machine itself
/// would set out. Each is tried.
pub(crate) async fn all(port: u16) -> Vec<Own> {
    let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let mut found = of_ipv4(&read("/proc/net/fib_trie"));
    found.extend(of_ipv6(&read("/proc/net/if_inet6")));
    let first = outward();
    found.sort_by_key(|address| (Some(*address) != first, address.is_ipv6(), *address));
    let mut all = Vec::new();
    for address in found {
        let fault = fault(SocketAddr::new(address, port)).await;
        all.push(Own { address, fault });
    }
    all
}

/// The address that packets to elsewhere would have. None is sent: for a datagram, connecting is
/// only choosing a route. (192.0.2.1 is nobody's, RFC 5737.)
fn outward() -> Option<IpAddr> {
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).ok()?;
    socket.connect((Ipv4Addr::new(192, 0, 2, 1), 9)).ok()?;
    Some(socket.local_addr().ok()?.ip())
}

/// The machine's own addresses stand in the routing table, as routes to itself:
///
/// ```text
///            |-- 192.168.1.5
///               /32 host LOCAL
/// ```
fn of_ipv4(trie: &str) -> Vec<IpAddr> {
    let lines: Vec<&str> = trie.lines().map(str::trim).collect();
    let pairs = lines.windows(2).filter(|pair| pair[1] == "/32 host LOCAL");
    let addresses: BTreeSet<Ipv4Addr> = pairs
        .filter_map(|pair| pair[0].strip_prefix("|-- ")?.parse().ok())
        .filter(|address: &Ipv4Addr| !address.is_loopback())
        .collect();
    addresses.into_iter().map(IpAddr::V4).collect()
}

/// A line an address: 32 digits, and then numbers of its interface. Those that count on one
/// link only would need its name as well, and are left out.
fn of_ipv6(table: &str) -> Vec<IpAddr> {
    let address = |line: &str| {
        let digits = line.split_whitespace().next()?;
        let number = u128::from_str_radix(digits, 16).ok()?;
        Some(Ipv6Addr::from(number))
    };
    let is_reachable =
        |address: &Ipv6Addr| !address.is_loopback() && !address.is_unicast_link_local();
    let addresses = table.lines().filter_map(address).filter(is_reachable);
    addresses.map(IpAddr::V6).collect()
}

/// Why we do not answer there, if so.
async fn fault(address: SocketAddr) -> Option<String> {
    match timeout(PATIENCE, asked(address)).await {
        Ok(Ok(true)) => None,
        Ok(Ok(false)) => Some("something else answers".to_owned()),
        Ok(Err(error)) => Some(error.to_string()),
        Err(_) => Some("no answer within two seconds: a packet filter may drop it".to_owned()),
    }
}

/// Whether a board answers there.
async fn asked(address: SocketAddr) -> std::io::Result<bool> {
    let mut stream = TcpStream::connect(address).await?;
    let question = format!("GET /health HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(question.as_bytes()).await?;
    let mut answer = String::new();
    stream.take(4096).read_to_string(&mut answer).await?;
    Ok(answer.to_ascii_lowercase().contains(HEADER.as_str()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may")]

    use super::*;

    #[test]
    fn the_kernels_tables_are_read() {
        let trie = "\
Main:
  +-- 0.0.0.0/0 3 0 5
     |-- 0.0.0.0
        /0 universe UNICAST
     +-- 192.168.1.0/24 2 0 2
        |-- 192.168.1.0
           /24 link UNICAST
Local:
  +-- 0.0.0.0/0 3 0 5
     +-- 127.0.0.0/8 2 0 2
        |-- 127.0.0.1
           /32 host LOCAL
     |-- 192.168.1.5
        /32 host LOCAL
     |-- 192.168.1.255
        /32 link BROADCAST
     |-- 192.168.1.5
        /32 host LOCAL
";
        assert_eq!(of_ipv4(trie), ["192.168.1.5".parse::<IpAddr>().unwrap()]);
        let table = "\
00000000000000000000000000000001 01 80 10 80       lo
fe800000000000000042acfffe110002 02 40 20 80     eth0
fd000000000000000000000000000005 02 40 00 80     eth0
";
        assert_eq!(of_ipv6(table), ["fd00::5".parse::<IpAddr>().unwrap()]);
        assert!(of_ipv4("").is_empty() && of_ipv6("nonsense\n").is_empty());
    }
}
