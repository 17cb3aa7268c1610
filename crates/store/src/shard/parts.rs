//! A shard's parts: the tables and the policy that most namespaces share, and those of namespaces that have their own.
//!
//! ```text
//!   tables:  [ common ........ | of one namespace .. | of another ]
//! ```
//! A part is found by its namespace; all parts use the shard's one heap and its one lock, so that the changes of a slot
//! are in one order whatever namespace they concern.

use super::{Shard, active, key_of, size_of_block};
use crate::config::{Policy, Rank, Scope};
use crate::effect::Removal;
use crate::entry::{self, Layout};
use crate::env::Env;
use crate::evict::{Active, Evict, View};
use crate::heap::Handle;
use crate::key::{Key, NAMESPACES, Ns};
use crate::namespaces::Span;
use crate::table::{Facts, Table};
use scrubjay_base::SlotId;
use scrubjay_base::clock::UnixMs;
use smallvec::SmallVec;
use std::ops::Range;
use std::sync::atomic::Ordering::Relaxed;

/// The policies of a shard's parts.
pub struct Policies {
    common: Active,
    own: Option<Box<Own>>,
    policy: Policy,
}

/// The parts that are one namespace's own.
struct Own {
    /// By namespace: its part; 0: the common one.
    parts: [u8; NAMESPACES as usize],
    /// By part, the first one's own at 0.
    each: Vec<Option<Part>>,
}

struct Part {
    ns: Ns,
    span: Span,
    active: Active,
    policy: Policy,
}

/// The part that most namespaces share.
const COMMON: usize = 0;

impl Policies {
    /// All share one.
    pub fn new(policy: Policy, seed: u64) -> Policies {
        Policies { common: active(policy, seed), own: None, policy }
    }

    /// The part of a namespace; 0: the common one.
    #[inline(always)]
    pub fn part(&self, ns: u8) -> usize {
        match &self.own {
            None => COMMON,
            Some(own) => own.parts[ns as usize] as usize,
        }
    }

    /// The namespace's table for keys that are in table `number` where tables are shared.
    #[inline(always)]
    pub fn table(&self, ns: u8, number: usize) -> usize {
        match self.part(ns) {
            COMMON => number,
            part => self.own_part(part).map_or(number, |own| own.span.table(number)),
        }
    }

    /// The same, counted from the first of its part: what policies call it.
    #[inline(always)]
    pub fn number(&self, ns: u8, number: usize) -> usize {
        match self.part(ns) {
            COMMON => number,
            part => self.own_part(part).map_or(number, |own| own.span.number(number)),
        }
    }

    /// The policy's state that ranks the namespace's entries.
    #[inline(always)]
    pub fn of(&self, ns: u8) -> &Active {
        match self.part(ns) {
            0 => &self.common,
            part => self.own_part(part).map_or(&self.common, |own| &own.active),
        }
    }

    /// The same, to be changed.
    #[inline(always)]
    pub fn of_mut(&mut self, ns: u8) -> &mut Active {
        match self.part(ns) {
            0 => &mut self.common,
            part => self.state_mut(part).0,
        }
    }

    fn own_part(&self, part: usize) -> Option<&Part> {
        self.own.as_ref()?.each.get(part.wrapping_sub(1))?.as_ref()
    }

    #[cold]
    fn own_part_mut(&mut self, part: usize) -> Option<&mut Part> {
        self.own.as_mut()?.each.get_mut(part.wrapping_sub(1))?.as_mut()
    }

    fn state_mut(&mut self, part: usize) -> (&mut Active, &mut Policy) {
        if part == 0 {
            return (&mut self.common, &mut self.policy);
        }
        match self.own_part_mut(part) {
            Some(own) => (&mut own.active, &mut own.policy),
            None => unreachable!("a namespace names its part"),
        }
    }

    fn policy(&self, part: usize) -> Policy {
        self.own_part(part).map_or(self.policy, |own| own.policy)
    }

    fn parts(&self) -> impl Iterator<Item = &Part> {
        self.own.iter().flat_map(|own| own.each.iter().flatten())
    }

    /// Whose part it is; `None`: everybody's.
    fn owner(&self, part: usize) -> Option<Ns> {
        self.own_part(part).map(|own| own.ns)
    }

    /// Whose table it is; `None`: everybody's.
    pub fn owner_of_table(&self, index: usize) -> Option<Ns> {
        self.parts().find(|part| part.span.range().contains(&index)).map(|part| part.ns)
    }

    /// The namespaces that have a part of their own.
    pub fn owners(&self) -> impl Iterator<Item = Ns> + '_ {
        self.parts().map(|part| part.ns)
    }

    /// Whether any part lets anything go.
    pub fn may_evict(&self) -> bool {
        self.policy != Policy::NoEviction || self.parts().any(|part| part.policy != Policy::NoEviction)
    }

    /// Bytes of all states.
    pub fn bytes(&self) -> usize {
        let fixed = self.own.as_ref().map_or(0, |own| size_of::<Own>() + own.each.len() * size_of::<Part>());
        self.common.bytes() + fixed + self.parts().map(|part| part.active.bytes()).sum::<usize>()
    }
}

impl Shard {
    /// The table of a key.
    #[inline(always)]
    pub(super) fn table_index(&self, env: &Env, key: &Key<'_>) -> usize {
        self.policies.table(key.ns.0, env.table_in_shard(key.slot))
    }

    fn tables_of_part(&self, env: &Env, part: usize) -> Range<usize> {
        self.policies.own_part(part).map_or(0..env.common_tables(), |own| own.span.range())
    }

    /// The tables that the namespace's entries are in, those of others among them perhaps.
    pub(super) fn tables_of(&self, env: &Env, ns: Ns) -> Range<usize> {
        self.tables_of_part(env, self.policies.part(ns.0))
    }

    /// The namespace's entries take so much more, or less.
    #[inline]
    pub(super) fn note_bytes(&mut self, env: &Env, ns: Ns, before: u64, after: u64) {
        let count = &mut self.per_ns[ns.0 as usize];
        count.bytes = count.bytes + after - before;
        if self.policies.part(ns.0) != COMMON {
            env.namespaces.note_bytes(ns, before, after);
        }
    }

    /// An entry of the namespace, of this rank, changed its size where it is.
    pub(super) fn resized(&mut self, env: &Env, ns: Ns, rank: u32, before_bytes: u64, after_bytes: u64) {
        self.note_bytes(env, ns, before_bytes, after_bytes);
        self.policies.of_mut(ns.0).resized(rank, before_bytes, after_bytes);
    }

    /// Evicts one entry that the policy of its part chooses. Where there are several parts, each gives in proportion to
    /// what it holds. Whether one went.
    pub(super) fn evict_by_policy(&mut self, env: &Env, protect: Option<Handle>, now_ms: UnixMs) -> bool {
        let Some(own) = &self.policies.own else { return self.evict_from(env, COMMON, protect, now_ms) };
        let mut weights: SmallVec<[u64; 8]> = smallvec::smallvec![0; own.each.len() + 1];
        for (weight, part) in weights[1..].iter_mut().zip(&own.each) {
            *weight = part.as_ref().map_or(0, |part| self.per_ns[part.ns.0 as usize].bytes);
        }
        weights[0] = self.entry_bytes() - weights[1..].iter().sum::<u64>();
        loop {
            let total: u64 = weights.iter().sum();
            if total == 0 {
                return false;
            }
            let mut left = self.rng.below(total);
            let chosen = weights.iter().position(|&weight| {
                let here = left < weight;
                left = left.saturating_sub(weight);
                here
            });
            let Some(part) = chosen else { return false };
            if self.evict_from(env, part, protect, now_ms) {
                return true;
            }
            weights[part] = 0;
        }
    }

    fn evict_from(&mut self, env: &Env, part: usize, protect: Option<Handle>, now_ms: UnixMs) -> bool {
        let Policy::Evict(scope, _) = self.policies.policy(part) else { return false };
        if scope == Scope::Volatile && !self.has_volatile(part) {
            return false;
        }
        let range = self.tables_of_part(env, part);
        let mut view = View {
            heap: &mut self.heap,
            tables: &self.tables[range.clone()],
            counts: &self.counts[range],
            large: &self.large,
            hasher: &env.hasher,
            rng: &mut self.rng,
            scope,
            protect,
            now_ms,
        };
        let Some(victim) = self.policies.state_mut(part).0.victim(&mut view) else { return false };
        self.take_out_by_handle(env, victim, Removal::Evicted);
        true
    }

    fn has_volatile(&self, part: usize) -> bool {
        match self.policies.owner(part) {
            Some(ns) => self.per_ns[ns.0 as usize].volatile > 0,
            None => {
                self.per_ns.iter().zip(0..).any(|(count, ns)| count.volatile > 0 && self.policies.part(ns) == COMMON)
            }
        }
    }

    /// Evicts one of the namespace's entries, which has a part of its own; what is expired goes first, whosever it is.
    /// Whether one went.
    pub fn evict_of(&mut self, env: &Env, ns: Ns, protect: Option<Key<'_>>, now_ms: UnixMs) -> bool {
        if self.due <= env.ticks.reached(now_ms) && self.expire_due(env, now_ms) > 0 {
            return true;
        }
        let protect = protect.and_then(|key| self.locate(env, &key)).map(|(_, handle)| handle);
        match self.policies.part(ns.0) {
            COMMON => false,
            part => self.evict_from(env, part, protect, now_ms),
        }
    }

    /// Makes room for `bytes` more of the namespace under its own limit, if it has one. Whether they fit.
    #[inline]
    pub(super) fn make_quota(&mut self, env: &Env, key: &Key<'_>, bytes: u64, now_ms: UnixMs) -> bool {
        env.namespaces.max_bytes(key.ns) == 0 || bytes == 0 || self.make_quota_slowly(env, key, bytes, now_ms)
    }

    #[cold]
    fn make_quota_slowly(&mut self, env: &Env, key: &Key<'_>, bytes: u64, now_ms: UnixMs) -> bool {
        let ns = key.ns;
        loop {
            let (used, max) = (env.namespaces.used_bytes(ns), env.namespaces.max_bytes(ns));
            if max == 0 || used + bytes <= max {
                return true;
            }
            if bytes > max {
                return false; // would empty the namespace and still not fit
            }
            // A shard that holds less than others would evict what is better than theirs.
            let here = self.per_ns[ns.0 as usize].bytes * env.shards.len() as u64 >= used;
            let gone = here && self.evict_of(env, ns, Some(*key), now_ms)
                || self.evict_of_elsewhere(env, ns, now_ms)
                || self.evict_of(env, ns, Some(*key), now_ms);
            if !gone {
                return false;
            }
        }
    }

    /// The same in a shard that the caller has not locked.
    pub fn evict_of_elsewhere(&mut self, env: &Env, ns: Ns, now_ms: UnixMs) -> bool {
        env.any_other(self.number, &mut self.rng, |other| other.evict_of(env, ns, None, now_ms))
    }

    /// Evicts up to `count` entries of each namespace that is over its own limit. Whether any went.
    pub fn shrink_namespaces(&mut self, env: &Env, count: usize, now_ms: UnixMs) -> bool {
        let owners: SmallVec<[Ns; 8]> = self.policies.owners().collect();
        let mut gone = false;
        for ns in owners {
            for _ in 0..count {
                if env.namespaces.surplus_bytes(ns) == 0 || !self.evict_of(env, ns, None, now_ms) {
                    break;
                }
                gone = true;
            }
        }
        gone
    }

    /// Chooses another policy for what shares one, and for the parts of those namespaces that inherit it.
    pub fn set_policy(&mut self, env: &Env, policy: Policy, inherits: impl Fn(&Ns) -> bool, now_ms: UnixMs) {
        self.set_policy_of(env, COMMON, policy, now_ms);
        let heirs: SmallVec<[Ns; 8]> = self.policies.owners().filter(inherits).collect();
        for ns in heirs {
            self.set_policy_of(env, self.policies.part(ns.0), policy, now_ms);
        }
    }

    /// Chooses another policy for a part; every entry there gets a rank of the new one.
    fn set_policy_of(&mut self, env: &Env, part: usize, policy: Policy, now_ms: UnixMs) {
        let seed = self.rng.next_u64();
        let (state, current) = self.policies.state_mut(part);
        if policy == *current {
            return;
        }
        let rank_of = |policy: Policy| match policy {
            Policy::NoEviction => None,
            Policy::Evict(_, rank) => Some(rank),
        };
        let tracks_time = |policy| matches!(rank_of(policy), None | Some(Rank::Lru));
        let same = rank_of(policy) == rank_of(*current) || tracks_time(policy) && tracks_time(*current);
        *current = policy;
        if same {
            if let Active::None(lru) | Active::Lru(lru) = *state {
                *state = if policy == Policy::NoEviction { Active::None(lru) } else { Active::Lru(lru) };
            }
            return;
        }
        *state = active(policy, seed);
        let range = self.tables_of_part(env, part);
        let Shard { heap, tables, large, policies, .. } = self;
        let (state, _) = policies.state_mut(part);
        for table in &tables[range] {
            table.sample(0, usize::MAX, |handle| {
                let block = heap.block(handle);
                let layout = Layout::read(block);
                let apart = if layout.is_large() { large.get(layout.index(block)).charged_bytes } else { 0 };
                let rank = state.adopt(size_of_block(layout) + apart, now_ms);
                entry::set_rank(heap.block_mut(handle), rank);
                true
            });
        }
    }

    /// Gives the namespace these tables and a policy of its own, or another policy if it has them. Its entries move.
    pub fn set_apart(&mut self, env: &Env, ns: Ns, span: Span, policy: Policy, now_ms: UnixMs) {
        let part = self.policies.part(ns.0);
        if part != COMMON {
            return self.set_policy_of(env, part, policy, now_ms);
        }
        self.grow_tables(env, span.range().end);
        let fresh = Part { ns, span, active: active(policy, self.rng.next_u64()), policy };
        let own = self
            .policies
            .own
            .get_or_insert_with(|| Box::new(Own { parts: [COMMON as u8; NAMESPACES as usize], each: Vec::new() }));
        let free = own.each.iter().position(Option::is_none);
        let place = free.unwrap_or_else(|| {
            own.each.push(None);
            own.each.len() - 1
        });
        own.each[place] = Some(fresh);
        self.move_entries(env, ns, COMMON, place + 1, now_ms);
        if let Some(own) = &mut self.policies.own {
            own.parts[ns.0 as usize] = place as u8 + 1;
        }
        env.namespaces.note_bytes(ns, 0, self.per_ns[ns.0 as usize].bytes);
        self.charge_policy(env);
    }

    /// The namespace shares tables and policy again. Its entries move back.
    pub fn set_common(&mut self, env: &Env, ns: Ns, now_ms: UnixMs) {
        let part = self.policies.part(ns.0);
        if part == COMMON {
            return;
        }
        self.move_entries(env, ns, part, COMMON, now_ms);
        env.namespaces.note_bytes(ns, self.per_ns[ns.0 as usize].bytes, 0);
        if let Some(own) = &mut self.policies.own {
            own.parts[ns.0 as usize] = COMMON as u8;
            own.each[part - 1] = None;
            if own.each.iter().all(Option::is_none) {
                self.policies.own = None;
            }
        }
        self.charge_policy(env);
    }

    /// Has at least so many tables. They stay when their namespace leaves them, for the next one.
    fn grow_tables(&mut self, env: &Env, count: usize) {
        let more = count.saturating_sub(self.tables.len());
        if more == 0 {
            return;
        }
        let (tables, counts) = (std::mem::take(&mut self.tables), std::mem::take(&mut self.counts));
        self.tables = tables.into_iter().chain((0..more).map(|_| Table::new())).collect();
        self.counts = counts.into_iter().chain((0..more).map(|_| 0)).collect();
        env.shards[self.number].tables.store(self.tables.as_ptr() as usize, Relaxed);
        let bytes = (more * (size_of::<Table>() + size_of::<u32>())) as u64;
        self.charged_bytes += bytes;
        env.budget.charge(bytes);
    }

    /// What the namespace's entries and its own tables take here; 0: it shares its tables.
    #[cfg(test)]
    pub fn own_bytes(&self, env: &Env, ns: Ns) -> u64 {
        if self.policies.part(ns.0) == COMMON {
            return 0;
        }
        let tables = self.tables[self.tables_of(env, ns)].iter().map(|table| table.bytes() as u64).sum::<u64>();
        tables + self.per_ns[ns.0 as usize].bytes
    }

    fn move_entries(&mut self, env: &Env, ns: Ns, from: usize, to: usize, now_ms: UnixMs) {
        // A sweep under way has passed some tables: what is hidden must not move there, and be forgotten.
        while self.sweep(env, usize::MAX) {}
        for index in self.tables_of_part(env, from) {
            let mut handles = Vec::new();
            self.tables[index].sample(0, usize::MAX, |handle| {
                if Layout::read(self.heap.block(handle)).ns() == ns.0 {
                    handles.push(handle);
                }
                true
            });
            for handle in handles {
                self.move_entry(env, handle, (from, index), to, now_ms);
            }
        }
    }

    /// Moves the entry at `handle` from one part's table to another's.
    fn move_entry(&mut self, env: &Env, handle: Handle, from: (usize, usize), part: usize, now_ms: UnixMs) {
        let block = self.heap.block(handle);
        let layout = Layout::read(block);
        let key = key_of(block, layout, &self.large);
        let (slot, hash, rank) = (SlotId::of(key), env.hasher.hash(layout.ns(), key), entry::rank(block));
        let facts_here = Facts { hash, due: self.due_of(env, handle) };
        let bytes = self.bytes_at(handle);
        let Some((place, _)) = self.tables[from.1].find(hash, |at| at == handle) else { return };
        let number = env.table_in_shard(slot);
        let to = self.policies.own_part(part).map_or(number, |own| own.span.table(number));
        let global = env.table_of(slot);
        let Shard { tables, heap, large, policies, counts, .. } = self;
        policies.state_mut(from.0).0.forget(rank, bytes);
        let rank = policies.state_mut(part).0.adopt(bytes, now_ms);
        let before = (tables[from.1].bytes(), tables[to].bytes());
        let ask = |handle| super::facts(heap, large, env, handle);
        let shrunk = tables[from.1].remove(hash, place, ask);
        let jitter = global + tables[to].bucket_count();
        let grown = tables[to].insert(facts_here, handle, jitter, ask);
        counts[from.1] -= 1;
        counts[to] += 1;
        if layout.is_large() {
            let index = layout.index(heap.block(handle));
            large.set_table(index, to as u32);
        }
        entry::set_rank(heap.block_mut(handle), rank);
        self.settle_table(env, from.1, global, before.0, shrunk);
        self.settle_table(env, to, global, before.1, grown);
    }
}
