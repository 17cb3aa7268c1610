//! A bare node, for profilers and benchmarks that want no Python around it.
//!
//! `cargo run --release -p scrubjay-server --example node -- port=7000 threads=1`: settings as `name=value`, by the names
//! of the reference page. Runs until it is killed.

use scrubjay_server::config::{Layer, Origin, resolve};
use scrubjay_server::{Given, Node};
use std::error::Error;

fn main() -> Result<(), Box<dyn Error>> {
    let layers = std::env::args().skip(1).map(|argument| {
        let (name, value) = argument.split_once('=').unwrap_or((&argument, ""));
        Layer::new(Origin::Flag, name, value)
    });
    let node = Node::start_with(resolve(layers)?, Given::default())?;
    for (protocol, address) in node.addresses() {
        println!("{protocol:?} on {address}");
    }
    node.wait(None);
    Ok(())
}
