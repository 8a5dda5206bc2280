"""The demo's people: one of each kind of reader, with passwords made anew and printed once, and a second factor."""

from __future__ import annotations

import os
import secrets

import django


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "governance.settings")
    django.setup()
    from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret

    from accounts.models import Account, Organization
    from governance.core.policy import SYSTEM, Role, ScopeKind
    from governance.identity.models import User
    from governance.identity.people.creation import create_user, grant_role

    organization = Organization.objects.get()
    owned = Account.objects.filter(organization=organization).exclude(owners=[]).order_by("account_id")[2]
    whole = (ScopeKind.ORGANIZATION, organization.org_id)
    people = {
        "grace": [(Role.SECURITY_ADMIN, *whole), (Role.SCAN_OPERATOR, *whole)],
        "petra": [(Role.GOVERNANCE_APPROVER, *whole)],
        "ada": [(Role.AUDITOR, *whole)],
        "owen": [(Role.ACCOUNT_OWNER, ScopeKind.ACCOUNT, owned.account_id)],
    }
    print("Demo users (passwords change with each start):")
    for name, grants in people.items():
        password = "-".join(secrets.token_hex(3) for _ in range(3))
        user = create_user(actor=SYSTEM, username=name, password=password)
        TOTP.activate(user, generate_totp_secret())
        for role, scope, scope_id in grants:
            grant_role(actor=SYSTEM, user=user, role=role, scope=scope, scope_id=scope_id)
        User.objects.filter(pk=user.pk).update(email=f"{name}@demo.example")  # after the Grants: they tell by mail
        print(
            f"  {name:<6} {password}  {', '.join(role for role, *_ in grants)}"
            + (f" of {owned}" if grants[0][1] is ScopeKind.ACCOUNT else ""),
            flush=True,
        )
    database = os.environ.get("DATABASE_URL", "")
    print("Each has an authenticator app. To get a sign-in code:")
    print(f"  TUTELA_DEMO=1 DATABASE_URL={database} .venv/bin/python manage.py demo_code grace", flush=True)


if __name__ == "__main__":
    main()
