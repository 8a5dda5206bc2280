"""Creates, rotates, revokes and checks API tokens of service accounts. A token can request, but never decide."""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import re
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q

from governance.core import audit
from governance.core.policy import STEP_UP, Actor, Permission, ScopeKind, known_permissions
from governance.identity.factors import step_up
from governance.identity.grants import scopes
from governance.identity.grants.services import SCOPE_KIND_NAMES
from governance.identity.models import ApiToken, User
from governance.identity.people.administration import require_permission
from governance.identity.people.identifiers import validate_username

MAX_TOKEN_LIFETIME = timedelta(days=90)
ROTATION_GRACE = timedelta(hours=24)
LAST_USED_INTERVAL = timedelta(minutes=1)
LABEL_PREFIX = "tutela"  # tutela_<prefix>_<secret>: a form in which secret scanners find leaked tokens
TOKEN_PATTERN = re.compile(LABEL_PREFIX + r"_(?P<prefix>[0-9a-f]{12})_(?P<secret>[0-9a-f]{64})")
TokenScope = tuple[ScopeKind, str]


class TokenRefusedError(Exception):
    """The token can't be created like this; the message says what to change."""


@dataclass(frozen=True, slots=True)
class TokenLimits:
    """A token's limits: permissions, scopes, networks and end."""

    permissions: Sequence[Permission]
    scopes: Sequence[TokenScope]
    expires_at: datetime
    networks: Sequence[str] = ()


def create_service_account(*, actor: Actor, username: str, responsible: User, now: datetime) -> User:
    """Create a service account: it has Grants like a person, and no way to sign in. Raises ValidationError."""
    require_permission(actor, Permission.TOKEN_MANAGE, now)
    step_up.require_fresh_factor(actor, now)
    user = User(is_service=True, responsible=responsible)
    user.set_unusable_password()
    with transaction.atomic():
        audit.hold_trail_end("user.create")
        user.username = validate_username(username)
        user.full_clean()
        user.save()
        audit.record(
            actor=actor,
            action="user.create",
            subject=f"user:{user.pk}",
            username=user.username,
            service=True,
            responsible=responsible.pk,
        )
    return user


def create_token(*, actor: Actor, service: User, name: str, cut: TokenLimits, now: datetime) -> tuple[ApiToken, str]:
    """Create a token. Returns it and its text, which is shown once and stored nowhere."""
    require_permission(actor, Permission.TOKEN_MANAGE, now)
    # A token outlives the session: a stolen session must not be able to leave one behind.
    step_up.require_fresh_factor(actor, now)
    if not service.is_service:
        raise TokenRefusedError("Tokens are for service accounts only. Choose a service account.")
    check_token_limits(cut, now)
    with transaction.atomic():
        return insert_token(actor=actor, service=service, name=name, cut=cut)


def insert_token(*, actor: Actor, service: User, name: str, cut: TokenLimits) -> tuple[ApiToken, str]:
    prefix, secret = secrets.token_hex(6), secrets.token_hex(32)
    token = ApiToken.objects.create(
        service=service,
        name=name,
        prefix=prefix,
        secret_digest=hash_token_secret(secret),
        permissions=sorted(cut.permissions),
        scopes=[[str(kind), scope_id] for kind, scope_id in cut.scopes],
        networks=[str(ipaddress.ip_network(text)) for text in cut.networks],
        created_by=actor.name,
        expires_at=cut.expires_at,
    )
    audit.record(
        actor=actor,
        action="token.create",
        subject=f"token:{token.pk}",
        service=service.pk,
        prefix=prefix,
        name=name,
        permissions=token.permissions,
        scopes=token.scopes,
        networks=token.networks,
        expires_at=cut.expires_at.isoformat(),
    )
    return token, f"{LABEL_PREFIX}_{prefix}_{secret}"


def check_token_limits(cut: TokenLimits, now: datetime) -> None:
    """Raises TokenRefusedError with what to change."""
    if not cut.permissions or not cut.scopes:
        raise TokenRefusedError("Choose at least one permission and one scope.")
    if undecidable := sorted(set(cut.permissions) & STEP_UP):
        raise TokenRefusedError(f"Remove permissions that need a second factor: {', '.join(undecidable)}.")
    if not now < cut.expires_at <= now + MAX_TOKEN_LIFETIME:
        raise TokenRefusedError(f"Choose an end within {MAX_TOKEN_LIFETIME.days} days.")
    known = scopes.get_scope_inventory().locate((str(kind), scope_id) for kind, scope_id in cut.scopes)
    for kind, scope_id in cut.scopes:
        if (str(kind), scope_id) not in known:
            raise TokenRefusedError(f"There is no {SCOPE_KIND_NAMES[kind]} {scope_id} in the inventory. Check the id.")
    for text in cut.networks:
        try:
            ipaddress.ip_network(text)
        except ValueError as error:
            raise TokenRefusedError(f"{text} is not a network; enter a CIDR block such as 192.0.2.0/24.") from error


def rotate_token(*, actor: Actor, token: ApiToken, lasts: timedelta, now: datetime) -> tuple[ApiToken, str]:
    """Create a new token with the same limits. The old one stays valid for a day, and can be rotated once only."""
    require_permission(actor, Permission.TOKEN_MANAGE, now)
    step_up.require_fresh_factor(actor, now)
    permissions = sorted(known_permissions(token.permissions))
    if not permissions:
        raise TokenRefusedError("This token's permissions no longer exist in the portal. Create a new token.")
    cut = TokenLimits(permissions, [(ScopeKind(k), i) for k, i in token.scopes], now + lasts, token.networks)
    check_token_limits(cut, now)
    with transaction.atomic():
        new, text = insert_token(actor=actor, service=token.service, name=token.name, cut=cut)
        alive = ApiToken.objects.filter(pk=token.pk, replaced_by=None, revoked_at=None, expires_at__gt=now)
        if not alive.update(replaced_by=new, expires_at=min(token.expires_at, now + ROTATION_GRACE)):
            # Rolls the new token back: of two rotations at once, one wins.
            raise TokenRefusedError("This token was already rotated or revoked, or has expired. Create a new token.")
        audit.record(actor=actor, action="token.rotate", subject=f"token:{token.pk}", replaced_by=new.pk)
    return new, text


def revoke_token(*, actor: Actor, token: ApiToken, now: datetime) -> None:
    # Without step-up: it only takes access away, and a leaked token must be revoked at once.
    require_permission(actor, Permission.TOKEN_MANAGE, now)
    with transaction.atomic():
        if ApiToken.objects.filter(pk=token.pk, revoked_at=None).update(revoked_at=now):
            audit.record(actor=actor, action="token.revoke", subject=f"token:{token.pk}")


def find_token(text: str, *, address: str, now: datetime) -> ApiToken | None:
    """The token with this text, if it is valid now and from this address; else None, whatever the reason."""
    parts = TOKEN_PATTERN.fullmatch(text)
    if parts is None:
        return None
    # Found by its prefix, which is no secret, so the index tells nothing about the secret by its timing.
    token = ApiToken.objects.select_related("service__responsible").filter(prefix=parts["prefix"]).first()
    if token is None or not hmac.compare_digest(token.secret_digest, hash_token_secret(parts["secret"])):
        return None
    return token if is_token_active(token, now) and is_address_allowed(address, token.networks) else None


def is_token_active(token: ApiToken, now: datetime) -> bool:
    """True if it is neither expired nor revoked, and the account and its responsible person are active.

    Read anew for each request, so that disabling a person takes effect at once."""
    service = token.service
    people = service.is_service and service.is_active and bool(service.responsible and service.responsible.is_active)
    return people and token.revoked_at is None and now < token.expires_at


def is_address_allowed(address: str, networks: Iterable[str]) -> bool:
    wanted = [ipaddress.ip_network(text) for text in networks]
    if not wanted:
        return True
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return False
    # A dual-stack server sees IPv4 clients as ::ffff:192.0.2.1, which is in no IPv4 network.
    ip = getattr(ip, "ipv4_mapped", None) or ip
    return any(ip in network for network in wanted)


def record_token_use(token: ApiToken, now: datetime) -> None:
    """Record when the token was last used, at most once a minute, to spare a write for each request."""
    # The condition again in the UPDATE: of several requests at once, one writes.
    stale = Q(last_used_at=None) | Q(last_used_at__lt=now - LAST_USED_INTERVAL)
    if token.last_used_at is None or token.last_used_at < now - LAST_USED_INTERVAL:
        ApiToken.objects.filter(stale, pk=token.pk).update(last_used_at=now)


def hash_token_secret(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
