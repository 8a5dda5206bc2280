"""Finds people by user name or email address, in every spelling that looks the same, and validates new ones."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from governance.core.name_folding import clean_name, fold_name, list_hidden_characters, list_spellings
from governance.identity.models import User

MAX_IDENTIFIER_LENGTH = 254
TAKEN_MESSAGES = {
    "username": "There is already a user {}, maybe in another spelling. Choose another name.",
    "email": "{} already uses this email address or has it as a user name. An address can belong to only one person.",
}


class PersonNotKnownError(ValueError):
    """The text names no person, more than one, or one who can't be chosen. The message says what to do."""


def find_people_by_names(names: Iterable[str]) -> dict[str, list[User]]:
    """Folded name -> the users with that user name or email address, active or not."""
    # Compared here, over all users: databases fold case only, and differ in that.
    wanted = {fold_name(name) for name in names} - {""}
    called: dict[str, set[int]] = defaultdict(set)
    for pk, *own in User.objects.values_list("pk", "username", "email") if wanted else ():
        for name in {fold_name(name) for name in own} & wanted:
            called[name].add(pk)
    people = User.objects.in_bulk({pk for ids in called.values() for pk in ids})
    return {name: [people[pk] for pk in sorted(ids)] for name, ids in called.items()}


def find_person(text: str) -> User:
    """The active person with this user name or email address. Raises PersonNotKnownError."""
    called: list[User] = []
    if len(text.strip()) <= MAX_IDENTIFIER_LENGTH:
        refuse_hidden_characters(text)
        called = find_people_by_names([text]).get(fold_name(text), [])
    people = [user for user in called if not user.is_service]
    if not people:
        raise PersonNotKnownError(
            "This is a service account. Name a person."
            if called
            else "No person has this user name or email address. Check it, or ask a security admin to invite them."
        )
    if len(people) > 1:
        raise PersonNotKnownError("More than one person has this name. Use the person's unique user name.")
    if not people[0].is_active:
        raise PersonNotKnownError(
            f"{people[0]} is disabled. Name another person, or ask a security admin to enable this one."
        )
    return people[0]


def refuse_hidden_characters(text: str) -> None:
    if found := list_hidden_characters(text.strip()):
        raise PersonNotKnownError(
            f"The name contains invisible characters ({', '.join(found[:5])}). Enter it without them."
        )


def list_folded_names(user: User) -> frozenset[str]:
    """Every folded name of this person."""
    return list_spellings(user.get_username()) | list_spellings(user.email)


def list_unknown_names(names: Iterable[str]) -> list[str]:
    """The names among these that no user has in any spelling; as they were written."""
    given = sorted(set(names))
    if not given:
        return []
    known: set[str] = set()
    for own in User.objects.values_list("username", "email"):
        known.update(*map(list_spellings, own))
    return [name for name in given if not list_spellings(name) & known]


def validate_username(text: str) -> str:
    """The user name as it is stored. Raises ValidationError if it is taken or looks like a taken one."""
    return validate_identifier("username", text, None)


def validate_mail_address(text: str, user: User | None = None) -> str:
    """The email address of this person as it is stored. Raises ValidationError."""
    return validate_identifier("email", text, user)


def require_valid_address(name: str) -> None:
    try:
        validate_email(name)
    except ValidationError as error:
        raise ValidationError({"email": "Enter a valid email address, such as ada@example.com."}) from error


def validate_identifier(field: str, text: str, user: User | None) -> str:
    """A user name or email address that no other person has as either of the two. Raises ValidationError."""
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
