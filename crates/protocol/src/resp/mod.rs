//! The protocol of Redis clients, RESP versions 2 and 3
//! (<https://redis.io/docs/latest/develop/reference/protocol-spec/>).
//!
//! ```text
//! *2\r\n$3\r\nGET\r\n$1\r\nk\r\n  --Decoder--> Batch of spans --> commands --Encoder--> $5\r\nhello\r\n
//! ```
//!
//! - [`Decoder`] finds complete commands in the bytes of a connection and remembers where an incomplete one stands.
//! - [`Batch`] holds what it found: spans of the input, nothing copied.
//! - [`Encoder`] is the [`Reply`](scrubjay_command::Reply) that writes either version into an output buffer.
//! - [`ProtocolError`] says what cannot be read; the connection answers it and closes, as Redis does.

mod batch;
mod decode;
mod encode;
mod error;
mod inline;
mod number;
mod peek;

pub use batch::Batch;
pub use decode::{Decoder, Limits};
pub use encode::Encoder;
pub use error::ProtocolError;
pub use peek::peek_key;
