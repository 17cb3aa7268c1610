//! The two byte queues between a socket and a codec.
//!
//! ```text
//! socket --read--> InputBuffer --decode--> command --run--> encode --> OutputBuffer --writev--> socket
//! ```
//!
//! Both are empty most of the time: a network thread lends its own pair to the connection whose turn it is, and only
//! what is left over afterwards (half a request, an answer that the socket did not take) gets memory of its own.

mod input;
mod output;

pub use input::InputBuffer;
pub use output::{Mark, OutputBuffer};
