//! The RESP codec from outside: what goes in comes out, however the bytes are cut, and garbage is answered, not obeyed.

mod commands;
mod replies;
