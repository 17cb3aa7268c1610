//! Clients that wait for a key: in order of arrival, for as long as they said, and without harm when they go.

use crate::support::{Client, TestNode, until};
use scrubjay_server::clients::ClientFlags;

/// A client whose command waits.
fn waiter(node: &TestNode, command: &str) -> Client {
    let (mut client, info) = node.connect_known();
    client.send(format!("{command}\r\n"));
    until("the client waits", || info.flags().contains(ClientFlags::WAITING).then_some(()));
    client
}

fn info(client: &mut Client, expected: &str) {
    client.send("INFO clients\r\n");
    let text = client.reads_bulk();
    assert!(text.contains(expected), "{expected} is not in {text}");
}

#[test]
fn waiters_are_served_in_the_order_of_their_arrival() {
    let node = TestNode::start(&[]);
    let mut waiters: Vec<Client> = (0..5).map(|_| waiter(&node, "BLPOP l 0")).collect();
    let mut pusher = node.connect();
    info(&mut pusher, "blocked_clients:5\r\n");
    for (number, waiter) in waiters.iter_mut().enumerate() {
        pusher.send(format!("RPUSH l {number}\r\n")).hears(":1\r\n");
        waiter.hears(format!("*2\r\n$1\r\nl\r\n$1\r\n{number}\r\n")).pings();
    }
    pusher.send("EXISTS l\r\n").hears(":0\r\n");
    info(&mut pusher, "blocked_clients:0\r\n");
}

#[test]
fn one_push_serves_as_many_as_it_has_elements_for_and_the_rest_stays() {
    let node = TestNode::start(&[]);
    let mut waiters: Vec<Client> = (0..2).map(|_| waiter(&node, "BRPOP l 0")).collect();
    let mut pusher = node.connect();
    pusher.send("RPUSH l a b c\r\nLRANGE l 0 -1\r\n").hears(":3\r\n*1\r\n$1\r\na\r\n");
    waiters[0].hears("*2\r\n$1\r\nl\r\n$1\r\nc\r\n");
    waiters[1].hears("*2\r\n$1\r\nl\r\n$1\r\nb\r\n");
}

#[test]
fn a_pipelined_push_serves_before_the_command_behind_it() {
    let node = TestNode::start(&[]);
    let mut waiting = waiter(&node, "BLPOP l 0");
    node.connect().send("LPUSH l first\r\nLPUSH l second\r\nLLEN l\r\n").hears(":1\r\n:1\r\n:1\r\n");
    waiting.hears("*2\r\n$1\r\nl\r\n$5\r\nfirst\r\n");
}

#[test]
fn what_a_waiter_moves_on_serves_the_next() {
    let node = TestNode::start(&[]);
    let mut last = waiter(&node, "BLPOP c 0");
    let mut second = waiter(&node, "BLMOVE b c LEFT RIGHT 0");
    let mut first = waiter(&node, "BRPOPLPUSH a b 0");
    node.connect().send("RPUSH a x\r\nEXISTS a b c\r\n").hears(":1\r\n:0\r\n");
    first.hears("$1\r\nx\r\n");
    second.hears("$1\r\nx\r\n");
    last.hears("*2\r\n$1\r\nc\r\n$1\r\nx\r\n");
}

#[test]
fn commands_behind_one_that_waits_run_when_it_was_answered() {
    let node = TestNode::start(&[]);
    let mut waiting = waiter(&node, "SET k 1\r\nBLPOP l 0\r\nINCR k\r\nGET k");
    waiting.hears("+OK\r\n");
    waiting.send("INCR k\r\n");
    let mut other = node.connect();
    other.send("GET k\r\nRPUSH l x\r\n").hears("$1\r\n1\r\n:1\r\n");
    waiting.hears("*2\r\n$1\r\nl\r\n$1\r\nx\r\n:2\r\n$1\r\n2\r\n:3\r\n").pings();
}

#[test]
fn a_time_out_is_answered_with_nothing() {
    let node = TestNode::start(&[]);
    let mut waiting = waiter(&node, "BLPOP a b 0.5");
    let mut moving = waiter(&node, "BLMOVE a b LEFT LEFT 0.5");
    node.clock.advance_ms(499);
    node.connect().pings();
    node.clock.advance_ms(1);
    waiting.hears("*-1\r\n").pings();
    moving.hears("$-1\r\n").pings();
    node.connect().send("RPUSH a x\r\nLLEN a\r\n").hears(":1\r\n:1\r\n");
}

#[test]
fn who_hangs_up_while_waiting_takes_nothing() {
    let node = TestNode::start(&[]);
    let gone = waiter(&node, "BLPOP l 0");
    let mut stays = waiter(&node, "BLPOP l 0");
    drop(gone);
    let mut other = node.connect();
    until("only one waits", || {
        other.send("INFO clients\r\n");
        other.reads_bulk().contains("blocked_clients:1\r\n").then_some(())
    });
    other.send("RPUSH l x\r\n").hears(":1\r\n");
    stays.hears("*2\r\n$1\r\nl\r\n$1\r\nx\r\n");
}

#[test]
fn unblock_ends_a_wait_with_nothing_or_with_an_error() {
    let node = TestNode::start(&[]);
    let mut other = node.connect();
    for (reason, answer) in
        [("", "*-1\r\n"), (" TIMEOUT", "*-1\r\n"), (" ERROR", "-UNBLOCKED client unblocked via CLIENT UNBLOCK\r\n")]
    {
        let (mut client, info) = node.connect_known();
        client.send("BLPOP l 0\r\n");
        until("the client waits", || info.flags().contains(ClientFlags::WAITING).then_some(()));
        other.send(format!("CLIENT UNBLOCK {}{reason}\r\n", info.id)).hears(":1\r\n");
        client.hears(answer).pings();
        other.send(format!("CLIENT UNBLOCK {}\r\n", info.id)).hears(":0\r\n");
    }
    other.send("CLIENT UNBLOCK 99999\r\n").hears(":0\r\n");
}

#[test]
fn a_list_that_arrives_by_rename_or_from_a_transaction_serves_too() {
    let node = TestNode::start(&[]);
    let mut other = node.connect();
    let mut waiting = waiter(&node, "BLPOP l 0");
    other.send("RPUSH x 1\r\nRENAME x l\r\n").hears(":1\r\n+OK\r\n");
    waiting.hears("*2\r\n$1\r\nl\r\n$1\r\n1\r\n");
    let mut waiting = waiter(&node, "BLPOP l 0");
    other.send("SET l string\r\nDEL l\r\n").hears("+OK\r\n:1\r\n");
    // Served when the transaction is over, not within it.
    other
        .send("MULTI\r\nRPUSH l 1\r\nLPUSH l 0\r\nLLEN l\r\nEXEC\r\n")
        .hears("+OK\r\n+QUEUED\r\n+QUEUED\r\n+QUEUED\r\n*3\r\n:1\r\n:2\r\n:2\r\n");
    waiting.hears("*2\r\n$1\r\nl\r\n$1\r\n0\r\n");
}

#[test]
fn nobody_waits_inside_a_transaction() {
    let node = TestNode::start(&[]);
    node.connect()
        .send("MULTI\r\nBLPOP l 0\r\nBLMOVE a b LEFT LEFT 0\r\nEXEC\r\n")
        .hears("+OK\r\n+QUEUED\r\n+QUEUED\r\n*2\r\n*-1\r\n$-1\r\n");
}

#[test]
fn many_waiters_and_pushers_lose_and_double_nothing() {
    const EACH: usize = 300;
    let node = TestNode::start(&[]);
    let takers: Vec<_> = (0..4)
        .map(|_| {
            let mut client = node.connect();
            std::thread::spawn(move || {
                (0..EACH)
                    .map(|_| {
                        client.send("BLPOP a b 0\r\n").hears("*2\r\n$1\r\n");
                        client.reads_line();
                        client.reads_bulk()
                    })
                    .collect::<Vec<String>>()
            })
        })
        .collect();
    let pushers: Vec<_> = (0..4)
        .map(|number| {
            let mut client = node.connect();
            std::thread::spawn(move || {
                for item in 0..EACH {
                    let key = if item % 3 == 0 { "a" } else { "b" };
                    client.send(format!("RPUSH {key} {number}-{item}\r\n"));
                    client.reads_line();
                }
            })
        })
        .collect();
    pushers.into_iter().for_each(|pusher| pusher.join().expect("a pusher"));
    let mut taken: Vec<String> = takers.into_iter().flat_map(|taker| taker.join().expect("a taker")).collect();
    taken.sort();
    let mut pushed: Vec<String> =
        (0..4).flat_map(|number| (0..EACH).map(move |item| format!("{number}-{item}"))).collect();
    pushed.sort();
    assert_eq!(taken, pushed);
    node.connect().send("EXISTS a b\r\n").hears(":0\r\n");
}

#[test]
fn sorted_sets_are_waited_for_and_a_list_is_none() {
    let node = TestNode::start(&[]);
    let mut lowest = waiter(&node, "BZPOPMIN a z 0");
    let mut highest = waiter(&node, "BZPOPMAX z 0");
    let mut some = waiter(&node, "BZMPOP 0 2 a z MIN COUNT 5");
    node.connect()
        .send("RPUSH a x\r\nDEL a\r\nZADD z 1 a 2 b 3 c 4 d\r\nEXISTS z\r\n")
        .hears(":1\r\n:1\r\n:4\r\n:0\r\n");
    lowest.hears("*3\r\n$1\r\nz\r\n$1\r\na\r\n$1\r\n1\r\n");
    highest.hears("*3\r\n$1\r\nz\r\n$1\r\nd\r\n$1\r\n4\r\n");
    some.hears("*2\r\n$1\r\nz\r\n*2\r\n*2\r\n$1\r\nb\r\n$1\r\n2\r\n*2\r\n$1\r\nc\r\n$1\r\n3\r\n");
}

#[test]
fn a_key_that_becomes_another_kind_is_passed_over_by_those_who_wait() {
    let node = TestNode::start(&[]);
    let mut list = waiter(&node, "BLPOP a l 0");
    let mut several = waiter(&node, "BLMPOP 0 2 a l LEFT COUNT 2");
    let mut set = waiter(&node, "BZPOPMIN a z 0");
    let mut some = waiter(&node, "BZMPOP 0 2 a z MIN");
    let mut other = node.connect();
    other.send("SET a string\r\nRPUSH l 1 2 3\r\nZADD z 1 m 2 n\r\nTYPE a\r\nEXISTS l z\r\n");
    other.hears("+OK\r\n:3\r\n:2\r\n+string\r\n:0\r\n");
    list.hears("*2\r\n$1\r\nl\r\n$1\r\n1\r\n");
    several.hears("*2\r\n$1\r\nl\r\n*2\r\n$1\r\n2\r\n$1\r\n3\r\n");
    set.hears("*3\r\n$1\r\nz\r\n$1\r\nm\r\n$1\r\n1\r\n");
    some.hears("*2\r\n$1\r\nz\r\n*1\r\n*2\r\n$1\r\nn\r\n$1\r\n2\r\n");
    // It is one of the wrong kind for whoever comes now, even behind those who wait.
    let mut before = waiter(&node, "BLPOP l 0");
    other.send("BLPOP a l 0\r\nBLMPOP 0 2 a l LEFT\r\nBZPOPMIN a z 0\r\n");
    for _ in 0..3 {
        other.hears("-WRONGTYPE Operation against a key holding the wrong kind of value\r\n");
    }
    other.send("DEL a\r\nRPUSH a 1\r\nRPUSH l 2\r\n").hears(":1\r\n:1\r\n:1\r\n");
    before.hears("*2\r\n$1\r\nl\r\n$1\r\n2\r\n");
}

#[test]
fn who_waits_in_a_database_is_served_what_a_swap_brings_there() {
    let node = TestNode::start(&[]);
    let mut other = node.connect();
    let mut waiting = waiter(&node, "BLPOP l 0");
    other.send("SELECT 1\r\nRPUSH l a\r\nSWAPDB 0 1\r\nEXISTS l\r\n").hears("+OK\r\n:1\r\n+OK\r\n:0\r\n");
    waiting.hears("*2\r\n$1\r\nl\r\n$1\r\na\r\n");
    // What is written after the swap, too, and neither before nor in the other database.
    let mut waiting = waiter(&node, "BLPOP l 0");
    other.send("SWAPDB 1 0\r\nRPUSH l b\r\nSELECT 0\r\nRPUSH l c\r\n").hears("+OK\r\n:1\r\n+OK\r\n:1\r\n");
    waiting.hears("*2\r\n$1\r\nl\r\n$1\r\nc\r\n");
    other
        .send("MULTI\r\nRPUSH l d\r\nSELECT 1\r\nDEL l\r\nSWAPDB 0 2\r\nSELECT 0\r\nSWAPDB 0 2\r\nEXEC\r\n")
        .hears("+OK\r\n");
    for _ in 0..6 {
        other.hears("+QUEUED\r\n");
    }
    other.hears("*6\r\n:1\r\n+OK\r\n:1\r\n+OK\r\n+OK\r\n+OK\r\n");
    waiter(&node, "BLPOP nothing 0");
    node.connect().send("BLPOP l 0\r\n").hears("*2\r\n$1\r\nl\r\n$1\r\nd\r\n");
    until("nobody waits any more", || {
        other.send("INFO clients\r\n");
        other.reads_bulk().contains("blocked_clients:0\r\n").then_some(())
    });
}

#[test]
fn a_wait_for_very_many_keys_costs_a_look_at_each_and_not_a_try_for_each() {
    let node = TestNode::start(&[]);
    let keys: String = (0..30_000).map(|number| format!("$6\r\nq{number:05}\r\n")).collect();
    let (mut client, info) = node.connect_known();
    client.send(format!("*30002\r\n$5\r\nBLPOP\r\n{keys}$1\r\n0\r\n"));
    until("the client waits", || info.flags().contains(ClientFlags::WAITING).then_some(()));
    node.connect().send("RPUSH q29999 x\r\n").hears(":1\r\n");
    client.hears("*2\r\n$6\r\nq29999\r\n$1\r\nx\r\n").pings();
}
