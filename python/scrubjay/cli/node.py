"""What a node's process runs: the interpreter, the native module, this file, and nothing else.

`serve.py` starts it as `python -I -S node.py CORE FD`, where CORE is the path of the native module and FD a pipe with
the flags. So nothing is imported here but what the bare interpreter has loaded anyway: every module stays resident for
the node's life.
"""

import sys

TYPE_CHECKING = False  # as `typing` has it, whose import would cost the node a megabyte
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any

__all__ = ["greeting", "main", "pack", "unpack"]


def pack(flags: dict[str, str]) -> bytes:
    """The flags as they travel through the pipe: names and values in turn, each ended by a zero byte."""
    return b"".join(word.encode(errors="surrogateescape") + b"\0" for pair in flags.items() for word in pair)


def unpack(packed: bytes) -> list[tuple[str, str]]:
    """What `pack` packed."""
    words = [word.decode(errors="surrogateescape") for word in packed.split(b"\0")[:-1]]
    return list(zip(words[::2], words[1::2], strict=True))


def load_core(path: str) -> "ModuleType":
    """The native module from its file, without importing the package around it."""
    # The import system's own loader, already loaded; `importlib` would import a dozen modules more.
    import _frozen_importlib_external as machinery  # noqa: PLC0415
    from _frozen_importlib import ModuleSpec  # noqa: PLC0415

    name = "scrubjay._core"
    loader = machinery.ExtensionFileLoader(name, path)
    core = loader.create_module(ModuleSpec(name, loader, origin=path))
    sys.modules[name] = core  # for `scrubjay.errors`, which the module imports when something goes wrong
    loader.exec_module(core)
    return core


def greeting(node: "dict[str, Any]", version: str, *, colour: bool) -> str:
    """What a node says when it is ready: what listens where, what happens at the limit, and what to try."""
    bold, dim, plain = ("\x1b[1m", "\x1b[2m", "\x1b[0m") if colour else ("", "", "")
    lines = [f"{bold}scrubjay {version}{plain} is ready", ""]
    lines += [f"  {name:<8} {address}" for name, address in node["doors"]]
    limit = f"at most {human(node['memory_bytes_max'])}" if node["memory_bytes_max"] else "no limit"
    if node["entries_max"]:
        limit += f" and {node['entries_max']} entries"
    lines.append(f"  {'memory':<8} {limit}; policy {node['policy']}")
    lines.append(
        f"  {'ttl':<8} "
        + (f"{node['ttl_ms_default'] / 1000:g} s unless told" if node["ttl_ms_default"] else "none unless told")
    )
    lines.append(f"  {'threads':<8} {node['threads']}")
    for setting in node["absent"]:
        lines.append(f"  {setting.removesuffix('-port'):<8} not there yet: {setting} opens nothing in this version")
    tries = examples({name: reachable(address) for name, address in reversed(node["doors"])})
    lines += ["", f"{dim}Try:{plain}", *(f"  {line}" for line in tries), f"{dim}Ctrl-C stops it.{plain}"]
    return "\n".join(lines)


def examples(doors: dict[str, tuple[str, str]]) -> list[str]:
    """Three lines to try on these doors."""
    lines = []
    if "redis" in doors:
        host, port = doors["redis"]
        lines.append(
            f"redis-cli -h {host} -p {port} set greeting hello ex 60"
            if host != "127.0.0.1"
            else f"redis-cli -p {port} set greeting hello ex 60"
        )
        lines.append(
            f"scrubjay cli -h {host} -p {port} get greeting"
            if host != "127.0.0.1"
            else f"scrubjay cli -p {port} get greeting"
        )
    if "http" in doors:
        host, port = doors["http"]
        url = f"http://{f'[{host}]' if ':' in host else host}:{port}/cache"
        if not lines:
            lines.append(f'curl -X PUT {url}/greeting --json \'{{"value": "hello", "ttl": 60}}\'')
            lines.append(f"curl {url}/stats")
        lines.append(f"curl {url}/greeting")
    return lines


def reachable(address: str) -> tuple[str, str]:
    """Host and port by which this machine reaches a door that listens at `address`."""
    host, _, port = address.rpartition(":")
    host = host.strip("[]")
    return ("127.0.0.1" if host == "0.0.0.0" else "::1" if host == "::" else host), port  # noqa: S104


def human(size: int) -> str:
    """Bytes as people read them: `512 MiB`, `1.5 GiB`."""
    value = float(size)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if value < 1024:
            return f"{value:.4g} {unit}"
        value /= 1024
    return f"{value:.4g} TiB"


def main(core_path: str, flags_fd: int) -> int:
    """Runs a node until it is told to stop. The exit code: 0, or 2 if it cannot start."""
    with open(flags_fd, "rb") as pipe:
        flags = unpack(pipe.read())
    # For the classes of exceptions, should the native module need one. Nothing is imported from there otherwise.
    sys.path.insert(0, str(core_path).rpartition("/scrubjay/")[0])
    core = load_core(core_path)

    def ready(node: "dict[str, Any]") -> None:
        try:
            print(greeting(node, core.__version__, colour=sys.stdout.isatty()), flush=True)
        except OSError:
            sys.stdout = None  # nobody reads it, which is no reason to stop

    try:
        core.serve(flags, ready)
    except ValueError as error:  # a ConfigurationError, whose module is not loaded here
        print(f"scrubjay: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], int(sys.argv[2])))
