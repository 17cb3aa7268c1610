//! How something reaches many clients: one letter to each network thread that has some of them.

use super::push::Push;
use crate::clients::ClientInfo;
use crate::runtime::inbox::{Inbox, Letter};
use crate::runtime::poll::Token;
use smallvec::SmallVec;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Clients of one thread.
pub type Recipients = SmallVec<[Token; 3]>;

/// Clients, by thread.
#[derive(Default, Debug)]
pub struct Audience {
    threads: SmallVec<[(u32, Recipients); 1]>,
}

/// How much may lie in an inbox before those who put more there wait for its thread: enough for any burst, and a fraction
/// of what one client may have waiting for it. Chosen.
const CROWDED_BYTES: usize = 8 << 20;
/// How long somebody who publishes waits at most for one crowded inbox. Chosen: a publisher that outruns its subscribers is
/// slowed down to their pace, and a thread that is stuck stops nobody for good.
const WAIT_MAX: Duration = Duration::from_millis(1);

impl Audience {
    /// Adds a client, which must not be in it.
    pub fn add(&mut self, info: &ClientInfo) {
        let (thread, token) = (info.thread as u32, info.token());
        match self.threads.iter_mut().find(|(of, _)| *of == thread) {
            Some((_, clients)) => clients.push(token),
            None => self.threads.push((thread, SmallVec::from_slice(&[token]))),
        }
    }

    /// Takes a client away.
    pub fn remove(&mut self, info: &ClientInfo) {
        let (thread, token) = (info.thread as u32, info.token());
        if let Some((_, clients)) = self.threads.iter_mut().find(|(of, _)| *of == thread)
            && let Some(place) = clients.iter().position(|of| *of == token)
        {
            clients.swap_remove(place);
        }
        self.threads.retain(|(_, clients)| !clients.is_empty());
    }

    /// How many.
    pub fn len(&self) -> usize {
        self.threads.iter().map(|(_, clients)| clients.len()).sum()
    }

    /// Whether there is nobody.
    pub fn is_empty(&self) -> bool {
        self.threads.is_empty()
    }

    /// Sends them `push`.
    pub fn send(&self, inboxes: &[Inbox], push: Push) {
        let push = Arc::new(push);
        for (thread, clients) in &self.threads {
            inboxes[*thread as usize].put(Letter::Push { to: clients.clone(), push: push.clone() });
        }
    }
}

/// Waits a little where an inbox is crowded, except the one of the thread that asks, `own`. Not to be called with anything
/// locked.
pub fn wait_for_room(inboxes: &[Inbox], own: usize) {
    for (thread, inbox) in inboxes.iter().enumerate() {
        if thread == own || inbox.pushed_bytes() <= CROWDED_BYTES {
            continue;
        }
        // Real time, not the node's: a clock that stands still must not make anybody wait for ever.
        let begun = Instant::now();
        while inbox.pushed_bytes() > CROWDED_BYTES && begun.elapsed() < WAIT_MAX {
            std::thread::yield_now();
        }
    }
}
