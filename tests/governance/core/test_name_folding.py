"""One form for every spelling of a name that looks the same."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from governance.core.name_folding import clean_name, fold_name, list_hidden_characters, list_spellings

LOOK_LIKE_PETRA = [
    "petra", "Petra", "PETRA", " petra\n", "petra\u200b", "pe\u200dtra", "\u2060petra", "petra\ufeff", "pe\u00adtra",
    "petra\u202e", "\u202apetra\u202c", "ｐｅｔｒａ", "𝐩𝐞𝐭𝐫𝐚", "petra\ufe0f", "petra\U000e0100", "petra\u034f",
    "petra\u3164", "petra\uffa0", "petra\u115f", "petra\u2800", "petra\U000e0041", "petra\u2028", "petra\x00", "petra\u180e",
]  # fmt: skip


@pytest.mark.parametrize("text", LOOK_LIKE_PETRA)
def test_lookalike_names_fold_alike(text: str) -> None:
    assert fold_name(text) == "petra"


@pytest.mark.parametrize(
    "text", [t for t in LOOK_LIKE_PETRA if not clean_name(t).isascii() and clean_name(t).lower() != "petra"]
)
def test_hidden_characters_are_named(text: str) -> None:
    found = list_hidden_characters(text)
    assert found
    assert all(name.startswith("U+") for name in found)


@pytest.mark.parametrize("text", ["petra", "Zoë Ünal", "Ольга", "渡辺", "ada+aws@corp.example", "o'neil", "İpek"])
def test_names_of_people_hold_nothing_hidden(text: str) -> None:
    assert list_hidden_characters(text) == []


@given(st.text())
def test_folding_twice_changes_nothing_more(text: str) -> None:
    assert fold_name(fold_name(text)) == fold_name(text)
    assert list_hidden_characters(fold_name(text)) == []


@given(st.text())
def test_cleaned_name_folds_like_the_original(text: str) -> None:
    assert fold_name(clean_name(text)) == fold_name(text)


@pytest.mark.parametrize(
    "text",
    [
        "ada@corp.example", "Ada@Corp.Example", "ada+aws@corp.example", "mailto:ada@corp.example", "<ada@corp.example>",
        "arn:aws:sts::111122223333:assumed-role/AWSReservedSSO_Admin_0123456789abcdef/ada@corp.example",
        "aws-reserved/sso.amazonaws.com/eu-west-1/ada+x@corp.example", "ada@corp.example\u200b", "CORP\\ada@corp.example",
    ],
)  # fmt: skip
def test_every_spelling_of_an_owner_means_the_person(text: str) -> None:
    assert "ada@corp.example" in list_spellings(text)


def test_different_names_share_no_spelling() -> None:
    assert "ada" not in list_spellings("ada@corp.example")
    assert "ada@corp.example" not in list_spellings("ada@other.example")
    assert "petra" not in list_spellings("petrа"), "a Cyrillic letter is no form of the Latin one"
    assert list_spellings("") == frozenset() == list_spellings("\u200b")
