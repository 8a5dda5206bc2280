"""Sets an Account's owners by hand. They take precedence over its tags until they are reset."""

from __future__ import annotations

from collections.abc import Sequence

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from accounts.models import Account, AccountEvent, AccountOwner
from accounts.owner_proposals import find_active_people, list_manual_owners
from accounts.scopes import find_account_place
from accounts.services import parse_owner_tags
from governance.core import audit
from governance.core.policy import Actor, NotPermittedError, Permission, is_permitted
from governance.core.transitions import LostRaceError
from governance.identity.models import User

MAX_OWNERS = 50


class OwnersError(ValueError):
    """The owners can't be set; the message says why. problems: the problem with each name, by its position."""

    def __init__(self, message: str, problems: dict[int, str] | None = None) -> None:
        super().__init__(message)
        self.problems = problems or {}


def set_owners(*, actor: Actor, account: Account, names: Sequence[str], version: str | None = None) -> None:
    """Set these people, by user name or email address, as the owners. Without names, the tags decide again.

    version: compute_owners_version when the owners were read. Raises NotPermittedError, OwnersError, LostRaceError.
    """
    require_set_owners(actor, account)
    people = find_people(names)
    with transaction.atomic():
        # A discovery, and a decision about the account, take the same lock: the later one reads what the other wrote.
        row = (
            Account.objects.select_for_update(no_key=True, of=("self",))
            .select_related("organization", "ou")
            .get(pk=account.pk)
        )
        if version is not None and version != compute_owners_version(row):
            raise LostRaceError("The owners have changed since you opened the page. Review them, then try again.")
        refuse_lifting_own_conflict(actor, row, people)
        was = list(row.owners)
        if {each.user_id for each in list_manual_owners(row)} == {person.pk for person in people}:
            return
        now = timezone.now()
        row.owners_by_hand.all().delete()
        AccountOwner.objects.bulk_create(
            AccountOwner(account=row, user=person, set_by_id=actor.user_id, set_at=now) for person in people
        )
        row.owners = [person.username for person in people] or parse_owner_tags(row.tags, settings.OWNER_TAGS)
        row.owners_set_by_hand = bool(people)
        row.save(update_fields=["owners", "owners_set_by_hand"])
        if row.owners != was:
            detail = {"was": was, "is": row.owners, "by": actor.name}
            AccountEvent.objects.create(account=row, kind="owners_changed", detail=detail)
        audit.record(
            actor=actor,
            action="account.set_owners",
            subject=f"account:{row.account_id}",
            owners=row.owners,
            was=was,
            people=[person.pk for person in people],
            by_hand=row.owners_set_by_hand,
        )
    account.refresh_from_db(fields=["owners", "owners_set_by_hand"])


def may_set_owners(actor: Actor, account: Account) -> bool:
    return is_permitted(actor, Permission.ACCOUNT_SET_OWNERS, timezone.now(), find_account_place(account))


def require_set_owners(actor: Actor, account: Account) -> None:
    if not may_set_owners(actor, account):
        raise NotPermittedError(
            f"{actor.name} is not allowed to set the owners there; this needs a security admin grant."
        )


def compute_owners_version(account: Account) -> str:
    """A version of the manual owners that changes whenever they do."""
    rows = list_manual_owners(account)
    if not rows:
        return "tags"
    return f"{rows[0].set_at.isoformat()} {' '.join(str(row.user_id) for row in rows)}"


def find_people(names: Sequence[str]) -> list[User]:
    """The people with these user names or email addresses, each once, sorted by name. Raises OwnersError."""
    wanted = [name.strip() for name in names]
    if len(wanted) > MAX_OWNERS:
        raise OwnersError(f"An account has at most {MAX_OWNERS} owners.")
    found: dict[int, User] = {}
    problems: dict[int, str] = {}
    for place, name in enumerate(wanted):
        called = find_active_people([name]) if name.isprintable() else {}
        people = {person.pk: person for persons in called.values() for person in persons}
        if len(people) == 1:
            found |= people
        else:
            problems[place] = (
                f"{len(people)} people have the name {name}. Use the user name of one of them."
                if people
                else f"No active person has the user name or email address {name}. See the list of people."
                if name
                else "Enter a user name or an email address."
            )
    if problems:
        raise OwnersError(" ".join(problems.values()), problems)
    return sorted(found.values(), key=lambda person: person.username)


def refuse_lifting_own_conflict(actor: Actor, account: Account, people: Sequence[User]) -> None:
    """Refuse approvers who would end their own ownership, which prevents them from deciding the Account's exceptions."""
    own = actor.user_id
    if own is None or not is_permitted(actor, Permission.EXCEPTION_DECIDE, timezone.now(), find_account_place(account)):
        return
    after = {person.pk for person in people} or find_person_ids(parse_owner_tags(account.tags, settings.OWNER_TAGS))
    before = {row.user_id for row in list_manual_owners(account)} or find_person_ids(account.owners)
    if own in before - after:
        raise OwnersError("You own this account and can decide its exceptions, so another admin must remove you.")


def find_person_ids(names: Sequence[str]) -> set[int]:
    return {person.pk for people in find_active_people(map(str, names)).values() for person in people}
