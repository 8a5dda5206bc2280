"""Who is meant by a name: a user name or a mail address, whatever its spelling. And which names may be taken."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from governance.core.name_folding import clean, fold, hidden_in, spellings
from governance.identity.models import User

LONGEST = 254
TAKEN = {
    "username": "A user {} already exists, if spelled in other capitals perhaps.",
    "email": "{} has this mail address already, or has it as a user name. Each address belongs to one person.",
}


class PersonNotKnownError(ValueError):
    """A name that is nobody's, or more than one person's, or of somebody who can't be meant. The message says what to do."""


def people_called(names: Iterable[str]) -> dict[str, list[User]]:
    """Folded name -> everybody with that user name or mail address, active or not. Compared here: databases fold less."""
    wanted = {fold(name) for name in names} - {""}
    called: dict[str, set[int]] = defaultdict(set)
    for pk, *own in User.objects.values_list("pk", "username", "email") if wanted else ():
        for name in {fold(name) for name in own} & wanted:
            called[name].add(pk)
    people = User.objects.in_bulk({pk for ids in called.values() for pk in ids})
    return {name: [people[pk] for pk in sorted(ids)] for name, ids in called.items()}


def find_person(text: str) -> User:
    """The one active person whom this user name or mail address names. Raises PersonNotKnownError."""
    called: list[User] = []
    if len(text.strip()) <= LONGEST:
        refuse_hidden(text)
        called = people_called([text]).get(fold(text), [])
    people = [user for user in called if not user.is_service]
    if not people:
        raise PersonNotKnownError(
            "This is a service account. Name the person." if called else
            "Nobody in the portal has this user name or mail address. Check it, or have a security admin invite them."
        )  # fmt: skip
    if len(people) > 1:
        raise PersonNotKnownError("More than one person has this name. Use a user name that is only theirs.")
    if not people[0].is_active:
        raise PersonNotKnownError(f"{people[0]} is disabled. Name somebody else, or have a security admin enable them.")
    return people[0]


def refuse_hidden(text: str) -> None:
    if found := hidden_in(text.strip()):
        raise PersonNotKnownError(
            f"It holds characters that nobody sees ({', '.join(found[:5])}). Type the name again, without them."
        )


def names_of(user: User) -> frozenset[str]:
    """Every folded name that means this person."""
    return spellings(user.get_username()) | spellings(user.email)


def strangers(names: Iterable[str]) -> list[str]:
    """Of these names, those that nobody in the portal has, in any spelling; as they were written."""
    given = sorted(set(names))
    if not given:
        return []
    known: set[str] = set()
    for own in User.objects.values_list("username", "email"):
        known.update(*map(spellings, own))
    return [name for name in given if not spellings(name) & known]


def checked_username(text: str) -> str:
    """As it is kept. Raises ValidationError for what looks like another name, or is one already."""
    return checked("username", text, None)


def checked_email(text: str, user: User | None = None) -> str:
    """As it is kept, for this person. Raises ValidationError."""
    return checked("email", text, user)


def refuse_no_address(name: str) -> None:
    try:
        validate_email(name)
    except ValidationError as error:
        raise ValidationError({"email": "This is no mail address. Write it like ada@example.com."}) from error


def checked(field: str, text: str, user: User | None) -> str:
    """A user name or a mail address that no other person has as either. Raises ValidationError."""
    try:
        refuse_hidden(text)
    except PersonNotKnownError as error:
        raise ValidationError({field: str(error)}) from error
    name = clean(text)
    if field == "email":
        refuse_no_address(name)
    others = [other for other in people_called([name]).get(fold(name), []) if user is None or other.pk != user.pk]
    if others:
        raise ValidationError({field: TAKEN[field].format(others[0])})
    return name
