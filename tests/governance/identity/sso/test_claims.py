"""Odd text in what an identity provider says: kept with marks, but never in who somebody is."""

from __future__ import annotations

import json
from typing import Any

import pytest
from allauth.socialaccount.providers.oauth2.client import OAuth2Error

from governance.identity.sso.openid_connect import clean_claims

CLAIMS = {"sub": "7", "iss": "https://idp.example", "email": "ann@corp.example"}


def test_a_name_is_kept_with_marks() -> None:
    assert clean_claims({**CLAIMS, "name": "Ann\x00 \ud83d"}) == {**CLAIMS, "name": "Ann\ufffd \ufffd"}


@pytest.mark.parametrize("name", ["sub", "iss", "email"])
@pytest.mark.parametrize("odd", ["7\x00", "7\ud83d"])
def test_identity_claims_are_never_replaced(name: str, odd: str) -> None:
    with pytest.raises(OAuth2Error, match="can't be stored"):
        clean_claims({**CLAIMS, name: odd})


def test_claims_nested_without_end_are_refused() -> None:
    deep: Any = json.loads("[" * 200 + "]" * 200)
    with pytest.raises(OAuth2Error, match="too deep"):
        clean_claims({**CLAIMS, "groups": deep})


def test_ordinary_claims_stay_unchanged() -> None:
    assert clean_claims(CLAIMS) is CLAIMS


def test_a_sub_that_the_column_can_not_hold_is_refused() -> None:
    with pytest.raises(OAuth2Error, match="too long"):
        clean_claims({**CLAIMS, "sub": "7" * 192})
    assert clean_claims({**CLAIMS, "sub": "7" * 191})["sub"] == "7" * 191
