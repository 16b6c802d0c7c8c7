//! What a network namespace holds: interfaces, their addresses, and the routes.
//!
//! Names stand for what the kernel numbers: an interface has no index here, and its card no
//! address. Left out is what the kernel adds by itself, and at a moment of its own: link-local
//! addresses, which are made of the card's, and the routes to them, to the machine itself and to
//! multicast.

use std::fs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use linux_sys::{AF_INET, IFF_UP, SOCK_CLOEXEC, SOCK_DGRAM};
use serde_json::{Map, Value};

/// The interfaces, and whether they are up. The file is that of the process's namespace; the
/// flags are asked for in the caller's.
pub(crate) fn interfaces(process: &str) -> Value {
    let table = fs::read_to_string(format!("/proc/{process}/net/dev")).unwrap_or_default();
    let socket = linux_sys::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0).ok();
    let names = table
        .lines()
        .skip(2)
        .filter_map(|line| line.split_once(':'));
    let states = names.map(|(name, _)| {
        let name = name.trim();
        let flags = socket.as_ref();
        let flags = flags.and_then(|it| linux_sys::siocgifflags(it, name).ok());
        let state = match flags {
            Some(flags) if flags & IFF_UP != 0 => "up",
            Some(_) => "down",
            None => "unknown",
        };
        (name.to_owned(), Value::from(state))
    });
    Value::Object(states.collect())
}

/// The addresses of the interfaces that have any, in the caller's namespace.
pub(crate) fn addresses() -> Value {
    let mut found = linux_sys::getifaddrs().unwrap_or_default();
    found.retain(|it| !is_link_local(it.address));
    found.sort_by_key(|it| (it.address, it.prefix));
    let mut all = Map::new();
    for it in found {
        let address = format!("{}/{}", it.address, it.prefix);
        let of_this = all
            .entry(it.interface)
            .or_insert_with(|| Value::from([""; 0].to_vec()));
        if let Some(list) = of_this.as_array_mut() {
            list.push(address.into());
        }
    }
    all.into()
}

fn is_link_local(address: IpAddr) -> bool {
    matches!(address, IpAddr::V6(address) if address.is_unicast_link_local())
}

/// The routes of a process's namespace, as ip(8) writes them.
pub(crate) fn routes(process: &str) -> Value {
    let read = |file| fs::read_to_string(format!("/proc/{process}/net/{file}")).unwrap_or_default();
    let (four, six) = (read("route"), read("ipv6_route"));
    let mut all: Vec<String> = four.lines().skip(1).filter_map(route4).collect();
    all.extend(six.lines().filter_map(route6));
    all.sort();
    all.dedup();
    all.into()
}

/// `eth0 000200C0 00000000 0001 0 0 0 00FFFFFF ...`: addresses as numbers of this machine.
fn route4(line: &str) -> Option<String> {
    let fields: Vec<&str> = line.split_whitespace().collect();
    let address = |at: usize| {
        let number = u32::from_str_radix(fields.get(at)?, 16).ok()?;
        Some(Ipv4Addr::from(number.to_ne_bytes()))
    };
    let prefix = address(7)?.to_bits().count_ones();
    Some(shown(
        address(1)?.into(),
        prefix,
        address(2)?.into(),
        fields[0],
    ))
}

/// `fd00...0 40 00...0 00 00...0 00000100 00000001 00000000 00000001 eth0`: to where, from where,
/// by which, ..., flags, interface.
fn route6(line: &str) -> Option<String> {
    /// Refused, to the machine itself, to the nearest (linux/route.h, linux/ipv6_route.h).
    const BY_ITSELF: u32 = 0x0200 | 0x8000_0000 | 0x0010_0000;
    let fields: Vec<&str> = line.split_whitespace().collect();
    let number = |at: usize| u32::from_str_radix(fields.get(at)?, 16).ok();
    let address = |at: usize| {
        let number = u128::from_str_radix(fields.get(at)?, 16).ok()?;
        Some(Ipv6Addr::from(number))
    };
    let to = address(0)?;
    if number(8)? & BY_ITSELF != 0 || to.is_multicast() || is_link_local(to.into()) {
        return None;
    }
    Some(shown(
        to.into(),
        number(1)?,
        address(4)?.into(),
        fields.get(9)?,
    ))
}

fn shown(to: IpAddr, prefix: u32, by: IpAddr, interface: &str) -> String {
    let to = match (to.is_unspecified(), prefix) {
        (true, 0) => "default".to_owned(),
        _ => format!("{to}/{prefix}"),
    };
    match by.is_unspecified() {
        true => format!("{to} dev {interface}"),
        false => format!("{to} via {by} dev {interface}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn routes_are_written_as_ip_writes_them() {
        // The kernel writes the number that the four bytes are on this machine.
        let number = |bytes: [u8; 4]| format!("{:08X}", u32::from_ne_bytes(bytes));
        let none = number([0; 4]);
        let row =
            |to: &str, by: &str, mask: &str| format!("eth0\t{to}\t{by}\t0003\t0\t0\t0\t{mask}\t0");
        let default = row(&none, &number([192, 0, 2, 1]), &none);
        assert_eq!(
            route4(&default).as_deref(),
            Some("default via 192.0.2.1 dev eth0")
        );
        let near = row(&number([192, 0, 2, 0]), &none, &number([255, 255, 255, 0]));
        assert_eq!(route4(&near).as_deref(), Some("192.0.2.0/24 dev eth0"));
        assert_eq!(route4("a line that was cut"), None);

        let (none, net, gate) = (
            "0".repeat(32),
            format!("fd{}", "0".repeat(30)),
            format!("fd{}1", "0".repeat(29)),
        );
        let row = |to: &str, prefix: &str, by: &str, flags: &str| {
            format!("{to} {prefix} {none} 00 {by} 00000400 00000002 00000000 {flags}     eth0")
        };
        let told =
            |to: &str, prefix: &str, by: &str, flags: &str| route6(&row(to, prefix, by, flags));
        assert_eq!(
            told(&net, "40", &none, "00000001").as_deref(),
            Some("fd00::/64 dev eth0")
        );
        assert_eq!(
            told(&none, "00", &gate, "00000003").as_deref(),
            Some("default via fd00::1 dev eth0")
        );
        // To the machine itself; refused; the link; multicast.
        assert_eq!(told(&gate, "80", &none, "80200001"), None);
        assert_eq!(told(&none, "00", &none, "00200200"), None);
        assert_eq!(
            told(&format!("fe8{}", "0".repeat(29)), "40", &none, "00000001"),
            None
        );
        assert_eq!(
            told(&format!("ff{}", "0".repeat(30)), "08", &none, "00000001"),
            None
        );
    }
}
