"""Who is meant by a name: a user name or a mail address, whatever its spelling. And which names may be taken."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from governance.core.name_folding import clean_name, fold_name, list_hidden_characters, list_spellings
from governance.identity.models import User

MAX_IDENTIFIER_LENGTH = 254
TAKEN_MESSAGES = {
    "username": "A user {} already exists, if spelled in other capitals perhaps.",
    "email": "{} has this mail address already, or has it as a user name. Each address belongs to one person.",
}


class PersonNotKnownError(ValueError):
    """A name that is nobody's, or more than one person's, or of somebody who can't be meant. The message says what to do."""


def find_people_by_names(names: Iterable[str]) -> dict[str, list[User]]:
    """Folded name -> everybody with that user name or mail address, active or not. Compared here: databases fold less."""
    wanted = {fold_name(name) for name in names} - {""}
    called: dict[str, set[int]] = defaultdict(set)
    for pk, *own in User.objects.values_list("pk", "username", "email") if wanted else ():
        for name in {fold_name(name) for name in own} & wanted:
            called[name].add(pk)
    people = User.objects.in_bulk({pk for ids in called.values() for pk in ids})
    return {name: [people[pk] for pk in sorted(ids)] for name, ids in called.items()}


def find_person(text: str) -> User:
    """The one active person whom this user name or mail address names. Raises PersonNotKnownError."""
    called: list[User] = []
    if len(text.strip()) <= MAX_IDENTIFIER_LENGTH:
        refuse_hidden_characters(text)
        called = find_people_by_names([text]).get(fold_name(text), [])
    people = [user for user in called if not user.is_service]
    if not people:
        raise PersonNotKnownError(
            "This is a service account. Name the person."
            if called
            else "Nobody in the portal has this user name or mail address. Check it, or have a security admin invite them."
        )
    if len(people) > 1:
        raise PersonNotKnownError("More than one person has this name. Use a user name that is only theirs.")
    if not people[0].is_active:
        raise PersonNotKnownError(f"{people[0]} is disabled. Name somebody else, or have a security admin enable them.")
    return people[0]


def refuse_hidden_characters(text: str) -> None:
    if found := list_hidden_characters(text.strip()):
        raise PersonNotKnownError(
            f"It holds characters that nobody sees ({', '.join(found[:5])}). Type the name again, without them."
        )


def list_folded_names(user: User) -> frozenset[str]:
    """Every folded name that means this person."""
    return list_spellings(user.get_username()) | list_spellings(user.email)


def list_unknown_names(names: Iterable[str]) -> list[str]:
    """Of these names, those that nobody in the portal has, in any spelling; as they were written."""
    given = sorted(set(names))
    if not given:
        return []
    known: set[str] = set()
    for own in User.objects.values_list("username", "email"):
        known.update(*map(list_spellings, own))
    return [name for name in given if not list_spellings(name) & known]


def validate_username(text: str) -> str:
    """As it is kept. Raises ValidationError for what looks like another name, or is one already."""
    return validate_identifier("username", text, None)


def validate_mail_address(text: str, user: User | None = None) -> str:
    """As it is kept, for this person. Raises ValidationError."""
    return validate_identifier("email", text, user)


def require_valid_address(name: str) -> None:
    try:
        validate_email(name)
    except ValidationError as error:
        raise ValidationError({"email": "This is no mail address. Write it like ada@example.com."}) from error


def validate_identifier(field: str, text: str, user: User | None) -> str:
    """A user name or a mail address that no other person has as either. Raises ValidationError."""
    try:
        refuse_hidden_characters(text)
    except PersonNotKnownError as error:
        raise ValidationError({field: str(error)}) from error
    name = clean_name(text)
    if field == "email":
        require_valid_address(name)
    others = [
        other for other in find_people_by_names([name]).get(fold_name(name), []) if user is None or other.pk != user.pk
    ]
    if others:
        raise ValidationError({field: TAKEN_MESSAGES[field].format(others[0])})
    return name
