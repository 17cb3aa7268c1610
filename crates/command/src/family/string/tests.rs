//! Dialogues with the string commands.

use super::*;
use crate::family::key::{Delete, Deleted};
use crate::family::testing::{Node, START_MS};
use crate::reject::Reject;
use scrubjay_store::{Flags as EntryFlags, flags};

#[test]
fn set_writes_and_get_reads() {
    Node::new().check(&[
        ("get a", "nil"),
        ("set a 1", "+OK"),
        ("get a", "\"1\""),
        ("SET a \"\"", "+OK"),
        ("GET a", "\"\""),
        ("set \"\" x", "+OK"),
        ("get \"\"", "\"x\""),
        ("set a", "-ERR wrong number of arguments for 'set' command"),
        ("get a b", "-ERR wrong number of arguments for 'get' command"),
    ]);
}

#[test]
fn set_obeys_its_conditions() {
    Node::new().check(&[
        ("set a 1 xx", "nil"),
        ("get a", "nil"),
        ("set a 1 nx", "+OK"),
        ("set a 2 NX", "nil"),
        ("set a 2 NX GET", "\"1\""),
        ("set a 2 XX GET", "\"1\""),
        ("set b 2 XX GET", "nil"),
        ("set b 2 NX GET", "nil"),
        ("get b", "\"2\""),
        ("set a 3 nx xx", "-ERR syntax error"),
        ("set a 3 IFEQ 1", "nil"),
        ("set a 3 IFEQ 2", "+OK"),
        ("set a 4 IFEQ 2 GET", "\"3\""),
        ("set a 4 IFEQ 3 GET", "\"3\""),
        ("set none 4 IFEQ 3", "nil"),
        ("set a 5 IFNE 4", "nil"),
        ("set a 5 IFNE 3", "+OK"),
        ("set none 5 IFNE 3", "+OK"),
        ("set a 5 IFNE 3 IFEQ 3", "-ERR syntax error"),
        ("set a 5 NX IFEQ 3", "-ERR syntax error"),
        ("set a 5 IFEQ", "-ERR syntax error"),
        ("set a 5 IFDEQ 12", "-ERR must be exactly 16 hexadecimal characters"),
        ("set a 5 bogus", "-ERR syntax error"),
    ]);
}

#[test]
fn set_compares_digests_in_any_case() {
    let node = Node::new();
    node.check(&[("digest a", "nil"), ("set a hello", "+OK")]);
    let digest = node.run("digest a");
    let digest = digest.trim_matches('"');
    // The reference value of XXH3 over "hello" with seed 0.
    assert_eq!(digest, "9555e8555c62dcfd");
    node.check(&[
        (&format!("set a x IFDNE {digest}"), "nil"),
        (&format!("set a x IFDEQ {}", digest.to_uppercase()), "+OK"),
        (&format!("set a y IFDEQ {digest}"), "nil"),
        (&format!("set none y IFDEQ {digest}"), "nil"),
        (&format!("set none y IFDNE {digest}"), "+OK"),
        (&format!("delex a IFDEQ {digest}"), "0"),
        (&format!("delex a IFDNE {digest}"), "1"),
    ]);
}

#[test]
fn set_reads_every_form_of_deadline() {
    let mut node = Node::new();
    let later = START_MS + 5000;
    node.check(&[
        ("set a 1 EX 10", "+OK"),
        ("pttl a", "10000"),
        ("set a 1 PX 1500", "+OK"),
        ("pttl a", "1500"),
        ("ttl a", "2"),
        (&format!("set a 1 EXAT {}", later / 1000), "+OK"),
        ("pttl a", "5000"),
        (&format!("set a 1 PXAT {later}"), "+OK"),
        ("pexpiretime a", &later.to_string()),
        ("set a 2 KEEPTTL", "+OK"),
        ("pttl a", "5000"),
        ("set a 2", "+OK"),
        ("pttl a", "-1"),
        ("set a 3 PXAT 1", "+OK"),
        ("get a", "nil"),
        ("set a 3 EX 100 EX 1", "+OK"),
        ("pttl a", "1000"),
    ]);
    node.now_ms += 1000;
    node.check(&[("get a", "nil"), ("ttl a", "-2")]);
}

#[test]
fn set_refuses_deadlines_in_the_words_of_redis() {
    let invalid = "-ERR invalid expire time in 'set' command";
    Node::new().check(&[
        ("set a 1 EX 0", invalid),
        ("set a 1 PX -1", invalid),
        ("set a 1 EX 9223372036854775807", invalid),
        ("set a 1 EX 9223372036854776", invalid),
        ("set a 1 EX -9223372036854775808", invalid),
        ("set a 1 PX 9223372036854775807", invalid),
        ("set a 1 EXAT 9223372036854775807", invalid),
        ("set a 1 EX abc", "-ERR value is not an integer or out of range"),
        ("set a 1 EX", "-ERR syntax error"),
        ("set a 1 EX 1 PX 1", "-ERR syntax error"),
        ("set a 1 EX 1 KEEPTTL", "-ERR syntax error"),
        ("set a 1 KEEPTTL PX 1", "-ERR syntax error"),
        ("set a 1 PERSIST", "-ERR syntax error"),
        ("get a", "nil"),
    ]);
}

#[test]
fn older_forms_of_set_answer_as_ever() {
    Node::new().check(&[
        ("setnx a 1", "1"),
        ("setnx a 2", "0"),
        ("get a", "\"1\""),
        ("setex a 10 v", "+OK"),
        ("ttl a", "10"),
        ("psetex a 1500 w", "+OK"),
        ("pttl a", "1500"),
        ("setex a 0 v", "-ERR invalid expire time in 'setex' command"),
        ("psetex a -5 v", "-ERR invalid expire time in 'psetex' command"),
        ("setex a x v", "-ERR value is not an integer or out of range"),
        ("getset a new", "\"w\""),
        ("pttl a", "-1"),
        ("getset none x", "nil"),
        ("getdel none", "\"x\""),
        ("getdel none", "nil"),
    ]);
}

#[test]
fn getex_moves_the_deadline_after_reading() {
    Node::new().check(&[
        ("getex a EX 5", "nil"),
        ("getex a EX 0", "nil"),
        ("getex a EX 0 PX 0", "-ERR syntax error"),
        ("set a 1", "+OK"),
        ("getex a", "\"1\""),
        ("ttl a", "-1"),
        ("getex a EX 5", "\"1\""),
        ("pttl a", "5000"),
        ("getex a PERSIST", "\"1\""),
        ("pttl a", "-1"),
        ("getex a PX 0", "-ERR invalid expire time in 'getex' command"),
        ("getex a KEEPTTL", "-ERR syntax error"),
        ("getex a PERSIST EX 1", "-ERR syntax error"),
        ("getex a EX", "-ERR syntax error"),
        ("getex a PXAT 1", "\"1\""),
        ("get a", "nil"),
    ]);
}

#[test]
fn many_keys_are_written_and_read_at_once() {
    Node::new().check(&[
        ("mset a 1 b 2 a 3", "+OK"),
        ("mget a b c a", "[\"3\" \"2\" nil \"3\"]"),
        ("mset a 1 b", "-ERR wrong number of arguments for 'mset' command"),
        ("msetnx c 1 a 1", "0"),
        ("get c", "nil"),
        ("msetnx c 1 d 1 c 2", "1"),
        ("mget c d", "[\"2\" \"1\"]"),
        ("msetnx c 1 d", "-ERR wrong number of arguments for 'msetnx' command"),
    ]);
}

#[test]
fn a_hundred_keys_are_read_in_their_order() {
    let node = Node::new();
    let keys: Vec<String> = (0..100).map(|i| format!("key:{i}")).collect();
    let pairs: Vec<String> = keys.iter().map(|key| format!("{key} v-{key}")).collect();
    node.run(&format!("mset {}", pairs.join(" ")));
    let expected: Vec<String> = keys.iter().map(|key| format!("\"v-{key}\"")).collect();
    assert_eq!(node.run(&format!("mget {}", keys.join(" "))), format!("[{}]", expected.join(" ")));
}

#[test]
fn parts_are_read_and_written_at_offsets() {
    Node::new().check(&[
        ("append a \"\"", "0"),
        ("exists a", "1"),
        ("append a Hello", "5"),
        ("append a ,x", "7"),
        ("strlen a", "7"),
        ("strlen none", "0"),
        ("getrange a 0 -1", "\"Hello,x\""),
        ("getrange a -2 -1", "\",x\""),
        ("getrange a 5 100", "\",x\""),
        ("getrange a 3 1", "\"\""),
        ("getrange a -1 -2", "\"\""),
        ("getrange a -100 1", "\"He\""),
        ("getrange a 0 -100", "\"H\""),
        ("getrange a 9223372036854775807 9223372036854775807", "\"\""),
        ("getrange a -9223372036854775808 9223372036854775807", "\"Hello,x\""),
        ("getrange none 0 -1", "\"\""),
        ("getrange a x 1", "-ERR value is not an integer or out of range"),
        ("substr a 0 0", "\"H\""),
        ("setrange a 1 EL", "7"),
        ("get a", "\"HELlo,x\""),
        ("setrange a 9 z", "10"),
        ("get a", "\"HELlo,x\\x00\\x00z\""),
        ("setrange none 5 \"\"", "0"),
        ("exists none", "0"),
        ("setrange a 5 \"\"", "10"),
        ("setrange a -1 x", "-ERR offset is out of range"),
        ("setrange a 536870912 x", "-ERR string exceeds maximum allowed size (proto-max-bulk-len)"),
        ("setrange a 9223372036854775807 x", "-ERR string exceeds maximum allowed size (proto-max-bulk-len)"),
    ]);
}

#[test]
fn parts_keep_the_deadline() {
    Node::new().check(&[("set a 1 EX 5", "+OK"), ("append a 2", "2"), ("setrange a 0 9", "2"), ("pttl a", "5000")]);
}

#[test]
fn values_beyond_the_limit_are_refused_and_change_nothing() {
    let mut node = Node::new();
    node.value_bytes_max = 4;
    let too_long = "-ERR string exceeds maximum allowed size (proto-max-bulk-len)";
    node.check(&[
        ("set a 12345", too_long),
        ("mset a 1 b 12345", too_long),
        ("exists a b", "0"),
        ("append a 1234", "4"),
        ("append a 5", too_long),
        ("setrange a 4 5", too_long),
        ("get a", "\"1234\""),
    ]);
}

#[test]
fn keys_beyond_the_limit_are_refused_by_every_command_that_names_one() {
    let node = Node::new();
    let key = vec![b'k'; scrubjay_store::KEY_BYTES_MAX + 1];
    let refused = format!("-{}", Reject::key_too_long(scrubjay_store::KEY_BYTES_MAX));
    for words in [
        vec![&b"set"[..], &key, b"v"],
        vec![b"get", &key],
        vec![b"mget", b"a", &key],
        vec![b"mset", b"a", b"1", &key, b"2"],
        vec![b"del", &key],
        vec![b"rename", b"a", &key],
        vec![b"incr", &key],
        vec![b"setbit", &key, b"1", b"1"],
        vec![b"bitop", b"not", &key, b"a"],
    ] {
        assert_eq!(node.call(&words), refused, "{:?}", words[0].escape_ascii().to_string());
    }
    assert_eq!(node.run("dbsize"), "0");
    assert_eq!(node.call(&[b"set", &key[1..], b"v"]), "+OK");
}

#[test]
fn deletions_on_a_condition_compare_the_value() {
    Node::new().check(&[
        ("mset a 1 b 2", "+OK"),
        ("delifeq a 2", "0"),
        ("delifeq a 1", "1"),
        ("delifeq a 1", "0"),
        ("delex b IFEQ 1", "0"),
        ("delex b IFNE 2", "0"),
        ("delex b ifne 1", "1"),
        ("delex b", "0"),
        ("set b 2", "+OK"),
        ("delex b", "1"),
        ("delex b IFEQ", "-ERR wrong number of arguments for 'delex' command"),
        ("delex b XX 1", "-ERR Invalid condition. Use IFEQ, IFNE, IFDEQ, or IFDNE"),
    ]);
}

#[test]
fn lcs_finds_what_redis_finds() {
    Node::new().check(&[
        ("mset a ohmytext b mynewtext", "+OK"),
        ("lcs a b", "\"mytext\""),
        ("lcs a b LEN", "6"),
        ("lcs a b IDX", "{\"matches\": [[[4 7] [5 8]] [[2 3] [0 1]]], \"len\": 6}"),
        ("lcs a b IDX MINMATCHLEN 4", "{\"matches\": [[[4 7] [5 8]]], \"len\": 6}"),
        ("lcs a b IDX MINMATCHLEN 4 WITHMATCHLEN", "{\"matches\": [[[4 7] [5 8] 4]], \"len\": 6}"),
        ("lcs a none", "\"\""),
        ("lcs none none IDX", "{\"matches\": [], \"len\": 0}"),
        ("lcs a b LEN IDX", "-ERR If you want both the length and indexes, please just use IDX."),
        ("lcs a b MINMATCHLEN", "-ERR syntax error"),
        ("lcs a b MINMATCHLEN x", "-ERR value is not an integer or out of range"),
    ]);
}

#[test]
fn lcs_refuses_values_whose_table_would_not_fit_the_limit() {
    let mut node = Node::new();
    node.value_bytes_max = 4 * 11 * 11;
    node.check(&[
        ("mset a 0123456789 b 0123456789 c 01234567890", "+OK"),
        ("lcs a b LEN", "10"),
        ("lcs a c LEN", "-ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len"),
    ]);
}

/// Passes one version, or what is not there.
#[derive(Debug)]
struct At(Option<u64>);

impl VersionTest for At {
    fn permits(&self, version: Option<u64>) -> bool {
        version == self.0
    }
}

#[test]
fn set_tells_typed_callers_what_was_there_and_which_version_is_now() {
    let node = Node::new();
    let cx = node.context();
    let first = Set { version: true, ..Set::new(b"k", b"1") }.run(&cx).expect("room");
    let version = first.version.expect("asked for");
    assert_eq!(first.existed, None, "a plain write does not look");
    let at = At(Some(version));
    let stale = Set { condition: Condition::Version(&At(Some(version + 1))), ..Set::new(b"k", b"2") };
    let outcome = stale.run(&cx).expect("room");
    assert_eq!((outcome.stored, outcome.existed), (false, Some(true)));
    let missing = Set { condition: Condition::Version(&at), ..Set::new(b"none", b"2") };
    let outcome = missing.run(&cx).expect("room");
    assert_eq!((outcome.stored, outcome.existed), (false, Some(false)));
    let fresh = Set { condition: Condition::Version(&at), get: true, version: true, ..Set::new(b"k", b"2") };
    let outcome = fresh.run(&cx).expect("room");
    assert!(outcome.stored && outcome.version.is_some_and(|now| now > version));
    assert_eq!(outcome.previous.as_deref(), Some(&b"1"[..]));
    let made = Set { condition: Condition::Version(&At(None)), ..Set::new(b"new", b"3") };
    assert!(made.run(&cx).expect("room").stored);
}

#[test]
fn a_key_is_deleted_only_at_the_version_that_was_read() {
    let node = Node::new();
    let cx = node.context();
    let set = Set { version: true, ..Set::new(b"k", b"1") };
    let first = At(set.run(&cx).expect("room").version);
    let second = At(set.run(&cx).expect("room").version);
    assert_ne!(first.0, second.0);
    let delete = |test| Delete { key: b"k", condition: Condition::Version(test) }.run(&cx);
    assert_eq!(delete(&first), Ok(Deleted::Refused));
    assert_eq!(delete(&second), Ok(Deleted::Yes));
    assert_eq!(delete(&second), Ok(Deleted::Refused));
    assert_eq!(delete(&At(None)), Ok(Deleted::Missing));
}

#[test]
fn a_batch_can_be_refused_before_anything_changes() {
    let mut node = Node::new();
    node.value_bytes_max = 100;
    let cx = node.context();
    assert_eq!(Set::new(b"k", &[0; 101]).check(&cx), Err(Reject::STRING_TOO_LONG));
    let long = vec![0; cx.key_bytes_max + 1];
    assert_eq!(Set::new(&long, b"").check(&cx), Err(Reject::key_too_long(cx.key_bytes_max)));
    assert_eq!(Set::new(b"k", &[0; 100]).check(&cx), Ok(()));
}

#[test]
fn a_part_written_takes_the_mark_of_json_or_a_number_away_and_leaves_others() {
    let node = Node::new();
    for (mark, after) in [(flags::JSON, flags::NONE), (flags::INT, flags::NONE), (flags::STR, flags::STR), (77, 77)] {
        let mut cx = node.context();
        for command in ["append k 1", "setrange k 0 7", "setbit k 6 1", "bitfield k incrby u8 0 1"] {
            let set = Set { flags: EntryFlags::Set(mark), expiry: Expiry::InMs(500), ..Set::new(b"k", b"12") };
            set.run(&cx).expect("room");
            node.run(command);
            let found = Get { key: b"k" }.run(&mut cx, |entry| entry.map(|entry| entry.flags()));
            assert_eq!(found, Ok(Some(after)), "{command} on {mark:#x}");
            assert_eq!(node.run("pttl k"), "500");
        }
    }
}

#[test]
fn the_default_lifetime_is_given_to_new_entries_only() {
    let node = Node::new();
    node.store.set_default_ttl_ms(9000);
    node.check(&[
        ("set a 1", "+OK"),
        ("pttl a", "9000"),
        ("persist a", "1"),
        ("incr a", "2"),
        ("append a 0", "2"),
        ("pttl a", "-1"),
        ("incr n", "1"),
        ("pttl n", "9000"),
        ("set a 1 KEEPTTL", "+OK"),
        ("pttl a", "-1"),
    ]);
}

#[test]
fn readers_of_many_keys_see_all_of_a_write_of_many_keys_or_nothing() {
    let node = Node::new();
    node.run("mset a 0 b 0 c 0");
    std::thread::scope(|scope| {
        for writer in 0..2 {
            let node = &node;
            scope.spawn(move || {
                for round in 0..2000 {
                    let value = writer * 10_000 + round;
                    // In another order each, so that the order of locks is not that of the arguments.
                    let line = if writer == 0 { "mset a # b # c #" } else { "mset c # a # b #" };
                    assert_eq!(node.run(&line.replace('#', &value.to_string())), "+OK");
                }
            });
        }
        for _ in 0..4000 {
            let crate::Value::Array(values) = node.value(&[b"mget", b"b", b"c", b"a"]) else { panic!("an array") };
            assert!(values.windows(2).all(|pair| pair[0] == pair[1]), "{values:?}");
        }
    });
}
