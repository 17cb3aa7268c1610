"""A node beside its own description: whatever `/openapi.json` allows is answered as it says, and the rest refused.

schemathesis reads the description and makes requests from it: the edges of every parameter and body first, then random
ones, valid and broken, then sequences of them. `openapi.toml` says how many; the same ones each time.
"""

import json
import subprocess
import sys
import urllib.request
from collections.abc import Callable
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

from harness.servers import Server

CONFIGURATION = Path(__file__).with_name("openapi.toml")
METHODS = ("get", "put", "post", "delete")


def test_a_node_does_what_its_description_says(serve: Callable[..., Server], tmp_path: Path) -> None:
    node = serve(max_memory="256mb")
    description = _description(node)
    tried = _try(node, description, folder=tmp_path)
    assert tried.returncode == 0, tried.stdout + tried.stderr
    count = sum(len(_operations(item)) for item in description["paths"].values())
    assert f"Tested: {count}\n" in tried.stdout, tried.stdout
    assert node.is_running(), node.output
    assert "panicked" not in node.output


def test_a_description_that_is_wrong_is_noticed(serve: Callable[..., Server], tmp_path: Path) -> None:
    node = serve()
    wrong = _description(node)
    del wrong["paths"]["/cache/{key}"]["get"]["responses"]["404"]
    wrong["components"]["schemas"]["Stats"]["properties"]["hits"] = {"type": "string"}
    tried = _try(node, wrong, "--include-method=GET", "--phases=coverage", folder=tmp_path)
    assert tried.returncode == 1, tried.stdout + tried.stderr
    for operation, fault in (
        ("GET /cache/{key}", "Undocumented status code"),
        ("GET /stats", "Response violates schema"),
    ):
        assert operation in tried.stdout, tried.stdout
        assert fault in tried.stdout, tried.stdout


def test_a_node_with_a_password_opens_what_its_description_opens(serve: Callable[..., Server]) -> None:
    node = serve()
    with node.connect() as connection:
        described = _description(node)["paths"]
        connection.run("CONFIG", "SET", "requirepass", "swordfish")
    for path, item in described.items():
        for method, operation in _operations(item).items():
            client = HTTPConnection("127.0.0.1", node.http_port, timeout=20)
            client.request(method.upper(), path.replace("{", "").replace("}", ""))
            status = client.getresponse().status
            client.close()
            assert (status == 401) != (operation.get("security") == []), f"{method} {path} was answered {status}"


def _try(node: Server, description: Any, *options: str, folder: Path) -> subprocess.CompletedProcess[str]:
    # From a file: what it reads from a node itself, it takes for no part of the service and leaves out.
    file = folder / "openapi.json"
    file.write_text(json.dumps(description), encoding="utf-8")
    tester = Path(sys.executable).with_name("schemathesis")
    return subprocess.run(
        [tester, "--config-file", CONFIGURATION, "run", file, "--url", node.url, "--no-color", *options],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )


def _description(node: Server) -> Any:
    with urllib.request.urlopen(f"{node.url}/openapi.json", timeout=20) as answer:  # noqa: S310 - a node on loopback
        return json.load(answer)


def _operations(item: dict[str, Any]) -> dict[str, Any]:
    return {method: operation for method, operation in item.items() if method in METHODS}
