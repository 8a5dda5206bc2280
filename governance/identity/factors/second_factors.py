"""Second factors: which ones a person has, accepting a code once, and when this session last verified one."""

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

from governance.identity.factors.totp_secrets import decrypt_secret
from governance.identity.models import FactorStep, User

FactorKind = Authenticator.Type
STRONG_FACTORS = frozenset({FactorKind.TOTP, FactorKind.WEBAUTHN})
# A recovery code lets a person who lost their device sign in and replace it. It is not enough to decide anything.
ANY_FACTOR = STRONG_FACTORS | {FactorKind.RECOVERY_CODES}


def has_factor(user: User) -> bool:
    """True for an app or a passkey. Recovery codes alone don't count."""
    return bool(Authenticator.objects.filter(user=user, type__in=STRONG_FACTORS).exists())


def take_code(*, user: User, code: str, now: datetime, kinds: Iterable[str] = ANY_FACTOR) -> Authenticator | None:
    """Use up a code. Returns the factor that it belongs to; None if it is wrong or was used before."""
    found = Authenticator.objects.filter(user=user, type__in=set(kinds) - {FactorKind.WEBAUTHN})
    for authenticator in found.order_by("-type"):  # the app before the recovery codes
        if authenticator.type == FactorKind.TOTP:
            taken = is_current_code(decrypt_secret(authenticator.data["secret"]), code, now) and claim_time_step(
                user, compute_time_step(now)
            )
        else:
            taken = bool(authenticator.wrap().validate_code(code))
        if taken:
            return authenticator
    return None


def is_current_code(seed: str, code: str, now: datetime) -> bool:
    """True for the code of the present time step: without tolerance, a code is valid for 30 seconds at most."""
    return bool(compare_user_code(actual=code, expected=compute_code(seed, now)))


def compute_code(seed: str, now: datetime) -> str:
    return str(format_hotp_value(hotp_value(seed, compute_time_step(now))))


def compute_time_step(now: datetime) -> int:
    return int(now.timestamp()) // int(app_settings.TOTP_PERIOD)


def claim_time_step(user: User, step: int) -> bool:
    """Claim this time step. False if this one or a later one was already claimed, here or in another process."""
    FactorStep.objects.get_or_create(user=user)
    # A conditional UPDATE: of two requests with the same code, one gets through.
    return FactorStep.objects.filter(user=user, step__lt=step).update(step=step) == 1


def list_factor_proofs(request: HttpRequest, kinds: Iterable[str] = STRONG_FACTORS) -> list[dict[str, Any]]:
    """This session's authentication records with a second factor, oldest first."""
    wanted = set(kinds)
    records = get_authentication_records(request, request.user)
    return [r for r in records if r.get("method") == "mfa" and r.get("type") in wanted]


def find_last_proof_time(request: HttpRequest, kinds: Iterable[str] = STRONG_FACTORS) -> datetime | None:
    """When this session last verified a second factor. Passwords and single sign-on don't count."""
    found = list_factor_proofs(request, kinds)
    return datetime.fromtimestamp(found[-1]["at"], UTC) if found else None


def has_recent_proof(request: HttpRequest, seconds: int, kinds: Iterable[str] = STRONG_FACTORS) -> bool:
    at = find_last_proof_time(request, kinds)
    # A time in the future is refused too: after a clock was set back, it would stay fresh until the clock caught up.
    return at is not None and 0 <= (timezone.now() - at).total_seconds() < seconds
