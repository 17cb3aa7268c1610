//! `SLOWLOG`: the commands that took long.

use super::{Done, refusal};
use crate::shared::Shared;
use scrubjay_command::{Args, Reject, Reply};

pub(super) fn get(shared: &Shared, args: &Args<'_>, reply: &mut dyn Reply) -> Done {
    let count = match args.len() {
        2 => 10,
        3 => match args.int(2) {
            Ok(-1) => usize::MAX,
            Ok(count) => usize::try_from(count).map_err(|_| refusal("count should be greater than or equal to -1"))?,
            Err(_) => return Err(refusal("count should be greater than or equal to -1")),
        },
        _ => return Err(Reject::arity("slowlog|get")),
    };
    let entries = shared.slowlog.latest(count);
    reply.array(entries.len());
    for entry in entries {
        reply.array(6);
        reply.int(entry.id as i64);
        reply.int(entry.unix_s as i64);
        reply.int(entry.spent_us as i64);
        reply.array(entry.args.len());
        entry.args.iter().for_each(|arg| reply.bulk(arg));
        reply.text(&entry.peer.to_string());
        reply.bulk(&entry.client_name);
    }
    Ok(())
}

pub(super) fn len(shared: &Shared, reply: &mut dyn Reply) -> Done {
    reply.int(shared.slowlog.len() as i64);
    Ok(())
}

pub(super) fn reset(shared: &Shared, reply: &mut dyn Reply) -> Done {
    shared.slowlog.reset();
    reply.ok();
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::testing::{run, session, shared};

    #[test]
    fn entries_come_latest_first_and_no_more_than_the_setting_allows() {
        let shared = shared();
        let mut client = session(&shared, 1000);
        run(&shared, &mut client, "client setname jay");
        run(&shared, &mut client, "config set slowlog-max-len 3");
        for spent_us in 1..=5 {
            shared.slowlog.add(&shared, &client, spent_us, vec![b"keys".to_vec(), b"*".to_vec()]);
        }
        for (line, answer) in [
            ("slowlog len", "3"),
            ("slowlog get 1", "[[4, 1700000000, 5, [keys, *], 127.0.0.1:1000, jay]]"),
            ("slowlog get 0", "[]"),
            ("slowlog get -2", "(error) ERR count should be greater than or equal to -1"),
            ("slowlog reset", "OK"),
            ("slowlog get", "[]"),
        ] {
            assert_eq!(run(&shared, &mut client, line), answer, "{line}");
        }
        shared.slowlog.add(&shared, &client, 9, vec![b"get".to_vec()]);
        assert!(run(&shared, &mut client, "slowlog get -1").starts_with("[[5, "), "numbers go on after a reset");
    }
}
