"""Keeps one botocore session, and one client per (service, region), for the whole process.

A client takes 2 to 250 ms to build and its connections cost a TLS handshake, so neither may depend
on the number of accounts: credentials come from the context (accounts.aws.credentials) instead.
"""

from __future__ import annotations

import os
import threading
from datetime import UTC, datetime
from typing import Any

import botocore.session
from botocore.config import Config
from botocore.parsers import ResponseParserFactory

from accounts.aws import client_guards, tls
from accounts.aws.credentials import ContextProvider
from accounts.aws.endpoints import custom_endpoint, fips_host, is_fips_wanted
from accounts.aws.quiet_loggers import quiet_loggers
from accounts.aws.strict_parsers import STRICT_PARSERS
from governance.core import env

USER_AGENT = "tutela"
POOL_SIZE = 64

_lock = threading.Lock()
_session: botocore.session.Session | None = None
_clients: dict[tuple[str, str, str, bool], Any] = {}
_built: list[tuple[str, str]] = []
# What readers cache about a client's operations; dropped together with the clients.
methods: dict[tuple[Any, str], Any] = {}


def client(service: str, region: str) -> Any:
    """The process's client. Raises FipsError if FIPS is required and AWS publishes no endpoint."""
    fips = is_fips_wanted()
    key = (service, region, custom_endpoint(), fips)
    found = _clients.get(key)
    if found is None:
        # Building clients is not thread-safe in botocore, and too slow to do twice.
        with _lock:
            found = _clients.get(key)
            if found is None:
                found = _clients[key] = build_client(service, region, fips=fips)
    return found


def clients_built() -> list[tuple[str, str]]:
    """(service, region) of every client that this process has built."""
    return list(_built)


def reset() -> None:
    """Forget the session and its clients: after a fork (connections can't be shared), and in tests."""
    global _session, _lock  # noqa: PLW0603
    _lock = threading.Lock()
    _session = None
    _clients.clear()
    methods.clear()
    _built.clear()


os.register_at_fork(after_in_child=reset)


def get_botocore_session() -> botocore.session.Session:
    """The botocore session. Callers hold the lock, or are the only thread."""
    global _session  # noqa: PLW0603
    if _session is None:
        quiet_loggers()
        tls.enforce_min_tls()
        made = botocore.session.Session()
        # The global STS endpoint is in one region only, and other partitions have none.
        made.set_config_variable("sts_regional_endpoints", "regional")
        made.register_component("credential_provider", ContextProvider(made))
        made.register_component("response_parser_factory", parser_factory())
        _session = made
    return _session


def build_client(service: str, region: str, *, fips: bool) -> Any:
    host = fips_host(service, region) if fips else ""
    made = get_botocore_session().create_client(service, region_name=region, config=build_client_config(fips=fips))
    client_guards.remove_handlers(made)
    client_guards.add_guards(made, custom=bool(custom_endpoint()), fips=host)
    _built.append((service, region))
    return made


def build_client_config(*, fips: bool) -> Config:
    connect, read = read_aws_timeouts()
    custom = bool(custom_endpoint())
    return Config(
        # accounts.aws.retry does the retries: botocore's quota would be shared by all accounts.
        retries={"total_max_attempts": 1, "mode": "standard"},
        connect_timeout=connect,
        read_timeout=read,
        max_pool_connections=POOL_SIZE,
        user_agent=USER_AGENT,
        use_fips_endpoint=fips,
        tcp_keepalive=True,
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
        # One client serves every account, so its endpoint can't contain an account id.
        account_id_endpoint_mode="disabled",
        disable_request_compression=True,
        # A custom endpoint has no host names for buckets.
        s3={"addressing_style": "path" if custom else "virtual"},
    )


def read_aws_timeouts() -> tuple[float, float]:
    """TUTELA_AWS_TIMEOUT: seconds to wait for an answer, or CONNECT,READ. Raises ConfigurationError."""
    return env.read_timeouts("TUTELA_AWS_TIMEOUT")


class ParserFactory(ResponseParserFactory):
    """One parser per protocol instead of one per answer; they hold no state."""

    def __init__(self) -> None:
        super().__init__()
        self._made: dict[str, Any] = {}

    def create_parser(self, protocol_name: str) -> Any:
        found = self._made.get(protocol_name)
        if found is None:
            strict = STRICT_PARSERS.get(protocol_name)
            found = strict(**self._defaults) if strict else super().create_parser(protocol_name)
            self._made[protocol_name] = found
        return found


def parser_factory() -> ParserFactory:
    factory = ParserFactory()
    factory.set_parser_defaults(timestamp_parser=parse_time_or_text)
    return factory


def parse_time_or_text(value: Any) -> datetime | str:
    """The time in UTC; an invalid time (1e999, a year beyond the calendar) stays text.

    The rest of the answer can then be read, and code that needs the time finds a text."""
    try:
        return parse_timestamp(value).astimezone(UTC)
    except (ArithmeticError, AttributeError, OSError, RuntimeError, TypeError, ValueError):
        return value if isinstance(value, str) else "not a time"


def parse_timestamp(value: Any) -> datetime:
    """Parse AWS's timestamps: ISO 8601 or seconds since 1970. dateutil, botocore's default, takes 5 times as long."""
    # Seconds as text come first: fromisoformat reads eight digits as a date without dashes.
    if isinstance(value, (int, float)) or value.isdecimal():
        return datetime.fromtimestamp(float(value), UTC)
    try:
        parsed = datetime.fromisoformat(value)
    except ValueError:
        return parse_other_timestamp(value)
    return parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)


def parse_other_timestamp(value: str) -> datetime:
    """Parse seconds with an exponent, or the form of HTTP headers."""
    from botocore.utils import parse_timestamp as slow_but_complete

    parsed: datetime = slow_but_complete(value)
    return parsed
