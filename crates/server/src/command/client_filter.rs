//! Which clients `CLIENT LIST` shows and `CLIENT KILL` closes.

use super::{refusal, shown};
use crate::clients::ClientInfo;
use scrubjay_base::clock::UnixMs;
use scrubjay_command::args::parse_int;
use scrubjay_command::{Args, Reject};

/// Conditions that must all hold; those that are not given hold always.
#[derive(Default)]
pub(super) struct Filter {
    ids: Option<Vec<u64>>,
    peer: Option<String>,
    local: Option<String>,
    /// Of which kind.
    kind: Option<Kind>,
    age_s_min: Option<u64>,
    spared: Option<u64>,
}

impl Filter {
    /// Whether `info` is meant.
    pub fn matches(&self, info: &ClientInfo, now_ms: UnixMs) -> bool {
        self.kind.as_ref().is_none_or(|kind| kind.matches(info))
            && self.ids.as_ref().is_none_or(|ids| ids.contains(&info.id))
            && self.peer.as_ref().is_none_or(|peer| *peer == info.peer.to_string())
            && self.local.as_ref().is_none_or(|local| *local == info.local.to_string())
            && self.age_s_min.is_none_or(|age_s| now_ms.saturating_sub(info.created_ms) / 1000 >= age_s)
            && self.spared != Some(info.id)
    }

    /// The filter of `CLIENT LIST [TYPE type] [ID id ...]`.
    pub fn of_list(args: &Args<'_>) -> Result<Filter, Reject> {
        let mut filter = Filter::default();
        let mut at = 2;
        while at < args.len() {
            if args.is(at, "type") && at + 1 < args.len() {
                filter.kind = Some(Kind::named(args.at(at + 1))?);
                at += 2;
            } else if args.is(at, "id") && at + 1 < args.len() {
                let ids = args.from(at + 1).map(|id| parse_int(id).filter(|&id| id > 0).map(|id| id as u64));
                filter.ids = Some(ids.collect::<Option<_>>().ok_or_else(|| refusal("Invalid client ID"))?);
                at = args.len();
            } else {
                return Err(Reject::SYNTAX);
            }
        }
        Ok(filter)
    }

    /// The filter of `CLIENT KILL`, sent by client `own`, and whether the answer is a count: the old form, with nothing
    /// but an address, answers `OK` and may hit the sender.
    pub fn of_kill(args: &Args<'_>, own: u64) -> Result<(Filter, bool), Reject> {
        if args.len() == 3 {
            return Ok((Filter { peer: Some(text(args.at(2))), ..Filter::default() }, false));
        }
        let mut filter = Filter { spared: Some(own), ..Filter::default() };
        if !args.len().is_multiple_of(2) {
            return Err(Reject::SYNTAX);
        }
        for at in (2..args.len()).step_by(2) {
            let value = args.at(at + 1);
            if args.is(at, "id") {
                let id = parse_int(value).filter(|&id| id > 0);
                filter.ids = Some(vec![id.ok_or_else(|| refusal("client-id should be greater than 0"))? as u64]);
            } else if args.is(at, "type") {
                filter.kind = Some(Kind::named(value)?);
            } else if args.is(at, "addr") {
                filter.peer = Some(text(value));
            } else if args.is(at, "laddr") {
                filter.local = Some(text(value));
            } else if args.is(at, "user") {
                if value != b"default" {
                    return Err(refusal(format_args!("No such user '{}'", shown(value))));
                }
            } else if args.is(at, "skipme") {
                filter.spared = match value {
                    _ if value.eq_ignore_ascii_case(b"yes") => Some(own),
                    _ if value.eq_ignore_ascii_case(b"no") => None,
                    _ => return Err(Reject::SYNTAX),
                };
            } else if args.is(at, "maxage") {
                let age_s = parse_int(value).and_then(|age_s| u64::try_from(age_s).ok());
                filter.age_s_min = Some(age_s.ok_or_else(|| refusal("maxage is not an integer or out of range"))?);
            } else {
                return Err(Reject::SYNTAX);
            }
        }
        Ok((filter, true))
    }
}

/// A kind of client.
enum Kind {
    Normal,
    Subscriber,
    /// One that exists in Redis and has no members here: replicas, masters.
    Absent,
}

impl Kind {
    fn named(kind: &[u8]) -> Result<Kind, Reject> {
        match kind.to_ascii_lowercase().as_slice() {
            b"normal" => Ok(Kind::Normal),
            b"pubsub" => Ok(Kind::Subscriber),
            b"master" | b"slave" | b"replica" => Ok(Kind::Absent),
            _ => Err(refusal(format_args!("Unknown client type '{}'", shown(kind)))),
        }
    }

    fn matches(&self, info: &ClientInfo) -> bool {
        match self {
            Kind::Normal => !info.is_subscriber(),
            Kind::Subscriber => info.is_subscriber(),
            Kind::Absent => false,
        }
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
