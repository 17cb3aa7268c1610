//! A client that tracks keys: what others must know of it to send it invalidations.

use crate::clients::{ClientFlags, ClientInfo};
use parking_lot::Mutex;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

/// A tracking client. The table of keys points to it for as long as a key remembers it, which may be longer than it tracks.
#[derive(Debug)]
pub struct Tracker {
    info: Arc<ClientInfo>,
    is_on: AtomicBool,
    spares_own: AtomicBool,
    is_redirected: AtomicBool,
    target: Mutex<Option<Arc<ClientInfo>>>,
}

/// Where an invalidation goes.
pub enum Destination {
    /// To the client itself.
    Own,
    /// To this one, which hears it for the client.
    Other(Arc<ClientInfo>),
    /// Nowhere: the other client, with this number, is gone.
    Broken(u64),
}

impl Tracker {
    /// Client `info` begins to track.
    pub fn new(info: Arc<ClientInfo>) -> Tracker {
        Tracker {
            info,
            is_on: AtomicBool::new(true),
            spares_own: AtomicBool::new(false),
            is_redirected: AtomicBool::new(false),
            target: Mutex::new(None),
        }
    }

    /// The client's number.
    pub fn id(&self) -> u64 {
        self.info.id
    }

    /// The client.
    pub fn info(&self) -> &Arc<ClientInfo> {
        &self.info
    }

    /// Whether it still tracks.
    pub fn is_on(&self) -> bool {
        self.is_on.load(Relaxed)
    }

    /// It tracks no more.
    pub fn end(&self) {
        self.is_on.store(false, Relaxed);
        self.redirect(None);
    }

    /// Whether it does not want to hear of what it changed itself (`NOLOOP`).
    pub fn spares_own(&self) -> bool {
        self.spares_own.load(Relaxed)
    }

    /// See [`Tracker::spares_own`].
    pub fn spare_own(&self, yes: bool) {
        self.spares_own.store(yes, Relaxed);
    }

    /// Sends its invalidations to another client, or to itself.
    pub fn redirect(&self, target: Option<Arc<ClientInfo>>) {
        self.is_redirected.store(target.is_some(), Relaxed);
        *self.target.lock() = target;
    }

    /// The number of the client that hears its invalidations; `None`: itself.
    pub fn target_id(&self) -> Option<u64> {
        self.target.lock().as_ref().map(|target| target.id)
    }

    /// Where its invalidations go now.
    pub fn destination(&self) -> Destination {
        if !self.is_redirected.load(Relaxed) {
            return Destination::Own;
        }
        match &*self.target.lock() {
            None => Destination::Own,
            Some(target) if target.flags().contains(ClientFlags::CLOSED) => Destination::Broken(target.id),
            Some(target) => Destination::Other(target.clone()),
        }
    }
}
