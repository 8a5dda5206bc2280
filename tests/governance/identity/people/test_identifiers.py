"""Who is meant by a name, and which names may be taken."""

from __future__ import annotations

import pytest
from django.core.exceptions import ValidationError
from django.utils import timezone

from governance.core.policy import SYSTEM
from governance.identity.models import User
from governance.identity.people import api_tokens
from governance.identity.people.creation import create_user
from governance.identity.people.identifiers import PersonNotKnownError, find_person, list_unknown_names
from tests.support.people import PASSWORD, person

pytestmark = pytest.mark.django_db


@pytest.fixture
def petra() -> User:
    user = person("petra")
    User.objects.filter(pk=user.pk).update(email="Petra@Corp.example")
    return user


@pytest.mark.parametrize("text", ["petra", "PETRA ", "ｐｅｔｒａ", "petra@corp.example", " PETRA@CORP.EXAMPLE"])
def test_a_user_name_or_a_mail_address_names_a_person(petra: User, text: str) -> None:
    assert find_person(text) == petra


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("petra\u200b", "invisible characters"), ("petra@corp.example\u2060", "invisible characters"),
        ("pеtra", "No person has this user name"), ("petra+x@corp.example", "No person has this user name"), ("", "No person has this user name"),
        ("p" * 100_000, "No person has this user name"),
    ],
)  # fmt: skip
def test_unknown_person_is_refused_without_echo(petra: User, text: str, why: str) -> None:
    with pytest.raises(PersonNotKnownError, match=why) as refused:
        find_person(text)
    assert not text or text not in str(refused.value)


def test_ambiguous_disabled_and_service_names_are_refused(petra: User) -> None:
    twin = person("twin")
    User.objects.filter(pk=twin.pk).update(email="petra@corp.example")
    with pytest.raises(PersonNotKnownError, match="More than one person"):
        find_person("petra@corp.example")
    User.objects.filter(pk=petra.pk).update(is_active=False)
    with pytest.raises(PersonNotKnownError, match="disabled"):
        find_person("petra")
    User.objects.filter(pk=twin.pk).update(is_service=True, responsible=petra)
    with pytest.raises(PersonNotKnownError, match="service account"):
        find_person("twin")


def test_unknown_names_match_no_person_in_any_spelling(petra: User) -> None:
    theirs = ["petra\u200b", "x/petra", "PETRA+aws@corp.example"]
    assert list_unknown_names([*theirs, "team-x", "petra@other.example"]) == ["petra@other.example", "team-x"]


@pytest.mark.parametrize(
    "name", ["petra\u200b", "PETRA", "ｐｅｔｒａ", "petra\u3164", "petra@corp.example", "Petra@CORP.example"]
)
def test_lookalike_user_name_is_refused(petra: User, name: str) -> None:
    with pytest.raises(ValidationError):
        create_user(actor=SYSTEM, username=name, password=PASSWORD)
    with pytest.raises(ValidationError):
        api_tokens.create_service_account(actor=SYSTEM, username=name, responsible=petra, now=timezone.now())
    assert User.objects.count() == 1


def test_name_comparison_ignores_case_beyond_ascii() -> None:
    create_user(actor=SYSTEM, username="ünal", password=PASSWORD)
    with pytest.raises(ValidationError, match="already a user"):
        create_user(actor=SYSTEM, username="ÜNAL", password=PASSWORD)


def test_name_is_stored_normalized_but_keeps_case() -> None:
    assert create_user(actor=SYSTEM, username=" Ｐetra", password=PASSWORD).username == "Petra"


def test_duplicate_mail_address_is_refused_at_creation(petra: User) -> None:
    for address in ("PETRA@corp.example", "ｐetra@corp.example"):
        with pytest.raises(ValidationError, match="petra already uses this email address"):
            create_user(actor=SYSTEM, username="pia", password=None, email=address)
