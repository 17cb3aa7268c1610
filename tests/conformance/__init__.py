"""Cases that run against us and against the reference server."""
