from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from accounts.aws import session
from tests.accounts.aws.stub import Script, Stub, nothing_there, serve


@pytest.fixture(autouse=True)
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The hub's credentials, and a process that has built no client yet."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAHUB")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hubsecret")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nonexistent")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent")
    session.reset()
    yield
    session.reset()


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Script], Stub]]:
    """aws(script) serves a scripted AWS and points AWS_ENDPOINT_URL at it."""
    servers = []

    def start(script: Script = lambda request: nothing_there()) -> Stub:
        stub = Stub(script)
        servers.append(serve(stub))
        monkeypatch.setenv("AWS_ENDPOINT_URL", stub.url)
        return stub

    yield start
    session.reset()
    for server in servers:
        server.shutdown()
        server.server_close()
