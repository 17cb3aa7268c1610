//! The commands that need the session, the settings, other clients or the process.
//!
//! One file per area. A handler says its whole answer to `reply`, or returns a refusal, having changed and said nothing.
//! For a subcommand, `args` is the whole command: `args[0]` is the container's name, `args[1]` the subcommand's.

mod acl;
mod client;
mod client_filter;
mod commands;
mod config;
mod connection;
mod insight;
mod latency;
mod memory;
mod namespace;
mod node;
mod pubsub;
mod slowlog;
mod tracking;

use crate::pubsub::subscriptions::Family;
use crate::session::Session;
use crate::shared::Shared;
use crate::transaction;
use scrubjay_command::server::{ServerCommand, help_lines};
use scrubjay_command::{Args, Kind, Reject, Reply, index};

type Done = Result<(), Reject>;

/// Runs `command`: says its whole answer to `reply`, or returns a refusal, having changed and said nothing. `SHUTDOWN` and
/// `CLIENT REPLY` may say nothing at all.
pub fn run(
    command: ServerCommand,
    shared: &Shared,
    session: &mut Session,
    args: &Args<'_>,
    reply: &mut dyn Reply,
) -> Result<(), Reject> {
    use ServerCommand as S;
    match command {
        S::Ping => connection::ping(session, args, reply),
        S::Echo => connection::echo(args, reply),
        S::Hello => connection::hello(shared, session, args, reply),
        S::Auth => connection::auth(shared, session, args, reply),
        S::Quit => connection::quit(session, reply),
        S::Multi => transaction::begin(session, reply),
        S::Exec => unreachable!("dispatch runs it, with more at hand"),
        S::Discard => transaction::discard(shared, session, reply),
        S::Watch => transaction::watch(shared, session, args, reply),
        S::Unwatch => {
            transaction::unwatch(shared, session);
            reply.ok();
            Ok(())
        }
        S::Reset => connection::reset(shared, session, reply),
        S::Select => connection::select(shared, session, args, reply),
        S::ClientGetName => client::get_name(session, reply),
        S::ClientCaching => tracking::caching(session, args, reply),
        S::ClientGetRedir => tracking::get_redir(session, reply),
        S::ClientId => client::id(session, reply),
        S::ClientInfo => client::info(shared, session, reply),
        S::ClientKill => client::kill(shared, session, args, reply),
        S::ClientList => client::list(shared, session, args, reply),
        S::ClientNoEvict => client::no_evict(session, args, reply),
        S::ClientNoTouch => client::no_touch(session, args, reply),
        S::ClientPause => client::pause(shared, args, reply),
        S::ClientReply => client::reply_mode(session, args, reply),
        S::ClientSetInfo => client::set_info(session, args, reply),
        S::ClientSetName => client::set_name(session, args, reply),
        S::ClientTracking => tracking::tracking(shared, session, args, reply),
        S::ClientTrackingInfo => tracking::tracking_info(session, reply),
        S::ClientUnblock => client::unblock(shared, args, reply),
        S::ClientUnpause => client::unpause(shared, reply),
        S::Command => commands::all(reply),
        S::CommandCount => commands::count(reply),
        S::CommandDocs => commands::docs(args, reply),
        S::CommandGetKeys => commands::get_keys(args, reply),
        S::CommandGetKeysAndFlags => commands::get_keys_and_flags(args, reply),
        S::CommandInfo => commands::info(args, reply),
        S::CommandList => commands::list(args, reply),
        S::ConfigGet => config::get(shared, args, reply),
        S::ConfigResetStat => config::reset_stat(shared, reply),
        S::ConfigRewrite => config::rewrite(shared, reply),
        S::ConfigSet => config::set(shared, args, reply),
        S::Info => node::info(shared, args, reply),
        S::MemoryDoctor => memory::doctor(shared, reply),
        S::MemoryMallocStats => memory::malloc_stats(shared, reply),
        S::MemoryPurge => memory::purge(shared, reply),
        S::MemoryStats => memory::stats(shared, reply),
        S::MemoryUsage => memory::usage(shared, session, args, reply),
        S::SlowlogGet => slowlog::get(shared, args, reply),
        S::SlowlogLen => slowlog::len(shared, reply),
        S::SlowlogReset => slowlog::reset(shared, reply),
        S::LatencyDoctor => latency::doctor(shared, reply),
        S::LatencyGraph => latency::graph(shared, args, reply),
        S::LatencyHistogram => latency::histogram(shared, args, reply),
        S::LatencyHistory => latency::history(shared, args, reply),
        S::LatencyLatest => latency::latest(shared, reply),
        S::LatencyReset => latency::reset(shared, args, reply),
        S::AclCat => acl::cat(args, reply),
        S::AclUsers => acl::users(reply),
        S::AclWhoAmI => acl::who_am_i(reply),
        S::Cluster => node::cluster(args, reply),
        S::Monitor => node::monitor(shared, session, reply),
        S::Role => node::role(reply),
        S::Time => node::time(shared, reply),
        S::LastSave => node::last_save(shared, reply),
        S::Wait => node::wait(args, reply),
        S::Shutdown => node::shutdown(shared, session, args, reply),
        S::Subscribe => pubsub::subscribe(shared, session, Family::Channel, args, reply),
        S::Unsubscribe => pubsub::unsubscribe(shared, session, Family::Channel, args, reply),
        S::PSubscribe => pubsub::subscribe(shared, session, Family::Pattern, args, reply),
        S::PUnsubscribe => pubsub::unsubscribe(shared, session, Family::Pattern, args, reply),
        S::SSubscribe => pubsub::subscribe(shared, session, Family::Shard, args, reply),
        S::SUnsubscribe => pubsub::unsubscribe(shared, session, Family::Shard, args, reply),
        S::Publish => pubsub::publish(shared, session, args, reply),
        S::SPublish => pubsub::publish_to_shard(shared, session, args, reply),
        S::PubSubChannels => pubsub::channels(shared, Family::Channel, args, reply),
        S::PubSubNumPat => pubsub::patterns(shared, reply),
        S::PubSubNumSub => pubsub::subscribers(shared, Family::Channel, args, reply),
        S::PubSubShardChannels => pubsub::channels(shared, Family::Shard, args, reply),
        S::PubSubShardNumSub => pubsub::subscribers(shared, Family::Shard, args, reply),
        S::JayHotKeys => insight::hot_keys(shared, args, reply),
        S::JayBigKeys => insight::big_keys(shared, args, reply),
        S::JayMemoryHistogram => insight::histogram(shared, session, args, reply),
        S::JayMemoryPrefixes => insight::prefixes(shared, session, args, reply),
        S::JayNamespaceDrop => namespace::drop(shared, args, reply),
        S::JayNamespaceGet => namespace::get(shared, args, reply),
        S::JayNamespaceList => namespace::list(shared, reply),
        S::JayNamespaceSet => namespace::set(shared, args, reply),
        S::Help => help(args, reply),
    }
}

/// `HELP` of any container: made from the table.
fn help(args: &Args<'_>, reply: &mut dyn Reply) -> Done {
    let container = index::find(args.at(0)).ok_or(Reject::SYNTAX)?;
    let lines = help_lines(container);
    reply.array(lines.len());
    lines.iter().for_each(|line| reply.text(line));
    Ok(())
}

/// `ON` or `OFF` at `index`.
fn on_off(args: &Args<'_>, index: usize) -> Result<bool, Reject> {
    match args {
        _ if args.is(index, "on") => Ok(true),
        _ if args.is(index, "off") => Ok(false),
        _ => Err(Reject::SYNTAX),
    }
}

/// `ERR ` and a sentence.
fn refusal(sentence: impl std::fmt::Display) -> Reject {
    Reject::with(Kind::BadRequest, format!("ERR {sentence}"))
}

/// What a client wrote, fit for an error line.
fn shown(bytes: &[u8]) -> String {
    String::from_utf8_lossy(&bytes[..bytes.len().min(128)]).replace(['\r', '\n'], " ")
}
