"""Bad input, limits and faults, over real sockets."""
