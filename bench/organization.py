"""A make-believe organization in a process of its own, for measuring against."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


@dataclass
class Organization:
    url: str
    environment: dict[str, str]

    def delay(self, seconds: float) -> None:
        """Add this latency to each call."""
        request = urllib.request.Request(
            f"{self.url}/demo/latency",
            data=json.dumps({"seconds": seconds}).encode(),
            headers={"Content-Type": "application/json"},
            method="POST",
        )
        urllib.request.urlopen(request).close()


@contextmanager
def serving(accounts: int, regions: int, shape: str = "bench", seed: int = 1) -> Iterator[Organization]:
    command = [
        sys.executable, "-m", "demo.organization", "--seed", str(seed), "--accounts", str(accounts),
        "--regions", str(regions), "--shape", shape, "--port", "0", "--print-env",
    ]  # fmt: skip
    server = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "TUTELA_"))}
    environment |= {"TUTELA_DEMO": "1", "BROKER_URL": "memory://"}
    try:
        for line in server.stdout or ():
            if line.startswith("export "):
                name, _, value = line.removeprefix("export ").strip().partition("=")
                environment[name] = value.strip("'\"")
            elif line.startswith("ready"):
                yield Organization(environment["AWS_ENDPOINT_URL"], environment)
                return
        raise SystemExit("the make-believe organization did not start")
    finally:
        server.terminate()
        server.wait(timeout=10)
