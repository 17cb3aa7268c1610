//! The protocol of Redis clients, versions 2 and 3.
