//! The clients of a node, as others see them: `CLIENT LIST`, `CLIENT KILL`, messages from one connection to another.
//!
//! A connection belongs to one thread and only that thread touches it. What others need to know is copied here, into
//! atomics that its thread refreshes once a turn; what others want it to do goes into its thread's inbox.

use crate::runtime::inbox::{Inbox, Letter, Message};
use crate::runtime::poll::Token;
use parking_lot::Mutex;
use scrubjay_base::clock::UnixMs;
use scrubjay_command::Row;
use scrubjay_command::index;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU8, AtomicU16, AtomicU32, AtomicU64, AtomicUsize, Ordering::Relaxed};

/// Which protocol a client speaks.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Protocol {
    /// RESP.
    Resp,
    /// HTTP/1.1.
    Http,
}

bitflags::bitflags! {
    /// What a client is, besides its numbers.
    #[derive(Clone, Copy, PartialEq, Eq, Debug)]
    pub struct ClientFlags: u32 {
        /// It may run commands.
        const AUTHENTICATED = 1;
        /// Its reads leave the ranks of entries alone.
        const NO_TOUCH = 1 << 1;
        /// It is not dropped to make room for other clients' buffers.
        const NO_EVICT = 1 << 2;
        /// It sees every command of others.
        const MONITOR = 1 << 3;
        /// It is to be closed.
        const KILLED = 1 << 4;
        /// It waits for a key.
        const WAITING = 1 << 5;
        /// It is closed.
        const CLOSED = 1 << 6;
        /// It is told of changes of keys that it has read.
        const TRACKING = 1 << 7;
        /// It is told of changes of all keys with some prefixes.
        const BROADCAST = 1 << 8;
        /// The client is gone that was to hear of these changes in its place.
        const BROKEN_REDIRECT = 1 << 9;
    }
}

/// What others may see of a client.
#[derive(Debug)]
#[repr(align(128))] // neighbours belong to other threads, and each is written every turn
pub struct ClientInfo {
    /// Its number: never used twice in a process.
    pub id: u64,
    /// Where it comes from.
    pub peer: SocketAddr,
    /// Where it arrived.
    pub local: SocketAddr,
    /// What it speaks.
    pub protocol: Protocol,
    /// When it came.
    pub created_ms: UnixMs,
    /// The network thread that it belongs to.
    pub thread: usize,
    /// Its socket's number, for `CLIENT LIST`.
    pub descriptor: i32,
    texts: Mutex<Texts>,
    database: AtomicU8,
    /// Commands of the transaction that has begun, plus one; 0: none has.
    queued: AtomicU32,
    watched: AtomicU32,
    resp: AtomicU8,
    flags: AtomicU32,
    last_command: AtomicU16,
    last_active_ms: AtomicU64,
    commands: AtomicU64,
    bytes_in: AtomicU64,
    bytes_out: AtomicU64,
    input_bytes: AtomicUsize,
    output_bytes: AtomicUsize,
    memory_bytes: AtomicUsize,
    token: AtomicU64,
    /// By `Family`.
    subscriptions: [AtomicU32; 3],
    /// Which client hears its invalidations, plus one; 0: none, 1: itself.
    redirect: AtomicU64,
}

#[derive(Clone, Default, Debug)]
struct Texts {
    name: Vec<u8>,
    library: Vec<u8>,
    library_version: Vec<u8>,
}

const NO_COMMAND: u16 = u16::MAX;

impl ClientInfo {
    /// A client that has just arrived. The registry chooses the number.
    pub fn new(
        id: u64,
        peer: SocketAddr,
        local: SocketAddr,
        protocol: Protocol,
        created_ms: UnixMs,
        thread: usize,
        descriptor: i32,
    ) -> ClientInfo {
        ClientInfo {
            id,
            peer,
            local,
            protocol,
            created_ms,
            thread,
            descriptor,
            texts: Mutex::default(),
            database: AtomicU8::new(0),
            queued: AtomicU32::new(0),
            watched: AtomicU32::new(0),
            resp: AtomicU8::new(2),
            flags: AtomicU32::new(0),
            last_command: AtomicU16::new(NO_COMMAND),
            last_active_ms: AtomicU64::new(created_ms),
            commands: AtomicU64::new(0),
            bytes_in: AtomicU64::new(0),
            bytes_out: AtomicU64::new(0),
            input_bytes: AtomicUsize::new(0),
            output_bytes: AtomicUsize::new(0),
            memory_bytes: AtomicUsize::new(0),
            token: AtomicU64::new(u64::MAX),
            subscriptions: Default::default(),
            redirect: AtomicU64::new(0),
        }
    }

    /// The name it gave itself; empty: none.
    pub fn name(&self) -> Vec<u8> {
        self.texts.lock().name.clone()
    }

    /// Names it.
    pub fn set_name(&self, name: &[u8]) {
        self.texts.lock().name = name.to_vec();
    }

    /// The client library's name and version; empty: unknown.
    pub fn library(&self) -> (Vec<u8>, Vec<u8>) {
        let texts = self.texts.lock();
        (texts.library.clone(), texts.library_version.clone())
    }

    /// Sets the library's name.
    pub fn set_library(&self, name: &[u8]) {
        self.texts.lock().library = name.to_vec();
    }

    /// Sets the library's version.
    pub fn set_library_version(&self, version: &[u8]) {
        self.texts.lock().library_version = version.to_vec();
    }

    /// The selected database.
    pub fn database(&self) -> u8 {
        self.database.load(Relaxed)
    }

    /// How many commands its transaction has so far; `None`: it has begun none.
    pub fn queued(&self) -> Option<u32> {
        self.queued.load(Relaxed).checked_sub(1)
    }

    pub(crate) fn set_queued(&self, commands: Option<usize>) {
        self.queued.store(commands.map_or(0, |count| count as u32 + 1), Relaxed);
    }

    /// How many keys its next transaction depends on.
    pub fn watched(&self) -> u32 {
        self.watched.load(Relaxed)
    }

    pub(crate) fn set_watched(&self, keys: usize) {
        self.watched.store(keys as u32, Relaxed);
    }

    pub(crate) fn set_database(&self, database: u8) {
        self.database.store(database, Relaxed);
    }

    /// The version of RESP.
    pub fn resp(&self) -> u8 {
        self.resp.load(Relaxed)
    }

    pub(crate) fn set_resp(&self, version: u8) {
        self.resp.store(version, Relaxed);
    }

    /// What it is.
    pub fn flags(&self) -> ClientFlags {
        ClientFlags::from_bits_truncate(self.flags.load(Relaxed))
    }

    /// Sets or clears flags.
    pub fn set_flag(&self, flags: ClientFlags, yes: bool) {
        if yes {
            self.flags.fetch_or(flags.bits(), Relaxed);
        } else {
            self.flags.fetch_and(!flags.bits(), Relaxed);
        }
    }

    /// How many channels, globs and channels of shards it listens to, in this order.
    pub fn subscriptions(&self) -> [u32; 3] {
        self.subscriptions.each_ref().map(|count| count.load(Relaxed))
    }

    pub(crate) fn set_subscriptions(&self, counts: [usize; 3]) {
        for (shown, count) in self.subscriptions.iter().zip(counts) {
            shown.store(count as u32, Relaxed);
        }
    }

    /// Whether it listens to anything.
    pub fn is_subscriber(&self) -> bool {
        self.subscriptions().iter().any(|&count| count > 0)
    }

    /// Which client hears of changes in its place, as `redir=` says it: 0 itself, -1 none, because it tracks none.
    pub fn redirect(&self) -> i64 {
        self.redirect.load(Relaxed) as i64 - 1
    }

    pub(crate) fn set_redirect(&self, redirect: Option<u64>) {
        self.redirect.store(redirect.map_or(0, |id| id + 1), Relaxed);
    }

    /// The command it ran last, as `client|list`; `None` before the first.
    pub fn last_command(&self) -> Option<String> {
        let id = self.last_command.load(Relaxed);
        index::all_rows().nth(id as usize).map(|(row, _)| row.full_name())
    }

    pub(crate) fn set_last_command(&self, row: &'static Row) {
        self.last_command.store(row.id() as u16, Relaxed);
    }

    /// When it last sent something.
    pub fn last_active_ms(&self) -> UnixMs {
        self.last_active_ms.load(Relaxed)
    }

    /// Commands it ran.
    pub fn commands(&self) -> u64 {
        self.commands.load(Relaxed)
    }

    /// Bytes it sent and bytes sent to it.
    pub fn traffic_bytes(&self) -> (u64, u64) {
        (self.bytes_in.load(Relaxed), self.bytes_out.load(Relaxed))
    }

    /// Bytes of its incomplete request, and bytes of answers it has not taken yet.
    pub fn buffered_bytes(&self) -> (usize, usize) {
        (self.input_bytes.load(Relaxed), self.output_bytes.load(Relaxed))
    }

    /// Bytes of memory that its buffers take.
    pub fn memory_bytes(&self) -> usize {
        self.memory_bytes.load(Relaxed)
    }

    pub(crate) fn set_buffered_bytes(&self, input: usize, output: usize, memory: usize) {
        self.input_bytes.store(input, Relaxed);
        self.output_bytes.store(output, Relaxed);
        self.memory_bytes.store(memory, Relaxed);
    }

    /// What its thread knows it by.
    pub(crate) fn token(&self) -> Token {
        Token(self.token.load(Relaxed))
    }

    pub(crate) fn set_token(&self, token: Token) {
        self.token.store(token.0, Relaxed);
    }

    /// What a turn did. Single writer: its thread.
    #[inline]
    pub(crate) fn note_turn(&self, now_ms: UnixMs, commands: u64, bytes_in: u64, bytes_out: u64) {
        self.last_active_ms.store(now_ms, Relaxed);
        for (tally, count) in [(&self.commands, commands), (&self.bytes_in, bytes_in), (&self.bytes_out, bytes_out)] {
            tally.store(tally.load(Relaxed) + count, Relaxed);
        }
    }
}

/// The registry.
pub struct Clients {
    next_id: AtomicU64,
    open: AtomicUsize,
    by_id: Mutex<BTreeMap<u64, Arc<ClientInfo>>>,
    inboxes: Arc<[Inbox]>,
    /// How many clients each network thread has.
    connections: Box<[AtomicUsize]>,
    /// Memory of all connections' buffers.
    memory_bytes: AtomicI64,
}

impl Clients {
    /// No clients yet; one inbox per network thread.
    pub fn new(inboxes: Arc<[Inbox]>) -> Clients {
        Clients {
            next_id: AtomicU64::new(1),
            open: AtomicUsize::new(0),
            by_id: Mutex::default(),
            connections: inboxes.iter().map(|_| AtomicUsize::new(0)).collect(),
            inboxes,
            memory_bytes: AtomicI64::new(0),
        }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.open.load(Relaxed)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// All of them, oldest first.
    pub fn list(&self) -> Vec<Arc<ClientInfo>> {
        self.by_id.lock().values().cloned().collect()
    }

    /// The one with this number.
    pub fn get(&self, id: u64) -> Option<Arc<ClientInfo>> {
        self.by_id.lock().get(&id).cloned()
    }

    /// Memory that the buffers of all clients take.
    pub fn memory_bytes(&self) -> u64 {
        self.memory_bytes.load(Relaxed).max(0) as u64
    }

    /// Hands `message` to the thread of client `id`; `false`: it is gone. The thread acts on it at its next turn.
    pub fn send(&self, id: u64, message: Message) -> bool {
        let Some(info) = self.get(id) else { return false };
        self.post(info, message);
        true
    }

    /// Closes client `id` as soon as its thread gets to it; `false`: it is gone. Closing one's own connection from inside
    /// a command is `session.close = true`, which lets the answer out first.
    pub fn kill(&self, id: u64) -> bool {
        let Some(info) = self.get(id) else { return false };
        info.set_flag(ClientFlags::KILLED, true);
        self.post(info, Message::Close);
        true
    }

    /// Closes clients, those with the most memory first, until the others take at most `limit_bytes`; returns how many.
    /// Those that asked not to be (`CLIENT NO-EVICT`) are spared.
    pub(crate) fn drop_largest(&self, limit_bytes: u64) -> u64 {
        let mut candidates = self.list();
        candidates.retain(|info| !info.flags().contains(ClientFlags::KILLED));
        let mut left: u64 = candidates.iter().map(|info| info.memory_bytes() as u64).sum();
        candidates.retain(|info| !info.flags().contains(ClientFlags::NO_EVICT));
        candidates.sort_by_key(|info| std::cmp::Reverse(info.memory_bytes()));
        let mut dropped = 0;
        for info in candidates {
            if left <= limit_bytes {
                break;
            }
            left -= info.memory_bytes() as u64;
            dropped += u64::from(self.kill(info.id));
        }
        dropped
    }

    fn post(&self, info: Arc<ClientInfo>, message: Message) {
        self.inboxes[info.thread].put(Letter::To(info, message));
    }

    /// The inbox of a network thread.
    pub(crate) fn inbox(&self, thread: usize) -> &Inbox {
        &self.inboxes[thread]
    }

    /// Wakes every network thread.
    pub(crate) fn wake_all(&self) {
        self.inboxes.iter().for_each(Inbox::wake);
    }

    /// A number for the next client.
    pub(crate) fn next_id(&self) -> u64 {
        self.next_id.fetch_add(1, Relaxed)
    }

    /// Claims a place among at most `most` clients, on the thread that has the fewest; `thread` itself if it is among
    /// them. `None`: there is no place.
    pub(crate) fn claim(&self, most: usize, thread: usize) -> Option<usize> {
        self.open.fetch_update(Relaxed, Relaxed, |open| (open < most).then_some(open + 1)).ok()?;
        let load = |thread: usize| self.connections[thread].load(Relaxed);
        let fewest = (0..self.connections.len()).min_by_key(|&other| (load(other), other != thread)).unwrap_or(thread);
        self.connections[fewest].fetch_add(1, Relaxed);
        Some(fewest)
    }

    /// Gives a place on `thread` back.
    pub(crate) fn release(&self, thread: usize) {
        self.connections[thread].fetch_sub(1, Relaxed);
        self.open.fetch_sub(1, Relaxed);
    }

    pub(crate) fn insert(&self, info: Arc<ClientInfo>) {
        self.by_id.lock().insert(info.id, info);
    }

    pub(crate) fn remove(&self, id: u64) {
        self.by_id.lock().remove(&id);
    }

    /// Notes that buffers took `change` more bytes; returns what all take.
    pub(crate) fn charge(&self, change: i64) -> u64 {
        (self.memory_bytes.fetch_add(change, Relaxed) + change).max(0) as u64
    }
}
