"""What `import scrubjay` brings along: the native module and next to nothing else."""

import subprocess
import sys

HEAVY = [
    "typer",
    "click",
    "rich",
    "pydantic",
    "asyncio",
    "json",
    "socket",
    "ssl",
    "subprocess",
    "logging",
    "dataclasses",
]


def test_importing_the_package_loads_no_heavy_module() -> None:
    program = "import sys; before = set(sys.modules); import scrubjay; print(*sorted(set(sys.modules) - before))"
    ran = subprocess.run([sys.executable, "-I", "-c", program], capture_output=True, text=True, check=True)
    loaded = ran.stdout.split()
    assert not [name for name in loaded if name.partition(".")[0] in HEAVY]
    assert len(loaded) < 40, loaded


def test_everything_that_is_exported_exists_and_is_documented() -> None:
    import scrubjay  # noqa: PLC0415

    for name in scrubjay.__all__:
        assert getattr(scrubjay, name).__doc__
    for name in dir(scrubjay.Cache):
        if not name.startswith("_"):
            assert getattr(scrubjay.Cache, name).__doc__, name
