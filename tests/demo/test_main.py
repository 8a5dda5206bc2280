"""make demo: the environment that it gives the portal."""

from __future__ import annotations

import argparse
import io
from typing import Any

import pytest

from demo import __main__ as demo


class Served:
    """In place of the organization's process."""

    def __init__(self, *_: Any, **__: Any) -> None:
        self.stdout = io.StringIO("export AWS_ENDPOINT_URL=http://127.0.0.1:5001\nexport TUTELA_REGIONS='a,b'\nready\n")

    def terminate(self) -> None:
        pass

    def wait(self, timeout: float) -> None:
        pass


def test_links_lead_to_the_port_that_was_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo.subprocess, "Popen", Served)
    monkeypatch.setenv("TUTELA_URL", "https://portal.example")
    options = argparse.Namespace(port=9000, seed=7, accounts=2, regions=1, shape="company")
    with demo.organization(options) as environment:
        assert environment["TUTELA_URL"] == "http://localhost:9000"
        assert environment["TUTELA_REGIONS"] == "a,b"
