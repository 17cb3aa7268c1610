"""Every error that Scrubjay raises, in one tree.

```text
ScrubjayError
├── InvalidRequest (ValueError)      the request is malformed or a value is out of range   bad_request
├── UnknownCommand                   no such command, subcommand or route                  unknown
├── WrongType (TypeError)            the key holds another kind of value                   wrong_type
├── Conflict                         a condition of the request did not hold               conflict
├── NotFound (LookupError)           the key must exist and does not                       not_found
├── AuthenticationRequired           not authenticated, or the password is wrong           no_auth
├── Forbidden (PermissionError)      this client may not do this                           forbidden
├── OutOfMemory (MemoryError)        no room under the limit, nothing that may be evicted  out_of_memory
├── TooLarge (ValueError)            beyond a stated limit                                 too_large
├── Busy                             not now; the same request may succeed later           busy
├── Limited                          a quota of requests a second is used up               limited
├── Unsupported                      not in this configuration                             unsupported
├── ConfigurationError (ValueError)  a setting that cannot be used
├── ConnectionLost (ConnectionError) the node went away, or cannot be reached
└── CacheClosed                      used after `close()`
```

Each is raised before anything was changed, unless it says otherwise. The word on the right is the kind by which the
data plane knows it; `BY_KIND` maps one to the other. A missing key is not an error: `get` returns its default.
"""

from typing import ClassVar, Final

__all__ = [
    "BY_KIND",
    "AuthenticationRequired",
    "Busy",
    "CacheClosed",
    "ConfigurationError",
    "Conflict",
    "ConnectionLost",
    "Forbidden",
    "InvalidRequest",
    "Limited",
    "NotFound",
    "OutOfMemory",
    "ScrubjayError",
    "TooLarge",
    "UnknownCommand",
    "Unsupported",
    "WrongType",
]


class ScrubjayError(Exception):
    """The root: catches everything that Scrubjay itself raises."""

    kind: ClassVar[str] = ""
    """The data plane's word for this error; empty for those that arise in Python."""

    is_retryable: ClassVar[bool] = False
    """Whether the same request may succeed later without anybody changing it."""


class InvalidRequest(ScrubjayError, ValueError):
    """The request is malformed or one of its values is out of range. The caller must change it."""

    kind = "bad_request"


class UnknownCommand(ScrubjayError):
    """There is no such command, subcommand or route."""

    kind = "unknown"


class WrongType(ScrubjayError, TypeError):
    """The key holds another kind of value than the operation works on."""

    kind = "wrong_type"


class Conflict(ScrubjayError):
    """A condition that the request made did not hold."""

    kind = "conflict"


class NotFound(ScrubjayError, LookupError):
    """The operation needs the key to exist, and it does not."""

    kind = "not_found"


class AuthenticationRequired(ScrubjayError):
    """The client has not authenticated, or its password is wrong."""

    kind = "no_auth"


class Forbidden(ScrubjayError, PermissionError):
    """This client may not do this."""

    kind = "forbidden"


class OutOfMemory(ScrubjayError, MemoryError):
    """The value does not fit under the memory limit, and nothing may be evicted for it."""

    kind = "out_of_memory"
    is_retryable = True


class TooLarge(ScrubjayError, ValueError):
    """A key, value or batch beyond a stated limit."""

    kind = "too_large"


class Busy(ScrubjayError):
    """The node cannot do this now; the same request may succeed later."""

    kind = "busy"
    is_retryable = True


class Limited(ScrubjayError):
    """The namespace's quota of commands a second is used up; the same request may succeed later."""

    kind = "limited"
    is_retryable = True


class Unsupported(ScrubjayError):
    """The node does not do this at all in its present configuration."""

    kind = "unsupported"


class ConfigurationError(ScrubjayError, ValueError):
    """A setting that cannot be used. The message names the setting and the way out."""


class ConnectionLost(ScrubjayError, ConnectionError):
    """The node went away or cannot be reached. A write that was under way may or may not have been applied."""

    is_retryable = True


class CacheClosed(ScrubjayError):
    """The cache was used after `close()`."""


BY_KIND: Final[dict[str, type[ScrubjayError]]] = {
    error.kind: error
    for error in (
        InvalidRequest,
        UnknownCommand,
        WrongType,
        Conflict,
        NotFound,
        AuthenticationRequired,
        Forbidden,
        OutOfMemory,
        TooLarge,
        Busy,
        Limited,
        Unsupported,
    )
}
