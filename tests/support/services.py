"""The servers that some tests need, and where they are: PostgreSQL and Redis, on the standard ports or by URL."""

from __future__ import annotations

import os
import socket
from urllib.parse import urlsplit

URLS = {
    "postgres": os.environ.get("TUTELA_TEST_DATABASE_URL") or "postgresql://postgres@127.0.0.1:5432/postgres",
    "redis": os.environ.get("TUTELA_TEST_REDIS_URL") or "redis://127.0.0.1:6379/13",
}
STANDARD = {"postgres": 5432, "redis": 6379}


def place(mark: str) -> str:
    """HOST:PORT, without the user and the password."""
    parts = urlsplit(URLS[mark])
    return f"{parts.hostname or '127.0.0.1'}:{parts.port or STANDARD[mark]}"


def answers(mark: str) -> bool:
    host, _, port = place(mark).rpartition(":")
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex((host, int(port))) == 0
