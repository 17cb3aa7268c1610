//! Dialogues with the bit commands.

use crate::family::testing::Node;

#[test]
fn bits_are_written_and_read_the_highest_of_a_byte_first() {
    Node::new().check(&[
        ("setbit a 7 1", "0"),
        ("setbit a 7 0", "1"),
        ("setbit a 7 1", "0"),
        ("get a", "\"\\x01\""),
        ("setbit a 16 0", "0"),
        ("strlen a", "3"),
        ("getbit a 7", "1"),
        ("getbit a 6", "0"),
        ("getbit a 1000", "0"),
        ("getbit none 0", "0"),
        ("setbit a -1 1", "-ERR bit offset is not an integer or out of range"),
        ("setbit a x 1", "-ERR bit offset is not an integer or out of range"),
        ("setbit a 4294967296 1", "-ERR bit offset is not an integer or out of range"),
        ("getbit a 4294967296", "-ERR bit offset is not an integer or out of range"),
        ("setbit a 0 2", "-ERR bit is not an integer or out of range"),
        ("setbit a 0 x", "-ERR bit is not an integer or out of range"),
    ]);
}

#[test]
fn bits_are_counted_in_ranges_of_bytes_and_of_bits() {
    Node::new().check(&[
        ("set a foobar", "+OK"),
        ("bitcount a", "26"),
        ("bitcount none", "0"),
        ("bitcount a 0 0", "4"),
        ("bitcount a 1 1 BYTE", "6"),
        ("bitcount a -2 -1", "7"),
        ("bitcount a 5 30 BIT", "17"),
        ("bitcount a -1 -2", "0"),
        ("bitcount a 100 200", "0"),
        ("bitcount a 0", "-ERR syntax error"),
        ("bitcount a 0 1 BITS", "-ERR syntax error"),
        ("bitcount a 0 1 BIT x", "-ERR syntax error"),
        ("bitcount a x 1", "-ERR value is not an integer or out of range"),
    ]);
}

#[test]
fn the_first_bit_is_found_and_what_follows_a_value_is_off() {
    Node::new().check(&[
        ("set a \\xff\\xf0\\x00", "+OK"),
        ("bitpos a 0", "12"),
        ("bitpos a 1 2", "-1"),
        ("bitpos a 1 0 -1 BIT", "0"),
        ("bitpos a 0 1 2 BYTE", "12"),
        ("bitpos a 1 7 15 BIT", "7"),
        ("bitpos a 0 7 11 BIT", "-1"),
        ("set ones \\xff\\xff", "+OK"),
        ("bitpos ones 0", "16"),
        ("bitpos ones 0 1", "16"),
        ("bitpos ones 0 0 -1", "-1"),
        ("bitpos ones 0 5", "-1"),
        ("bitpos none 0", "0"),
        ("bitpos none 1", "-1"),
        ("set empty \"\"", "+OK"),
        ("bitpos empty 0", "-1"),
        ("bitpos a 2", "-ERR The bit argument must be 1 or 0."),
        ("bitpos a x", "-ERR value is not an integer or out of range"),
        ("bitpos a 0 0 1 FOO", "-ERR syntax error"),
        ("bitpos a 0 0 1 BIT x", "-ERR syntax error"),
    ]);
}

#[test]
fn values_are_combined_bit_by_bit_and_padded_with_zeros() {
    Node::new().check(&[
        ("mset x \\xf0\\xff y \\xcc z \\xaa\\x0f", "+OK"),
        ("bitop and d x y", "2"),
        ("get d", "\"\\xc0\\x00\""),
        ("bitop or d y x", "2"),
        ("get d", "\"\\xfc\\xff\""),
        ("bitop xor d x y z", "2"),
        ("get d", "\"\\x96\\xf0\""),
        ("bitop not d y", "1"),
        ("get d", "\"3\""),
        ("bitop diff d x y z", "2"),
        ("get d", "\"\\x10\\xf0\""),
        ("bitop diff1 d x y z", "2"),
        ("get d", "\"\\x0e\\x00\""),
        ("bitop andor d x y z", "2"),
        ("get d", "\"\\xe0\\x0f\""),
        ("bitop one d x y z", "2"),
        ("get d", "\"\\x16\\xf0\""),
        ("bitop and d none x", "2"),
        ("get d", "\"\\x00\\x00\""),
        ("bitop not x x", "2"),
        ("get x", "\"\\x0f\\x00\""),
        ("bitop or d none none", "0"),
        ("exists d", "0"),
        ("bitop nand d x", "-ERR syntax error"),
        ("bitop not d x y", "-ERR BITOP NOT must be called with a single source key."),
        ("bitop diff d x", "-ERR BITOP DIFF must be called with at least two source keys."),
        ("bitop andor d x", "-ERR BITOP ANDOR must be called with at least two source keys."),
        ("bitop one d x", "2"),
    ]);
}

#[test]
fn fields_are_read_written_and_counted_up() {
    Node::new().check(&[
        ("bitfield a", "[]"),
        ("bitfield a get u8 0 get i64 100", "[0 0]"),
        ("exists a", "0"),
        ("bitfield a incrby i5 100 1 get u4 0", "[1 0]"),
        ("strlen a", "14"),
        ("bitfield b set u8 #1 255 get u8 8 get i8 8", "[0 255 -1]"),
        ("get b", "\"\\x00\\xff\""),
        ("bitfield b set u12 6 2730", "[1020]"),
        ("get b", "\"\\x02\\xaa\\x80\""),
        ("bitfield b set i64 #0 -1 get i64 0", "[192106671605022720 -1]"),
        ("bitfield b set i64 3 5 get i64 3", "[-8 5]"),
        ("bitfield_ro b get u3 0 get i64 3", "[7 5]"),
    ]);
}

#[test]
fn fields_overflow_as_they_are_told() {
    Node::new().check(&[
        ("bitfield a set u8 0 200 incrby u8 0 100", "[0 44]"),
        ("bitfield a set u8 0 200 overflow sat incrby u8 0 100", "[44 255]"),
        ("bitfield a overflow fail incrby u8 0 1 overflow wrap incrby u8 0 1", "[nil 0]"),
        ("bitfield a overflow sat incrby u8 0 -5", "[0]"),
        ("bitfield a incrby u8 0 -5", "[251]"),
        ("bitfield a set i8 0 127 incrby i8 0 1", "[-5 -128]"),
        ("bitfield a overflow sat incrby i8 0 -10", "[-128]"),
        ("bitfield a overflow sat set u8 0 -1", "[128]"),
        ("bitfield a get u8 0", "[255]"),
        ("bitfield a overflow fail set u8 0 256", "[nil]"),
        ("bitfield a set i64 0 9223372036854775807 incrby i64 0 1", "[-72057594037927936 -9223372036854775808]"),
        ("bitfield a overflow fail incrby i64 0 -1", "[nil]"),
        ("bitfield a overflow sat incrby i64 0 -1", "[-9223372036854775808]"),
        ("bitfield none overflow fail incrby u2 0 5", "[nil]"),
        ("get none", "\"\\x00\""),
    ]);
}

#[test]
fn fields_refuse_what_redis_refuses() {
    let no_type = "-ERR Invalid bitfield type. Use something like i16 u8. Note that u64 is not supported but i64 is.";
    let no_offset = "-ERR bit offset is not an integer or out of range";
    Node::new().check(&[
        ("bitfield a get u64 0", no_type),
        ("bitfield a get i65 0", no_type),
        ("bitfield a get i0 0", no_type),
        ("bitfield a get x8 0", no_type),
        ("bitfield a get U8 0", no_type),
        ("bitfield a get u8 -1", no_offset),
        ("bitfield a get u8 #x", no_offset),
        ("bitfield a get u8 4294967296", no_offset),
        ("bitfield a get u63 #9223372036854775807", no_offset),
        ("bitfield a set u8 0 x", "-ERR value is not an integer or out of range"),
        ("bitfield a set u8 0", "-ERR syntax error"),
        ("bitfield a foo u8 0", "-ERR syntax error"),
        ("bitfield a overflow foo", "-ERR Invalid OVERFLOW type specified"),
        ("bitfield a set u8 0 1 get", "-ERR syntax error"),
        ("bitfield_ro a set u8 0 1", "-ERR BITFIELD_RO only supports the GET subcommand"),
        ("exists a", "0"),
    ]);
}
