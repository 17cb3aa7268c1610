//! How one client tracks keys. Belongs to its session.

use super::Tracking;
use super::tracker::Tracker;
use scrubjay_command::Args;
use scrubjay_command::table::{Flags, Row};
use std::sync::Arc;

/// Which keys a client is told about.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mode {
    /// Those that it reads.
    Reads,
    /// Those that it reads with a command that follows `CLIENT CACHING YES`.
    OptIn,
    /// Those that it reads with a command that does not follow `CLIENT CACHING NO`.
    OptOut,
    /// Those that begin with one of its prefixes.
    Broadcast,
}

/// A tracking client's own side.
pub struct Tracks {
    /// The others' side.
    pub tracker: Arc<Tracker>,
    /// Which keys it is told about.
    pub mode: Mode,
    /// With [`Mode::Broadcast`]: its prefixes.
    pub prefixes: Vec<Box<[u8]>>,
    /// Whether it said `CLIENT CACHING` about the next command.
    pub caching: bool,
}

impl Tracks {
    /// Notes the keys that a command is about to read, if the client wants to be told about them.
    #[inline]
    pub fn before(&self, tracking: &Tracking, row: &Row, args: &Args<'_>) {
        let wanted = match self.mode {
            Mode::Reads => true,
            Mode::OptIn => self.caching,
            Mode::OptOut => !self.caching,
            Mode::Broadcast => false,
        };
        if wanted && row.flags.contains(Flags::READONLY) {
            row.keys.indices(args).into_iter().for_each(|index| tracking.remember(args.at(index), &self.tracker));
        }
    }

    /// What was said about the next command is over with it.
    #[inline]
    pub fn after(&mut self, args: &Args<'_>) {
        if self.caching && !args.is(0, "client") {
            self.caching = false;
        }
    }

    /// It tracks no more.
    pub fn end(&self, tracking: &Tracking) {
        tracking.end(&self.tracker, self.prefixes.iter().map(|prefix| &**prefix));
    }

    /// Bytes of memory held.
    pub fn memory_bytes(&self) -> usize {
        let prefixes: usize = self.prefixes.iter().map(|prefix| 2 * prefix.len() + 64).sum();
        size_of::<Tracks>() + size_of::<Tracker>() + prefixes
    }
}
