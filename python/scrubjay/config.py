"""The settings of a node: what there is to set, and what is in force.

The table itself is in the data plane (`crates/server/src/config/table.rs`), which reads flags, environment and TOML as
well; this module gives it types. Nothing about a setting is written here a second time.
"""

import os
from collections.abc import Mapping
from typing import NamedTuple

from scrubjay import _core

__all__ = ["InForce", "Setting", "in_force", "settings"]


class Setting(NamedTuple):
    """A row of the table of settings."""

    name: str
    """The flag without `--`, and the TOML key."""
    section: str
    """The heading it stands under."""
    kind: str
    """What it takes, for programs: `port`, `memory`, `bytes`, `duration`, `int`, `bool`, `choice`, `policy`, ..."""
    takes: str
    """What it takes, for people."""
    default: str
    """The default, as text."""
    environment: str
    """The environment variable."""
    live: bool
    """Whether `CONFIG SET` changes it while the node runs."""
    redis: str | None
    """What Redis calls it, if the meaning is the same."""
    help: str
    """One sentence."""


class InForce(NamedTuple):
    """A setting's value and where it came from."""

    name: str
    value: str
    """The value as text; secrets are masked."""
    origin: str
    """`default`, the file's path, the environment variable or the flag."""


def settings() -> list[Setting]:
    """Every setting, in the order of the reference page."""
    return [Setting(**row) for row in _core.settings()]


def in_force(flags: Mapping[str, str], environment: Mapping[str, str] = os.environ) -> list[InForce]:
    """What a node started with these flags would use. Flags win over the environment, that over the file.

    Raises:
        ConfigurationError: a value cannot be used, or values do not go together.
    """
    rows = _core.configuration(list(flags.items()), list(environment.items()))
    return [InForce(*row) for row in rows]
