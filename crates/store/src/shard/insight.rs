//! A shard's part in saying what takes the memory. See [`crate::insight`].

use super::{Shard, key_of};
use crate::Entry;
use crate::entry::Layout;
use crate::env::Env;
use crate::heap::Handle;
use crate::key::Ns;
use crate::value::Kind;
use scrubjay_base::SlotId;
use scrubjay_base::clock::UnixMs;
use scrubjay_base::rand::Rng;

/// Entries that are tried for one of the namespace: where it has less than one in so many of a shard, some draws find none.
const DRAW_TRIES_MAX: usize = 64;

/// Places of a table that are tried for an entry: tables are seldom less than an eighth full.
const PLACES_MAX: usize = 256;

impl Shard {
    /// Shows the kind and the charge of up to `effort` large things, from place `from` on. Where to go on; `None`: nowhere.
    pub fn large_things(&self, from: usize, effort: usize, mut see: impl FnMut(u32, Kind, u64)) -> Option<usize> {
        let end = (from + effort).min(self.large.places());
        for index in from as u32..end as u32 {
            if let Some(thing) = self.large.find(index) {
                see(index, thing.body.kind(), thing.charged_bytes);
            }
        }
        (end < self.large.places()).then_some(end)
    }

    /// The live entry of the large thing at `index`, if there still is one.
    pub fn entry_of_thing(&self, env: &Env, index: u32, now_ms: UnixMs) -> Option<(Ns, &[u8], Entry<'_>)> {
        let thing = self.large.find(index)?;
        let (_, handle) = self.tables[thing.table as usize].find(thing.hash, |handle| {
            let block = self.heap.block(handle);
            let layout = Layout::read(block);
            layout.is_large() && layout.index(block) == index
        })?;
        self.live_view(env, handle, now_ms)
    }

    /// Namespace, key and entry at `handle`, unless its deadline has passed or a deletion hides it.
    fn live_view(&self, env: &Env, handle: Handle, now_ms: UnixMs) -> Option<(Ns, &[u8], Entry<'_>)> {
        let entry = self.view(handle, now_ms);
        let (ns, key) = (Ns(entry.layout.ns()), key_of(entry.block, entry.layout, &self.large));
        let is_live = !entry.is_over() && !self.is_hidden(env, handle, SlotId::of(key), env.hasher.hash(ns.0, key));
        is_live.then_some((ns, key, entry))
    }

    /// Shows a random live entry of the namespace. Each try takes any entry: to go on from one of another namespace to the
    /// next would prefer those that stand behind many others.
    pub fn draw(&self, env: &Env, ns: Ns, rng: &mut Rng, now_ms: UnixMs, see: &mut impl FnMut(&[u8], &Entry<'_>)) {
        for _ in 0..DRAW_TRIES_MAX {
            let tables = self.tables_of(env, ns);
            let Some(table) = crate::evict::weighted(&self.counts[tables.clone()], rng) else { return };
            let any = (0..PLACES_MAX).find_map(|_| self.tables[tables.start + table].handle_at(rng.next_u64()));
            let Some(handle) = any.filter(|handle| Layout::read(self.heap.block(*handle)).ns() == ns.0) else {
                continue;
            };
            if let Some((_, key, entry)) = self.live_view(env, handle, now_ms) {
                return see(key, &entry);
            }
        }
    }
}
