//! The commands about clients, settings and statistics, on a running node, over real sockets.

mod client;
mod clients;
mod settings;
mod statistics;
mod watching;
