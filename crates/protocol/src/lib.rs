//! Wire formats, without I/O: bytes in, commands out; answers in, bytes out.
//!
//! - [`buffer`]: the two byte queues between a socket and a codec.
//! - [`http`]: HTTP/1.1, its routes and their JSON.
//! - [`resp`]: the protocol of Redis clients, versions 2 and 3.
//!
//! A codec never sees a socket, a clock or a thread, so every one of them is fuzzed and tested as a function.

pub mod buffer;
pub mod http;
pub mod resp;

pub use buffer::{InputBuffer, OutputBuffer};
