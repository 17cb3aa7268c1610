//! How one thread tells another's connections something: a queue and a bell.
//!
//! The bell (an eventfd in the receiver's event loop) is rung only when the queue was empty, so a burst of messages costs
//! one wake-up.

use super::poll::Token;
use crate::clients::ClientInfo;
use crate::pubsub::push::Push;
use parking_lot::Mutex;
use rustix::event::{EventfdFlags, eventfd};
use rustix::fd::{AsFd, BorrowedFd, OwnedFd};
use smallvec::SmallVec;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// What can be said to a connection.
#[derive(Debug)]
pub enum Message {
    /// Send these bytes, which are already in the receiver's protocol, between two answers.
    Bytes(Arc<[u8]>),
    /// The answer that it waits for ([`crate::door::Progress::Wait`]); it may go on.
    Answer(Arc<[u8]>),
    /// Close.
    Close,
}

/// What lies in an inbox.
#[derive(Debug)]
pub enum Letter {
    /// For this client. Where it sits is looked up when the letter is opened: a client that is still on its way to its
    /// thread has arrived by then, because it travels by the same inbox.
    To(Arc<ClientInfo>, Message),
    /// The same for several clients of the thread.
    Push {
        /// Which. Those that are gone by then, or no longer want it, are skipped.
        to: SmallVec<[Token; 3]>,
        /// What.
        push: Arc<Push>,
    },
    /// A connection that another thread accepted and that this one is to serve.
    Adopt(Box<Arrival>),
}

/// A connection that was accepted, on its way to its thread.
#[derive(Debug)]
pub struct Arrival {
    /// The socket.
    pub socket: OwnedFd,
    /// What others see of the client.
    pub info: Arc<ClientInfo>,
}

/// A thread's inbox.
#[derive(Debug)]
pub struct Inbox {
    letters: Mutex<Vec<Letter>>,
    bell: OwnedFd,
    /// How much was put in with [`Letter::Push`] since the last time that the inbox was emptied.
    pushed_bytes: AtomicUsize,
}

impl Inbox {
    /// An empty one. Errors: the process has no file descriptors left.
    pub fn new() -> io::Result<Inbox> {
        let bell = eventfd(0, EventfdFlags::NONBLOCK | EventfdFlags::CLOEXEC)?;
        Ok(Inbox { letters: Mutex::default(), bell, pushed_bytes: AtomicUsize::new(0) })
    }

    /// Leaves a letter.
    pub fn put(&self, letter: Letter) {
        let was_empty = {
            let mut letters = self.letters.lock();
            if let Letter::Push { push, .. } = &letter {
                let bytes = self.pushed_bytes.load(Relaxed) + push.memory_bytes();
                self.pushed_bytes.store(bytes, Relaxed);
            }
            letters.push(letter);
            letters.len() == 1
        };
        if was_empty {
            self.wake();
        }
    }

    /// Makes the thread's event loop return.
    pub fn wake(&self) {
        // The counter can only be full if the bell rings already.
        let _ = rustix::io::write(&self.bell, &1u64.to_ne_bytes());
    }

    /// Takes everything out and silences the bell; `into` must be empty.
    pub fn take(&self, into: &mut Vec<Letter>) {
        let mut count = [0; 8];
        let _ = rustix::io::read(&self.bell, &mut count);
        let mut letters = self.letters.lock();
        std::mem::swap(&mut *letters, into);
        self.pushed_bytes.store(0, Relaxed);
    }

    /// About how much waits in it that was sent to several clients at once.
    pub fn pushed_bytes(&self) -> usize {
        self.pushed_bytes.load(Relaxed)
    }

    /// What the event loop watches.
    pub fn bell(&self) -> BorrowedFd<'_> {
        self.bell.as_fd()
    }
}
