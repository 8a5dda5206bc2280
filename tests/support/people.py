"""People for tests: with grants, and signed in as the portal demands."""

from __future__ import annotations

import time

from allauth.account.internal.userkit import user_id_to_str
from allauth.mfa import app_settings
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from django.test import Client
from django.utils import timezone

from governance.core.policy import SYSTEM, Role, ScopeKind
from governance.identity.factors import second_factors, totp_secrets
from governance.identity.models import User
from governance.identity.people.creation import grant_role

PASSWORD = "a-long-and-uncommon-pass-phrase-7"
Held = tuple[Role, ScopeKind, str]


def person(name: str, *grants: Held) -> User:
    """A User with these grants (role, scope kind, scope id)."""
    user = User.objects.create_user(username=name, password=PASSWORD)
    for role, scope, scope_id in grants:
        grant_role(actor=SYSTEM, user=user, role=role, scope=scope, scope_id=scope_id)
    return user


def enrol(user: User) -> str:
    """Gives the person an authenticator app, once; answers its seed."""
    found = Authenticator.objects.filter(user=user, type=Authenticator.Type.TOTP).first()
    found = found or TOTP.activate(user, generate_totp_secret()).instance
    return totp_secrets.decrypt_secret(found.data["secret"])


def current_code(seed: str, room: float = 5) -> str:
    """The code that an authenticator app shows now, with at least `room` seconds left in which it is taken.

    The portal takes no code of another time step, so a test that reads one just before the step ends would fail.
    """
    left = app_settings.TOTP_PERIOD - time.time() % app_settings.TOTP_PERIOD
    if left < room:
        time.sleep(left)
    return second_factors.compute_code(seed, timezone.now())


def signed_in(user: User) -> Client:
    """A browser of this person, past every gate of signing in; the second factor was proved ten minutes ago."""
    enrol(user)
    client = Client()
    client.force_login(user)
    return _proved(client, user, time.time() - 600)


def stepped_up(client: Client) -> Client:
    """The same browser, with the second factor proved again just now."""
    return _proved(client, User.objects.get(pk=client.session["_auth_user_id"]), time.time())


def _proved(client: Client, user: User, at: float) -> Client:
    session = client.session
    session["account_authentication_methods"] = [
        {"method": "password", "at": at},
        {"method": "mfa", "at": at, "type": "totp", "id": Authenticator.objects.get(user=user, type="totp").pk},
    ]
    session["account_authentication_methods_user"] = user_id_to_str(user)
    session.save()
    return client
