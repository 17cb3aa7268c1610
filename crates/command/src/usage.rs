//! A command's usage line, read into a tree: `key value [NX | XX] [GET] [EX seconds | PX milliseconds]`.
//!
//! `COMMAND DOCS` answers that tree, and redis-cli draws its hints from it. Keeping the line in the table and reading it
//! here, instead of writing the tree by hand, keeps each fact in one place.
//!
//! ```text
//! word           an argument            WORD            a fixed word
//! WORD word      an argument that a fixed word introduces
//! [ ... ]        may be left out        < a | b >       one of them       [ a | b ]   at most one of them
//! x [x ...]      once or more often     [x ...]         any number of times
//! ```

/// What an argument is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ArgumentKind {
    /// A key.
    Key,
    /// Any text.
    String,
    /// A whole number.
    Integer,
    /// A number.
    Double,
    /// A glob.
    Pattern,
    /// A moment in Unix time.
    UnixTime,
    /// A fixed word.
    PureToken,
    /// One of its children.
    OneOf,
    /// All of its children.
    Block,
}

impl ArgumentKind {
    /// The kind's name in `COMMAND DOCS`.
    pub fn name(self) -> &'static str {
        match self {
            ArgumentKind::Key => "key",
            ArgumentKind::String => "string",
            ArgumentKind::Integer => "integer",
            ArgumentKind::Double => "double",
            ArgumentKind::Pattern => "pattern",
            ArgumentKind::UnixTime => "unix-time",
            ArgumentKind::PureToken => "pure-token",
            ArgumentKind::OneOf => "oneof",
            ArgumentKind::Block => "block",
        }
    }
}

/// An argument, or several that belong together.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Argument {
    /// Its name.
    pub name: String,
    /// What it is.
    pub kind: ArgumentKind,
    /// The fixed word that introduces it, or that it is.
    pub token: Option<String>,
    /// Whether it may be left out.
    pub optional: bool,
    /// Whether it may come several times.
    pub multiple: bool,
    /// Of [`ArgumentKind::OneOf`] and [`ArgumentKind::Block`].
    pub children: Vec<Argument>,
}

/// Reads a usage line; `None` if it is malformed.
pub fn parse(usage: &str) -> Option<Vec<Argument>> {
    let spaced: String =
        usage.chars().flat_map(|c| if "[]<>|".contains(c) { vec![' ', c, ' '] } else { vec![c] }).collect();
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let mut parser = Parser { words: &words };
    let mut alternatives = parser.alternatives()?;
    (parser.words.is_empty() && alternatives.len() == 1).then(|| alternatives.remove(0))
}

struct Parser<'a> {
    words: &'a [&'a str],
}

impl<'a> Parser<'a> {
    fn peek(&self) -> Option<&'a str> {
        self.words.first().copied()
    }

    fn next(&mut self) -> Option<&'a str> {
        let (first, rest) = self.words.split_first()?;
        self.words = rest;
        Some(first)
    }

    fn expect(&mut self, word: &str) -> Option<()> {
        (self.next()? == word).then_some(())
    }

    /// Sequences separated by `|`, up to a closing bracket or the end.
    fn alternatives(&mut self) -> Option<Vec<Vec<Argument>>> {
        let mut all = vec![self.sequence()?];
        while self.peek() == Some("|") {
            self.next();
            all.push(self.sequence()?);
        }
        Some(all)
    }

    fn sequence(&mut self) -> Option<Vec<Argument>> {
        let mut found: Vec<Argument> = Vec::new();
        while let Some(word) = self.peek() {
            match word {
                "]" | ">" | "|" => break,
                "..." => {
                    self.next();
                    let all = group(vec![std::mem::take(&mut found)])?;
                    found.push(Argument { multiple: true, ..all });
                }
                "[" => {
                    self.next();
                    let inner = group(self.alternatives()?)?;
                    self.expect("]")?;
                    append_optional(&mut found, inner);
                }
                "<" => {
                    self.next();
                    found.push(group(self.alternatives()?)?);
                    self.expect(">")?;
                }
                _ if is_token(word) => {
                    self.next();
                    found.push(self.introduced(word)?);
                }
                _ => {
                    self.next();
                    found.push(plain(word));
                }
            }
        }
        Some(found)
    }

    /// What the fixed word `token` introduces: the arguments up to the next fixed word or bracket, or one of several.
    fn introduced(&mut self, token: &str) -> Option<Argument> {
        let mut children = Vec::new();
        while let Some(word) = self.peek().filter(|word| !"[]<>|".contains(word) && *word != "..." && !is_token(word)) {
            self.next();
            children.push(plain(word));
        }
        if children.is_empty() && self.peek() == Some("<") {
            self.next();
            children.push(group(self.alternatives()?)?);
            self.expect(">")?;
        }
        let token = token.to_owned();
        Some(match children.len() {
            0 => Argument {
                name: token.to_ascii_lowercase(),
                kind: ArgumentKind::PureToken,
                token: Some(token),
                ..plain("")
            },
            1 => Argument { token: Some(token), ..children.remove(0) },
            _ => Argument {
                name: token.to_ascii_lowercase(),
                kind: ArgumentKind::Block,
                token: Some(token),
                children,
                ..plain("")
            },
        })
    }
}

/// Several sequences as one argument.
fn group(mut alternatives: Vec<Vec<Argument>>) -> Option<Argument> {
    if alternatives.len() == 1 {
        let mut only = alternatives.remove(0);
        return match only.len() {
            0 => None,
            1 => only.pop(),
            _ => Some(bundle(ArgumentKind::Block, only)),
        };
    }
    let children = alternatives.into_iter().map(|sequence| group(vec![sequence])).collect::<Option<Vec<_>>>()?;
    Some(bundle(ArgumentKind::OneOf, children))
}

fn bundle(kind: ArgumentKind, children: Vec<Argument>) -> Argument {
    let names: Vec<&str> = children.iter().map(|child| child.name.as_str()).collect();
    Argument { name: names.join("-"), kind, children, ..plain("") }
}

/// `x [x ...]` is one argument that may come several times; everything else in brackets is an argument of its own.
fn append_optional(found: &mut Vec<Argument>, inner: Argument) {
    if inner.multiple {
        let repeated = if inner.kind == ArgumentKind::Block {
            inner.children.clone()
        } else {
            vec![Argument { multiple: false, ..inner.clone() }]
        };
        if found.ends_with(&repeated) {
            found.truncate(found.len() - repeated.len());
            found.push(inner);
            return;
        }
    }
    found.push(Argument { optional: true, ..inner });
}

fn is_token(word: &str) -> bool {
    word.bytes().any(|byte| byte.is_ascii_uppercase()) && !word.bytes().any(|byte| byte.is_ascii_lowercase())
}

fn plain(word: &str) -> Argument {
    let kind = match word {
        "key" | "source" | "destination" | "newkey" | "destkey" => ArgumentKind::Key,
        "pattern" => ArgumentKind::Pattern,
        "seconds" | "milliseconds" | "count" | "index" | "offset" | "start" | "end" | "decrement" | "cursor"
        | "timeout" | "bit" | "numreplicas" | "client-id" | "destination-db" | "db" | "index1" | "index2"
        | "protover" | "ttl" | "len" | "numkeys" => ArgumentKind::Integer,
        "increment" => ArgumentKind::Double,
        _ if word.starts_with("unix-time") => ArgumentKind::UnixTime,
        _ => ArgumentKind::String,
    };
    Argument { name: word.to_owned(), kind, token: None, optional: false, multiple: false, children: Vec::new() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::index;

    /// The tree on one line: `name:kind`, `=TOKEN`, `?` for optional, `+` for multiple.
    fn show(arguments: &[Argument]) -> String {
        let one = |argument: &Argument| {
            let token = argument.token.as_ref().map(|token| format!("={token}")).unwrap_or_default();
            let marks =
                format!("{}{}", if argument.optional { "?" } else { "" }, if argument.multiple { "+" } else { "" });
            let inside =
                if argument.children.is_empty() { String::new() } else { format!("({})", show(&argument.children)) };
            format!("{}:{}{token}{marks}{inside}", argument.name, argument.kind.name())
        };
        arguments.iter().map(one).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn usage_lines_become_trees() {
        for (usage, tree) in [
            ("", ""),
            ("key", "key:key"),
            ("key [key ...]", "key:key+"),
            ("[section [section ...]]", "section:string?+"),
            ("key value [key value ...]", "key-value:block+(key:key value:string)"),
            ("key [NX | XX] [GET]", "key:key nx-xx:oneof?(nx:pure-token=NX xx:pure-token=XX) get:pure-token=GET?"),
            ("[EX seconds | KEEPTTL]", "seconds-keepttl:oneof?(seconds:integer=EX keepttl:pure-token=KEEPTTL)"),
            ("<ON | OFF>", "on-off:oneof(on:pure-token=ON off:pure-token=OFF)"),
            (
                "[TYPE <NORMAL | PUBSUB>]",
                "normal-pubsub:oneof=TYPE?(normal:pure-token=NORMAL pubsub:pure-token=PUBSUB)",
            ),
            ("[LIMIT offset count]", "limit:block=LIMIT?(offset:integer count:integer)"),
            ("cursor [MATCH pattern] [COUNT count]", "cursor:integer pattern:pattern=MATCH? count:integer=COUNT?"),
            ("[GET encoding offset ...]", "get:block=GET?+(encoding:string offset:integer)"),
        ] {
            assert_eq!(show(&parse(usage).expect(usage)), tree, "{usage}");
        }
    }

    #[test]
    fn malformed_lines_are_nothing() {
        for usage in ["[key", "key]", "<a | b", "a | b", "[]", "< | a>"] {
            assert_eq!(parse(usage), None, "{usage}");
        }
    }

    #[test]
    fn the_usage_of_every_command_can_be_read() {
        for (row, _) in index::all_rows() {
            assert!(parse(row.usage).is_some(), "{}: {}", row.full_name(), row.usage);
        }
    }
}
