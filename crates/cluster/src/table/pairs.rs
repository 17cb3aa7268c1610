//! Who shares how many slots with whom.

/// Counts for every pair of nodes: 2 bytes each way, so that looking one up is an addition and a load.
pub struct Pairs {
    nodes: usize,
    counts: Vec<u16>,
    degrees: Vec<u32>,
}

impl Pairs {
    pub fn new(nodes: usize) -> Pairs {
        Pairs { nodes, counts: vec![0; nodes * nodes], degrees: vec![0; nodes] }
    }

    /// One more slot that both hold.
    pub fn join(&mut self, a: u16, b: u16) {
        for (a, b) in [(a as usize, b as usize), (b as usize, a as usize)] {
            let count = &mut self.counts[a * self.nodes + b];
            self.degrees[a] += u32::from(*count == 0);
            *count += 1;
        }
    }

    /// One less.
    pub fn part(&mut self, a: u16, b: u16) {
        for (a, b) in [(a as usize, b as usize), (b as usize, a as usize)] {
            let count = &mut self.counts[a * self.nodes + b];
            *count -= 1;
            self.degrees[a] -= u32::from(*count == 0);
        }
    }

    /// How many slots both hold.
    #[inline]
    pub fn count(&self, a: u16, b: u16) -> u32 {
        u32::from(self.counts[a as usize * self.nodes + b as usize])
    }

    /// With how many others `node` shares slots.
    #[inline]
    pub fn degree(&self, node: u16) -> u32 {
        self.degrees[node as usize]
    }
}
