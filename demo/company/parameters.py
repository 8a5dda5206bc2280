"""Parameters of Parameter Store, and the keys under them."""

from __future__ import annotations

from demo.company.builder import Place, document, statement
from demo.company.constants import OUTSIDE
from demo.company.model import FAIL, NOT_APPLICABLE, PASS, Thing

PLAIN = {"SSM-PS-003": NOT_APPLICABLE, "SSM-PS-004": NOT_APPLICABLE}


def parameter(place: Place, name: str, **facts: object) -> Thing:
    """facts: type, value, key, description, secret_name (bool), telling (the value is), works (the key does),
    outside (the key is a stranger's), text (verdict of free text)."""
    type = str(facts.get("type", "String"))
    secure = type == "SecureString"
    key = facts.get("key")
    if secure:
        expects = {
            "SSM-PS-001": NOT_APPLICABLE,
            "SSM-PS-003": FAIL if key == "alias/aws/ssm" or facts.get("outside") else PASS,
            "SSM-PS-004": PASS if facts.get("works", True) and not facts.get("outside") else FAIL,
        }
    else:
        expects = {
            **PLAIN,
            "SSM-PS-001": FAIL if facts.get("secret_name") else PASS,
            "SSM-PS-002": FAIL if facts.get("telling") else PASS,
        }
    expects["SSM-FF-002"], expects["SSM-FF-003"] = str(facts.get("text", PASS)), PASS
    data = {
        "name": name,
        "type": type,
        "value": facts.get("value", "plain"),
        "key": key,
        "description": facts.get("description"),
    }
    return place.add("parameter", place.arn("ssm", f"parameter/{name.removeprefix('/')}"), data, expects)


def healthy(place: Place, count: int = 4) -> None:
    key = place.good_key("parameter")
    for n in range(count):
        parameter(place, f"/apps/orders/feature-{n}", value=f"on-{n}", description="A switch of the order service")
    parameter(place, "/apps/orders/regions", type="StringList", value="one,two,three")
    parameter(place, "/apps/orders/database/url", type="SecureString", key=key.alias)
    parameter(place, "apps.orders.signing", type="SecureString", key=key.arn)
    whole = f"arn:aws:organizations::{place.plan.management.id}:organization/{place.plan.organization}"
    share(place, parameter(place, "/apps/orders/currency", value="EUR"), whole, place.plan.management.id)


def share(place: Place, thing: Thing, *principals: str) -> None:
    verdict = FAIL if OUTSIDE in principals else PASS
    place.add("share", thing.arn, {"principals": principals}, {"SSM-PS-005": verdict})


def sloppy(place: Place) -> None:
    managed = place.managed_key("ssm", "parameter")
    parameter(place, "/legacy/db_password", secret_name=True, value="Xk29vTq8LmZr4w", telling=True)
    parameter(place, "/legacy/api-key", type="StringList", secret_name=True, value="not,real")
    parameter(place, "/legacy/endpoint", value="orders.internal", description="Where orders go")
    parameter(place, "/legacy/on-call", value="Ask jane@example.com first", telling=True)
    share(place, parameter(place, "/legacy/rates", value="1.19,1.07"), OUTSIDE)
    parameter(place, "/legacy/token-store", type="SecureString", key=managed.alias)
    parameter(
        place,
        "/legacy/contact",
        value="see description",
        description="Ask for AKIAZ7QF3LWXK2MDB5TE when the batch stops",
        secret_name=True,
        text=FAIL,
    )


def broken_keys(place: Place) -> None:
    """Under keys that are going, gone, off, or made for something else."""
    going = place.key("parameter", state="PendingDeletion", alias="alias/old-data", description="Old data key")
    off = place.key("parameter", state="Disabled", description="Switched off in the audit")
    signing = place.key("parameter", usage="SIGN_VERIFY", spec="RSA_2048", description="Signs releases")
    missing = place.arn("kms", f"key/{place.uuid()}")
    parameter(place, "/apps/billing/signing", type="SecureString", key=going.arn, works=False)
    parameter(place, "/apps/billing/ledger", type="SecureString", key=off.id, works=False)
    parameter(place, "/apps/billing/release", type="SecureString", key=signing.arn, works=False)
    parameter(place, "/apps/billing/archive", type="SecureString", key=missing, works=False)
    parameter(place, "/apps/billing/exports", type="SecureString", key="alias/never-made", works=False)


def open_keys(place: Place) -> None:
    """Key policies: open to all, to a stranger, by a service alone, and open but fenced by the account."""
    everyone = statement("Allow", "kms:Decrypt", "*", Principal="*")
    stranger = statement("Allow", "kms:*", "*", Principal={"AWS": f"arn:aws:iam::{OUTSIDE}:root"})
    fence = {"StringEquals": {"kms:CallerAccount": place.account.id}}
    fenced = statement("Allow", "kms:Decrypt", "*", Principal={"AWS": "*"}, Condition=fence)
    via = {"StringEquals": {"kms:ViaService": f"s3.{place.region}.amazonaws.com"}}
    served = statement("Allow", "kms:Decrypt", "*", Principal={"AWS": "*"}, Condition=via)
    own = statement("Allow", "kms:*", "*", Principal={"AWS": f"arn:aws:iam::{place.account.id}:root"})
    policies = {
        "open": (everyone, FAIL),
        "partner": (stranger, FAIL),
        "served": (served, FAIL),
        "fenced": (fenced, PASS),
    }
    for name, (extra, verdict) in policies.items():
        key = place.key(
            "parameter", alias=f"alias/{name}", policy=document(own, extra), policy_verdict=verdict, rotation=False
        )
        parameter(place, f"/shared/{name}/value", type="SecureString", key=key.alias)


def telling_key(place: Place) -> None:
    """A key whose description holds what it should not."""
    key = place.key(
        "parameter",
        alias="alias/vendor",
        description="Password: Tr0ub4dor&3-horse for the vendor portal",
        text_verdict=FAIL,
    )
    parameter(place, "/vendor/portal", type="SecureString", key=key.alias)


def many(place: Place, count: int) -> None:
    """A data-heavy region: pages of parameters."""
    key = place.good_key("parameter")
    for n in range(count):
        if n % 3:
            parameter(place, f"/apps/catalog/item-{n:04d}", value=str(n))
        else:
            parameter(place, f"/apps/catalog/item-{n:04d}", type="SecureString", key=key.alias)


def strangers_key(place: Place) -> None:
    """Under a key of an account outside the organization."""
    key = f"arn:aws:kms:{place.region}:{OUTSIDE}:key/5e0cbd7a-1f4f-4a37-9d3e-0d5c1b2a3f44"
    parameter(place, "/legacy/partner-rate", type="SecureString", key=key, outside=True)
