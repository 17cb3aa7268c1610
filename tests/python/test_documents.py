"""The documents: their Python runs, their links lead somewhere, and the settings and commands they name exist."""

import re
from pathlib import Path

import pytest

from scrubjay import _core
from scrubjay.config import settings

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("bench/*.md")])
EMBEDDED = [ROOT / "README.md", ROOT / "docs" / "start" / "embedded.md"]

BLOCK = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\((?!https?:)([^)#\s]+)(?:#[^)]*)?\)")
FLAG = re.compile(r"(?<=scrubjay serve )[^\n`#|]*")


@pytest.mark.parametrize("document", EMBEDDED, ids=lambda path: path.name)
def test_examples_run_from_top_to_bottom(document: Path) -> None:
    blocks = BLOCK.findall(document.read_text(encoding="utf-8"))
    assert blocks
    names: dict[str, object] = {}
    for block in blocks:
        exec(compile(block, str(document), "exec"), names)  # noqa: S102 - our own documents


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(document: Path) -> None:
    for target in LINK.findall(document.read_text(encoding="utf-8")):
        assert (document.parent / target).exists(), f"{document.name} links to {target}"


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_flags_of_serve_exist(document: Path) -> None:
    known = {f"--{setting.name}" for setting in settings()}
    for line in FLAG.findall(document.read_text(encoding="utf-8")):
        assert set(re.findall(r"--[a-z-]+", line)) <= known, line


def test_every_setting_and_command_is_in_its_reference_page() -> None:
    pages = {
        name: (ROOT / "docs" / "reference" / name).read_text(encoding="utf-8")
        for name in ("settings.md", "commands.md")
    }
    for setting in settings():
        assert f"--{setting.name}" in pages["settings.md"]
    for row in _core.commands():
        assert row["name"] in pages["commands.md"]
