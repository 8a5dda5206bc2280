"""An act that matters asks for a second factor of the last five minutes; a password never is one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.urls import reverse

from governance.core.policy import SYSTEM, Actor
from governance.identity.factors import step_up
from tests.support.people import current_code, enrol, person, signed_in, stepped_up

NOW = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
TYPED = {"reason": "Because <b>we</b>\nmust\u202e", "finding": ["1", "2"]}


def actor(**more) -> Actor:
    return Actor(name="ada", user_id=1, **more)


@pytest.mark.parametrize("age", [timedelta(0), timedelta(minutes=4, seconds=59)])
def test_a_fresh_second_factor_passes(age: timedelta) -> None:
    step_up.require_fresh_factor(actor(second_factor_at=NOW - age), NOW)


@pytest.mark.parametrize("at", [None, NOW - timedelta(minutes=5), NOW - timedelta(days=1), NOW + timedelta(seconds=1)])
def test_missing_old_or_future_factor_is_refused(at: datetime | None) -> None:
    with pytest.raises(step_up.StepUpRequiredError):
        step_up.require_fresh_factor(actor(second_factor_at=at), NOW)


def test_a_token_never_passes_and_the_system_does() -> None:
    with pytest.raises(step_up.StepUpRequiredError):
        step_up.require_fresh_factor(actor(second_factor_at=NOW, token_id=3), NOW)
    step_up.require_fresh_factor(SYSTEM, NOW)


def test_digest_binds_the_snapshot() -> None:
    shown = {"title": "é", "until": NOW, "findings": [1, 2]}
    assert step_up.digest_snapshot(shown) == step_up.digest_snapshot(dict(reversed(shown.items())))
    assert step_up.digest_snapshot(shown) != step_up.digest_snapshot({**shown, "findings": [2, 1]})
    with pytest.raises(TypeError, match="set"):
        step_up.digest_snapshot({"findings": {1}})


pages = pytest.mark.urls("tests.governance.identity.urls")


@pages
@pytest.mark.django_db
def test_step_up_keeps_input_and_resumes_the_act() -> None:
    ada = person("ada")
    client = signed_in(ada)
    asked = client.post("/decide/", TYPED)
    assert asked.status_code == 403
    assert asked.context["fields"] == [("reason", TYPED["reason"]), ("finding", "1"), ("finding", "2")]
    assert "<b>we</b>" not in asked.content.decode()
    code = current_code(enrol(ada))
    done = client.post("/decide/", {**TYPED, "step-up-code": code})
    assert done.status_code == 200
    assert done.content.decode() == repr([("reason", [TYPED["reason"]]), ("finding", ["1", "2"])])
    assert client.post("/decide/", TYPED).status_code == 200, "for the next five minutes nothing is asked"


@pages
@pytest.mark.django_db
def test_wrong_code_asks_again_and_keeps_input() -> None:
    client = signed_in(person("ada"))
    asked = client.post("/decide/", {**TYPED, "step-up-code": "000000"})
    assert asked.status_code == 403
    assert ("finding", "2") in asked.context["fields"]
    assert "wrong or was already used" in asked.content.decode()


@pages
@pytest.mark.django_db
def test_a_recovery_code_is_no_step_up() -> None:
    from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes

    ada = person("ada")
    client = signed_in(ada)
    code = RecoveryCodes.activate(ada).get_unused_codes()[0]
    assert client.post("/decide/", {**TYPED, "step-up-code": code}).status_code == 403
    assert len(RecoveryCodes.activate(ada).get_unused_codes()) == 10, "and it isn't used up"


@pages
@pytest.mark.django_db
def test_a_page_that_reads_goes_to_the_step_up_page_and_back() -> None:
    ada = person("ada")
    client = signed_in(ada)
    sent = client.get("/decide/?all=1")
    assert sent["Location"] == reverse("step-up") + "?next=%2Fdecide%2F%3Fall%3D1"
    assert client.get(sent["Location"]).status_code == 200
    code = current_code(enrol(ada))
    back = client.post(reverse("step-up"), {"next": "/decide/?all=1", "step-up-code": code})
    assert back["Location"] == "/decide/?all=1"
    assert client.get(back["Location"]).status_code == 200


@pages
@pytest.mark.django_db
@pytest.mark.parametrize(
    "elsewhere", ["https://evil.example/", "//evil.example/", "javascript:alert(1)", "/\\evil.example"]
)
def test_next_stays_on_this_host(elsewhere: str) -> None:
    ada = person("ada")
    code = current_code(enrol(ada))
    back = signed_in(ada).post(reverse("step-up"), {"next": elsewhere, "step-up-code": code})
    assert back["Location"] == "/"


@pages
@pytest.mark.django_db
def test_stepped_up_passes() -> None:
    assert stepped_up(signed_in(person("ada"))).post("/decide/", TYPED).status_code == 200
