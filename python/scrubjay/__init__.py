"""Scrubjay: a distributed cache that installs with pip.

`Cache` is the embedded cache, in this process. `scrubjay serve` runs a node that every Redis client, curl and Python
reach over the network; see `scrubjay --help`. `HashRing` and `Rendezvous` spread keys over servers that know nothing
of each other.

Importing this package loads the native module and nothing heavy: the command line's dependencies stay out until the
command line runs.
"""

from scrubjay import errors
from scrubjay._core import Cache, HashRing, Rendezvous, Stats, __version__

__all__ = ["Cache", "HashRing", "Rendezvous", "Stats", "__version__", "errors"]
