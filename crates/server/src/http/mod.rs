//! The HTTP door: decodes requests, lets the routes answer them, on the same loops as RESP.
//!
//! ```text
//! input -> Decoder -> authorized? -> route -> data (protocol: entries)      -> out
//!                                        \--> node (stats, metrics, cluster)
//! ```
//!
//! Requests that are pipelined are answered in order, as many in one turn as the thread can spare. A fault of the byte
//! stream is answered and ends the connection; a fault of one request is its answer.

mod namespace;
mod node;

use crate::clients::ClientFlags;
use crate::door::{Door, Progress, Turn};
use crate::heat;
use crate::namespaces::admit::HttpQuota;
use crate::namespaces::change::GONE;
use crate::namespaces::directory::Selected;
use crate::waiting::Waiter;
use scrubjay_command::namespace::Named;
use scrubjay_command::{Context, Row, find};
use scrubjay_protocol::http::auth::credentials;
use scrubjay_protocol::http::head::{BodyLength, Method};
use scrubjay_protocol::http::{
    Answer, Decoder, Done, Exchange, Fault, Limits, Manner, Operation, Quota, Request, Status, Step, Wait,
};
use scrubjay_protocol::http::{data, options, percent, respond, route};
use scrubjay_protocol::{InputBuffer, OutputBuffer};
use scrubjay_store::Ns;
use std::cell::Cell;

/// What errors of this door are counted as, beside the codes of RESP.
const ERROR_CODE: &str = "HTTP";

/// One HTTP connection.
#[derive(Default)]
pub struct HttpDoor {
    decoder: Decoder,
    /// Whether the body that is coming is a bare value, which has a smaller bound than an envelope.
    value_is_coming: bool,
    /// How long the present request has waited, if it waits for another to load its key.
    wait: Cell<Wait>,
}

impl HttpDoor {
    /// A door at the start of a connection.
    pub fn new() -> HttpDoor {
        HttpDoor::default()
    }

    fn limits(&self, turn: &Turn<'_>) -> Limits {
        let limits = &turn.limits.http;
        let most = if self.value_is_coming { turn.limits.value_bytes_max } else { limits.body_bytes_max };
        let most = most.min(limits.body_bytes_max).min(turn.limits.room_bytes_max);
        Limits { body_bytes_max: most, ..*limits }
    }

    /// Says which of the bounds on a body it was, if it was the room for clients.
    fn explain(&self, turn: &Turn<'_>, bound: &Limits, fault: Fault) -> Fault {
        let room = turn.limits.room_bytes_max;
        if fault.status != Status(413) || bound.body_bytes_max != room {
            return fault;
        }
        Fault::too_large(format!(
            "the request's body is longer than the {room} bytes that clients' buffers may hold; nothing was stored; raise \
             clients-memory-percent or max-memory"
        ))
    }

    /// The head of a request has arrived and its body has not: refuses what will be refused anyway, before the body is
    /// sent or collected.
    fn expect_body(&mut self, turn: &mut Turn<'_>, input: &[u8], out: &mut OutputBuffer) -> Result<(), Fault> {
        let request = self.decoder.request(input);
        let operation = route::find(request.path()).and_then(|(route, _)| route.operation(request.head.method));
        let length = match request.head.body {
            BodyLength::Bytes(length) => length,
            BodyLength::Chunked => u64::MAX,
        };
        let waits = request.head.expects_continue;
        if !authorized(turn, &request) && (waits || length > turn.limits.before_auth_bytes_max) {
            return Err(Fault::UNAUTHORIZED);
        }
        if operation == Some(Operation::Put) && !options::has_json_body(&request) {
            let most = turn.limits.value_bytes_max;
            if length > most as u64 && length != u64::MAX {
                return Err(Fault::too_large(format!("a value has at most {most} bytes; nothing was stored")));
            }
            self.value_is_coming = true;
        }
        if waits {
            // What has no operation is refused once the body is there: the answer would be the same.
            out.put(b"HTTP/1.1 100 Continue\r\n\r\n");
        }
        Ok(())
    }
}

impl Door for HttpDoor {
    fn turn(&mut self, turn: &mut Turn<'_>, input: &mut InputBuffer, out: &mut OutputBuffer) -> Progress {
        turn.scratch.meter.begin(turn.now_ns);
        loop {
            let limits = self.limits(turn);
            let bytes = input.data();
            let fault = match self.decoder.decode(bytes, &limits) {
                Ok(Step::Partial { consumed }) => {
                    input.consume(consumed);
                    return Progress::Input;
                }
                Ok(Step::Head) => match self.expect_body(turn, bytes, out) {
                    Ok(()) => continue,
                    Err(fault) => fault,
                },
                Ok(Step::Ready) => {
                    let request = self.decoder.request(bytes);
                    let exchange = Routed::of(&request);
                    if exchange.waits(turn) {
                        return Progress::Pause;
                    }
                    let Some(keep_alive) = exchange.serve(turn, &self.wait, out) else { return Progress::Wait };
                    let taken = self.decoder.finish();
                    self.value_is_coming = false;
                    input.consume(taken);
                    if !keep_alive || has_had_its_say(turn) {
                        return Progress::Close;
                    }
                    if input.is_empty() {
                        return Progress::Input;
                    }
                    if turn.is_spent(out) {
                        return Progress::Turn;
                    }
                    continue;
                }
                Err(fault) => {
                    turn.counters.protocol_errors.add(1);
                    self.explain(turn, &limits, fault)
                }
            };
            turn.counters.note_error_code(ERROR_CODE);
            let start = out.mark();
            respond::fault(out, start, Manner::last(turn.scratch.date.at(turn.now_ms)), &fault);
            return Progress::Close;
        }
    }

    fn expects(&self, have: usize) -> usize {
        self.decoder.expected_bytes().saturating_sub(have)
    }

    fn is_midway(&self) -> bool {
        !self.decoder.is_idle()
    }

    fn memory_bytes(&self) -> usize {
        self.decoder.memory_bytes()
    }
}

/// A request, and where its path and method lead.
struct Routed<'a> {
    request: &'a Request<'a>,
    found: Option<(&'static route::Route, &'a [u8])>,
    operation: Option<Operation>,
}

impl<'a> Routed<'a> {
    #[inline]
    fn of(request: &'a Request<'a>) -> Routed<'a> {
        let found = route::find(request.path());
        let operation = found.and_then(|(route, _)| route.operation(request.head.method));
        Routed { request, found, operation }
    }

    /// Whether a pause (`CLIENT PAUSE`) holds it.
    #[inline]
    fn waits(&self, turn: &Turn<'_>) -> bool {
        let pause = turn.shared.pause.state(turn.now_ms);
        pause.is_some_and(|(_, all)| self.operation.is_some_and(|op| op.is_write() || (all && op.is_data())))
    }

    /// Answers it; whether the connection stays open. `None`: it waits for its key, and is to be served again.
    #[inline]
    fn serve(&self, turn: &mut Turn<'_>, wait: &Cell<Wait>, out: &mut OutputBuffer) -> Option<bool> {
        let start = out.mark();
        let manner = Manner::of(self.request, turn.scratch.date.at(turn.now_ms));
        let row = self.operation.and_then(row_of);
        if let Some(row) = row {
            let key = self.found.map_or(&[][..], |(_, parameter)| parameter);
            turn.scratch.meter.quick(turn.shared, turn.counters, turn.session, row, key);
        }
        let done = self.answer(turn, manner, wait, out);
        if done == Ok(Done::Wait) {
            self.wait(turn, wait);
            return None;
        }
        wait.set(Wait::default());
        turn.shared.effects.waiting.serve(turn.shared);
        turn.counters.commands.add(1);
        if let Some(row) = row {
            turn.counters.by_command[row.id()].calls.add(1);
            turn.session.info.set_last_command(row);
        }
        if let Err(fault) = done {
            if !fault.is_expected() {
                turn.counters.note_error_code(ERROR_CODE);
                if let Some(row) = row {
                    turn.counters.by_command[row.id()].failed.add(1);
                }
            }
            respond::fault(out, start, manner, &fault);
        }
        Some(manner.keep_alive)
    }

    /// Lets it wait for its key.
    #[cold]
    fn wait(&self, turn: &mut Turn<'_>, wait: &Cell<Wait>) {
        let Wait { until_ms, wish } = wait.take();
        wait.set(Wait { until_ms, wish: None });
        let (Some(wish), Ok(selected)) = (wish, self.namespace(turn)) else { return };
        let waiter = Waiter::to_nudge(turn.session.info.clone(), selected.database, wish, turn.limits.sizes());
        turn.session.waiter = Some(waiter.clone());
        turn.session.info.set_flag(ClientFlags::WAITING, true);
        turn.shared.effects.waiting.add(turn.shared, &waiter);
        if turn.shared.namespaces.is_gone(selected) {
            turn.shared.effects.waiting.refuse_one(turn.shared, &waiter, &GONE);
        }
    }

    /// The namespace that it works on. Errors: it names none that there is.
    #[inline]
    fn namespace(&self, turn: &Turn<'_>) -> Result<Selected, Fault> {
        match options::namespace(self.request)? {
            None => Ok(turn.session.selected()),
            Some(Named::Number(database)) => Ok(Selected { database, generation: 0 }),
            Some(Named::Name(name)) => {
                let name = std::str::from_utf8(name).unwrap_or_default(); // a name is ASCII
                turn.shared.namespaces.directory().find(name).ok_or_else(|| Fault::no_such_namespace(name))
            }
        }
    }

    /// Notes that the key in the path was used, if the path holds one.
    #[cold]
    fn note(&self, turn: &mut Turn<'_>, ns: Ns) {
        let key = match (self.operation, self.found) {
            (Some(Operation::Get | Operation::Put | Operation::Remove), Some((_, parameter))) => {
                percent::decode_path(parameter).ok()
            }
            _ => None,
        };
        heat::note_key(turn, ns, key.as_deref(), self.operation.is_some_and(Operation::is_write));
    }

    #[inline]
    fn answer(
        &self,
        turn: &mut Turn<'_>,
        manner: Manner,
        wait: &Cell<Wait>,
        out: &mut OutputBuffer,
    ) -> Result<Done, Fault> {
        if !authorized(turn, self.request) && !self.operation.is_some_and(Operation::is_open) {
            return Err(Fault::UNAUTHORIZED);
        }
        let Some(operation) = self.operation else {
            return self.answer_without_operation(manner, out).map(|()| Done::Yes);
        };
        if !operation.is_data() {
            let parameter = self.found.map_or(&[][..], |(_, parameter)| parameter);
            return match namespace::is_about(operation) {
                true => namespace::answer(operation, turn.shared, self.request, parameter, manner, out),
                false => node::answer(operation, turn, manner, out),
            }
            .map(|()| Done::Yes);
        }
        data::check(self.request, operation)?;
        let selected = self.namespace(turn)?;
        let ns = turn.shared.store.namespace(selected.database).unwrap_or_default();
        let quota = HttpQuota { shared: turn.shared, selected, now_ns: turn.now_ns };
        let has_quota = turn.shared.namespaces.quota(selected.database).per_second() > 0;
        if has_quota && !operation.is_batch() && !has_waited(wait) {
            quota.take(1)?;
        }
        let quota = (has_quota && operation.is_batch()).then_some(&quota as &dyn Quota);
        if turn.scratch.chooser.is_next() {
            self.note(turn, ns);
        }
        let sizes = turn.limits.sizes();
        let cx = Context { touch: turn.session.touch(), ..Context::new(&turn.shared.store, ns, turn.now_ms, sizes) };
        let parameter = self.found.map_or(&[][..], |(_, parameter)| parameter);
        let bounds = &turn.limits.http_data;
        data::run(operation, &Exchange { request: *self.request, parameter, cx: &cx, bounds, manner, wait, quota }, out)
    }

    /// `OPTIONS`, and what no route or method fits.
    #[cold]
    fn answer_without_operation(&self, manner: Manner, out: &mut OutputBuffer) -> Result<(), Fault> {
        let allow = match self.found {
            Some((route, _)) => route.allow,
            None if self.request.path() == b"*" => "GET, HEAD, PUT, POST, DELETE, OPTIONS",
            None => return Err(Fault::NO_ROUTE),
        };
        if self.request.head.method != Method::Options {
            return Err(Fault::method_not_allowed(allow));
        }
        let mut answer = Answer::begin(out, manner, Status(204));
        answer.field("Allow", allow);
        answer.without_body();
        Ok(())
    }
}

/// Whether `request` may be served. A password counts for its request only; that one was right once is remembered for the
/// bounds on clients that have shown none.
#[inline]
fn authorized(turn: &mut Turn<'_>, request: &Request<'_>) -> bool {
    !turn.limits.auth_required || shows_password(turn, request)
}

#[cold]
fn shows_password(turn: &mut Turn<'_>, request: &Request<'_>) -> bool {
    let Some(shown) = credentials(request) else { return false };
    let user_exists = shown.user.is_none_or(|user| user.is_empty() || *user == *b"default");
    let right = turn.shared.config().requirepass.equals(&shown.password) && user_exists;
    if right && !turn.session.authenticated() {
        turn.session.set_authenticated(true);
    }
    right
}

/// Whether the request has been run before, and has waited since.
fn has_waited(wait: &Cell<Wait>) -> bool {
    let known = wait.take();
    let has_waited = known.until_ms.is_some();
    wait.set(known);
    has_waited
}

/// Whether a client without a password has sent as much as such a client may.
fn has_had_its_say(turn: &Turn<'_>) -> bool {
    !turn.session.authenticated() && turn.received_bytes > turn.limits.before_auth_bytes_max
}

/// The command that an operation is counted as.
#[inline]
fn row_of(operation: Operation) -> Option<&'static Row> {
    find(match operation {
        Operation::Get => b"GET",
        Operation::Put | Operation::PutKeyed => b"SET",
        Operation::Remove => b"DEL",
        Operation::GetList | Operation::GetMany => b"MGET",
        Operation::PutMany => b"MSET",
        _ => return None,
    })
}
