"""The tree of errors: every kind that the data plane knows has its class."""

import pytest

from scrubjay import _core, errors


def test_every_kind_has_its_class() -> None:
    assert set(_core.kinds()) == set(errors.BY_KIND)


def test_every_class_is_in_the_tree_and_documented() -> None:
    assert errors.__doc__ is not None
    for name in errors.__all__:
        if name == "BY_KIND":
            continue
        error = getattr(errors, name)
        assert issubclass(error, errors.ScrubjayError)
        assert name in errors.__doc__
        assert error.__doc__
        assert not error.kind or errors.BY_KIND[error.kind] is error


@pytest.mark.parametrize(
    ("name", "builtin"),
    [("OutOfMemory", MemoryError), ("WrongType", TypeError), ("TooLarge", ValueError), ("NotFound", LookupError)],
)
def test_errors_are_also_pythons_own(name: str, builtin: type[Exception]) -> None:
    assert issubclass(getattr(errors, name), builtin)
