//! A node's part: the copy that it has, the effects that it takes, the promises that it gives.

use super::metadata::{Metadata, Record};
use super::{NodeNumber, Trap, WriteId};
use std::collections::BTreeMap;

/// What a write does. Some depend on what was there, so that order matters.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Effect {
    /// The key has this value, and no deadline.
    Set(u8, i64),
    /// The key's value grows.
    Add(u8, i64),
    /// The key, if it is there, ends at this time.
    Deadline(u8, u64),
    /// The key is gone.
    Remove(u8),
}

/// An effect in its place.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Entry {
    /// The client's write; 0: none, the primary's own doing.
    pub id: WriteId,
    /// What it does.
    pub effect: Effect,
}

/// The slot's data on one node.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Copy {
    /// Of the primary that it follows.
    pub term: u64,
    /// Every effect that led here; the sequence is their number.
    pub log: Vec<Entry>,
    /// Values and deadlines.
    pub state: BTreeMap<u8, (i64, Option<u64>)>,
}

impl Copy {
    /// How many effects it has had.
    pub fn sequence(&self) -> u64 {
        self.log.len() as u64
    }

    /// How far it is: what copies are compared by.
    pub fn position(&self) -> (u64, u64) {
        (self.term, self.sequence())
    }

    fn apply(&mut self, entry: Entry) {
        match entry.effect {
            Effect::Set(key, value) => {
                self.state.insert(key, (value, None));
            }
            Effect::Add(key, more) => self.state.entry(key).or_insert((0, None)).0 += more,
            Effect::Deadline(key, at) => {
                if let Some(held) = self.state.get_mut(&key) {
                    held.1 = Some(at);
                }
            }
            Effect::Remove(key) => {
                self.state.remove(&key);
            }
        }
        self.log.push(entry);
    }
}

/// What nodes say to each other.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Message {
    /// The primary of `term`: the effect after `sequence - 1`.
    Append { term: u64, sequence: u64, entry: Entry },
    /// The primary of `term` is at `sequence`.
    Beat { term: u64, sequence: u64 },
    /// This incarnation has everything up to `sequence` of the primary of `term`.
    Ack { term: u64, sequence: u64, incarnation: u64 },
    /// Somebody was promised that nothing older than `term` is taken.
    Refuse { term: u64 },
    /// Asks for everything.
    CatchUp,
    /// Everything.
    Snapshot { term: u64, copy: Copy },
    /// Asks to refuse everything older than `term`.
    Ask { term: u64 },
    /// Promised; `position` of the copy, if there is one.
    Answer { term: u64, incarnation: u64, position: Option<(u64, u64)> },
}

/// What a primary keeps in mind.
#[derive(Clone, Debug)]
pub struct Leading {
    /// As which primary.
    pub term: u64,
    /// By node: the incarnation that last acknowledged something, and up to where.
    acked: Vec<(u64, u64)>,
    /// Writes that are not acknowledged yet: sequence, W, id.
    waiting: Vec<(u64, usize, WriteId)>,
}

/// A suspicion on its way to a promotion.
#[derive(Clone, Debug)]
struct Campaign {
    term: u64,
    seen: Record,
    answers: BTreeMap<NodeNumber, (u64, u64)>,
}

/// A process.
pub struct Node {
    number: NodeNumber,
    nodes: usize,
    trap: Option<Trap>,
    /// Counts its starts.
    pub incarnation: u64,
    /// The metadata as it last saw them.
    known: Record,
    /// Nothing older is taken.
    promised: u64,
    /// Its data; `None`: it has none yet.
    pub copy: Option<Copy>,
    /// Set while it takes itself for the primary.
    pub leading: Option<Leading>,
    campaign: Option<Campaign>,
    /// What is to be sent.
    pub outbox: Vec<(NodeNumber, Message)>,
    /// Writes that clients were told are done: id and W.
    pub done: Vec<(WriteId, usize)>,
}

impl Node {
    /// A process that starts for the `incarnation`th time, the first time with a full copy, and has looked at the metadata.
    pub fn new(number: NodeNumber, incarnation: u64, record: &Record, trap: Option<Trap>) -> Node {
        let first = incarnation == 1;
        let mut node = Node {
            number,
            nodes: record.copies.len(),
            trap,
            incarnation,
            known: record.clone(),
            promised: record.term,
            copy: first.then(|| Copy { term: record.term, ..Copy::default() }),
            leading: None,
            campaign: None,
            outbox: Vec::new(),
            done: Vec::new(),
        };
        if trap == Some(Trap::EmptyPrimary) && record.primary == number && !first {
            node.copy = Some(Copy { term: record.term, ..Copy::default() });
            node.lead(record.term);
        }
        node.follow_record();
        node
    }

    fn others(&self) -> impl Iterator<Item = NodeNumber> + use<> {
        let number = self.number;
        (0..self.nodes).filter(move |other| *other != number)
    }

    fn tell_others(&mut self, message: &Message) {
        self.others().for_each(|other| self.outbox.push((other, message.clone())));
    }

    /// The number that its effects bear.
    fn stamp(&self, leading: &Leading) -> u64 {
        if self.trap == Some(Trap::OneEpoch) { self.known.version } else { leading.term }
    }

    fn lead(&mut self, term: u64) {
        self.promised = self.promised.max(term);
        if let Some(copy) = &mut self.copy {
            copy.term = term;
        }
        self.campaign = None;
        self.leading = Some(Leading { term, acked: vec![(0, 0); self.nodes], waiting: Vec::new() });
    }

    /// Whether the metadata know its data as a full copy.
    pub fn is_recorded(&self) -> bool {
        self.known.counts(self.number, self.incarnation, self.trap)
    }

    /// The metadata have changed, or it looks at them to be sure.
    pub fn see(&mut self, record: &Record) {
        if record.version > self.known.version {
            self.known = record.clone();
            self.follow_record();
        }
    }

    fn follow_record(&mut self) {
        let term = self.known.term;
        if self.leading.as_ref().is_some_and(|leading| leading.term < term || self.known.primary != self.number) {
            self.leading = None;
        }
        let is_chosen = self.known.primary == self.number && self.is_recorded() && self.copy.is_some();
        let is_current = self.promised <= term || self.trap == Some(Trap::OneEpoch);
        if self.leading.is_none() && is_chosen && is_current {
            self.lead(term);
        }
    }

    /// A client's write: it is done when `w` copies have it. Whether this node takes it.
    pub fn write(&mut self, id: WriteId, effect: Effect, w: usize) -> bool {
        let Some(leading) = &self.leading else { return false };
        let term = self.stamp(leading);
        if term < self.promised {
            return false;
        }
        let (Some(copy), Some(leading)) = (&mut self.copy, &mut self.leading) else { return false };
        let entry = Entry { id, effect };
        copy.apply(entry);
        copy.term = copy.term.max(term);
        let sequence = copy.sequence();
        if id > 0 {
            leading.waiting.push((sequence, w, id));
        }
        self.tell_others(&Message::Append { term, sequence, entry });
        true
    }

    /// The primary removes what has expired at `now`; a replica does so only if it makes that mistake.
    pub fn expire(&mut self, now: u64) {
        let Some(copy) = &mut self.copy else { return };
        let expired = |(key, held): (&u8, &(i64, Option<u64>))| held.1.is_some_and(|at| at <= now).then_some(*key);
        let keys: Vec<u8> = copy.state.iter().filter_map(expired).collect();
        if self.leading.is_some() {
            for key in keys {
                self.write(0, Effect::Remove(key), 1);
            }
        } else if self.trap == Some(Trap::ReplicaExpires) {
            copy.state.retain(|key, _| !keys.contains(key));
        }
    }

    /// The primary says how far it is.
    pub fn beat(&mut self) {
        if let (Some(leading), Some(copy)) = (&self.leading, &self.copy) {
            let beat = Message::Beat { term: self.stamp(leading), sequence: copy.sequence() };
            self.tell_others(&beat);
        }
    }

    /// Suspects the primary, and asks the copies for their promises.
    pub fn suspect(&mut self, record: &Record) {
        self.see(record);
        let Some(copy) = self.copy.as_ref().filter(|_| self.leading.is_none() && self.is_recorded()) else { return };
        let current = if self.trap == Some(Trap::OneEpoch) { self.known.version } else { self.known.term };
        let term = current.max(self.promised) + 1;
        self.promised = term;
        let answers = BTreeMap::from([(self.number, copy.position())]);
        self.campaign = Some(Campaign { term, seen: self.known.clone(), answers });
        self.tell_others(&Message::Ask { term });
    }

    /// Promotes the copy that is ahead, if enough have answered.
    pub fn promote(&mut self, metadata: &mut Metadata) {
        let Some(campaign) = &self.campaign else { return };
        if campaign.answers.len() < campaign.seen.answers_needed(self.trap) {
            return;
        }
        let ahead = campaign.answers.iter().max_by_key(|(number, position)| (**position, **number == self.number));
        let Some((&primary, _)) = ahead else { return };
        let term = if self.trap == Some(Trap::OneEpoch) { metadata.get().version + 1 } else { campaign.term };
        let new = Record { term, primary, ..campaign.seen.clone() };
        metadata.compare_and_swap(&campaign.seen, new);
        self.campaign = None;
        self.see(metadata.get());
    }

    /// The primary has the metadata know a copy that has caught up.
    pub fn record_copies(&mut self, metadata: &mut Metadata) {
        let Some(leading) = self.leading.as_ref().filter(|_| self.trap != Some(Trap::OnlyPrimaryRecorded)) else {
            return;
        };
        let mut new = self.known.clone();
        for (number, &(incarnation, _)) in leading.acked.iter().enumerate() {
            new.copies[number] = new.copies[number].max(incarnation);
        }
        if new.copies != self.known.copies && metadata.compare_and_swap(&self.known, new) {
            self.see(metadata.get());
            self.settle(metadata);
        }
    }

    /// Tells clients of the writes that enough copies have.
    pub fn settle(&mut self, metadata: &mut Metadata) {
        let Some(leading) = &mut self.leading else { return };
        let (known, number, trap) = (&self.known, self.number, self.trap);
        let holds = |node: usize, (incarnation, up_to): (u64, u64), sequence: u64| {
            node != number && known.counts(node, incarnation, trap) && up_to >= sequence
        };
        let held = |sequence: u64| {
            1 + leading.acked.iter().enumerate().filter(|(node, acked)| holds(*node, **acked, sequence)).count()
        };
        let ready: Vec<_> = leading.waiting.iter().copied().filter(|(sequence, w, _)| held(*sequence) >= *w).collect();
        for (sequence, w, id) in ready {
            if let Some(new) = self.known.with_w(w, self.trap) {
                if self.trap == Some(Trap::WRecordedLate) {
                    self.done.push((id, w));
                } else if !metadata.compare_and_swap(&self.known, new) {
                    // Somebody has changed the slot: whether this still is the primary the next look will tell.
                    self.see(&metadata.get().clone());
                    return;
                }
                self.see(&metadata.get().clone());
            }
            let Some(leading) = &mut self.leading else { return };
            leading.waiting.retain(|waiting| waiting.0 != sequence);
            self.done.push((id, w));
        }
    }

    /// Repairs one key from another's copy, wherever either is: a mistake.
    pub fn repair_key(&mut self, key: u8, from: &Copy) {
        let Some(copy) = &mut self.copy else { return };
        match from.state.get(&key) {
            Some(held) => copy.state.insert(key, *held),
            None => copy.state.remove(&key),
        };
    }

    /// A message has come from another node.
    pub fn receive(&mut self, from: NodeNumber, message: Message, metadata: &mut Metadata) {
        match message {
            Message::Append { term, sequence, entry } => {
                if self.follows(from, term) {
                    self.append(from, term, sequence, entry);
                }
            }
            Message::Beat { term, sequence } => {
                if self.follows(from, term) && self.copy.as_ref().is_none_or(|copy| copy.position() < (term, sequence))
                {
                    self.outbox.push((from, Message::CatchUp));
                }
            }
            Message::Ack { term, sequence, incarnation } => {
                let stamp = self.leading.as_ref().map(|leading| self.stamp(leading));
                if let Some(leading) = &mut self.leading
                    && (stamp == Some(term) || self.trap == Some(Trap::OneEpoch))
                {
                    let acked = &mut leading.acked[from];
                    *acked = (*acked).max((incarnation, sequence));
                    self.settle(metadata);
                }
            }
            Message::Refuse { term } => {
                let is_deposed = self.leading.as_ref().is_some_and(|leading| term > leading.term);
                if is_deposed && self.trap != Some(Trap::OneEpoch) {
                    self.leading = None;
                    self.promised = self.promised.max(term);
                }
            }
            Message::CatchUp => {
                if let (Some(leading), Some(copy)) = (&self.leading, &self.copy) {
                    let snapshot = Message::Snapshot { term: self.stamp(leading), copy: copy.clone() };
                    self.outbox.push((from, snapshot));
                }
            }
            Message::Snapshot { term, copy } => {
                if self.follows(from, term)
                    && self.copy.as_ref().is_none_or(|own| own.position() < (term, copy.sequence()))
                {
                    self.copy = Some(Copy { term, ..copy });
                    self.ack(from, term);
                }
            }
            Message::Ask { term } => self.answer(from, term),
            Message::Answer { term, incarnation, position } => {
                if let Some(campaign) = &mut self.campaign
                    && campaign.term == term
                    && campaign.seen.counts(from, incarnation, self.trap)
                    && let Some(position) = position
                {
                    campaign.answers.insert(from, position);
                }
            }
        }
    }

    /// Whether effects of the primary of `term` are taken; says why not.
    fn follows(&mut self, from: NodeNumber, term: u64) -> bool {
        if term < self.promised {
            self.outbox.push((from, Message::Refuse { term: self.promised }));
            return false;
        }
        self.promised = term;
        if self.leading.as_ref().is_some_and(|leading| leading.term < term) {
            self.leading = None;
        }
        self.leading.is_none()
    }

    fn append(&mut self, from: NodeNumber, term: u64, sequence: u64, entry: Entry) {
        let any_term = matches!(self.trap, Some(Trap::OneEpoch | Trap::TailKept));
        let Some(copy) = self.copy.as_mut().filter(|copy| copy.term == term || any_term) else {
            return self.outbox.push((from, Message::CatchUp));
        };
        if sequence > copy.sequence() + 1 {
            return self.outbox.push((from, Message::CatchUp));
        }
        if sequence == copy.sequence() + 1 {
            copy.apply(entry);
            copy.term = term;
        }
        self.ack(from, term);
    }

    fn ack(&mut self, to: NodeNumber, term: u64) {
        if let Some(copy) = &self.copy {
            let (sequence, incarnation) = (copy.sequence(), self.incarnation);
            self.outbox.push((to, Message::Ack { term, sequence, incarnation }));
        }
    }

    fn answer(&mut self, from: NodeNumber, term: u64) {
        if term <= self.promised {
            return self.outbox.push((from, Message::Refuse { term: self.promised }));
        }
        self.promised = term;
        if self.trap != Some(Trap::OneEpoch) {
            self.leading = None;
        }
        self.campaign = None;
        let position = self.copy.as_ref().map(Copy::position);
        self.outbox.push((from, Message::Answer { term, incarnation: self.incarnation, position }));
    }
}
