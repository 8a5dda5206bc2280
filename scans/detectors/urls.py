"""Detects credentials in URLs: scheme://name:password@host. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator

from scans.detectors.base import Detector, unmark_examples

SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*\Z")
AUTHORITY = re.compile(r"[^\s/?#\"'<>\\`|]{0,600}")
# Placeholders that are replaced at run time: a template's braces, a variable of a shell or format, a mask.
STAND_IN = re.compile(r"\{+[^{}]*\}+|\$\{?\w+\}?|\$\([^)]*\)|%\w+%|%s|%\(\w+\)s|[*x•.]{3,}|:\w+", re.IGNORECASE)


def iter_user_infos(text: str) -> Iterator[tuple[int, int, str]]:
    """(start, end, user:password) of each URL with a user part; end is the position of its @."""
    at = text.find("://")
    while at != -1:
        authority = AUTHORITY.match(text, at + 3)
        held = authority.group() if authority else ""
        user_info, sign, host = held.rpartition("@")
        if sign and host and SCHEME.search(text[max(0, at - 24) : at]):
            yield at + 3, at + 3 + len(user_info), user_info
        at = text.find("://", at + 3)


def find_url_credentials(text: str, _low: str = "") -> bool:
    for _, _, user_info in iter_user_infos(text):
        _, colon, password = user_info.partition(":")
        if colon and password and not STAND_IN.fullmatch(password):
            return True
    return False


URL_CREDENTIALS = Detector(
    name="url_credentials",
    find=find_url_credentials,
    needles=("://",),
    positives=unmark_examples(
        "curl https://deploy:~Xk29vTq8LmZr4w@files.example.com/app",
        "postgres://orders:~s3cr%40t@db.internal:5432/orders",
        "baseurl=ftp://a:~b@mirror.example.com",
        "git clone https://x-access-token:~abc@github.com/acme/app.git",
        "first https://example.com/ok then redis://:~hunter2@cache:6379/0",
    ),
    negatives=(
        "https://example.com:8443/path",
        "https://deploy:{{ssm-secure:deploy-password}}@files.example.com/app",
        "https://deploy:{{ ssm-secure:/apps/deploy }}@files.example.com/app",
        "https://$USER:$PASSWORD@files.example.com/",
        "https://${USER}:${PASSWORD}@files.example.com/",
        "https://{user}:{password}@files.example.com/",
        "https://user:****@files.example.com/",
        "https://user:<password>@files.example.com/",
        "https://%s:%s@files.example.com/",
        "ssh://git@github.com/acme/app.git",
        "https://user:@files.example.com/",
        "mail someone, see https://example.com/a:b@c",
        "postgres://localhost/db?user=a:b@c",
    ),
)
