"""Every page in a real browser: nothing in the console, nothing that the policy refuses, nothing that shuts people out."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from governance import context
from governance.core.policy import SYSTEM, Permission
from governance.identity.models import User
from scans.models import Scan, Schedule
from scans.pipeline.schedule_changes import change_schedule
from tests.browser.conftest import Window
from tests.support.inventory import AT, HOSTILE, Inventory, finding, scan
from tests.support.pages import NO_DOCUMENTS, Samples, all_seeing, shared_pages

pytestmark = [pytest.mark.slow, pytest.mark.browser, pytest.mark.django_db(transaction=True), pytest.mark.long(rank=11)]

Open = Callable[..., Window]
SignIn = Callable[[Window, User], None]
PHONE = {"width": 390, "height": 800}


@pytest.fixture
def grace(inventory: Inventory) -> User:
    return all_seeing("grace")


@pytest.fixture
def running(inventory: Inventory) -> Scan:
    return scan(inventory.organization, inventory.shop, inventory.play, state="running")


@pytest.fixture
def refused(inventory: Inventory) -> Schedule:
    """With everything that can go wrong with a schedule, and a long name."""
    made = Schedule.objects.create(
        organization=inventory.organization, name=f"{HOSTILE}{'x' * 60}", every_minutes=360, missed=3, missed_at=AT,
        next_due_at=AT, refused=HOSTILE + "y" * 300, refused_at=AT, asked={"accounts": ["100000000002", "1" * 12]},
    )  # fmt: skip
    change_schedule(actor=SYSTEM, schedule=made, enabled=False)
    return made


@pytest.fixture
def pages(inventory: Inventory, running: Scan, refused: Schedule) -> list[str]:
    """Every page, and what makes pages break: long and hostile names, gaps, empty lists."""
    arn = f"arn:aws:ssm:eu-west-1:100000000001:parameter/{HOSTILE}{'x' * 1900}"
    hostile = finding(inventory.shop, "SSM-PS-001", arn, reason=HOSTILE, facts={"name": HOSTILE, "list": [HOSTILE]})
    samples = Samples(inventory)
    every = [samples.address(name) for name in shared_pages() if name not in NO_DOCUMENTS]
    further = [
        "/?ou=ou-1-prod", "/accounts/?q=nothing", "/accounts/100000000002/", "/accounts/100000000003/",
        "/findings/?q=nothing", f"/findings/{inventory.unread.pk}/", f"/findings/{inventory.fixed.pk}/",
        f"/findings/{hostile.pk}/", f"/scans/{running.pk}/", "/controls/SSM-S3-001/",
        *(f"/scans/schedules/{refused.pk}/{act}" for act in ("", "edit/", "delete/")),
        "/accounts/100000000004/owners/",
    ]  # fmt: skip
    return [*every, *further]


# What the dark scheme changes is colours.
@pytest.mark.parametrize(("scheme", "rules"), [("light", ()), ("dark", ("color-contrast",))])
def test_every_page_is_accessible_without_console_errors(
    window: Open, sign_in: SignIn, grace: User, pages: list[str], scheme: str, rules: tuple[str, ...]
) -> None:
    opened = window(color_scheme=scheme)
    sign_in(opened, grace)
    found: list[str] = []
    for path in pages:
        # A page that asks again never rests, so its own load is all that is waited for.
        opened.page.goto(opened.base + path)
        found += [f"{path} {line}" for line in opened.axe(*rules)]
    assert not found, "\n".join(found)
    assert opened.said == []


def test_no_page_is_wider_than_a_phone(window: Open, sign_in: SignIn, grace: User, pages: list[str]) -> None:
    opened = window(viewport=PHONE)
    sign_in(opened, grace)
    wide = {}
    for path in pages:
        opened.page.goto(opened.base + path)
        if opened.overflow() > 0:
            wide[path] = opened.overflow()
    assert wide == {}


ROWS = """[...document.querySelectorAll(".top nav li, .top .brand, .top .who")].map(each => {
    const box = each.getBoundingClientRect();
    return Math.round((box.top + box.bottom) / 20);
})"""


@pytest.mark.parametrize(("width", "rows"), [(1440, 1), (390, 2)])
def test_the_header_has_room_for_one_more_entry_of_the_menu(
    window: Open, sign_in: SignIn, inventory: Inventory, monkeypatch: pytest.MonkeyPatch, width: int, rows: int
) -> None:
    more = ("New entry", "scores", Permission.ACCOUNT_VIEW)
    monkeypatch.setattr(context, "NAV_ITEMS", (*context.NAV_ITEMS, more))
    opened = window(viewport={"width": width, "height": 800})
    sign_in(opened, all_seeing("maximilian.mustermann@subsidiary.example"))
    opened.open("/findings/")
    assert opened.page.locator(".top nav li").count() == len(context.NAV_ITEMS) + 1  # the inbox is in every menu
    assert len(set(opened.page.evaluate(ROWS))) == rows
    assert opened.overflow() == 0
    hidden = "(nav => nav.scrollWidth - nav.clientWidth)(document.querySelector('.top nav'))"
    assert (opened.page.evaluate(hidden) > 0) == (width < 700), "on a phone the menu scrolls by itself"


def test_a_running_scan_moves_by_itself_and_then_rests(
    window: Open, sign_in: SignIn, grace: User, inventory: Inventory, running: Scan
) -> None:
    opened = window()
    sign_in(opened, grace)
    opened.page.goto(f"{opened.base}/scans/{running.pk}/")
    running.targets.filter(account=inventory.shop).update(state="done", calls=12)
    opened.page.get_by_text("1 of 2 accounts are done").wait_for()
    running.targets.update(state="done")
    Scan.objects.filter(pk=running.pk).update(state="done")
    opened.page.get_by_role("heading", name="Result").wait_for()
    assert opened.page.locator("[hx-get]").count() == 0
    assert opened.said == []


def test_copying_takes_the_whole_fix(window: Open, sign_in: SignIn, grace: User, inventory: Inventory) -> None:
    opened = window(permissions=["clipboard-read", "clipboard-write"])
    sign_in(opened, grace)
    opened.open(f"/findings/{inventory.secret.pk}/")
    opened.page.locator("[data-copies=fix-cli]").click()
    opened.page.get_by_role("button", name="Copied").wait_for()
    copied = opened.page.evaluate("navigator.clipboard.readText()")
    assert "aws ssm delete-parameter --region eu-west-1 --name /db/password" in copied


def test_everything_is_reached_by_keyboard(window: Open, sign_in: SignIn, grace: User) -> None:
    opened = window()
    sign_in(opened, grace)
    opened.open("/findings/")
    opened.page.keyboard.press("Tab")
    assert opened.page.evaluate("document.activeElement.textContent") == "Skip to content"
    opened.page.get_by_label("Text in the resource").focus()
    opened.page.keyboard.type("password")
    opened.page.keyboard.press("Enter")
    opened.page.wait_for_url("**/findings/?*q=password*")
    assert opened.page.locator("tbody tr").count() == 1


def test_the_pages_work_without_script(window: Open, sign_in: SignIn, grace: User, running: Scan) -> None:
    opened = window(java_script_enabled=False)
    sign_in(opened, grace)
    opened.page.goto(opened.base + "/findings/")
    opened.page.get_by_label("Verdict").select_option("unknown")
    opened.page.get_by_role("button", name="Show").click()
    assert opened.page.locator("tbody tr").count() == 1
    assert not opened.page.locator("[data-copies]").first.is_visible()
    opened.page.goto(f"{opened.base}/scans/{running.pk}/")
    opened.page.get_by_role("link", name="Refresh").click()
    opened.page.get_by_role("button", name="Cancel the scan").click()
    opened.page.get_by_text("you can resume the scan").wait_for()
