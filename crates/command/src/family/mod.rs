//! The data commands, one file per family: rows, typed operations, handlers.

pub mod bitmap;
pub mod counter;
pub mod key;
pub mod string;
