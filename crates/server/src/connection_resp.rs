//! The RESP door: decodes a batch, calls for its keys, runs its commands in order, encodes their answers.
//!
//! ```text
//! input -> Decoder -> Batch (at most 64) -> rows, prefetch -> dispatch, dispatch, ... -> Encoder -> out
//! ```
//!
//! A turn goes on until the input holds no complete command, but not beyond its share of time and output:
//! then others have theirs first. A batch that stops in between (time, output, `CLIENT PAUSE`) stays with its connection
//! and goes on where it stopped.

use crate::batch::{COMMANDS_MAX, Prepared};
use crate::dispatch;
use crate::door::{Door, Progress, TURN_OUTPUT_BYTES_MAX, Turn};
use crate::log::{self, Level};
use crate::measure::is_quick;
use crate::session::ReplyMode;
use scrubjay_command::table::Flags;
use scrubjay_command::{Args, Row, named, resolve};
use scrubjay_protocol::resp::{Batch, Decoder, Encoder, ProtocolError, peek_key};
use scrubjay_protocol::{InputBuffer, OutputBuffer};

/// One RESP connection.
#[derive(Default)]
pub struct RespDoor {
    decoder: Decoder,
    /// Commands that are decoded but have not run yet.
    held: Option<Box<Held>>,
}

/// A batch that stopped early, and the error that follows it, if one does.
struct Held {
    batch: Batch,
    error: Option<ProtocolError>,
}

/// A batch to run.
struct Next {
    batch: Batch,
    /// What follows it.
    error: Option<ProtocolError>,
    /// Whether the input holds nothing complete beyond it.
    is_last: bool,
}

impl RespDoor {
    /// A door at the start of a connection.
    pub fn new() -> RespDoor {
        RespDoor::default()
    }

    /// Takes up the batch that was held, or decodes the next.
    #[inline]
    fn next_batch(&mut self, turn: &mut Turn<'_>, input: &mut InputBuffer) -> Next {
        if let Some(held) = self.held.take() {
            return Next { batch: held.batch, error: held.error, is_last: false };
        }
        // Before authentication one command at a time: the first may be the AUTH that raises the limits for the second.
        let (limits, most) = match turn.session.authenticated() {
            true => (&turn.limits.resp, COMMANDS_MAX),
            false => (&turn.limits.resp_before_auth, 1),
        };
        let mut batch = std::mem::take(&mut turn.scratch.batch);
        let error = self.decoder.fill(input.data_mut(), limits, &mut batch, most).err();
        let is_last = batch.len() < most;
        Next { batch, error, is_last }
    }
}

impl Door for RespDoor {
    fn turn(&mut self, turn: &mut Turn<'_>, input: &mut InputBuffer, out: &mut OutputBuffer) -> Progress {
        turn.scratch.meter.begin(turn.now_ns);
        loop {
            let Next { mut batch, error, is_last } = self.next_batch(turn, input);
            let progress = run_batch(turn, &mut batch, input.data(), out);
            let is_held = batch.next() < batch.len() || (progress == Progress::Wait && error.is_some());
            if is_held && progress != Progress::Close {
                self.held = Some(Box::new(Held { batch, error }));
                return progress;
            }
            input.consume(batch.consumed());
            batch.clear();
            turn.scratch.batch = batch;
            if progress == Progress::Close {
                return Progress::Close;
            }
            if progress == Progress::Wait {
                return Progress::Wait;
            }
            if let Some(error) = error {
                turn.counters.note_error_code("ERR");
                let mut encoder = Encoder::new(out, turn.session.resp());
                if error.is_skipped() {
                    if let Some(queue) = &mut turn.session.transaction {
                        queue.break_off();
                    }
                    answer(turn, &mut encoder, |_, encoder| encoder.failure(&error.to_string()));
                    continue;
                }
                turn.counters.protocol_errors.add(1);
                encoder.failure(&error.to_string());
                return Progress::Close;
            }
            if !turn.session.authenticated() && turn.received_bytes > turn.limits.before_auth_bytes_max {
                turn.counters.protocol_errors.add(1);
                Encoder::new(out, turn.session.resp()).failure("Protocol error: too many bytes before authentication");
                return Progress::Close;
            }
            if is_last {
                return Progress::Input;
            }
            if turn.is_spent(out) {
                return Progress::Turn;
            }
        }
    }

    #[inline]
    fn first_key<'a>(&self, input: &'a [u8]) -> Option<&'a [u8]> {
        peek_key(input)
    }

    fn expects(&self, have: usize) -> usize {
        self.decoder.expects(have)
    }

    fn is_midway(&self) -> bool {
        self.decoder.is_skipping()
    }

    fn memory_bytes(&self) -> usize {
        self.decoder.memory_bytes() + self.held.as_ref().map_or(0, |held| held.batch.memory_bytes())
    }
}

/// Runs the commands of `batch` from where it stopped; says what the connection waits for if it stops again.
#[inline]
fn run_batch(turn: &mut Turn<'_>, batch: &mut Batch, data: &[u8], out: &mut OutputBuffer) -> Progress {
    let first = batch.next();
    if first == batch.len() {
        return Progress::Input;
    }
    let prepared = Prepared::new(batch, first, data, &turn.shared.store, turn.ns());
    let mut pause = pause_at(turn);
    let mut encoder = Encoder::new(out, turn.session.resp());
    let mut last = None;
    let mut progress = Progress::Input;
    let mut index = first;
    for (row, placed) in prepared.commands() {
        let args = batch.args(index, data);
        let row = match row {
            Some(row) if row.subcommands.is_empty() && row.accepts(args.len()) => row,
            _ => match resolve(&args) {
                Ok(row) => row,
                Err(_) if speaks_http(&args) => {
                    note_wrong_door(turn);
                    progress = Progress::Close;
                    break;
                }
                Err(reject) => {
                    index += 1;
                    answer(turn, &mut encoder, |turn, encoder| dispatch::refuse(turn, named(&args), &reject, encoder));
                    continue;
                }
            },
        };
        if pause.is_some_and(|all| waits(row, all)) {
            progress = Progress::Pause;
            break;
        }
        index += 1;
        last = Some(row);
        answer(turn, &mut encoder, |turn, encoder| dispatch::run_row(turn, row, &args, placed, encoder));
        if turn.session.close {
            progress = Progress::Close;
            break;
        }
        if turn.session.waiter.is_some() {
            progress = Progress::Wait;
            break;
        }
        if row.flags.contains(Flags::ADMIN) {
            pause = pause_at(turn); // it may have been `CLIENT PAUSE`
        }
        if (!is_quick(row) || encoder.out().len() > TURN_OUTPUT_BYTES_MAX) && turn.is_spent(encoder.out()) {
            progress = Progress::Turn;
            break;
        }
    }
    if let Some(row) = last {
        turn.session.info.set_last_command(row);
    }
    drop(prepared);
    batch.stop_at(index);
    progress
}

/// Lets `run` answer one command, unless the client does not want to hear it (`CLIENT REPLY`).
#[inline]
fn answer<'a>(turn: &mut Turn<'_>, encoder: &mut Encoder<'a>, run: impl FnOnce(&mut Turn<'_>, &mut Encoder<'a>)) {
    let mark = encoder.out().mark();
    let before = turn.session.reply;
    if before == ReplyMode::SkipNext {
        turn.session.reply = ReplyMode::SkipThis;
    }
    run(turn, encoder);
    if before == ReplyMode::On {
        // `CLIENT REPLY OFF` and `SKIP` answer nothing themselves: their handlers say nothing.
        return;
    }
    match turn.session.reply {
        ReplyMode::On => {} // `CLIENT REPLY ON` is answered
        ReplyMode::Off | ReplyMode::SkipNext => encoder.out().rewind(mark),
        ReplyMode::SkipThis => {
            turn.session.reply = ReplyMode::On;
            encoder.out().rewind(mark);
        }
    }
}

/// Whether there is a pause now, and if so whether it holds everything.
#[inline]
fn pause_at(turn: &Turn<'_>) -> Option<bool> {
    turn.shared.pause.state(turn.now_ms).map(|(_, all)| all)
}

/// Whether a pause holds the command of `row`: everything, or what writes. Operators' commands go on, so that one can be
/// ended early.
fn waits(row: &Row, all: bool) -> bool {
    !row.flags.contains(Flags::ADMIN) && (all || row.flags.contains(Flags::WRITE))
}

/// Whether a line that is no command is the start of an HTTP request, or one of its headers.
///
/// A browser can be made to send requests to a local port, with commands in their bodies. None of them gets that far.
#[cold]
fn speaks_http(args: &Args<'_>) -> bool {
    let first = args.at(0);
    let is_request = args.len() == 3 && args.at(2).starts_with(b"HTTP/") && first.iter().all(u8::is_ascii_alphabetic);
    is_request || first.eq_ignore_ascii_case(b"post") || first.eq_ignore_ascii_case(b"host:")
}

#[cold]
fn note_wrong_door(turn: &Turn<'_>) {
    turn.counters.wrong_door.add(1);
    if turn.shared.log_wrong_door.may(turn.now_ms) {
        let peer = turn.session.info.peer;
        log::write(
            Level::Warning,
            format_args!(
                "{peer} speaks HTTP to the port for Redis clients: closed; HTTP has a port of its own (http-port)"
            ),
        );
    }
}
