"""Help texts render: square brackets in them are rich's markup, and an unmatched one is a traceback."""

import pytest

from scrubjay.cli.app import VERBS, run


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_explains_itself(verb, capsys):
    assert run([verb, "--help"]) == 0
    assert "Usage: scrubjay" in capsys.readouterr().out
