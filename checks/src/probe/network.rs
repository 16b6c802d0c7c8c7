//! What the probe does in a network.

use std::ffi::OsStr;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixStream};

use super::failure::Failure;

/// Connects to `IP:PORT`, or to the abstract unix socket `@NAME`.
pub(super) fn connect(to: &OsStr) -> Result<(), Failure> {
    let shown = to.display();
    let connected = match to.as_bytes().strip_prefix(b"@") {
        Some(name) => SocketAddr::from_abstract_name(name)
            .and_then(|address| UnixStream::connect_addr(&address))
            .map(drop),
        None => TcpStream::connect(to.to_string_lossy().as_ref()).map(drop),
    };
    connected.map_err(|why| format!("connect {shown}: {why}"))?;
    println!("connected to {shown}");
    Ok(())
}

/// Listens on 127.0.0.1, connects to that, sends a byte through, and leaves both ends
/// open for as long as this process lives, to be seen from outside.
pub(super) fn loopback() -> Result<(), Failure> {
    let named = |why| format!("127.0.0.1: {why}");
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(named)?;
    let mut one = TcpStream::connect(listener.local_addr()?).map_err(named)?;
    let (mut other, _) = listener.accept().map_err(named)?;
    one.write_all(b"!").map_err(named)?;
    other.read_exact(&mut [0]).map_err(named)?;
    std::mem::forget((one, other));
    println!("connected to myself");
    Ok(())
}
