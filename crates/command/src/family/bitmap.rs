//! Rows and handlers of this family.

use crate::table::Row;

/// The rows.
pub static ROWS: &[Row] = &[];
