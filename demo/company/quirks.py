"""Things that chance puts into a place, so that companies of other seeds differ in what they hold."""

from __future__ import annotations

from collections.abc import Callable

from demo.company import documents, network, parameters, runs
from demo.company.builder import Place
from demo.company.constants import OUTSIDE
from demo.company.model import FAIL

LEVELS = ("sse-s3", "aws-kms", "alias", "cmk", "dsse", "disabled")
POLICIES = ("tls", "https", "old-tls", "none", "partial", "public")
STATES = ("Enabled", "Enabled", "Disabled", "PendingDeletion")


def some(place: Place, most: int) -> None:
    for _ in range(place.rng.randint(1, most)):
        place.rng.choice(QUIRKS)(place, place.number("quirk"))


def bucket(place: Place, number: int) -> None:
    rng = place.rng
    made = place.bucket(f"extra{number}", rng.choice(LEVELS), rng.choice(POLICIES), blocked=rng.random() < 0.5)
    runs.association(place, f"extra-{number}", bucket=made.name)


def secure(place: Place, number: int) -> None:
    """A SecureString under a key in any state."""
    rng = place.rng
    key = place.key("parameter", state=rng.choice(STATES), rotation=rng.random() < 0.5, description=f"Extra {number}")
    name = f"/extra/{number}/held"
    parameters.parameter(place, name, type="SecureString", key=rng.choice((key.arn, key.id)), works=key.usable)


def plain(place: Place, number: int) -> None:
    telling = place.rng.random() < 0.5
    name = "db_password" if telling else "db_host"
    type = place.rng.choice(("String", "StringList"))
    parameters.parameter(place, f"/extra/{number}/{name}", type=type, secret_name=telling)


def group(place: Place, number: int) -> None:
    runs.group(place, f"/aws/ssm/extra-{number}", "SSM-LG-001", place.rng.choice((None, place.good_key())))


def shared(place: Place, number: int) -> None:
    whom = place.rng.choice(((), (OUTSIDE,), ("all",), (place.plan.management.id,)))
    documents.command(place, f"Extra-{number}", shared=whom, outside=whom in ((OUTSIDE,), ("all",)))


def session(place: Place, number: int) -> None:
    rng = place.rng
    key = rng.choice((None, place.good_key()))
    where = f"/extra/sessions-{number}"
    runs.group(place, where, "SSM-LG-003", place.good_key())
    documents.session(place, f"Extra-Session-{number}", group=where, key=key, encrypted=rng.random() < 0.5)


def vpc(place: Place, _number: int) -> None:
    rng = place.rng
    doors = tuple(
        network.Door(name, rng.random() < 0.5, rng.random() < 0.5, rng.choice(("vpc", "world", "nowhere")))
        for name in (*network.NEEDED, "kms", "logs")
        if rng.random() < 0.8
    )
    types = tuple(rng.choices(sorted(network.ENCRYPTS), k=rng.randint(0, 3)))
    if types or doors:
        network.vpc(place, types, doors, hostnames=rng.random() < 0.8)


def note(place: Place, _number: int) -> None:
    telling = place.rng.random() < 0.5
    runs.ops_item(place, "Look into it", runs.SECRET_TEXT if telling else "", **({"text": FAIL} if telling else {}))


QUIRKS: tuple[Callable[[Place, int], None], ...] = (bucket, secure, plain, group, shared, session, vpc, note)
