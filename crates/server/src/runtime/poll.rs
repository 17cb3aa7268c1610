//! Linux' epoll, level-triggered, in the shape that a network thread needs.
//!
//! Level-triggered, because then a turn may leave bytes in the socket and be called again: fairness costs no bookkeeping,
//! and one read a turn is enough.

use rustix::event::Timespec;
use rustix::event::epoll::{self, CreateFlags, Event, EventData, EventFlags};
use rustix::fd::{AsFd, OwnedFd};
use rustix::io::Errno;
use std::io;
use std::mem::MaybeUninit;

/// What a descriptor is called in events.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Token(pub u64);

/// What to wait for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Interest {
    /// Bytes to read.
    pub read: bool,
    /// Room to write.
    pub write: bool,
}

impl Interest {
    /// Bytes to read.
    pub const READ: Interest = Interest { read: true, write: false };

    fn flags(self) -> EventFlags {
        let mut flags = EventFlags::empty();
        flags.set(EventFlags::IN, self.read);
        flags.set(EventFlags::OUT, self.write);
        flags
    }
}

/// What happened to a descriptor.
#[derive(Clone, Copy, Debug)]
pub struct Ready {
    /// Which.
    pub token: Token,
    /// There are bytes, or the end, or an error to be read.
    pub read: bool,
    /// There is room.
    pub write: bool,
    /// Both directions are closed, or broken.
    pub hung_up: bool,
}

/// An epoll instance.
#[derive(Debug)]
pub struct Poll {
    epoll: OwnedFd,
}

/// Events taken at once: enough that a busy thread makes few calls, few enough that new ones are not kept waiting. Chosen
/// after common practice (128..1024), untested.
const EVENTS_MAX: usize = 256;

impl Poll {
    /// An empty set.
    pub fn new() -> io::Result<Poll> {
        Ok(Poll { epoll: epoll::create(CreateFlags::CLOEXEC)? })
    }

    /// Watches `fd`.
    pub fn add(&self, fd: impl AsFd, token: Token, interest: Interest) -> io::Result<()> {
        Ok(epoll::add(&self.epoll, fd, EventData::new_u64(token.0), interest.flags())?)
    }

    /// Watches a listener that other threads watch too: a connection wakes one of them.
    pub fn add_listener(&self, fd: impl AsFd, token: Token) -> io::Result<()> {
        Ok(epoll::add(&self.epoll, fd, EventData::new_u64(token.0), EventFlags::IN | EventFlags::EXCLUSIVE)?)
    }

    /// Waits for something else.
    pub fn change(&self, fd: impl AsFd, token: Token, interest: Interest) -> io::Result<()> {
        Ok(epoll::modify(&self.epoll, fd, EventData::new_u64(token.0), interest.flags())?)
    }

    /// No longer watches `fd`. Closing a descriptor that nobody else holds does the same.
    pub fn remove(&self, fd: impl AsFd) -> io::Result<()> {
        Ok(epoll::delete(&self.epoll, fd)?)
    }

    /// Waits until something happens, at most `timeout_ms` (`None`: for ever), and appends it to `ready`. A signal ends
    /// the wait early, with nothing.
    pub fn wait(&self, timeout_ms: Option<u64>, ready: &mut Vec<Ready>) -> io::Result<()> {
        let timeout =
            timeout_ms.map(|ms| Timespec { tv_sec: (ms / 1000) as i64, tv_nsec: (ms % 1000 * 1_000_000) as _ });
        let mut room = [const { MaybeUninit::<Event>::uninit() }; EVENTS_MAX];
        let events = match epoll::wait(&self.epoll, &mut room, timeout.as_ref()) {
            Ok((events, _)) => events,
            Err(Errno::INTR) => return Ok(()),
            Err(error) => return Err(error.into()),
        };
        ready.extend(events.iter().map(|event| {
            let flags = event.flags;
            Ready {
                token: Token(event.data.u64()),
                read: flags.contains(EventFlags::IN),
                write: flags.contains(EventFlags::OUT),
                hung_up: flags.intersects(EventFlags::HUP | EventFlags::ERR),
            }
        }));
        Ok(())
    }
}
