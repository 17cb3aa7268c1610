//! Rows of the commands about channels: who listens, and what is said.

use super::{ServerCommand as S, help, row};
use crate::table::{Flags, Group, Keys, Row};

const G: Group = Group::PubSub;
const PUBSUB: Flags = Flags::PUBSUB;
const SAID: Flags = Flags::PUBSUB.union(Flags::FAST);
const CHANNELS: &str = "O(N), N being the number of channels given";
const PATTERNS: &str = "O(N), N being the number of patterns given";
const SAYING: &str = "O(N+M), N being the channel's subscribers and M the number of patterns";

/// The rows.
pub static ROWS: &[Row] = &[
    row("PUBLISH", G, 3, S::Publish).flags(SAID).docs(
        "2.0.0",
        SAYING,
        "channel message",
        "Sends a message to everybody who listens to a channel; answers to how many.",
    ),
    row("SUBSCRIBE", G, -2, S::Subscribe).flags(PUBSUB).docs(
        "2.0.0",
        CHANNELS,
        "channel [channel ...]",
        "Listens to channels.",
    ),
    row("UNSUBSCRIBE", G, -1, S::Unsubscribe).flags(PUBSUB).docs(
        "2.0.0",
        CHANNELS,
        "[channel [channel ...]]",
        "Listens no longer to these channels, or to none.",
    ),
    row("PSUBSCRIBE", G, -2, S::PSubscribe).flags(PUBSUB).docs(
        "2.0.0",
        PATTERNS,
        "pattern [pattern ...]",
        "Listens to all channels whose names match a glob.",
    ),
    row("PUNSUBSCRIBE", G, -1, S::PUnsubscribe).flags(PUBSUB).docs(
        "2.0.0",
        PATTERNS,
        "[pattern [pattern ...]]",
        "Listens no longer to these globs, or to none.",
    ),
    row("SPUBLISH", G, 3, S::SPublish).flags(SAID).keys(Keys::ONE).docs(
        "7.0.0",
        "O(N), N being the channel's subscribers",
        "shardchannel message",
        "Sends a message to everybody who listens to a shard's channel; answers to how many.",
    ),
    row("SSUBSCRIBE", G, -2, S::SSubscribe).flags(PUBSUB).keys(Keys::ALL).docs(
        "7.0.0",
        CHANNELS,
        "shardchannel [shardchannel ...]",
        "Listens to channels of a shard: those whose names have its slots.",
    ),
    row("SUNSUBSCRIBE", G, -1, S::SUnsubscribe).flags(PUBSUB).keys(Keys::ALL).docs(
        "7.0.0",
        CHANNELS,
        "[shardchannel [shardchannel ...]]",
        "Listens no longer to these channels of a shard, or to none.",
    ),
    Row::container("PUBSUB", G, PUBSUB_ROWS).docs(
        "2.8.0",
        "Depends on the subcommand",
        "",
        "Commands about channels and who listens.",
    ),
];

static PUBSUB_ROWS: &[Row] = &[
    row("CHANNELS", G, -2, S::PubSubChannels).flags(PUBSUB).docs(
        "2.8.0",
        "O(N), N being the number of channels",
        "[pattern]",
        "Answers the channels that somebody listens to, or those of them that match a glob.",
    ),
    help(G, Flags::empty(), "6.2.0"),
    row("NUMPAT", G, 2, S::PubSubNumPat).flags(PUBSUB).docs(
        "2.8.0",
        "O(1)",
        "",
        "Answers how many globs somebody listens to.",
    ),
    row("NUMSUB", G, -2, S::PubSubNumSub).flags(PUBSUB).docs(
        "2.8.0",
        CHANNELS,
        "[channel [channel ...]]",
        "Answers how many listen to each of these channels, globs left out.",
    ),
    row("SHARDCHANNELS", G, -2, S::PubSubShardChannels).flags(PUBSUB).docs(
        "7.0.0",
        "O(N), N being the number of channels",
        "[pattern]",
        "Answers the channels of the shard that somebody listens to, or those of them that match a glob.",
    ),
    row("SHARDNUMSUB", G, -2, S::PubSubShardNumSub).flags(PUBSUB).docs(
        "7.0.0",
        CHANNELS,
        "[shardchannel [shardchannel ...]]",
        "Answers how many listen to each of these channels of the shard.",
    ),
];
