//! Bits of strings: the rows.

use crate::table::Row;

/// The rows.
pub static ROWS: &[Row] = &[];
