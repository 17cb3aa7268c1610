//! The world around the nodes: the network, the clients, the faults, and the order in which things happen.

use super::checker::{Checker, Violation};
use super::metadata::Metadata;
use super::node::{Copy, Effect, Message, Node};
use super::{NodeNumber, Trap, WriteId};
use scrubjay_base::rand::Rng;
use std::fmt::Write as _;

/// Steps before everything heals.
const STEPS: usize = 600;
/// For how long a process is stopped at most.
const STOPPED_STEPS_MAX: u64 = 150;
/// Rounds in which it must become quiet: a promotion takes three, catching up two.
const QUIET_ROUNDS: usize = 40;
const KEYS: u64 = 4;
/// How many letters overtake each other as a rule.
const DISORDER: u64 = 5;

/// What may happen in a step.
#[derive(Clone, Copy)]
enum Event {
    Deliver,
    Lose,
    Double,
    Write,
    /// A node looks at the metadata.
    Look,
    Suspect,
    Promote,
    Beat,
    /// Primaries have copies recorded that have caught up.
    Record,
    Die,
    Restart,
    /// Faster than any detector.
    DieAndRestart,
    /// A process is stopped for a while.
    Stop,
    /// Something else in the topology changes.
    Change,
    PassTime,
    Repair,
    /// One node no longer hears another.
    Cut,
    Mend,
}

/// How often, compared with each other. Each run makes some of them rarer and some more frequent: so runs differ more than
/// by chance, and rare sequences become frequent in some of them (after Groce, Zhang, Eide, Chen and Regehr, "Swarm
/// testing", ISSTA 2012).
const EVENTS: [(Event, u64); 18] = [
    (Event::Deliver, 48),
    (Event::Lose, 2),
    (Event::Double, 2),
    (Event::Write, 12),
    (Event::Look, 8),
    (Event::Suspect, 2),
    (Event::Promote, 6),
    (Event::Beat, 4),
    (Event::Record, 4),
    (Event::Die, 1),
    (Event::Restart, 5),
    (Event::DieAndRestart, 1),
    (Event::Stop, 1),
    (Event::Change, 1),
    (Event::PassTime, 2),
    (Event::Repair, 1),
    (Event::Cut, 1),
    (Event::Mend, 1),
];
/// What an event's weight is multiplied by in a run, over four.
const FACTORS: [u64; 4] = [1, 4, 4, 12];

/// A message on its way to one incarnation of a node.
#[derive(Clone)]
struct Letter {
    from: NodeNumber,
    to: NodeNumber,
    incarnation: u64,
    message: Message,
}

/// A slot, its copies, and everything that happens to them.
pub struct World {
    rng: Rng,
    trap: Option<Trap>,
    /// `None`: down.
    nodes: Vec<Option<Node>>,
    incarnations: Vec<u64>,
    metadata: Metadata,
    letters: Vec<Letter>,
    /// By node: the step until which it does nothing, and does not know that.
    stopped_until: Vec<usize>,
    steps: usize,
    /// By event.
    weights: Vec<u64>,
    /// Pairs that do not hear each other.
    cut: Vec<(NodeNumber, NodeNumber)>,
    /// The Ws that clients of this run ask for.
    ws: Vec<usize>,
    last_write: WriteId,
    now: u64,
    checker: Checker,
    story: String,
}

impl World {
    /// Two to five copies, and clients that ask for one or several Ws.
    pub fn new(seed: u64, trap: Option<Trap>) -> World {
        let mut rng = Rng::new(seed);
        let count = 2 + rng.below(4) as usize;
        let mut ws: Vec<usize> = (1..=count).filter(|_| rng.below(2) == 0).collect();
        if ws.iter().all(|w| *w < 2) {
            ws.push(2);
        }
        let weights =
            EVENTS.iter().map(|(_, weight)| weight * FACTORS[rng.below(FACTORS.len() as u64) as usize]).collect();
        let metadata = Metadata::new(count);
        let nodes = (0..count).map(|number| Some(Node::new(number, 1, metadata.get(), trap))).collect();
        World {
            rng,
            trap,
            nodes,
            incarnations: vec![1; count],
            metadata,
            letters: Vec::new(),
            stopped_until: vec![0; count],
            steps: 0,
            weights,
            cut: Vec::new(),
            ws,
            last_write: 0,
            now: 0,
            checker: Checker::default(),
            story: String::new(),
        }
    }

    /// How many writes were acknowledged at W >= 2.
    pub fn promised(&self) -> u64 {
        self.checker.promised.len() as u64
    }

    /// What happened, a line each.
    pub fn story(&self) -> String {
        format!("{} copies, W of {:?}\n{}", self.nodes.len(), self.ws, self.story)
    }

    /// Lets things happen, then heals everything and looks at what is left. Errors: the first promise that was not kept.
    pub fn run(&mut self) -> Result<(), Violation> {
        for _ in 0..STEPS {
            self.step();
            self.collect();
            self.checker.step(&self.nodes, self.metadata.get())?;
        }
        self.heal()
    }

    fn tell(&mut self, what: std::fmt::Arguments<'_>) {
        // Writing to a string does not fail.
        let _ = writeln!(self.story, "{what}");
    }

    fn any(&mut self) -> NodeNumber {
        self.rng.below(self.nodes.len() as u64) as usize
    }

    fn step(&mut self) {
        let number = self.any();
        self.steps += 1;
        match self.next_event() {
            Event::Deliver => (0..self.rng.below(6)).for_each(|_| self.deliver()),
            Event::Lose => self.lose(),
            Event::Double => self.double(),
            Event::Write => self.write(),
            Event::Look => {
                let record = self.metadata.get().clone();
                if let Some(node) = self.running(number) {
                    node.see(&record);
                }
            }
            Event::Suspect => {
                let record = self.metadata.get().clone();
                if let Some(node) = self.running(number) {
                    node.suspect(&record);
                    self.tell(format_args!("{number} suspects the primary"));
                    self.cut_from_primary(number);
                }
            }
            Event::Promote => self.each(|node, metadata| node.promote(metadata)),
            Event::Beat => self.each(|node, _| node.beat()),
            Event::Record => self.each(|node, metadata| node.record_copies(metadata)),
            Event::Die => self.crash(number),
            Event::Restart => self.restart(number),
            Event::DieAndRestart => {
                self.crash(number);
                self.restart(number);
            }
            Event::Stop => self.stopped_until[number] = self.steps + self.rng.below(STOPPED_STEPS_MAX) as usize,
            Event::Change => self.metadata.change_another_thing(),
            Event::PassTime => self.pass_time(),
            Event::Repair => self.repair(),
            Event::Cut => {
                let other = self.any();
                self.cut.push((number, other));
            }
            Event::Mend => self.cut.clear(),
        }
    }

    fn next_event(&mut self) -> Event {
        let mut left = self.rng.below(self.weights.iter().sum());
        for ((event, _), weight) in EVENTS.into_iter().zip(&self.weights) {
            if left < *weight {
                return event;
            }
            left -= weight;
        }
        Event::Deliver
    }

    fn is_stopped(&self, number: NodeNumber) -> bool {
        self.stopped_until[number] > self.steps
    }

    fn running(&mut self, number: NodeNumber) -> Option<&mut Node> {
        let stopped = self.is_stopped(number);
        self.nodes[number].as_mut().filter(|_| !stopped)
    }

    fn each(&mut self, act: impl Fn(&mut Node, &mut Metadata)) {
        for (number, node) in self.nodes.iter_mut().enumerate() {
            if let Some(node) = node.as_mut().filter(|_| self.stopped_until[number] <= self.steps) {
                act(node, &mut self.metadata);
            }
        }
    }

    /// Takes what nodes want to send, and what they told clients.
    fn collect(&mut self) {
        let mut told = String::new();
        for (from, node) in self.nodes.iter_mut().enumerate() {
            let Some(node) = node else { continue };
            for (to, message) in node.outbox.drain(..) {
                self.letters.push(Letter { from, to, incarnation: self.incarnations[to], message });
            }
            for (id, w) in node.done.drain(..).filter(|(_, w)| *w >= 2) {
                self.checker.promised.insert(id, w);
                let _ = writeln!(told, "{from} acknowledges write {id} at W={w}");
            }
        }
        self.story.push_str(&told);
    }

    fn deliver(&mut self) {
        if self.letters.is_empty() {
            return;
        }
        // Nearly in order, as connections are, and now and then not at all. What is for a stopped process waits.
        let behind = if self.rng.below(10) == 0 { u64::MAX } else { DISORDER };
        let skipped = self.rng.below(behind.min(self.letters.len() as u64)) as usize;
        let ready = |(_, letter): &(usize, &Letter)| !self.is_stopped(letter.to);
        let Some((at, _)) = self.letters.iter().enumerate().filter(ready).nth(skipped) else { return };
        let letter = self.letters.remove(at);
        if self.cut.contains(&(letter.from, letter.to)) {
            return;
        }
        self.hand_over(letter);
    }

    fn hand_over(&mut self, letter: Letter) {
        let Letter { from, to, incarnation, message } = letter;
        // A connection ends with the process that it led to.
        if incarnation != self.incarnations[to] {
            return;
        }
        let line = match &message {
            Message::Snapshot { term, copy } => format!("Snapshot {{ term: {term}, sequence: {} }}", copy.sequence()),
            other => format!("{other:?}"),
        };
        if let Some(node) = &mut self.nodes[to] {
            node.receive(from, message, &mut self.metadata);
            self.tell(format_args!("{from} -> {to}: {line}"));
        }
    }

    /// Often a suspicion has a cause: they do not hear each other.
    fn cut_from_primary(&mut self, number: NodeNumber) {
        if self.rng.below(2) == 0 {
            let primary = self.metadata.get().primary;
            self.cut.extend([(number, primary), (primary, number)]);
        }
    }

    fn lose(&mut self) {
        if !self.letters.is_empty() {
            let at = self.rng.below(self.letters.len() as u64) as usize;
            self.letters.remove(at);
        }
    }

    fn double(&mut self) {
        if !self.letters.is_empty() {
            let at = self.rng.below(self.letters.len() as u64) as usize;
            self.letters.push(self.letters[at].clone());
        }
    }

    fn write(&mut self) {
        // Of those who take themselves for the primary, any.
        let leads = |(number, node): (NodeNumber, &Option<Node>)| {
            node.as_ref()?.leading.as_ref().filter(|_| !self.is_stopped(number)).map(|_| number)
        };
        let leaders: Vec<NodeNumber> = self.nodes.iter().enumerate().filter_map(leads).collect();
        let Some(&number) = leaders.get(self.rng.below(leaders.len() as u64) as usize) else { return };
        let w = self.ws[self.rng.below(self.ws.len() as u64) as usize];
        let key = self.rng.below(KEYS) as u8;
        let effect = match self.rng.below(6) {
            0 => Effect::Set(key, self.rng.below(100) as i64),
            1 => Effect::Remove(key),
            2 => Effect::Deadline(key, self.now + self.rng.below(20)),
            _ => Effect::Add(key, 1 + self.rng.below(9) as i64),
        };
        self.last_write += 1;
        let id = self.last_write;
        let Some(node) = &mut self.nodes[number] else { return };
        if node.write(id, effect, w) {
            node.settle(&mut self.metadata);
            self.tell(format_args!("{number} takes write {id} at W={w}: {effect:?}"));
        }
    }

    /// A node dies and loses its data, unless another is without its data already: two losses at a time were not promised
    /// to be survived.
    fn crash(&mut self, number: NodeNumber) {
        let record = self.metadata.get();
        let whole = |(other, node): (usize, &Option<Node>)| {
            node.as_ref().is_some_and(|node| record.counts(other, node.incarnation, self.trap) && node.copy.is_some())
        };
        let others_are_whole = self.nodes.iter().enumerate().all(|(n, node)| n == number || whole((n, node)));
        if others_are_whole && self.nodes[number].is_some() {
            self.nodes[number] = None;
            self.tell(format_args!("{number} dies"));
        }
    }

    fn restart(&mut self, number: NodeNumber) {
        if self.nodes[number].is_none() {
            self.incarnations[number] += 1;
            let node = Node::new(number, self.incarnations[number], self.metadata.get(), self.trap);
            self.nodes[number] = Some(node);
            self.tell(format_args!("{number} starts again, empty"));
        }
    }

    /// Clocks differ by some units.
    fn pass_time(&mut self) {
        self.now += self.rng.below(5);
        for number in 0..self.nodes.len() {
            let now = self.now + self.rng.below(4);
            if let Some(node) = self.running(number) {
                node.expire(now);
            }
        }
    }

    fn repair(&mut self) {
        if self.trap != Some(Trap::SingleKeyRepair) {
            return;
        }
        let (from, to, key) = (self.any(), self.any(), self.rng.below(KEYS) as u8);
        let primary = self.nodes[from].as_ref().filter(|node| node.leading.is_some());
        if let Some(copy) = primary.and_then(|node| node.copy.clone())
            && from != to
            && let Some(node) = &mut self.nodes[to]
        {
            node.repair_key(key, &copy);
            self.tell(format_args!("{to} repairs key {key} from {from}"));
        }
    }

    /// Ends every fault, and lets the nodes go on until they agree.
    fn heal(&mut self) -> Result<(), Violation> {
        self.tell(format_args!("all heals"));
        self.cut.clear();
        self.stopped_until.fill(0);
        for round in 0..QUIET_ROUNDS {
            (0..self.nodes.len()).for_each(|number| self.restart(number));
            self.each(|node, metadata| node.see(metadata.get()));
            if self.nodes.iter().flatten().all(|node| node.leading.is_none()) {
                // One after the other: together they would only refuse each other.
                let number = round % self.nodes.len();
                if let Some(node) = &mut self.nodes[number] {
                    node.suspect(self.metadata.get());
                }
            }
            self.each(|node, _| node.beat());
            self.collect();
            while !self.letters.is_empty() {
                let letter = self.letters.remove(0);
                self.hand_over(letter);
                self.collect();
                self.checker.step(&self.nodes, self.metadata.get())?;
            }
            self.each(|node, metadata| {
                node.promote(metadata);
                node.record_copies(metadata);
            });
            self.collect();
        }
        let copies: Vec<Option<&Copy>> =
            self.nodes.iter().map(|node| node.as_ref().and_then(|node| node.copy.as_ref())).collect();
        self.checker.end(&copies)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PRIMARY: NodeNumber = 0;
    const COPY: NodeNumber = 1;
    const SUSPECT: NodeNumber = 2;

    impl World {
        /// Three copies of an empty slot, of which two are asked for.
        fn of_three(trap: Option<Trap>) -> World {
            let seed = (0..).find(|seed| World::new(*seed, trap).nodes.len() == 3).unwrap_or_default();
            World::new(seed, trap)
        }

        fn node(&mut self, number: NodeNumber) -> &mut Node {
            self.nodes[number].as_mut().expect("it runs")
        }

        /// Lets these nodes hear each other until they are silent, and loses what is for the others.
        fn talk(&mut self, those: &[NodeNumber]) {
            self.collect();
            while !self.letters.is_empty() {
                let letter = self.letters.remove(0);
                if those.contains(&letter.from) && those.contains(&letter.to) {
                    self.hand_over(letter);
                }
                self.collect();
            }
        }

        fn write_at_two(&mut self, id: WriteId) {
            let World { nodes, metadata, .. } = self;
            let node = nodes[PRIMARY].as_mut().expect("it runs");
            assert!(node.write(id, Effect::Set(0, id as i64), 2));
            node.settle(metadata);
        }
    }

    /// Too rare for chance: a copy promises to refuse the old primary, restarts, and has forgotten its promise.
    fn a_copy_forgets_its_promise(trap: Option<Trap>) -> Result<(), Violation> {
        let mut world = World::of_three(trap);
        world.write_at_two(1);
        world.talk(&[PRIMARY, COPY, SUSPECT]);
        let record = world.metadata.get().clone();
        world.node(SUSPECT).suspect(&record);
        world.talk(&[SUSPECT, COPY]);
        world.crash(COPY);
        world.restart(COPY);
        world.node(PRIMARY).beat();
        world.talk(&[PRIMARY, COPY]);
        world.each(|node, metadata| node.record_copies(metadata));
        world.write_at_two(2);
        world.talk(&[PRIMARY, COPY]);
        assert_eq!(world.promised(), 2, "the new copy and the old primary have it");
        world.each(|node, metadata| node.promote(metadata));
        world.heal()
    }

    #[test]
    fn a_promise_ends_with_the_incarnation_that_gave_it() {
        assert_eq!(a_copy_forgets_its_promise(None), Ok(()));
        assert_eq!(a_copy_forgets_its_promise(Some(Trap::OnlyPrimaryRecorded)), Err(Violation::Lost(2, 2)));
    }
}
