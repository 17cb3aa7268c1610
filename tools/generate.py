"""Writes the files that are made from tables: `make docs`. With `--check`, says which are stale and writes nothing.

The tables and the texts are in the data plane; run this after a build. Nobody edits these files by hand.
"""

import sys
from pathlib import Path

from scrubjay._core import generated_files

ROOT = Path(__file__).resolve().parent.parent


def main() -> int:
    """Writes or checks. Returns the exit code: 1 if a file is stale."""
    check = "--check" in sys.argv[1:]
    stale = [(path, text) for path, text in generated_files() if read(ROOT / path) != text]
    for path, text in stale:
        if check:
            print(f"{path} is stale: run `make docs`", file=sys.stderr)
            continue
        target = ROOT / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
        print(f"wrote {path}")
    return int(check and bool(stale))


def read(path: Path) -> str | None:
    """The file's text; `None` if there is none."""
    return path.read_text(encoding="utf-8") if path.exists() else None


if __name__ == "__main__":
    sys.exit(main())
