"""Tags and names: harmless, telling, and hostile ones."""

from __future__ import annotations

import re

from demo.company import network, parameters, runs
from demo.company.builder import Place
from demo.company.model import FAIL, NOT_APPLICABLE, PASS, Thing

PLAIN = re.compile(r"\w[\w-]*")
HTML = '<script>alert("tutela")</script><img src=x onerror=alert(1)>'
LINES = "first line\nsecond line\r\n\tthird, after a tab"
RIGHT_TO_LEFT = "\u202eגבול\u202c שלום, مرحبا بالعالم"
LONG = "long " * 51  # 255 characters: AWS takes 256
TEMPLATE = "{{ 7*7 }} ${jndi:ldap://x} %s %n {0}"


def tag(place: Place, thing: Thing, *, secret: str = PASS, personal: str = PASS, **values: str) -> None:
    """A key is judged once in a region. secret, personal: the verdicts of these keys."""
    thing.data["tags"] = values
    for key in values:
        arn = place.arn("tagging", f"key/{key}" if PLAIN.fullmatch(key) else "hidden-keys")
        held = [each for each in place.account.of("expect") if each.arn == arn]
        if not held:
            place.add("expect", arn, {}, {"SSM-FF-001": secret, "SSM-FF-004": personal})


def tagged_node(place: Place, **values: str) -> None:
    """The last node that was planned gets tags."""
    tag(place, [thing for thing in place.account.of("instance") if thing.region == place.region][-1], **values)


def healthy(place: Place) -> None:
    tag(place, parameters.parameter(place, "/tags/tier", value="gold"), team="orders", tier="gold")
    owned = parameters.parameter(place, "/tags/owner", value="gold")
    tag(place, owned, personal=NOT_APPLICABLE, owner="lee@shop.example")


def telling(place: Place) -> None:
    tag(place, parameters.parameter(place, "/tags/vendor", value="x"), secret=FAIL, access="AKIAZ7QF3LWXK2MDB5TE")
    for number in range(2):
        buyer = parameters.parameter(place, f"/tags/buyer-{number}", value="x")
        tag(place, buyer, personal=FAIL, buyer=f"buyer-{number}@mail.example")


def hostile(place: Place) -> None:
    """Text that breaks careless pages, in every field that takes free text."""
    for n, text in enumerate((HTML, LINES, RIGHT_TO_LEFT, TEMPLATE, "d" * 1024)):
        parameters.parameter(place, f"/hostile/description-{n}", description=text)
    deep = "/".join("level-" + str(n) * 60 for n in range(1, 10))
    parameters.parameter(place, f"/hostile/{deep}/{'x' * 380}", value="v" * 2048)
    tags = {"html": HTML, "rtl": RIGHT_TO_LEFT, "long": LONG, "lines": LINES.replace("\r", "")}
    tag(place, parameters.parameter(place, "/hostile/tags"), **tags)
    tag(place, parameters.parameter(place, "/hostile/labels"), **{'"><b>bold</b>': "x", "مفتاح": "y", " space ": "z"})
    for text in (HTML, LINES, RIGHT_TO_LEFT):
        runs.command(place, comment=text[:100])
        runs.ops_item(place, text, text * 20, description=text * 10)
        runs.activation(place, text[:256])
    runs.window(place, "hostile.window", description=HTML)
    runs.baseline(place, "hostile-baseline", description=RIGHT_TO_LEFT)
    network.vpc(place, ("m5n.large", "r5n.large"), network.GOOD)
    tagged_node(place, Name=HTML, note=LINES.replace("\r", ""), rtl=RIGHT_TO_LEFT)
