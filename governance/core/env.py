"""Reads settings from the environment: typed, refused if invalid, secrets also from NAME_FILE."""

from __future__ import annotations

import importlib.util
import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, parse_qsl, quote, unquote, urlsplit, urlunsplit

REGION = re.compile(r"[a-z]{2,}(-[a-z]+)+-[0-9]+")
LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")


class ConfigurationError(Exception):
    """A setting is missing or invalid; the message says what to set."""


def read_text(name: str, default: str | None = None) -> str:
    """The variable, or the content of the file that NAME_FILE names."""
    file = os.environ.get(f"{name}_FILE")
    if file:
        try:
            return Path(file).read_text(encoding="utf-8").strip()
        except OSError as error:
            raise ConfigurationError(
                f"{name}_FILE names {file}, which can't be read: {error.strerror}. Check the path and its permissions."
            ) from error
    value = os.environ.get(name, default)
    if value is None:
        raise ConfigurationError(f"{name} is not set. Set it, or set {name}_FILE to a file that contains it.")
    return value


def aws_secrets() -> None:
    """Set the variables that AWS_SECRET_ACCESS_KEY_FILE and AWS_SESSION_TOKEN_FILE hold: botocore reads no files."""
    for name in ("AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        if os.environ.get(f"{name}_FILE"):
            found = read_text(name)
            if found:
                os.environ[name] = found
            else:
                # An empty file means that an instance role is the hub. botocore would take an empty key for a key.
                os.environ.pop(name, None)


def read_secret_url(name: str, default: str) -> str:
    """A URL such as DATABASE_URL, with the password from DATABASE_PASSWORD or its file. Then only that is a secret."""
    given = read_text(name, default)
    variable = f"{name.removesuffix('_URL')}_PASSWORD"
    password = read_text(variable, "")
    if not password or given.partition(":")[0] not in {"postgresql", "postgres", "redis", "rediss"}:
        return given
    parts = urlsplit(given)
    if parts.password:
        raise ConfigurationError(f"{name} contains a password, and {variable} is set too. Remove one of them.")
    place = parts.netloc.rpartition("@")[2]
    return urlunsplit(parts._replace(netloc=f"{parts.username or ''}:{quote(password, safe='')}@{place}"))


def read_flag(name: str, *, default: bool = False) -> bool:
    value = os.environ.get(name, "").strip().lower()
    if value in {"", "0", "1", "true", "false", "yes", "no", "on", "off"}:
        return default if value == "" else value in {"1", "true", "yes", "on"}
    raise ConfigurationError(f"{name} is {value!r}; use 1 or 0.")


def log_level(name: str, default: str) -> str:
    return require_choice(name, os.environ.get(name, "").strip().upper() or default, LOG_LEVELS)


def choice(name: str, default: str, allowed: Sequence[str]) -> str:
    return require_choice(name, os.environ.get(name, "").strip() or default, allowed)


def require_choice(name: str, value: str, allowed: Sequence[str]) -> str:
    if value not in allowed:
        raise ConfigurationError(f"{name} is {value!r}; use one of {', '.join(allowed)}.")
    return value


def read_number(name: str, default: int, *, least: int = 0) -> int:
    value = os.environ.get(name, "").strip()
    if not value:
        return default
    if not value.isdecimal() or int(value) < least:
        raise ConfigurationError(f"{name} is {value!r}; use a whole number of at least {least}.")
    return int(value)


def rate(name: str, default: str) -> str:
    """A number of requests by one person in a period, such as 10/minute."""
    value = os.environ.get(name, "").strip() or default
    if not re.fullmatch(r"[1-9][0-9]{0,5}/(second|minute|hour|day)", value):
        raise ConfigurationError(f"{name} is {value!r}; use a number per second, minute, hour or day, like 10/minute.")
    return value


def listing(name: str, default: str = "") -> list[str]:
    return [item.strip() for item in read_text(name, default).split(",") if item.strip()]


def read_regions(name: str, *, also: Sequence[str] = ()) -> list[str]:
    """Names that have the form of a region. The start of a scan checks whether they exist."""
    found = listing(name)
    odd = [region for region in found if region not in also and not REGION.fullmatch(region)]
    if odd:
        more = f" or {', '.join(also)}" if also else ""
        raise ConfigurationError(
            f"{name} contains {', '.join(odd)}; use regions like eu-west-1, separated by commas{more}."
        )
    return found


def read_timeouts(name: str, connect: float = 5.0, read: float = 20.0) -> tuple[float, float]:
    """Seconds to wait for a connection and for an answer, from a variable that contains READ or CONNECT,READ."""
    value = os.environ.get(name, "").strip()
    if not value:
        return connect, read
    try:
        numbers = [float(part) for part in value.split(",")]
    except ValueError:
        numbers = []
    if len(numbers) not in {1, 2} or not all(0 < number < 1000 for number in numbers):
        raise ConfigurationError(f"{name} is {value!r}; use seconds, like 20, or CONNECT,READ, like 5,20.")
    return (min(connect, numbers[0]), numbers[0]) if len(numbers) == 1 else (numbers[0], numbers[1])


def check_aws_endpoints() -> None:
    """Check AWS_ENDPOINT_URL, AWS_ENDPOINT_URL_S3 and so on: botocore takes a wrong one for a broken answer of AWS."""
    for name, value in sorted(os.environ.items()):
        if name.startswith("AWS_ENDPOINT_URL") and value.strip():
            require_http_url(name, value)


def require_http_url(name: str, value: str) -> None:
    try:
        parts = urlsplit(value)
        sound = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port that is none, or brackets that don't close
        sound = False
    if not sound:
        shown = "not a URL" if "@" in value else repr(value)  # a password may stand before an @; errors are logged
        raise ConfigurationError(f"{name} is {shown}; use a URL like https://host or http://127.0.0.1:5001.")


def database(url: str, base: Path) -> dict[str, Any]:
    """Django's DATABASES entry for a sqlite:///path or postgresql://user:password@host:port/name URL."""
    parts = urlsplit(url)
    if parts.scheme == "sqlite":
        path = unquote(parts.path.removeprefix("/"))
        return build_sqlite_settings(
            Path(path) if path.startswith("/") else base / path if path else base / "var/tutela.sqlite3"
        )
    if parts.scheme in {"postgresql", "postgres"} and parts.path.strip("/"):
        return {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": unquote(parts.path.strip("/")),
            "USER": unquote(parts.username or ""),
            "PASSWORD": unquote(parts.password or ""),
            "HOST": unquote(parts.hostname or ""),
            "PORT": parse_database_port(parts),
            "CONN_HEALTH_CHECKS": True,
            "CONN_MAX_AGE": 60,
            "OPTIONS": dict(parse_qsl(parts.query)),
        }
    raise ConfigurationError(
        "DATABASE_URL must be sqlite:///path or postgresql://user:password@host:port/name "
        f"(its scheme is {parts.scheme or 'missing'!r})."
    )


def parse_database_port(parts: SplitResult) -> str:
    try:
        return str(parts.port or "")
    except ValueError as error:
        raise ConfigurationError(f"DATABASE_URL has an invalid port: {error}.") from error


def build_sqlite_settings(path: Path) -> dict[str, Any]:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigurationError(
            f"DATABASE_URL names {path}, whose folder can't be created: {error.strerror}."
        ) from error
    return {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": str(path),
        "OPTIONS": {
            "timeout": 30,
            # A deferred transaction that reads first can't become a writer later if another one wrote in between; it
            # fails at once instead of waiting. So every transaction is a writer from its start, and they take turns.
            "transaction_mode": "IMMEDIATE",
            "init_command": "PRAGMA journal_mode=WAL;PRAGMA synchronous=NORMAL;PRAGMA temp_store=MEMORY;",
        },
        "TEST": {"NAME": None},
    }


def oidc(*, insecure: bool) -> dict[str, Any]:
    """The entry of SOCIALACCOUNT_PROVIDERS for the company's OpenID Connect provider; empty if none is set."""
    issuer = read_text("TUTELA_OIDC_ISSUER", "").rstrip("/")
    if not issuer:
        return {}
    if urlsplit(issuer).scheme != "https" and not insecure:
        raise ConfigurationError("TUTELA_OIDC_ISSUER must be an https:// URL: sign-ins are verified with keys from it.")
    app = {
        "provider_id": "sso",
        "name": read_text("TUTELA_OIDC_NAME", "single sign-on"),
        "client_id": read_text("TUTELA_OIDC_CLIENT_ID"),
        "secret": read_text("TUTELA_OIDC_CLIENT_SECRET"),
        "settings": {"server_url": issuer, "uid_field": "sub", "oauth_pkce_enabled": True, "fetch_userinfo": False},
    }
    return {"openid_connect": {"APPS": [app]}}


def saml(*, insecure: bool) -> dict[str, Any]:
    """The entry of SOCIALACCOUNT_PROVIDERS for a SAML provider; empty if none is set. Its library is an extra."""
    entity = read_text("TUTELA_SAML_IDP_ENTITY_ID", "")
    if not entity:
        return {}
    if ":" not in entity or len(entity) > 200:
        raise ConfigurationError("TUTELA_SAML_IDP_ENTITY_ID must be a URI of at most 200 characters.")
    url = read_text("TUTELA_SAML_IDP_SSO_URL")
    if urlsplit(url).scheme != "https" and not insecure:
        raise ConfigurationError("TUTELA_SAML_IDP_SSO_URL must be an https:// URL: people sign in there.")
    if any(importlib.util.find_spec(name) is None for name in ("onelogin", "xmlsec")):
        raise ConfigurationError(
            "TUTELA_SAML_IDP_ENTITY_ID is set, but the library for SAML isn't installed. "
            "Run: pip install --require-hashes -r requirements-saml.txt"
        )
    certificate = read_text("TUTELA_SAML_IDP_CERTIFICATE").strip()
    if not is_one_certificate(certificate):
        raise ConfigurationError("TUTELA_SAML_IDP_CERTIFICATE must contain exactly one certificate in PEM format.")
    idp = {"entityId": entity, "x509cert": certificate, "singleSignOnService": {"url": url}}
    app = {
        "provider_id": entity,  # part of each identity, so another provider's subjects are never taken for this one's
        "name": read_text("TUTELA_SAML_NAME", "SAML"),
        "client_id": "sso",
        "settings": {"idp": idp, "sp_entity_id": read_text("TUTELA_SAML_SP_ENTITY_ID", ""), "attribute_mapping": {}},
    }
    return {"saml": {"APPS": [app]}}


def is_one_certificate(pem: str) -> bool:
    from cryptography.x509 import load_pem_x509_certificates

    try:
        return len(load_pem_x509_certificates(pem.encode())) == 1
    except ValueError:
        return False


def origins(name: str) -> list[str]:
    """The origin of the URL in this variable, for a content security policy; empty if it isn't set."""
    parts = urlsplit(read_text(name, ""))
    return [f"{parts.scheme}://{parts.netloc}"] if parts.netloc else []
