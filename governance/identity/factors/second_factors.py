"""Second factors: which ones a person has, taking a code once, and how long ago this session proved one."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from allauth.account.authentication import get_authentication_records
from allauth.core.internal.cryptokit import compare_user_code
from allauth.mfa import app_settings
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from django.http import HttpRequest
from django.utils import timezone

from governance.identity.factors.totp_secrets import decrypt
from governance.identity.models import FactorStep, User

Kind = Authenticator.Type
STRONG = frozenset({Kind.TOTP, Kind.WEBAUTHN})
# A recovery code lets somebody in who lost their device, and lets them replace it. It decides nothing.
ANY = STRONG | {Kind.RECOVERY_CODES}


def has_factor(user: User) -> bool:
    """An app or a passkey; recovery codes alone are none."""
    return bool(Authenticator.objects.filter(user=user, type__in=STRONG).exists())


def take_code(*, user: User, code: str, now: datetime, kinds: Iterable[str] = ANY) -> Authenticator | None:
    """The factor that this code belongs to, with the code used up; None if it is wrong or was taken before."""
    found = Authenticator.objects.filter(user=user, type__in=set(kinds) - {Kind.WEBAUTHN})
    for authenticator in found.order_by("-type"):  # the app before the recovery codes
        if authenticator.type == Kind.TOTP:
            taken = fits(decrypt(authenticator.data["secret"]), code, now) and advance(user, step_at(now))
        else:
            taken = bool(authenticator.wrap().validate_code(code))
        if taken:
            return authenticator
    return None


def fits(seed: str, code: str, now: datetime) -> bool:
    """The code of this very time step: no tolerance, so a code is good for 30 seconds at most."""
    return bool(compare_user_code(actual=code, expected=code_at(seed, now)))


def code_at(seed: str, now: datetime) -> str:
    return str(format_hotp_value(hotp_value(seed, step_at(now))))


def step_at(now: datetime) -> int:
    return int(now.timestamp()) // int(app_settings.TOTP_PERIOD)


def advance(user: User, step: int) -> bool:
    """Take this time step. False: it, or a later one, was taken already, here or in another process."""
    FactorStep.objects.get_or_create(user=user)
    return FactorStep.objects.filter(user=user, step__lt=step).update(step=step) == 1


def proofs(request: HttpRequest, kinds: Iterable[str] = STRONG) -> list[dict[str, Any]]:
    """This session's authentication records with a second factor, oldest first."""
    wanted = set(kinds)
    records = get_authentication_records(request, request.user)
    return [r for r in records if r.get("method") == "mfa" and r.get("type") in wanted]


def proved_at(request: HttpRequest, kinds: Iterable[str] = STRONG) -> datetime | None:
    """When this session last proved a second factor. A password never counts, nor does single sign-on."""
    found = proofs(request, kinds)
    return datetime.fromtimestamp(found[-1]["at"], UTC) if found else None


def proved_recently(request: HttpRequest, seconds: int, kinds: Iterable[str] = STRONG) -> bool:
    at = proved_at(request, kinds)
    return at is not None and 0 <= (timezone.now() - at).total_seconds() < seconds
