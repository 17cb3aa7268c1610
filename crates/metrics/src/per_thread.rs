//! One block of instruments for each thread, added up when somebody asks.
//!
//! A thread takes its block once and keeps the handle; blocks are aligned to 128 bytes, so two threads never share a cache
//! line nor the pair that the prefetcher loads together. A block outlives its thread: what was counted stays counted.

use parking_lot::Mutex;
use std::ops::Deref;
use std::sync::Arc;

/// The blocks of all threads that ever took one.
#[derive(Debug)]
pub struct PerThread<T> {
    blocks: Mutex<Vec<Arc<Aligned<T>>>>,
}

/// A block on cache lines of its own.
#[repr(align(128))]
#[derive(Debug, Default)]
pub struct Aligned<T>(T);

impl<T> Deref for Aligned<T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T> Default for PerThread<T> {
    fn default() -> Self {
        PerThread { blocks: Mutex::new(Vec::new()) }
    }
}

impl<T> PerThread<T> {
    /// No blocks yet.
    pub fn new() -> PerThread<T> {
        PerThread::default()
    }

    /// Adds `block` and returns the handle that its thread writes through.
    pub fn add(&self, block: T) -> Arc<Aligned<T>> {
        let block = Arc::new(Aligned(block));
        self.blocks.lock().push(block.clone());
        block
    }

    /// Shows every block to `visit`. Takes a lock that only [`PerThread::add`] also takes: never in a writer's way.
    pub fn each(&self, visit: impl FnMut(&T)) {
        let mut visit = visit;
        for block in self.blocks.lock().iter() {
            visit(block);
        }
    }

    /// The sum of `read` over all blocks.
    pub fn sum(&self, read: impl Fn(&T) -> u64) -> u64 {
        let mut sum = 0;
        self.each(|block| sum += read(block));
        sum
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::counter::Counter;

    #[test]
    fn counts_of_a_thread_that_ended_stay_in_the_sum() {
        let counters = PerThread::<Counter>::new();
        std::thread::scope(|scope| {
            for n in 1..=4 {
                let block = counters.add(Counter::new());
                scope.spawn(move || (0..1000).for_each(|_| block.add(n)));
            }
        });
        assert_eq!(counters.sum(Counter::get), 1000 * (1 + 2 + 3 + 4));
    }

    #[test]
    fn blocks_do_not_share_cache_lines() {
        assert_eq!(std::mem::align_of::<Aligned<Counter>>(), 128);
        assert_eq!(std::mem::size_of::<Aligned<Counter>>(), 128);
    }
}
