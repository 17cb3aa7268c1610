//! What one client said about itself. Belongs to its connection's thread; what other threads must see of it is in
//! [`ClientInfo`], and the setters here keep both in step.

use crate::clients::{ClientFlags, ClientInfo};
use crate::namespaces::directory::Selected;
use crate::pubsub::subscriptions::{Family, Subscriptions};
use crate::shared::Shared;
use crate::tracking::tracks::Tracks;
use crate::transaction::{Queue, Watch};
use crate::waiting::Waiter;
use std::sync::Arc;

/// Whether a client wants answers (`CLIENT REPLY`).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ReplyMode {
    /// Yes.
    On,
    /// No.
    Off,
    /// Not to the next command.
    SkipNext,
    /// Not to this one.
    SkipThis,
}

/// A client's state.
pub struct Session {
    /// What others see of it.
    pub info: Arc<ClientInfo>,
    /// The selected database.
    selected: Selected,
    /// Up to which version of the namespaces it is known to be there and to have no quota; 0: up to none.
    free_at: u64,
    /// 2 or 3.
    resp: u8,
    /// Whether it may run commands.
    authenticated: bool,
    /// Whether its reads refresh an entry's rank.
    touch: bool,
    /// Whether it wants answers.
    pub reply: ReplyMode,
    /// Close after this command's answer (`QUIT`).
    pub close: bool,
    /// The transaction that has begun.
    pub(crate) transaction: Option<Box<Queue>>,
    /// The keys that the next transaction depends on.
    pub(crate) watch: Option<Box<Watch>>,
    /// The command with which it waits for a key.
    pub(crate) waiter: Option<Arc<Waiter>>,
    /// What it listens to; `None`: nothing.
    subscriptions: Option<Box<Subscriptions>>,
    /// How it tracks keys; `None`: not at all.
    pub(crate) tracks: Option<Box<Tracks>>,
}

impl Session {
    /// A new client, which need not authenticate if `authenticated`.
    pub fn new(info: Arc<ClientInfo>, authenticated: bool) -> Session {
        let mut session = Session {
            info,
            selected: Selected::default(),
            free_at: 0,
            resp: 2,
            authenticated: false,
            touch: true,
            reply: ReplyMode::On,
            close: false,
            transaction: None,
            watch: None,
            waiter: None,
            subscriptions: None,
            tracks: None,
        };
        session.set_authenticated(authenticated);
        session
    }

    /// The selected database, below `scrubjay_store::NAMESPACES`. Which namespace that is, `Store::namespace` says:
    /// `SWAPDB` changes it for all sessions at once. A named one may have been dropped meanwhile.
    #[inline]
    pub fn database(&self) -> u8 {
        self.selected.database
    }

    /// The selected database, and which of those that had its number.
    pub fn selected(&self) -> Selected {
        self.selected
    }

    /// Whether what it selected is known to be there and to have no quota, at this version of the namespaces.
    #[inline]
    pub fn is_free_at(&self, version: u64) -> bool {
        self.free_at == version
    }

    /// What it selected is there and has no quota, at this version.
    pub(crate) fn set_free_at(&mut self, version: u64) {
        self.free_at = version;
    }

    /// Whether commands run one after the other and are all answered, which is so for nearly all sessions.
    #[inline]
    pub fn is_plain(&self) -> bool {
        self.reply == ReplyMode::On && !self.close && self.transaction.is_none()
    }

    /// Whether nothing in its state stands between it and a command on data: it is let in, no transaction has begun, it
    /// neither listens nor tracks. So nearly all sessions are, nearly always.
    #[inline]
    pub fn is_ordinary(&self) -> bool {
        self.authenticated && self.transaction.is_none() && self.subscriptions.is_none() && self.tracks.is_none()
    }

    /// Bytes of memory that it holds beyond what every session holds.
    pub fn memory_bytes(&self) -> usize {
        let waiting = self.waiter.as_ref().map_or(0, |waiter| waiter.memory_bytes());
        let listening = self.subscriptions.as_ref().map_or(0, |own| own.memory_bytes());
        let tracking = self.tracks.as_ref().map_or(0, |tracks| tracks.memory_bytes());
        self.transaction.as_ref().map_or(0, |queue| queue.memory_bytes()) + waiting + listening + tracking
    }

    /// What it listens to; `None`: nothing.
    #[inline]
    pub fn subscriptions(&self) -> Option<&Subscriptions> {
        self.subscriptions.as_deref()
    }

    /// Whether it may run few commands only: in RESP2 a client that listens could not tell answers from messages.
    #[inline]
    pub fn is_restricted(&self) -> bool {
        self.subscriptions.is_some() && self.resp < 3
    }

    /// Listens to `name`. How many names it listens to then, as confirmations count.
    pub(crate) fn subscribe(&mut self, shared: &Shared, family: Family, name: &[u8]) -> usize {
        let own = self.subscriptions.get_or_insert_default();
        if own.add(family, name) {
            shared.effects.pubsub.subscribe(family, name, &self.info);
            self.info.set_subscriptions(Family::ALL.map(|family| own.count(family)));
        }
        own.count_with_kin(family)
    }

    /// Listens no longer to `name`. How many names it listens to then, as confirmations count.
    pub(crate) fn unsubscribe(&mut self, shared: &Shared, family: Family, name: &[u8]) -> usize {
        let Some(own) = &mut self.subscriptions else { return 0 };
        if own.remove(family, name) {
            shared.effects.pubsub.unsubscribe(family, name, &self.info);
            self.info.set_subscriptions(Family::ALL.map(|family| own.count(family)));
        }
        let left = own.count_with_kin(family);
        if own.is_empty() {
            self.subscriptions = None;
        }
        left
    }

    /// Listens to nothing any more.
    pub(crate) fn unsubscribe_all(&mut self, shared: &Shared) {
        let Some(own) = self.subscriptions.take() else { return };
        for family in Family::ALL {
            own.names(family).for_each(|name| shared.effects.pubsub.unsubscribe(family, name, &self.info));
        }
        self.info.set_subscriptions([0; 3]);
        shared.effects.refresh(&shared.store);
    }

    /// Tracks no keys any more.
    pub(crate) fn end_tracking(&mut self, shared: &Shared) {
        let Some(tracks) = self.tracks.take() else { return };
        tracks.end(&shared.effects.tracking);
        self.info.set_flag(ClientFlags::TRACKING | ClientFlags::BROADCAST | ClientFlags::BROKEN_REDIRECT, false);
        self.info.set_redirect(None);
        shared.effects.refresh(&shared.store);
    }

    /// Selects a database.
    pub fn select(&mut self, selected: Selected) {
        self.selected = selected;
        self.free_at = 0;
        self.info.set_database(selected.database);
    }

    /// The version of RESP it speaks, 2 or 3. A command that changes it also tells its reply, with `set_resp_version`.
    #[inline]
    pub fn resp(&self) -> u8 {
        self.resp
    }

    /// Changes the version of RESP.
    pub fn set_resp(&mut self, version: u8) {
        self.resp = version;
        self.info.set_resp(version);
    }

    /// Whether it may run commands.
    #[inline]
    pub fn authenticated(&self) -> bool {
        self.authenticated
    }

    /// Lets it in, or not.
    pub fn set_authenticated(&mut self, yes: bool) {
        self.authenticated = yes;
        self.info.set_flag(ClientFlags::AUTHENTICATED, yes);
    }

    /// Whether its reads refresh an entry's rank.
    #[inline]
    pub fn touch(&self) -> bool {
        self.touch
    }

    /// `CLIENT NO-TOUCH` is the opposite of this.
    pub fn set_touch(&mut self, yes: bool) {
        self.touch = yes;
        self.info.set_flag(ClientFlags::NO_TOUCH, !yes);
    }

    /// Back to how a connection starts (`RESET`); the caller says whether that is authenticated, and ends its transaction. The version of RESP goes
    /// back to 2.
    pub fn reset(&mut self, authenticated: bool) {
        self.select(Selected::default());
        self.set_resp(2);
        self.set_authenticated(authenticated);
        self.set_touch(true);
        self.reply = ReplyMode::On;
        self.info.set_flag(ClientFlags::NO_EVICT | ClientFlags::MONITOR, false);
        self.info.set_name(b"");
    }
}
