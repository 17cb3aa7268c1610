//! What the whole node knows: one per node, in an `Arc`, behind `&` everywhere.

use crate::clients::Clients;
use crate::config::{BadChange, Config, Live};
use crate::counters::ThreadCounters;
use crate::effects::Effects;
use crate::latency::Latency;
use crate::log::{self, Level, OncePerMinute};
use crate::monitor::Monitors;
use crate::namespaces::Namespaces;
use crate::rates::{Counts, Rates};
use crate::runtime::inbox::Inbox;
use crate::session::Session;
use crate::shutdown::Shutdown;
use crate::slowlog::SlowLog;
use crate::totals::{Baseline, Totals};
use arc_swap::Guard;
use scrubjay_base::clock::{Clock, UnixMs};
use scrubjay_base::rand::{Rng, entropy_seed};
use scrubjay_metrics::Counter;
use scrubjay_store::Store;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

/// A node's common state.
pub struct Shared {
    /// The data.
    pub store: Arc<Store>,
    /// The namespaces: their names, quotas and settings.
    pub namespaces: Namespaces,
    /// Who hears what the store does.
    pub(crate) effects: Arc<Effects>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Who is connected.
    pub clients: Clients,
    /// What each network thread counts.
    pub counters: Box<[ThreadCounters]>,
    /// When the node started.
    pub started_ms: UnixMs,
    /// Forty hexadecimal digits that no other start of a node has.
    pub run_id: String,
    /// Whether and until when clients must wait (`CLIENT PAUSE`).
    pub pause: Pause,
    /// Whether the node is to stop.
    pub shutdown: Shutdown,
    /// The commands that took long.
    pub slowlog: SlowLog,
    /// The events that took long.
    pub latency: Latency,
    /// Who watches what the node runs (`MONITOR`).
    pub monitors: Monitors,
    /// How fast things go now.
    pub rates: Rates,
    /// What the threads had counted when the statistics were last reset.
    baseline: Baseline,
    /// The settings, which may change while the node runs.
    pub settings: Live,
    pub(crate) log_no_descriptors: OncePerMinute,
    pub(crate) log_wrong_door: OncePerMinute,
}

impl Shared {
    /// The state of a node that starts now with `threads` network threads. Errors: no file descriptors left.
    ///
    /// The store is made here, because what hears it belongs to the node.
    pub fn new(
        settings: Live,
        store: scrubjay_store::Config,
        clock: Arc<dyn Clock>,
        threads: usize,
    ) -> io::Result<Shared> {
        let inboxes: Arc<[Inbox]> = (0..threads).map(|_| Inbox::new()).collect::<io::Result<_>>()?;
        let namespaces = Namespaces::new(&settings.resolved().namespaces);
        let effects = Arc::new(Effects::new(inboxes.clone(), clock.clone(), namespaces.directories()));
        let store = Arc::new(Store::new(store, Some(effects.clone())));
        store.set_packing(&settings.packing(store.packing()));
        store.set_telling(false); // until somebody listens
        let mut rng = Rng::new(entropy_seed());
        let run_id = (0..3).map(|_| format!("{:016x}", rng.next_u64())).collect::<String>()[..40].to_owned();
        effects.configure(&settings.load());
        let shared = Shared {
            store,
            namespaces,
            effects,
            started_ms: clock.now_ms(),
            clock,
            clients: Clients::new(inboxes),
            counters: (0..threads).map(|_| ThreadCounters::new()).collect(),
            run_id,
            pause: Pause::default(),
            shutdown: Shutdown::default(),
            slowlog: SlowLog::default(),
            latency: Latency::default(),
            monitors: Monitors::default(),
            rates: Rates::default(),
            baseline: Baseline::default(),
            settings,
            log_no_descriptors: OncePerMinute::default(),
            log_wrong_door: OncePerMinute::default(),
        };
        shared.tell_store_of_namespaces();
        Ok(shared)
    }

    /// The settings as they are now. Keep the guard short.
    #[inline]
    pub fn config(&self) -> Guard<Arc<Config>> {
        self.settings.load()
    }

    /// Changes with every change of the settings.
    #[inline]
    pub fn config_version(&self) -> u64 {
        self.settings.generation()
    }

    /// Changes several settings, all or none, and tells the store what concerns it. Threads see their limits change at
    /// their next turn.
    pub fn change_settings(&self, changes: &[(&str, &str)]) -> Result<(), BadChange> {
        self.settings.set(changes)?;
        self.settings.apply_to(&self.store, self.clock.now_ms());
        self.effects.configure(&self.config());
        self.effects.refresh(&self.store);
        log::set_level(Level::named(self.config().log_level));
        Ok(())
    }

    /// Ends a pause (`CLIENT UNPAUSE`).
    pub fn unpause(&self) {
        self.pause.set(0, false);
        self.clients.wake_all();
    }

    /// A session is reset or gone: nobody sends it anything any more, and what it began is undone.
    pub(crate) fn leave(&self, session: &mut Session) {
        crate::transaction::leave(self, session);
        session.unsubscribe_all(self);
        session.end_tracking(self);
    }

    /// Asks the node to stop: no new connections, what has arrived is finished, answers are sent for at most `drain`, then
    /// the threads end. The first call counts.
    pub fn ask_shutdown(&self, drain: Duration) {
        self.pause.set(0, false);
        self.shutdown.ask(drain);
        self.clients.wake_all();
    }

    /// What all threads counted, since the start or the last [`Shared::reset_totals`].
    pub fn totals(&self) -> Totals {
        self.baseline.totals(&self.counters)
    }

    /// Sets the statistics of all doors back to zero (`CONFIG RESETSTAT`).
    pub fn reset_totals(&self) {
        self.baseline.reset(&self.counters);
        self.store.reset_stats();
        self.namespaces.reset_refused();
    }

    /// Remembers that `event` took `spent_ns`, if that is as long as the operator wants to know (`LATENCY`).
    pub fn note_event(&self, event: &'static str, spent_ns: u64) {
        let (threshold_ms, spent_ms) = (self.config().latency_monitor_threshold, spent_ns / 1_000_000);
        if threshold_ms > 0 && spent_ms >= threshold_ms as u64 {
            self.latency.note(event, self.clock.now_ms() / 1000, spent_ms);
        }
    }

    /// To be called some ten times a second: keeps the rates of `INFO` up to date.
    pub fn tick(&self) {
        let total = |of: fn(&ThreadCounters) -> &Counter| self.total(of) as f64;
        self.rates.tick(self.clock.now_ms(), || Counts {
            commands: total(|thread| &thread.commands),
            bytes_in: total(|thread| &thread.bytes_in),
            bytes_out: total(|thread| &thread.bytes_out),
        });
    }

    /// A sum over the threads since the start: `shared.total(|c| &c.commands)`.
    pub fn total(&self, of: impl Fn(&ThreadCounters) -> &Counter) -> u64 {
        self.counters.iter().map(|c| of(c).get()).sum()
    }
}

/// `CLIENT PAUSE`: until a moment, all commands or those that write do not run; they wait in their connections.
#[derive(Default, Debug)]
pub struct Pause {
    /// 0: not paused. Otherwise the end in Unix milliseconds.
    until_ms: AtomicU64,
    all: AtomicBool,
}

impl Pause {
    /// Until `until_ms` nothing runs (`all`) or nothing that writes.
    pub fn set(&self, until_ms: UnixMs, all: bool) {
        self.all.store(all, Ordering::Relaxed);
        self.until_ms.store(until_ms, Ordering::Release);
    }

    /// Whether anything is paused at `now_ms`, and if so until when and whether everything is.
    #[inline]
    pub fn state(&self, now_ms: UnixMs) -> Option<(UnixMs, bool)> {
        let until_ms = self.until_ms.load(Ordering::Acquire);
        if until_ms == 0 {
            return None;
        }
        (until_ms > now_ms).then(|| (until_ms, self.all.load(Ordering::Relaxed)))
    }
}
