//! When a written value expires: the options EX, PX, EXAT, PXAT, KEEPTTL, PERSIST and STALE, read once for every command
//! that has them.

use crate::args::{Args, parse_int};
use crate::reject::Reject;
use scrubjay_base::clock::UnixMs;
use scrubjay_store::Deadline;

/// When the written value expires.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Expiry {
    /// After the default lifetime; never if none is set.
    #[default]
    Default,
    /// As before the write; a new entry gets the default lifetime.
    Keep,
    /// Never, whatever the default lifetime says.
    Never,
    /// After so many milliseconds.
    InMs(u64),
    /// At this moment. One that has passed leaves no key.
    At(UnixMs),
    /// At the moment `at`, and kept until `until` for those who take it stale.
    Stale {
        /// The deadline.
        at: UnixMs,
        /// When it is removed.
        until: UnixMs,
    },
}

impl Expiry {
    /// What the store is told at `now_ms`.
    #[inline]
    pub fn deadline(self, now_ms: UnixMs) -> Deadline {
        match self {
            Expiry::Default => Deadline::Default,
            Expiry::Keep => Deadline::Keep,
            Expiry::Never => Deadline::Never,
            Expiry::InMs(ms) => Deadline::At(now_ms.saturating_add(ms)),
            Expiry::At(moment) => Deadline::At(moment),
            Expiry::Stale { at, until } => Deadline::Stale { at, until },
        }
    }
}

/// The unit and origin of a time argument.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Clocked {
    /// `EX`: seconds from now.
    Seconds,
    /// `PX`: milliseconds from now.
    Milliseconds,
    /// `EXAT`: seconds since 1970.
    SecondsAt,
    /// `PXAT`: milliseconds since 1970.
    MillisecondsAt,
}

impl Clocked {
    /// Reads a positive time argument of `command`.
    ///
    /// Errors: not an integer; zero, negative, or beyond what signed 64-bit milliseconds can say, in Redis' words.
    pub(crate) fn expiry(self, text: &[u8], now_ms: UnixMs, command: &str) -> Result<Expiry, Reject> {
        let given = parse_int(text).ok_or(Reject::NOT_AN_INTEGER)?;
        let invalid = || Reject::invalid_expire(command);
        let ms = match self {
            Clocked::Seconds | Clocked::SecondsAt => given.checked_mul(1000).ok_or_else(invalid)?,
            Clocked::Milliseconds | Clocked::MillisecondsAt => given,
        };
        if ms <= 0 {
            return Err(invalid());
        }
        match self {
            Clocked::SecondsAt | Clocked::MillisecondsAt => Ok(Expiry::At(ms as u64)),
            Clocked::Seconds | Clocked::Milliseconds => {
                let moment = (now_ms as i64).checked_add(ms).ok_or_else(invalid)?;
                Ok(Expiry::At(moment as u64))
            }
        }
    }
}

/// Collects the expiry options of one command while its arguments are read. At most one kind may be given; the same kind
/// twice counts once, the last value wins, as in Redis.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct ExpiryOption {
    given: Option<Given>,
    /// Where the time stands for which it is kept beyond its deadline.
    stale: Option<usize>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Given {
    Keep,
    Persist,
    Time(Clocked, usize),
}

impl ExpiryOption {
    /// If the argument at `at` is an expiry option: remembers it and returns how many arguments it takes. `None`: it is
    /// something else, contradicts what was given before, or lacks its time. `word`: the one option without a time that
    /// the command has.
    pub(crate) fn accept(&mut self, args: &Args<'_>, at: usize, word: &str) -> Option<usize> {
        let bare = if word == "PERSIST" { Given::Persist } else { Given::Keep };
        if args.is(at, word) {
            return self.remember(bare).then_some(1);
        }
        self.accept_time(args, at)
    }

    /// As [`ExpiryOption::accept`], for a command that has no option without a time.
    pub(crate) fn accept_time(&mut self, args: &Args<'_>, at: usize) -> Option<usize> {
        for (name, clocked) in [
            ("EX", Clocked::Seconds),
            ("PX", Clocked::Milliseconds),
            ("EXAT", Clocked::SecondsAt),
            ("PXAT", Clocked::MillisecondsAt),
        ] {
            if args.is(at, name) && at + 1 < args.len() {
                return self.remember(Given::Time(clocked, at + 1)).then_some(2);
            }
        }
        None
    }

    /// If the argument at `at` is `STALE`: remembers it and returns how many arguments it takes.
    pub(crate) fn accept_stale(&mut self, args: &Args<'_>, at: usize) -> Option<usize> {
        if !args.is(at, "STALE") || at + 1 >= args.len() {
            return None;
        }
        self.stale = Some(at + 1);
        Some(2)
    }

    fn remember(&mut self, given: Given) -> bool {
        let agrees = match (self.given, given) {
            (None, _) => true,
            (Some(Given::Time(before, _)), Given::Time(now, _)) => before == now,
            (Some(before), now) => before == now,
        };
        if agrees {
            self.given = Some(given);
        }
        agrees
    }

    /// What was given; `None`: nothing. Errors: those of [`Clocked::expiry`]; `STALE` without a time to expire.
    pub(crate) fn expiry(self, args: &Args<'_>, now_ms: UnixMs, command: &str) -> Result<Option<Expiry>, Reject> {
        if let Some(stale_at) = self.stale {
            return self.stale_expiry(args, stale_at, now_ms, command).map(Some);
        }
        Ok(match self.given {
            None => None,
            Some(Given::Keep) => Some(Expiry::Keep),
            Some(Given::Persist) => Some(Expiry::Never),
            Some(Given::Time(clocked, at)) => Some(clocked.expiry(args.at(at), now_ms, command)?),
        })
    }

    #[cold]
    fn stale_expiry(self, args: &Args<'_>, stale_at: usize, now_ms: UnixMs, command: &str) -> Result<Expiry, Reject> {
        let Some(Given::Time(clocked, at)) = self.given else { return Err(Reject::SYNTAX) };
        let Expiry::At(at) = clocked.expiry(args.at(at), now_ms, command)? else { return Err(Reject::SYNTAX) };
        let unit = match clocked {
            Clocked::Seconds | Clocked::SecondsAt => Clocked::Seconds,
            Clocked::Milliseconds | Clocked::MillisecondsAt => Clocked::Milliseconds,
        };
        match unit.expiry(args.at(stale_at), at, command)? {
            Expiry::At(until) => Ok(Expiry::Stale { at, until }),
            _ => Err(Reject::SYNTAX),
        }
    }
}
