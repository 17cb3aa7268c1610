//! Configuration: one table of settings, from which flags, environment variables, TOML keys, `CONFIG GET` and `SET`, the
//! sample file and the reference page are made.
//!
//! ```text
//! flags, environment, TOML --layers--> resolve --> Resolved { Config, origins } --> Live <-- CONFIG SET
//! ```
//!
//! - [`table`]: the rows, and [`Config`], whose fields they are.
//! - [`value`]: what kinds of values there are and how each is read and shown.
//! - [`namespace`]: what a namespace can be told for itself, a table of its own.
//! - [`resolve`](resolve()): layers of text to one validated configuration.
//! - [`file`]: the TOML file. [`folder`]: the data folder. [`machine`]: how much memory there is.
//! - [`live`]: a running server's settings. [`compat`]: what Redis calls them, and what only Redis has.
//! - [`reference`]: the pages made from the table.

pub mod compat;
pub mod file;
pub mod folder;
pub mod live;
pub mod machine;
pub mod namespace;
mod nearest;
pub mod reference;
mod resolve;
pub mod table;
pub mod value;

pub use live::{BadChange, Live};
pub use namespace::{NAMESPACE_SETTINGS, NamespaceConfig, NamespaceConfigs};
pub use resolve::{BadConfig, Layer, Origin, Resolved, check, environment_layers, find, resolve};
pub use table::{Config, Reload, SETTINGS, Setting};
pub use value::{Kind, Secret, Value};

/// Reads everything that configures a server: the file that `flags` or the environment name, the environment, the flags.
///
/// `flags` are pairs of a setting's name and its text. Errors: see [`resolve`](resolve()) and [`file::read`].
pub fn load(
    flags: impl IntoIterator<Item = (String, String)>,
    environment: impl IntoIterator<Item = (String, String)>,
) -> Result<Resolved, BadConfig> {
    let flags = flags.into_iter().map(|(name, text)| Layer::new(Origin::Flag, name, text));
    let mut upper = environment_layers(environment)?;
    upper.extend(flags);
    let path = upper.iter().rev().find(|layer| layer.name == "config").map(|layer| layer.text.trim().to_owned());
    let mut layers = match path {
        Some(path) if !path.is_empty() => file::read(std::path::Path::new(&path))?,
        _ => Vec::new(),
    };
    layers.extend(upper);
    resolve(layers)
}
