"""The documents: their Python runs, their links lead somewhere, and the settings and commands they name exist."""

import re
from pathlib import Path

import pytest

from scrubjay import _core
from scrubjay.config import settings

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = sorted(path for place in ("*", "docs/**/*", "bench/*", "tests/**/*") for path in ROOT.glob(f"{place}.md"))
EMBEDDED = [
    ROOT / "README.md",
    ROOT / "docs" / "start" / "embedded.md",
    ROOT / "docs" / "guides" / "client-side-sharding.md",
]

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


def test_the_track_record_names_tests_that_exist() -> None:
    record = (ROOT / "tests" / "robustness" / "LOG.md").read_text(encoding="utf-8")
    sources = "\n".join(
        path.read_text(encoding="utf-8") for path in [*ROOT.glob("crates/**/*.rs"), *ROOT.glob("tests/**/*.py")]
    )
    rows = [line for line in record.splitlines() if line.startswith("| ")][1:]
    for row in rows:
        held_by = re.findall(r"`(\w+)`", row.split(" | ")[2])
        assert held_by, row
        for name in held_by:
            assert re.search(rf"(?:fn|def) {name}\(", sources), f"{name}: no such test"
