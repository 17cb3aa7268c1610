//! Draws commands for the comparison with Redis: mostly sound, sometimes not, over few keys.

use scrubjay_base::rand::Rng;

/// Few keys, so that commands meet each other's work.
pub const KEYS: u64 = 8;

/// Draws commands.
pub struct Draw {
    pub rng: Rng,
    /// The time around which absolute deadlines are drawn.
    pub now_ms: u64,
}

impl Draw {
    fn pick<'a>(&mut self, words: &[&'a str]) -> &'a str {
        words[self.rng.below(words.len() as u64) as usize]
    }

    fn one_in(&mut self, n: u64) -> bool {
        self.rng.below(n) == 0
    }

    fn key(&mut self) -> Vec<u8> {
        format!("key:{}", self.rng.below(KEYS)).into_bytes()
    }

    fn value(&mut self) -> Vec<u8> {
        match self.rng.below(8) {
            0 => (self.rng.next_u64() as i64 >> self.rng.below(64)).to_string().into_bytes(),
            1 => self.number(),
            2 => Vec::new(),
            3 | 4 => (0..self.rng.below(12)).map(|_| b"abc"[self.rng.below(3) as usize]).collect(),
            5 => (0..self.rng.below(40)).map(|_| self.rng.next_u64() as u8).collect(),
            6 => vec![if self.one_in(2) { 0xFF } else { 0 }; self.rng.below(30) as usize],
            _ => vec![b'x'; self.rng.below(300) as usize],
        }
    }

    /// What an INCRBYFLOAT may meet.
    fn number(&mut self) -> Vec<u8> {
        let sign = self.pick(&["", "", "-", "+"]);
        let whole = self.rng.next_u64() >> (20 + self.rng.below(44));
        let text = match self.rng.below(7) {
            0 => format!("{sign}{whole}"),
            1 => format!("{sign}{whole}.{}", self.rng.below(100_000)),
            2 => format!("{sign}{}e{}", self.rng.below(1000), self.rng.below(60) as i64 - 30),
            3 => format!("{sign}.{}", self.rng.next_u64() >> self.rng.below(60)),
            4 => format!(
                "{sign}0x{:x}.{:x}p{}",
                self.rng.below(1 << 20),
                self.rng.below(256),
                self.rng.below(40) as i64 - 20
            ),
            5 => self
                .pick(&[
                    "inf",
                    "-Infinity",
                    "nan",
                    "1e5000",
                    "0e-9999",
                    "1e-5000",
                    "0x",
                    "1e",
                    ".",
                    "3.",
                    " 1",
                    "1e4000",
                    "1_0",
                ])
                .into(),
            _ => format!("{sign}{}", self.rng.unit()),
        };
        text.into_bytes()
    }

    /// An integer argument: mostly near zero, sometimes extreme, sometimes none.
    fn int(&mut self) -> Vec<u8> {
        match self.rng.below(20) {
            0 => self.pick(&["9223372036854775807", "-9223372036854775808", "9223372036854775808"]).into(),
            1 => self.pick(&["", "x", "1.5", "01", "-0", "+1", " 1"]).into(),
            2 => (self.rng.next_u64() as i64).to_string().into_bytes(),
            _ => (self.rng.below(60) as i64 - 30).to_string().into_bytes(),
        }
    }

    fn index(&mut self) -> Vec<u8> {
        (self.rng.below(90) as i64 - 45).to_string().into_bytes()
    }

    fn offset(&mut self) -> Vec<u8> {
        match self.rng.below(20) {
            0 => self.pick(&["-1", "x", "4294967296", "9223372036854775807"]).into(),
            _ => self.rng.below(400).to_string().into_bytes(),
        }
    }

    /// A time argument far enough away that neither clock reaches it, in the past, or none at all. Not beyond the year
    /// 10000, where our deadlines end and Redis' do not.
    fn time(&mut self, seconds: bool, absolute: bool) -> Vec<u8> {
        let ms = 1_000_000 + self.rng.below(1 << 33);
        let ms = if absolute { self.now_ms + ms } else { ms };
        match self.rng.below(16) {
            0 => self.pick(&["", "x", "1.5", "+1", "9223372036854775808", "-9223372036854775808"]).into(),
            1 => self.pick(&["0", if absolute { "1" } else { "0" }, "-1", "-9223372036854776"]).into(),
            2 if !absolute => self.pick(&["9223372036854775807", "9223372036854775000"]).into(),
            _ => (if seconds { ms / 1000 } else { ms }).to_string().into_bytes(),
        }
    }

    fn expiry(&mut self, words: &mut Vec<Vec<u8>>, bare: &str) {
        match self.rng.below(8) {
            0 => words.push(bare.into()),
            1 => words.extend(["EX".into(), self.time(true, false)]),
            2 => words.extend(["px".into(), self.time(false, false)]),
            3 => words.extend(["EXAT".into(), self.time(true, true)]),
            4 => words.extend(["PXAT".into(), self.time(false, true)]),
            _ => {}
        }
    }

    /// The next command.
    pub fn command(&mut self) -> Vec<Vec<u8>> {
        let name = self.pick(&[
            "SET",
            "SET",
            "SET",
            "SET",
            "GET",
            "GET",
            "GETSET",
            "GETDEL",
            "GETEX",
            "SETNX",
            "SETEX",
            "PSETEX",
            "MGET",
            "MSET",
            "MSETNX",
            "APPEND",
            "STRLEN",
            "GETRANGE",
            "SETRANGE",
            "SUBSTR",
            "INCR",
            "DECR",
            "INCRBY",
            "DECRBY",
            "INCRBYFLOAT",
            "INCRBYFLOAT",
            "LCS",
            "SETBIT",
            "SETBIT",
            "GETBIT",
            "BITCOUNT",
            "BITPOS",
            "BITPOS",
            "BITOP",
            "BITFIELD",
            "BITFIELD",
            "BITFIELD_RO",
            "DEL",
            "UNLINK",
            "EXISTS",
            "TOUCH",
            "EXPIRE",
            "PEXPIRE",
            "EXPIREAT",
            "PEXPIREAT",
            "TTL",
            "PTTL",
            "EXPIRETIME",
            "PEXPIRETIME",
            "PERSIST",
            "TYPE",
            "KEYS",
            "SCAN",
            "RENAME",
            "RENAMENX",
            "COPY",
            "MOVE",
            "FLUSHDB",
            "SWAPDB",
            "SELECT",
        ]);
        let mut words: Vec<Vec<u8>> = vec![name.into()];
        match name {
            "GET" | "GETDEL" | "STRLEN" | "INCR" | "DECR" | "TTL" | "PTTL" | "EXPIRETIME" | "PEXPIRETIME"
            | "PERSIST" | "TYPE" => words.push(self.key()),
            "SET" => {
                words.extend([self.key(), self.value()]);
                self.expiry(&mut words, "KEEPTTL");
                for _ in 0..self.rng.below(3) {
                    words.push(self.pick(&["NX", "XX", "GET", "get", "PERSIST", "EX"]).into());
                }
            }
            "GETEX" => {
                words.push(self.key());
                self.expiry(&mut words, "PERSIST");
            }
            "SETEX" | "PSETEX" => words.extend([self.key(), self.time(name == "SETEX", false), self.value()]),
            "GETSET" | "SETNX" | "APPEND" => words.extend([self.key(), self.value()]),
            "INCRBY" | "DECRBY" => words.extend([self.key(), self.int()]),
            "INCRBYFLOAT" => words.extend([self.key(), self.number()]),
            "MSET" | "MSETNX" => {
                for _ in 0..=self.rng.below(3) {
                    words.extend([self.key(), self.value()]);
                }
                if self.one_in(20) {
                    words.pop();
                }
            }
            "MGET" | "DEL" | "UNLINK" | "EXISTS" | "TOUCH" => {
                for _ in 0..=self.rng.below(if name.len() > 4 || name == "MGET" { 6 } else { 2 }) {
                    words.push(self.key());
                }
            }
            "GETRANGE" | "SUBSTR" => words.extend([self.key(), self.int(), self.int()]),
            "SETRANGE" => words.extend([self.key(), self.int(), self.value()]),
            "LCS" => {
                words.extend([self.key(), self.key()]);
                for _ in 0..self.rng.below(3) {
                    let option = self.pick(&["LEN", "IDX", "IDX", "WITHMATCHLEN", "MINMATCHLEN"]);
                    words.push(option.into());
                    if option == "MINMATCHLEN" {
                        words.push(self.int());
                    }
                }
            }
            "SETBIT" => words.extend([self.key(), self.offset(), self.pick(&["0", "1", "1", "1", "2"]).into()]),
            "GETBIT" => words.extend([self.key(), self.offset()]),
            "BITCOUNT" | "BITPOS" => {
                words.push(self.key());
                let shape = self.rng.below(4);
                if name == "BITPOS" {
                    words.push(self.pick(&["0", "1"]).into());
                    if shape == 1 {
                        words.push(self.index());
                    }
                }
                if shape >= 2 {
                    words.extend([self.index(), self.index()]);
                }
                if shape == 3 {
                    words.push(self.pick(&["BYTE", "BIT"]).into());
                }
            }
            "BITOP" => {
                words.extend([self.pick(&["AND", "or", "XOR", "NOT", "NAND"]).into(), self.key()]);
                for _ in 0..=self.rng.below(3) {
                    words.push(self.key());
                }
            }
            "BITFIELD" | "BITFIELD_RO" => {
                words.push(self.key());
                for _ in 0..self.rng.below(4) {
                    let step = if name == "BITFIELD_RO" && !self.one_in(20) {
                        "GET"
                    } else {
                        self.pick(&["GET", "SET", "SET", "INCRBY", "INCRBY", "OVERFLOW"])
                    };
                    words.push(step.into());
                    if step == "OVERFLOW" {
                        words.push(self.pick(&["WRAP", "SAT", "sat", "FAIL", "FAIL", "FOO"]).into());
                        continue;
                    }
                    let bits = self.rng.below(66);
                    words.push(format!("{}{bits}", self.pick(&["i", "u"])).into());
                    let by_width = if self.one_in(4) { b"#".to_vec() } else { Vec::new() };
                    words.push([by_width, self.offset()].concat());
                    match step {
                        "GET" => {}
                        // Below -2^61 Redis saturates a field with sign at its largest number; ours goes to its smallest.
                        "SET" if !self.one_in(30) => {
                            let value = self.rng.next_u64() as i64 >> (2 + self.rng.below(60));
                            words.push(value.to_string().into_bytes());
                        }
                        "SET" => words.push("x".into()),
                        _ => words.push(self.int()),
                    }
                }
            }
            "EXPIRE" | "PEXPIRE" | "EXPIREAT" | "PEXPIREAT" => {
                let (seconds, absolute) = (!name.starts_with('P'), name.ends_with("AT"));
                words.extend([self.key(), self.time(seconds, absolute)]);
                for _ in 0..self.rng.below(3) {
                    words.push(self.pick(&["NX", "XX", "GT", "LT", "gt", "FOO"]).into());
                }
            }
            "KEYS" => words.push(self.pick(&["*", "key:?", "*[1-3]", "k*:[^2]", "nothing", "key:\\5"]).into()),
            "SCAN" => words.extend(["0".into(), "COUNT".into(), "100000".into()]),
            "RENAME" | "RENAMENX" => words.extend([self.key(), self.key()]),
            "COPY" => {
                words.extend([self.key(), self.key()]);
                if self.one_in(2) {
                    words.push("REPLACE".into());
                }
                if self.one_in(3) {
                    words.extend(["DB".into(), self.pick(&["0", "1", "1", "16", "x"]).into()]);
                }
            }
            "MOVE" => words.extend([self.key(), self.pick(&["0", "1", "1", "16", "-1", "x"]).into()]),
            "SELECT" => words.push(self.pick(&["0", "1"]).into()),
            "SWAPDB" => {
                for _ in 0..2 {
                    words.push(self.pick(&["0", "1", "1", "16", "x"]).into());
                }
            }
            "FLUSHDB" if self.one_in(4) => words.push(self.pick(&["ASYNC", "SYNC", "FOO"]).into()),
            "FLUSHDB" => words.push(b"FOO".to_vec()), // one flush in some hundred commands is enough
            _ => {}
        }
        if self.one_in(300) && !name.starts_with("BIT") {
            words.push(b"surplus".to_vec());
        }
        words
    }
}
