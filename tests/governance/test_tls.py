"""Whatever the portal connects to by TLS: version 1.2 at least, on a Python that leaves the lowest version open, too."""

from __future__ import annotations

import socket
import socketserver
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import psycopg
import pytest
from celery import Celery
from django.core.mail import EmailMessage, get_connection

from accounts.aws import session
from governance.broker import connection_settings
from governance.core.env import ConfigurationError
from governance.core.tls import MIN_TLS_VERSION, require_tls_1_2
from governance.identity.sso.openid_connect import SingleSignOnAdapter
from tests.whole.portal import ROOT, bare_environment


class ContextUsedError(OSError):
    """Stands in for the handshake."""


@pytest.fixture
def used(monkeypatch: pytest.MonkeyPatch) -> list[ssl.SSLContext]:
    """The contexts that connections were made with. A new one has no lowest version, as on Debian's own Python."""
    contexts: list[ssl.SSLContext] = []
    new = ssl.SSLContext.__new__

    def without_lowest(cls: type[ssl.SSLContext], *args: Any, **kwargs: Any) -> ssl.SSLContext:
        made = new(cls, *args, **kwargs)
        made.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
        return made

    def wrap(context: ssl.SSLContext, sock: socket.socket, *_: Any, **__: Any) -> None:
        contexts.append(context)
        sock.close()
        raise ContextUsedError

    monkeypatch.setattr(ssl.SSLContext, "__new__", without_lowest)
    monkeypatch.setattr(ssl.SSLContext, "wrap_socket", wrap)
    assert ssl.create_default_context().minimum_version < MIN_TLS_VERSION
    session.reset()
    return contexts


@pytest.fixture
def server() -> Iterator[int]:
    """The port of a server that takes connections, and speaks as much SMTP and proxying as comes before TLS."""

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            with suppress(OSError):
                self.request.settimeout(0.2)
                with suppress(TimeoutError):
                    if self.request.recv(7, socket.MSG_PEEK) == b"CONNECT":
                        self.wfile.write(b"HTTP/1.1 200 OK\r\n\r\n")
                        return
                self.request.settimeout(10)
                self.wfile.write(b"220 mail\r\n")
                for line in self.rfile:
                    self.wfile.write(b"250-mail\r\n250 STARTTLS\r\n" if line.startswith(b"ehlo") else b"220 go on\r\n")

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as served:
        served.daemon_threads = True
        threading.Thread(target=served.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        yield served.server_address[1]
        served.shutdown()


def assert_all_are_modern(used: list[ssl.SSLContext]) -> None:
    assert used
    assert all(context.minimum_version >= MIN_TLS_VERSION for context in used)


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAHUB")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hubsecret")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nonexistent")
    yield monkeypatch
    session.reset()


@pytest.mark.parametrize("service", ["ssm", "sts", "s3", "logs"])
def test_aws_connections_require_tls_1_2(used, server, hub, service):
    hub.setenv("AWS_ENDPOINT_URL", f"https://127.0.0.1:{server}")
    client = session.client(service, "eu-west-1")
    act = {
        "ssm": "describe_parameters",
        "sts": "get_caller_identity",
        "s3": "list_buckets",
        "logs": "describe_log_groups",
    }
    with pytest.raises(Exception, match=r"127\.0\.0\.1"):
        getattr(client, act[service])()
    assert_all_are_modern(used)


def test_aws_through_a_proxy(used, server, hub):
    hub.setenv("HTTPS_PROXY", f"http://127.0.0.1:{server}")
    hub.setenv("AWS_ENDPOINT_URL", "https://aws.example")
    with pytest.raises(Exception, match=r"(?i)proxy|aws\.example"):
        session.client("ssm", "eu-west-1").describe_parameters()
    assert_all_are_modern(used)


def test_the_hubs_own_credentials(used, server, hub, tmp_path):
    """With a web identity botocore makes a client of STS by itself."""
    hub.delenv("AWS_ACCESS_KEY_ID")
    hub.delenv("AWS_SECRET_ACCESS_KEY")
    (tmp_path / "token").write_text("token")
    hub.setenv("AWS_WEB_IDENTITY_TOKEN_FILE", str(tmp_path / "token"))
    hub.setenv("AWS_ROLE_ARN", "arn:aws:iam::111122223333:role/hub")
    hub.setenv("AWS_ENDPOINT_URL", f"https://127.0.0.1:{server}")
    with pytest.raises(Exception, match=r"127\.0\.0\.1"):
        session.client("ssm", "eu-west-1").describe_parameters()
    assert [client for client, _ in session.clients_built()] == ["ssm"]
    assert_all_are_modern(used)


@pytest.mark.parametrize("how", ["use_tls", "use_ssl"])
def test_mail_connections_require_tls_1_2(used, server, settings, how):
    settings.EMAIL_HOST = "127.0.0.1"
    backend = "governance.notify.smtp.EmailBackend"
    connection = get_connection(backend, host="127.0.0.1", port=server, timeout=5, **{"use_tls": False, how: True})
    with pytest.raises(ContextUsedError):
        EmailMessage("subject", "body", "a@corp.example", ["b@corp.example"], connection=connection).send()
    assert_all_are_modern(used)


def test_mail_goes_out_by_that_backend(monkeypatch):
    import importlib

    from governance import settings

    monkeypatch.setenv("TUTELA_MAIL_HOST", "mail.corp.example")
    try:
        assert importlib.reload(settings).EMAIL_BACKEND == "governance.notify.smtp.EmailBackend"
    finally:
        monkeypatch.undo()
        importlib.reload(settings)


def test_single_sign_on(used, server):
    with pytest.raises(OSError, match="ContextUsedError"):
        SingleSignOnAdapter().get_requests_session().get(f"https://127.0.0.1:{server}/.well-known/openid-configuration")
    assert_all_are_modern(used)


QUERIES = ["", "?ssl_cert_reqs=required", "?ssl_cert_reqs=none", "?ssl_min_version=TLSv1", "?ssl_check_hostname=true"]


@pytest.mark.parametrize("query", QUERIES)
def test_broker_connections_require_tls_1_2(used, server, query):
    app = Celery("tls", set_as_current=False)
    app.conf.update(**connection_settings(f"rediss://:secret@127.0.0.1:{server}/0{query}"))
    with pytest.raises(Exception), app.connection_for_write() as connection:  # noqa: B017
        connection.ensure_connection(max_retries=1, interval_start=0, timeout=2)
    assert_all_are_modern(used)
    verified = ssl.CERT_NONE if "none" in query else ssl.CERT_REQUIRED
    assert {(context.verify_mode, context.check_hostname) for context in used} == {(verified, bool(verified))}


def test_the_brokers_url_keeps_all_but_tls():
    said = connection_settings("rediss://:se%40cret@redis.example:6380/3?ssl_ca_certs=/ca.pem&virtual_host=4")
    assert said["broker_url"] == "rediss://:se%40cret@redis.example:6380/3?virtual_host=4"
    assert said["broker_use_ssl"]["ssl_ca_certs"] == "/ca.pem"
    assert connection_settings("redis://:x@127.0.0.1:6379/0") == {"broker_url": "redis://:x@127.0.0.1:6379/0"}


def test_celery_uses_the_broker_tls_settings():
    code = (
        "from governance.celery import app; print(app.conf.broker_url, app.conf.broker_use_ssl['ssl_min_version'].name)"
    )
    environment = bare_environment(BROKER_URL="rediss://redis.example/0?ssl_ca_certs=/ca.pem", TUTELA_DEMO="1")
    said = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=environment, text=True, capture_output=True, check=True
    )
    assert said.stdout.split() == ["rediss://redis.example/0", "TLSv1_2"]


def test_unknown_certificate_check_is_refused():
    with pytest.raises(ConfigurationError, match="ssl_cert_reqs=maybe; use required, optional or none"):
        connection_settings("rediss://:secret@redis.example/0?ssl_cert_reqs=maybe")


def test_postgresql_asks_for_as_much_by_itself():
    defaults = {bytes(each.keyword): each.compiled for each in psycopg.pq.Conninfo.get_defaults()}
    assert defaults[b"ssl_min_protocol_version"] == b"TLSv1.2"


def test_stricter_tls_context_is_kept():
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    assert require_tls_1_2(context).minimum_version == ssl.TLSVersion.TLSv1_3
