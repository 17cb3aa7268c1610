//! The look before a command: is what its session selected still there, and has it a quota?

use super::change::GONE;
use super::directory::Selected;
use super::quota::Exceeded;
use crate::door::Turn;
use crate::session::Session;
use crate::shared::Shared;
use scrubjay_command::namespace::{counts, is_about_keys};
use scrubjay_command::server::ServerCommand;
use scrubjay_command::table::Row;
use scrubjay_command::{Args, Handler, Kind, Reject};
use scrubjay_protocol::http::{Fault, Quota};
use smallvec::SmallVec;

/// Whether the command of `row` may run in the selected namespace; what it counts for is taken from its quota.
///
/// Errors: the namespace was dropped, or its quota is used up. Nothing was changed.
#[inline]
pub fn admit(turn: &mut Turn<'_>, row: &Row) -> Result<(), Reject> {
    // One load and a branch for all who have selected something that is there and has no quota.
    if turn.session.is_free_at(turn.shared.namespaces.version()) {
        return Ok(());
    }
    look(turn, row)
}

#[cold]
fn look(turn: &mut Turn<'_>, row: &Row) -> Result<(), Reject> {
    reach(turn.shared, turn.session, row)?;
    if counts(row) { take(turn.shared, turn.session.selected().database, 1, turn.now_ns) } else { Ok(()) }
}

/// Whether the command of `row` reaches the selected namespace, which its transaction has paid for.
#[inline]
pub fn reach(shared: &Shared, session: &mut Session, row: &Row) -> Result<(), Reject> {
    let (namespaces, version) = (&shared.namespaces, shared.namespaces.version());
    if session.is_free_at(version) {
        return Ok(());
    }
    let selected = session.selected();
    if namespaces.is_gone(selected) {
        return if is_about_keys(row) { Err(GONE) } else { Ok(()) };
    }
    if namespaces.quota(selected.database).per_second() == 0 {
        session.set_free_at(version);
    }
    Ok(())
}

/// Takes what all commands of a transaction count for, each from the quota of the namespace that is selected by then.
///
/// Errors: one of the namespaces has no room for its commands, or the one selected now was dropped; nothing was taken.
pub fn admit_all<'q>(
    turn: &mut Turn<'_>,
    commands: impl Iterator<Item = (&'static Row, Args<'q>)>,
) -> Result<(), Reject> {
    let shared = turn.shared;
    let mut selected = turn.session.selected();
    let mut sums: SmallVec<[(u8, u64); 4]> = SmallVec::new();
    for (at, (row, args)) in commands.enumerate() {
        if at == 0 && is_about_keys(row) && shared.namespaces.is_gone(selected) {
            return Err(GONE);
        }
        if let Handler::Server(ServerCommand::Select) = row.handler {
            // One that is refused selects nothing.
            selected = shared.namespaces.named(&args, 1).unwrap_or(selected);
        } else if counts(row) {
            match sums.iter_mut().find(|(database, _)| *database == selected.database) {
                Some((_, sum)) => *sum += 1,
                None => sums.push((selected.database, 1)),
            }
        }
    }
    for (at, &(database, sum)) in sums.iter().enumerate() {
        if let Err(reject) = take(shared, database, sum, turn.now_ns) {
            for &(database, sum) in &sums[..at] {
                shared.namespaces.quota(database).give_back(sum);
            }
            return Err(reject);
        }
    }
    Ok(())
}

fn take(shared: &Shared, database: u8, commands: u64, now_ns: u64) -> Result<(), Reject> {
    let taken = shared.namespaces.quota(database).take(commands, now_ns);
    taken.map_err(|exceeded| refusal(shared, database, exceeded))
}

#[cold]
fn refusal(shared: &Shared, database: u8, exceeded: Exceeded) -> Reject {
    let directory = shared.namespaces.directory();
    let (name, Exceeded { per_second, retry_ms }) = (directory.name(database), exceeded);
    Reject::with(
        Kind::Limited,
        format!(
            "LIMIT namespace '{name}' may run {per_second} commands a second: try again in {retry_ms} ms; nothing was changed"
        ),
    )
}

/// The quota that a request over HTTP takes from.
pub struct HttpQuota<'a> {
    pub(crate) shared: &'a Shared,
    pub(crate) selected: Selected,
    pub(crate) now_ns: u64,
}

impl Quota for HttpQuota<'_> {
    fn take(&self, commands: usize) -> Result<(), Fault> {
        let database = self.selected.database;
        let taken = self.shared.namespaces.quota(database).take(commands as u64, self.now_ns);
        taken.map_err(|exceeded| Fault::limited(refusal(self.shared, database, exceeded), exceeded.retry_ms))
    }
}
