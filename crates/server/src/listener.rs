//! A bound port: which door it opens, and what a client hears when there is no place for it.

use crate::clients::Protocol;
use crate::connection_resp::RespDoor;
use crate::door::Door;
use crate::http::HttpDoor;
use rustix::fd::OwnedFd;
use rustix::net::{AddressFamily, SocketFlags, SocketType, bind, listen, socket_with, sockopt};
use std::io;
use std::net::SocketAddr;

/// A listening socket, watched by all network threads.
#[derive(Debug)]
pub(crate) struct Listener {
    pub socket: OwnedFd,
    pub protocol: Protocol,
    /// The address it is bound to, with the port that was chosen if none was asked for.
    pub address: SocketAddr,
}

impl Listener {
    /// Binds `address`. Errors: the system's; whoever knows the setting adds its name.
    pub fn bind(address: SocketAddr, protocol: Protocol, backlog: i32) -> io::Result<Listener> {
        let family = if address.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
        let socket = socket_with(family, SocketType::STREAM, SocketFlags::NONBLOCK | SocketFlags::CLOEXEC, None)?;
        // A restarted server takes its port back at once, whatever connections linger.
        sockopt::set_socket_reuseaddr(&socket, true)?;
        if address.is_ipv6() {
            // `::` next to `0.0.0.0` are two listeners, not a conflict.
            sockopt::set_ipv6_v6only(&socket, true)?;
        }
        bind(&socket, &address)?;
        listen(&socket, backlog)?;
        let address = SocketAddr::try_from(rustix::net::getsockname(&socket)?)?;
        Ok(Listener { socket, protocol, address })
    }
}

/// The door that a new connection of `protocol` stands at.
pub(crate) fn open_door(protocol: Protocol) -> Box<dyn Door> {
    match protocol {
        Protocol::Resp => Box::new(RespDoor::new()),
        Protocol::Http => Box::new(HttpDoor::new()),
    }
}

/// What a client hears for which there is no place, before its connection is closed.
pub(crate) fn no_place(protocol: Protocol) -> &'static [u8] {
    match protocol {
        Protocol::Resp => b"-ERR max number of clients reached\r\n",
        Protocol::Http => {
            b"HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\nContent-Length: 69\r\n\
              Connection: close\r\n\r\n\
              {\"error\":\"the limit on clients is reached\",\"code\":\"too_many_clients\"}"
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_refusal_over_http_says_its_own_length() {
        let text = std::str::from_utf8(no_place(Protocol::Http)).expect("text");
        let (head, body) = text.split_once("\r\n\r\n").expect("a head and a body");
        assert!(head.contains(&format!("Content-Length: {}\r\n", body.len())), "{} bytes", body.len());
    }
}
