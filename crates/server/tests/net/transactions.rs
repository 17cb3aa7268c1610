//! Transactions: all or nothing, and nobody in between.

use crate::support::TestNode;

#[test]
fn commands_are_kept_and_run_together() {
    let node = TestNode::start(&[]);
    let (mut client, mut other) = (node.connect(), node.connect());
    client.send("MULTI\r\nSET k 1\r\nINCR k\r\nGET k\r\n").hears("+OK\r\n+QUEUED\r\n+QUEUED\r\n+QUEUED\r\n");
    other.send("EXISTS k\r\n").hears(":0\r\n");
    client.send("EXEC\r\n").hears("*3\r\n+OK\r\n:2\r\n$1\r\n2\r\n");
    other.send("GET k\r\n").hears("$1\r\n2\r\n");
    client.send("EXEC\r\n").hears("-ERR EXEC without MULTI\r\n");
    client.send("DISCARD\r\n").hears("-ERR DISCARD without MULTI\r\n");
    client.send("MULTI\r\nSET k 3\r\nDISCARD\r\nGET k\r\n").hears("+OK\r\n+QUEUED\r\n+OK\r\n$1\r\n2\r\n");
    client.send("MULTI\r\nEXEC\r\n").hears("+OK\r\n*0\r\n").pings();
}

#[test]
fn a_refused_command_breaks_the_whole_and_a_failing_one_only_itself() {
    let node = TestNode::start(&[]);
    let mut client = node.connect();
    client
        .send("MULTI\r\nSET k 1\r\nNOSUCH\r\nEXEC\r\nEXISTS k\r\n")
        .hears("+OK\r\n+QUEUED\r\n-ERR unknown command 'NOSUCH', with args beginning with: \r\n")
        .hears("-EXECABORT Transaction discarded because of previous errors.\r\n:0\r\n");
    client
        .send("MULTI\r\nGET\r\nEXEC\r\n")
        .hears("+OK\r\n-ERR wrong number of arguments for 'get' command\r\n")
        .hears("-EXECABORT Transaction discarded because of previous errors.\r\n");
    client
        .send("MULTI\r\nSET k x\r\nINCR k\r\nRPUSH l 1\r\nEXEC\r\n")
        .hears("+OK\r\n+QUEUED\r\n+QUEUED\r\n+QUEUED\r\n")
        .hears("*3\r\n+OK\r\n-ERR value is not an integer or out of range\r\n:1\r\n");
    client
        .send("MULTI\r\nMULTI\r\nWATCH k\r\nGET k\r\nEXEC\r\n")
        .hears("+OK\r\n-ERR MULTI calls can not be nested\r\n-ERR WATCH inside MULTI is not allowed\r\n+QUEUED\r\n")
        .hears("*1\r\n$1\r\nx\r\n");
}

#[test]
fn a_watched_key_that_changes_stops_the_transaction() {
    let node = TestNode::start(&[]);
    let (mut client, mut other) = (node.connect(), node.connect());
    for (before, change, after) in [
        ("SET k 1", "SET k 2", "+OK\r\n"),
        ("SET k 1", "DEL k", ":1\r\n"),
        ("SET k 1", "EXPIRE k 100", ":1\r\n"),
        ("SET k 1", "APPEND k x", ":2\r\n"),
        ("SET k 1", "FLUSHALL", "+OK\r\n"),
        ("SET k 1", "RENAME k j", "+OK\r\n"),
        ("SET k 1", "SWAPDB 0 1", "+OK\r\n"),
        ("SET j 1", "RPUSH k 1", ":1\r\n"),
    ] {
        client.send(format!("FLUSHALL\r\n{before}\r\nWATCH a k b\r\n")).hears("+OK\r\n+OK\r\n+OK\r\n");
        other.send(format!("{change}\r\n")).hears(after);
        client.send("MULTI\r\nSET done 1\r\nEXEC\r\n").hears("+OK\r\n+QUEUED\r\n*-1\r\n");
        client.send("MULTI\r\nSET done 1\r\nEXEC\r\n").hears("+OK\r\n+QUEUED\r\n*1\r\n+OK\r\n");
    }
    client.send("DEL k\r\nWATCH k\r\n");
    client.reads_line();
    client.hears("+OK\r\n");
    other.send("SET unrelated 1\r\nGET k\r\n").hears("+OK\r\n$-1\r\n");
    client.send("MULTI\r\nSET k 1\r\nEXEC\r\n").hears("+OK\r\n+QUEUED\r\n*1\r\n+OK\r\n");
    for end in ["UNWATCH", "DISCARD"] {
        client.send("WATCH k\r\n").hears("+OK\r\n");
        other.send("INCR k\r\n");
        other.reads_line();
        let begin = if end == "DISCARD" { "MULTI\r\nDISCARD\r\n" } else { "UNWATCH\r\n" };
        client.send(begin);
        client.reads_line();
        if end == "DISCARD" {
            client.reads_line();
        }
        client.send("MULTI\r\nPING\r\nEXEC\r\n").hears("+OK\r\n+QUEUED\r\n*1\r\n+PONG\r\n");
    }
}

#[test]
fn a_watched_key_that_expires_stops_the_transaction_but_not_one_that_had_expired() {
    let node = TestNode::start(&[]);
    let mut client = node.connect();
    client.send("SET k 1 PX 100\r\nWATCH k\r\n").hears("+OK\r\n+OK\r\n");
    node.clock.advance_ms(101);
    client.send("MULTI\r\nPING\r\nEXEC\r\n").hears("+OK\r\n+QUEUED\r\n*-1\r\n");
    client.send("SET k 1 PX 100\r\n").hears("+OK\r\n");
    node.clock.advance_ms(101);
    client.send("WATCH k\r\nMULTI\r\nPING\r\nEXEC\r\n").hears("+OK\r\n+OK\r\n+QUEUED\r\n*1\r\n+PONG\r\n");
}

#[test]
fn commands_without_keys_and_those_of_the_server_work_inside() {
    let node = TestNode::start(&[]);
    let mut client = node.connect();
    client
        .send("MULTI\r\nSET k 1\r\nDBSIZE\r\nKEYS *\r\nSCAN 0\r\nRANDOMKEY\r\nSELECT 1\r\nSET k 2\r\nDBSIZE\r\nFLUSHDB\r\nDBSIZE\r\nEXEC\r\n")
        .hears("+OK\r\n")
        .hears("+QUEUED\r\n".repeat(10))
        .hears("*10\r\n+OK\r\n:1\r\n*1\r\n$1\r\nk\r\n*2\r\n$1\r\n0\r\n*1\r\n$1\r\nk\r\n$1\r\nk\r\n+OK\r\n+OK\r\n:1\r\n+OK\r\n:0\r\n");
    client.send("GET k\r\nSELECT 0\r\nGET k\r\n").hears("$-1\r\n+OK\r\n$1\r\n1\r\n");
    client
        .send("MULTI\r\nSET k 5\r\nMEMORY USAGE missing\r\nCONFIG SET timeout 0\r\nINCR k\r\nEXEC\r\n")
        .hears("+OK\r\n")
        .hears("+QUEUED\r\n".repeat(4))
        .hears("*4\r\n+OK\r\n$-1\r\n+OK\r\n:6\r\n");
    client.send("HELLO 3\r\n");
    client.reads_until("role");
}

#[test]
fn transfers_between_accounts_keep_their_sum() {
    const CLIENTS: usize = 4;
    const ROUNDS: usize = 150;
    let node = TestNode::start(&[]);
    let mut setup = node.connect();
    (0..10).for_each(|account| {
        setup.send(format!("SET account:{account} 100\r\n")).hears("+OK\r\n");
    });
    let movers: Vec<_> = (0..CLIENTS)
        .map(|client| {
            let mut connection = node.connect();
            std::thread::spawn(move || {
                for round in 0..ROUNDS {
                    let (from, to) = ((client * 7 + round) % 10, (client * 3 + round * 5 + 1) % 10);
                    connection
                        .send(format!("MULTI\r\nDECRBY account:{from} 5\r\nINCRBY account:{to} 5\r\nEXEC\r\n"))
                        .hears("+OK\r\n+QUEUED\r\n+QUEUED\r\n*2\r\n");
                    connection.reads_line();
                    connection.reads_line();
                }
            })
        })
        .collect();
    let keys: String = (0..10).map(|account| format!(" account:{account}")).collect();
    let mut looks = 0;
    while looks < 20 || !movers.iter().all(std::thread::JoinHandle::is_finished) {
        setup.send(format!("MGET{keys}\r\n")).hears("*10\r\n");
        let sum: i64 = (0..10).map(|_| setup.reads_bulk().parse::<i64>().expect("a number")).sum();
        assert_eq!(sum, 1000);
        looks += 1;
    }
    movers.into_iter().for_each(|mover| mover.join().expect("a mover"));
}
