//! The commands that caches live on allocate nothing per call: not for the look-up of the row, not for the arguments, not
//! for the keys, not for the answer. One over several keys, whose slots lie in several shards, allocates the list of its
//! locks and nothing else; room for that list inside every guard would cost the commands over one key more.
//!
//! One test in this file: the counter belongs to the process.

use scrubjay_command::{Args, Context, Handler, Reject, Reply, SizeLimits, Span, resolve};
use scrubjay_store::{Config, Ns, Store};
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::hint::black_box;

struct Counting;

thread_local! {
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
}

// SAFETY: every call goes to the system's allocator with the caller's own arguments; counting touches no heap.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let _ = ALLOCATIONS.try_with(|count| count.set(count.get() + 1));
        // SAFETY: the caller keeps `alloc`'s contract, which is the same.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller keeps `dealloc`'s contract; `pointer` came from `System`.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Looks at every byte of an answer and keeps none.
#[derive(Default)]
struct Sink {
    sum: u64,
}

impl Reply for Sink {
    fn simple(&mut self, text: &'static str) {
        self.bulk(text.as_bytes());
    }
    fn bulk(&mut self, bytes: &[u8]) {
        self.sum = bytes.iter().fold(self.sum, |sum, &byte| sum.wrapping_mul(31) + u64::from(byte));
    }
    fn null(&mut self) {
        self.sum += 1;
    }
    fn int(&mut self, value: i64) {
        self.sum ^= value as u64;
    }
    fn double(&mut self, value: f64) {
        self.sum ^= value.to_bits();
    }
    fn array(&mut self, length: usize) {
        self.sum += length as u64;
    }
    fn map(&mut self, length: usize) {
        self.sum += length as u64;
    }
    fn error(&mut self, reject: &Reject) {
        panic!("{reject}");
    }
}

fn run(cx: &mut Context<'_>, buffer: &[u8], spans: &[Span], sink: &mut Sink) {
    let args = Args::new(buffer, spans);
    let Ok(Handler::Data(run)) = resolve(&args).map(|row| row.handler) else { panic!("a data command") };
    run(cx, &args, sink).expect("nothing to refuse");
}

#[test]
fn the_commands_that_caches_live_on_do_not_allocate() {
    let store = Store::new(Config::default(), None);
    let limits = SizeLimits { key_bytes_max: 64 << 10, value_bytes_max: 512 << 20 };
    let mut cx = Context::new(&store, Ns(0), 1_700_000_000_000, limits);
    let sixteen = |name: &str, tail: &str| (0..16).fold(name.to_owned(), |line, i| format!("{line} key:{i}{tail}"));
    let lines = [
        "SET key:1 some-value-of-usual-length".to_owned(),
        "GET key:1".to_owned(),
        "GET missing".to_owned(),
        "SET key:2 value EX 100 NX".to_owned(),
        "INCR counter".to_owned(),
        "INCRBY counter 1000".to_owned(),
        "EXPIRE counter 100".to_owned(),
        "TTL counter".to_owned(),
        "SETBIT bits 100 1".to_owned(),
        sixteen("MSET", " value"),
        sixteen("MGET", ""),
        sixteen("EXISTS", ""),
        "DEL key:1".to_owned(),
    ];
    for line in &lines {
        let mut spans = Vec::new();
        for word in line.split(' ') {
            spans.push(Span {
                start: (word.as_ptr() as usize - line.as_ptr() as usize) as u32,
                length: word.len() as u32,
            });
        }
        let mut sink = Sink::default();
        // The first calls may grow a table or fetch a segment, which is the store's growth and not the command's cost.
        for _ in 0..100 {
            run(&mut cx, line.as_bytes(), &spans, &mut sink);
        }
        let before = ALLOCATIONS.get();
        for _ in 0..100 {
            run(&mut cx, line.as_bytes(), &spans, &mut sink);
        }
        let allowed = if line.starts_with('M') || line.starts_with("EXISTS") { 100 } else { 0 };
        assert!(ALLOCATIONS.get() - before <= allowed, "{line}: {}", ALLOCATIONS.get() - before);
        black_box(sink.sum);
    }
}
