"""The audit of locked packages: pip-audit itself, against advisories that this machine serves, or doesn't."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from requirements import audit

ADVISORY = {
    "id": "GHSA-test", "aliases": ["CVE-2026-1"], "summary": "Reads more than it may.",
    "affected": [{
        "package": {"name": "django", "ecosystem": "PyPI"},
        "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "5.2.99"}]}],
    }],
}  # fmt: skip
Advisories = Callable[..., list[str]]
pytestmark = pytest.mark.slow  # pip-audit takes a second to start


@pytest.fixture
def lock(tmp_path: Path) -> str:
    path = tmp_path / "lock.txt"
    hashed = [f"{name} \\\n    --hash=sha256:{'0' * 64}\n" for name in ("django==5.2.19", "celery==5.6.0")]
    path.write_text("".join(hashed), encoding="utf-8")
    return str(path)


@pytest.fixture
def advisories(monkeypatch: pytest.MonkeyPatch) -> Iterator[Advisories]:
    """advisories(status, body): what the service answers of django; of others it knows nothing. Returns who was asked for."""
    servers: list[ThreadingHTTPServer] = []

    def serve(status: int = 200, body: str = "{}") -> list[str]:
        asked: list[str] = []

        class Service(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                query = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                asked.append(query["package"]["name"])
                answer = (body if query["package"]["name"] == "django" else "{}").encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, format: str, *args: object) -> None:
                pass

        servers.append(ThreadingHTTPServer(("127.0.0.1", 0), Service))
        threading.Thread(target=servers[-1].serve_forever, daemon=True).start()
        monkeypatch.setenv("TUTELA_ADVISORIES_URL", f"http://127.0.0.1:{servers[-1].server_port}/query")
        return asked

    yield serve
    for server in servers:
        server.shutdown()
        server.server_close()


def test_package_with_an_advisory_fails(lock: str, advisories: Advisories, capsys) -> None:
    asked = advisories(body=json.dumps({"vulns": [ADVISORY]}))
    assert audit.main([lock]) == 1
    assert sorted(asked) == ["celery", "django"]
    assert capsys.readouterr().out.splitlines() == [
        "django 5.2.19: CVE-2026-1, fixed in 5.2.99. Reads more than it may.",
        "2 locked packages compared with published advisories: 1 found.",
    ]


def test_accepted_advisory_passes(lock: str, advisories: Advisories, monkeypatch, capsys) -> None:
    monkeypatch.setattr(audit, "ACCEPTED", {"CVE-2026-1": "that part isn't used"})
    advisories(body=json.dumps({"vulns": [ADVISORY]}))
    assert audit.main([lock]) == 0
    assert capsys.readouterr().out.endswith("0 found.\n")


def test_packages_without_advisories_pass(lock: str, advisories: Advisories, capsys) -> None:
    advisories()
    assert audit.main([lock]) == 0
    assert capsys.readouterr().out == "2 locked packages compared with published advisories: 0 found.\n"


@pytest.mark.parametrize(
    ("status", "body"), [(403, "blocked"), (503, ""), (200, "<html>sign in to the network</html>")]
)
def test_service_that_does_not_answer_is_told_in_one_line(lock, advisories, capsys, status, body) -> None:
    advisories(status, body)
    assert audit.main([lock]) == 0
    [line] = capsys.readouterr().out.splitlines()
    assert line.startswith("No advisories could be had, so the locked packages were NOT compared with any: ")


def test_service_that_is_away_is_told_in_one_line(lock, monkeypatch, capsys) -> None:
    monkeypatch.setenv("TUTELA_ADVISORIES_URL", "http://127.0.0.1:1/query")
    assert audit.main([lock]) == 0
    [line] = capsys.readouterr().out.splitlines()
    assert "NOT compared" in line
    assert "Connection" in line


def test_service_that_never_answers_is_told_in_one_line(lock, monkeypatch, capsys) -> None:
    monkeypatch.setattr(audit, "SECONDS", 0.01)
    assert audit.main([lock]) == 0
    assert "no answer within" in capsys.readouterr().out


def test_broken_lock_fails(tmp_path: Path, capsys) -> None:
    (tmp_path / "lock.txt").write_text("django>=5\n", encoding="utf-8")
    assert audit.main([str(tmp_path / "lock.txt")]) == 1
    assert "django" in capsys.readouterr().err


def test_audit_that_breaks_fails(lock: str, monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    """Also where its traceback names connections on the way."""
    said = "  raise ConnectionError from error\nTypeError: no such thing"
    monkeypatch.setattr(audit, "audit", lambda _: audit.Audited([], said))
    assert audit.main([lock]) == 1
    assert capsys.readouterr().err == said + "\n"


def test_package_that_the_service_does_not_know_is_named(capsys) -> None:
    packages = [{"name": "ours", "skip_reason": "not found"}, {"name": "django", "version": "5", "vulns": []}]
    assert audit.report(packages) == 0
    assert capsys.readouterr().out.splitlines() == [
        "Not compared, since the service doesn't know them: ours",
        "1 locked packages compared with published advisories: 0 found.",
    ]
