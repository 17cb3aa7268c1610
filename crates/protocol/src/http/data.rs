//! The routes that read and write entries: what all of them check, and who answers each.

use super::decode::Request;
use super::fault::Fault;
use super::respond::Manner;
use super::route::Operation;
use super::{batch, entry, group, options, percent};
use crate::OutputBuffer;
use scrubjay_command::namespace::Named;
use scrubjay_command::wait::Wish;
use scrubjay_command::{Context, Reject};
use std::borrow::Cow;
use std::cell::Cell;

/// The bounds of one request, beside those of its bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Bounds {
    /// Most keys or items in one request.
    pub items_max: usize,
    /// Largest JSON answer that is built in memory. A larger value is sent from where it lies, as bytes.
    pub answer_bytes_max: usize,
}

impl Default for Bounds {
    fn default() -> Bounds {
        Bounds { items_max: 1 << 20, answer_bytes_max: 64 << 20 }
    }
}

/// Who lets commands run, so many a second.
pub trait Quota {
    /// Takes as many as a request on `commands` keys counts for. Errors: 429, and nothing is taken.
    fn take(&self, commands: usize) -> Result<(), Fault>;
}

/// How long a request waits for another to load its key.
#[derive(Debug, Default)]
pub struct Wait {
    /// Until when, in Unix milliseconds; `None`: it has not waited yet.
    pub until_ms: Option<u64>,
    /// What it waits for now.
    pub wish: Option<Wish>,
}

/// Whether a request has been answered.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[must_use]
pub enum Done {
    /// Its answer is in the output.
    Yes,
    /// It waits, as the [`Wait`] says, and has said nothing yet: it is to be run again, with the same [`Wait`].
    Wait,
}

/// One request on entries, with everything that answering it takes.
pub struct Exchange<'a, 'c> {
    /// The request.
    pub request: Request<'a>,
    /// What stands in the path at the parameter's place, percent-encoded.
    pub parameter: &'a [u8],
    /// The store, the namespace, the time.
    pub cx: &'a Context<'c>,
    /// The bounds.
    pub bounds: &'a Bounds,
    /// How to answer.
    pub manner: Manner,
    /// How long it has waited.
    pub wait: &'a Cell<Wait>,
    /// What its namespace allows, if it has a quota and the request names many keys: how many is known only when they
    /// are read. Who calls has taken the one that every other request counts for.
    pub quota: Option<&'a dyn Quota>,
}

impl<'a> Exchange<'a, '_> {
    /// Takes from the quota what a request on `keys` keys counts for.
    pub(super) fn count(&self, keys: usize) -> Result<(), Fault> {
        self.quota.map_or(Ok(()), |quota| quota.take(keys))
    }

    /// The key in the path.
    #[inline]
    pub(super) fn key(&self) -> Result<Cow<'a, [u8]>, Fault> {
        let key = percent::decode_path(self.parameter)?;
        if key.len() > self.cx.key_bytes_max {
            return Err(Reject::key_too_long(self.cx.key_bytes_max).into());
        }
        Ok(key)
    }
}

/// What namespace `request` names, after the checks that every request on entries must pass. `None`: it names none.
#[inline]
pub fn check<'a>(request: &Request<'a>, operation: Operation) -> Result<Option<Named<'a>>, Fault> {
    // Alone, a node satisfies every level: a majority of one copy and all of one copy are that copy.
    options::consistency(request, operation.is_write())?;
    options::namespace(request)
}

/// Answers a request on entries. Errors: nothing was changed, and what was put into `out` is to be taken back.
#[inline]
pub fn run(operation: Operation, x: &Exchange<'_, '_>, out: &mut OutputBuffer) -> Result<Done, Fault> {
    match operation {
        Operation::Get => return entry::get(x, out),
        Operation::Put => entry::put(x, out)?,
        Operation::Remove => entry::remove(x, out)?,
        Operation::PutKeyed => entry::put_keyed(x, out)?,
        Operation::GetList => batch::get_list(x, out)?,
        Operation::GetMany => batch::get_many(x, out)?,
        Operation::PutMany => batch::put_many(x, out)?,
        Operation::RemovePrefix => group::remove_prefix(x, out)?,
        Operation::RemoveTag => group::remove_tag(x, out)?,
        Operation::Stats
        | Operation::Health
        | Operation::Ready
        | Operation::Metrics
        | Operation::OpenApi
        | Operation::ClusterStatus
        | Operation::ClusterDistribution
        | Operation::ClusterHotkeys
        | Operation::Namespaces
        | Operation::GetNamespace
        | Operation::PutNamespace
        | Operation::DropNamespace => return Err(Fault::NO_ROUTE),
    }
    Ok(Done::Yes)
}
