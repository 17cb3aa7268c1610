//! Commands arrive in any depth and in any pieces; answers leave in their order.

use crate::support::{TestNode, bulk, encode};

#[test]
fn a_pipeline_of_any_depth_is_answered_in_order() {
    let node = TestNode::start(&[]);
    let mut client = node.connect();
    for depth in [1, 2, 63, 64, 65, 128, 1000, 20_000] {
        let mut commands = Vec::new();
        let mut answers = Vec::new();
        for number in 0..depth {
            let value = format!("value {number}");
            commands.extend(encode(&[b"SET", format!("key {}", number % 700).as_bytes(), value.as_bytes()]));
            commands.extend(encode(&[b"GET", format!("key {}", number % 700).as_bytes()]));
            answers.extend(b"+OK\r\n");
            answers.extend(bulk(value.as_bytes()));
        }
        client.send(commands).hears(answers);
    }
}

#[test]
fn a_client_that_sends_everything_before_it_reads_gets_everything() {
    let node = TestNode::start(&[]);
    let mut client = node.connect();
    let value = vec![b'v'; 1000];
    client.command(&[b"SET", b"k", &value]).hears("+OK\r\n");
    // 20 MB of answers: more than all socket buffers hold, less than what the node keeps for a client.
    let (commands, answers) = (encode(&[b"GET", b"k"]).repeat(20_000), bulk(&value).repeat(20_000));
    client.send(commands).hears(answers).pings();
}

#[test]
fn a_command_may_arrive_byte_by_byte() {
    let node = TestNode::start(&[]);
    let mut client = node.connect();
    let commands = [encode(&[b"SET", b"k", b"\r\n"]), encode(&[b"GET", b"k"]), b"GET \"\\x6b\"\r\n".to_vec()].concat();
    for byte in commands {
        client.send([byte]);
    }
    client.hears("+OK\r\n$2\r\n\r\n\r\n$2\r\n\r\n\r\n");
}

#[test]
fn a_large_value_goes_in_and_comes_out_unchanged() {
    let node = TestNode::start(&[]);
    let (mut writer, mut reader) = (node.connect(), node.connect());
    let value: Vec<u8> = (0..20_000_000u32).map(|i| (i ^ (i >> 11)) as u8).collect();
    writer.command(&[b"SET", b"large", &value]).hears("+OK\r\n");
    // Twice, with small answers in between: shared and copied pieces keep their order.
    let commands =
        [b"PING\r\n".to_vec(), encode(&[b"GET", b"large"]), b"PING\r\nGET large\r\nPING\r\n".to_vec()].concat();
    let answers = [b"+PONG\r\n".as_slice(), &bulk(&value), b"+PONG\r\n", &bulk(&value), b"+PONG\r\n"].concat();
    reader.send(commands).hears(answers);
}

#[test]
fn inline_commands_and_arrays_mix() {
    let node = TestNode::start(&[]);
    node.connect()
        .send("PING\r\n*1\r\n$4\r\nPING\r\n\r\n*0\r\nPING 'a b'\nping\r\n")
        .hears("+PONG\r\n+PONG\r\n$3\r\na b\r\n+PONG\r\n");
}

#[test]
fn what_was_sent_before_the_client_closed_its_side_is_answered() {
    let node = TestNode::start(&[]);
    let mut client = node.connect();
    client.send("PING\r\nPING\r\nGE");
    client.stream.shutdown(std::net::Shutdown::Write).expect("half-closed");
    client.hears_the_end_after("+PONG\r\n+PONG\r\n");
}
