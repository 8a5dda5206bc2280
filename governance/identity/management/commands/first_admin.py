"""manage.py first_admin: creates the first security admin of a new portal. Works while there is none."""

from __future__ import annotations

import getpass
import re
import sys
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import CommandParser
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from governance.core.cli import DONE, CouldNotError, TutelaCommand, UsageError
from governance.core.policy import SYSTEM, Role, ScopeKind
from governance.identity.models import Grant, User
from governance.identity.people.creation import create_user, grant_role

# The form of AWS's ids: ten to thirty-two letters and digits.
ORGANIZATION_ID = re.compile(r"o-[a-z0-9]{10,32}")


class Command(TutelaCommand):
    help = "Create the first security admin. The password is prompted for, or read from a pipe."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("username", help="the user name for the sign-in")
        parser.add_argument("--organization", required=True, metavar="ID", help="the organization's id, like o-abc123")
        parser.add_argument(
            "--email", default="", metavar="ADDRESS", help="gets notices of changes to factors and grants"
        )

    def work(self, options: dict[str, Any]) -> int:
        if has_security_admin():
            raise CouldNotError("There is already a security admin; ask them for a grant.")
        if not ORGANIZATION_ID.fullmatch(options["organization"]):
            raise UsageError(
                f"{options['organization']} is not the id of an organization, like o-abc123def4. "
                "Run: manage.py discover, which shows it."
            )
        # No option for it: command lines are visible to other users of the machine and kept in the shell's history.
        password = getpass.getpass() if sys.stdin.isatty() else sys.stdin.readline().rstrip("\n")
        try:
            user = create_first_admin(options["username"], password, options["organization"], options["email"])
        except ValidationError as error:
            raise CouldNotError(" ".join(error.messages)) from error
        self.stdout.write(f"{user} is security admin and scan operator of {options['organization']}.")
        return DONE


def has_security_admin() -> bool:
    """True if there is an active one: a portal whose last admin has left needs a first one again."""
    lasting = Q(ends_at__isnull=True) | Q(ends_at__gt=timezone.now())
    return Grant.objects.filter(lasting, role=Role.SECURITY_ADMIN, user__is_active=True).exists()


def create_first_admin(username: str, password: str, organization: str, email: str = "") -> User:
    with transaction.atomic():
        user = create_user(actor=SYSTEM, username=username, password=password, email=email)
        for role in (Role.SECURITY_ADMIN, Role.SCAN_OPERATOR):
            grant_role(actor=SYSTEM, user=user, role=role, scope=ScopeKind.ORGANIZATION, scope_id=organization)
    return user
