"""Tags and names: harmless, telling, and hostile ones."""

from __future__ import annotations

from demo.company import network, parameters, runs
from demo.company.builder import Place
from demo.company.model import FAIL, PASS, Thing

HTML = '<script>alert("tutela")</script><img src=x onerror=alert(1)>'
LINES = "first line\nsecond line\r\n\tthird, after a tab"
RIGHT_TO_LEFT = "\u202eגבול\u202c שלום, مرحبا بالعالم"
LONG = "long " * 51  # 255 characters: AWS takes 256
TEMPLATE = "{{ 7*7 }} ${jndi:ldap://x} %s %n {0}"


def tag(thing: Thing, *, telling: bool = False, **values: str) -> Thing:
    thing.data["tags"] = values
    thing.expects["SSM-FF-001"] = FAIL if telling else PASS
    return thing


def tagged_node(place: Place, *, telling: bool = False, **values: str) -> None:
    """The last node that was planned gets tags."""
    node = [thing for thing in place.account.of("instance") if thing.region == place.region][-1]
    tag(node, telling=telling, **values)


def healthy(place: Place) -> None:
    tag(parameters.parameter(place, "/tags/tier", value="gold"), team="orders", tier="gold")


def telling(place: Place) -> None:
    tag(parameters.parameter(place, "/tags/vendor", value="x"), telling=True, access="AKIAZ7QF3LWXK2MDB5TE")


def hostile(place: Place) -> None:
    """Text that breaks careless pages, in every field that takes free text."""
    for n, text in enumerate((HTML, LINES, RIGHT_TO_LEFT, TEMPLATE, "d" * 1024)):
        parameters.parameter(place, f"/hostile/description-{n}", description=text)
    deep = "/".join("level-" + str(n) * 60 for n in range(1, 10))
    parameters.parameter(place, f"/hostile/{deep}/{'x' * 380}", value="v" * 2048)
    tags = {"html": HTML, "rtl": RIGHT_TO_LEFT, "long": LONG, "lines": LINES.replace("\r", "")}
    tag(parameters.parameter(place, "/hostile/tags"), **tags)
    tag(parameters.parameter(place, "/hostile/labels"), **{'"><b>bold</b>': "x", "مفتاح": "y", " space ": "z"})
    for text in (HTML, LINES, RIGHT_TO_LEFT):
        runs.command(place, comment=text[:100])
        runs.ops_item(place, text, text * 20, description=text * 10)
        runs.activation(place, text[:256])
    runs.window(place, "hostile.window", description=HTML)
    runs.baseline(place, "hostile-baseline", description=RIGHT_TO_LEFT)
    network.vpc(place, ("m5n.large", "r5n.large"), network.GOOD)
    tagged_node(place, Name=HTML, note=LINES.replace("\r", ""), rtl=RIGHT_TO_LEFT)
