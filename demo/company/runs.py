"""What Systems Manager runs, and where the output goes: commands, associations, windows, syncs, automations."""

from __future__ import annotations

import json
from typing import Any

from demo.company.builder import OWN_ROOT, Place, document, statement
from demo.company.constants import OUTSIDE
from demo.company.model import FAIL, PASS, Bucket, Key, Point, Thing

SECRET_TEXT = "use AKIAZ7QF3LWXK2MDB5TE until the rotation"
PARTNERS = "/partners/"  # what the names of log groups begin with that partners write to
LISTED_STEPS = 100  # what AWS tells with an execution itself
SECRET_URL = f"https://deploy:Xk29vTq8LmZr4w@files.legacy.internal/{SECRET_TEXT.split()[1]}.tar"


def texts(text: str = PASS, urls: str = PASS) -> dict[str, str]:
    """The verdicts of free text; a text with credentials in a URL is also a secret in text."""
    return {"SSM-FF-002": text, "SSM-FF-003": urls}


def group(place: Place, name: str, control: str, key: Key | None) -> str:
    """A log group that receives data; control: of which kind. Groups of partners are shared by a policy of the region."""
    if key is not None:
        key.uses.add("setting")
    verdict = PASS if key and key.usable else FAIL
    data = {"name": name, "key": key.arn if key else None}
    shared = FAIL if name.startswith(PARTNERS) else PASS
    expects = {control: verdict, "SSM-LG-005": shared} if control else {}
    place.add("log_group", place.arn("logs", f"log-group:{name}"), data, expects)
    return name


def share_groups(place: Place) -> None:
    """Lets an account outside write to the log groups of partners, and a service to all."""
    account = statement("Allow", "logs:PutLogEvents", place.arn("logs", f"log-group:{PARTNERS}*"))
    service = statement("Allow", "logs:PutLogEvents", "*", Principal={"Service": "delivery.logs.amazonaws.com"})
    policy = document(account | {"Principal": {"AWS": OWN_ROOT.format(OUTSIDE)}}, service)
    place.add("log_policy", place.arn("logs", "resource-policy:partners"), {"name": "partners", "policy": policy})


def access_point(place: Place, purpose: str, bucket: Bucket, *, blocked: bool) -> None:
    """Another way to a bucket. blocked: it blocks public access itself."""
    name = f"{place.account.name}-{purpose}"
    closed = blocked or bucket.public_access_block or place.account.blocks_public_access
    data = {"name": name, "bucket": bucket.name, "blocked": blocked}
    place.add("access_point", place.arn("s3", f"accesspoint/{name}"), data, {"SSM-S3-011": PASS if closed else FAIL})


def command(place: Place, document: str = "AWS-RunShellScript", **facts: Any) -> Thing:
    """facts: bucket (a name), group, comment, parameters, text, urls, points (further ones)."""
    id = place.uuid()
    data = {
        "id": id,
        "document": document,
        "bucket": facts.get("bucket", ""),
        "group": facts.get("group", ""),
        "comment": facts.get("comment", "Routine"),
        "parameters": facts.get("parameters", {"commands": ["uptime"]}),
    }
    points = tuple(facts.get("points", ())) + output(document, data["bucket"], "01")
    expects = texts(facts.get("text", PASS), facts.get("urls", PASS))
    return place.add("command", place.arn("ssm", f"command/{id}"), data, expects, points)


def association(place: Place, name: str, document: str = "AWS-GatherSoftwareInventory", **facts: Any) -> Thing:
    """name: "" for none. facts: bucket, parameters, older (parameters of earlier versions), text, urls, points."""
    id = place.uuid()
    bucket = facts.get("bucket", "")
    data = {"id": id, "name": name, "document": document, "bucket": bucket, "parameters": facts.get("parameters", {})}
    data["older"] = facts.get("older", ())
    points = tuple(facts.get("points", ())) + output(document, bucket, "13")
    expects = texts(facts.get("text", PASS), facts.get("urls", PASS))
    return place.add("association", place.arn("ssm", f"association/{id}"), data, expects, points)


def data_sync(place: Place, name: str, bucket: str, *, from_source: bool = False, key: Key | None = None) -> Thing:
    """SyncFromSource brings other accounts' OpsData here; the other kind writes inventory to a bucket."""
    if key is not None:
        key.uses.add("setting")
    data = {"name": name, "bucket": bucket, "from_source": from_source, "key": key.arn if key else None}
    points = ((bucket, "10" if from_source else "12"),) if bucket else ()
    return place.add("data_sync", place.arn("ssm", f"resource-data-sync/{name}"), data, {}, points)


def window(place: Place, name: str, **facts: Any) -> str:
    """facts: description, text, urls. The answer is the window's id."""
    id = "mw-" + place.hex(17)
    data = {"id": id, "name": name, "description": facts.get("description", "Weekly")}
    expects = texts(facts.get("text", PASS), facts.get("urls", PASS))
    place.add("window", place.arn("ssm", f"maintenancewindow/{id}"), data, expects)
    return id


def window_task(place: Place, window: str, document: str = "AWS-RunShellScript", **facts: Any) -> Thing:
    """facts: bucket, group, comment, parameters, bare (it says nothing of how its document is run), text, urls, points."""
    id, bucket = place.uuid(), facts.get("bucket", "")
    data = {
        "id": id,
        "bare": facts.get("bare", False),
        "window": window,
        "document": document,
        "bucket": bucket,
        "group": facts.get("group", ""),
        "comment": facts.get("comment", ""),
        "parameters": facts.get("parameters", {"commands": ["uptime"]}),
    }
    points = tuple(facts.get("points", ())) + output(document, bucket, "01")
    expects = texts(facts.get("text", PASS), facts.get("urls", PASS))
    return place.add("window_task", place.arn("ssm", f"windowtask/{id}"), data, expects, points)


def automation(place: Place, document: str, parameters: dict[str, list[str]], **facts: Any) -> Thing:
    """facts: steps (the inputs of each), text, urls, points."""
    id = place.uuid()
    data = {"id": id, "document": document, "parameters": parameters, "steps": facts.get("steps", ())}
    expects = texts(facts.get("text", PASS), facts.get("urls", PASS))
    arn = place.arn("ssm", f"automation-execution/{id}")
    return place.add("automation", arn, data, expects, tuple(facts.get("points", ())))


def ops_item(place: Place, title: str, note: str = "", **facts: Any) -> Thing:
    """note: its operational data, which lists show. facts: description, which they don't; text, urls."""
    id = "oi-" + place.hex(12)
    expects = texts(facts.get("text", PASS), facts.get("urls", PASS))
    data = {"id": id, "title": title, "note": note, "description": facts.get("description", "Please look into it")}
    return place.add("ops_item", place.arn("ssm", f"opsitem/{id}"), data, expects)


def activation(place: Place, description: str, **facts: Any) -> Thing:
    id = place.uuid()
    expects = texts(facts.get("text", PASS), facts.get("urls", PASS))
    return place.add(
        "activation", place.arn("ssm", f"activation/{id}"), {"id": id, "description": description}, expects
    )


def baseline(place: Place, name: str, source: str = "", **facts: Any) -> Thing:
    """source: the configuration of a repository of the patch baseline."""
    id = "pb-" + place.hex(17)
    data = {"id": id, "name": name, "description": facts.get("description", "Approved patches"), "source": source}
    expects = texts(facts.get("text", PASS), facts.get("urls", PASS))
    return place.add("baseline", place.arn("ssm", f"patchbaseline/{id}"), data, expects)


def output(document: str, bucket: str, kind: str) -> tuple[Point, ...]:
    """Output of patching is a kind of its own."""
    return ((bucket, "03" if document.startswith("AWS-RunPatchBaseline") else kind),) if bucket else ()


def s3_source(bucket: str, path: str) -> dict[str, list[str]]:
    url = f"https://s3.amazonaws.com/{bucket}/{path}"
    return {"sourceType": ["S3"], "sourceInfo": [json.dumps({"path": url})]}


def healthy(place: Place) -> None:
    """Every kind of data that a place can send, into sound places."""
    reports = place.bucket("ssm-output")
    reports.logged, bucket = True, reports.name
    access_point(place, "reports", reports, blocked=True)
    scripts = place.bucket("ssm-scripts", level="dsse").name
    key = place.good_key()
    output = group(place, "/aws/ssm/AWS-RunShellScript", "SSM-LG-001", key)
    command(place, bucket=bucket, group=output)
    command(place, "AWS-RunPatchBaseline", bucket=bucket, parameters={"Operation": ["Scan"]})
    command(place, "AWS-RunRemoteScript", parameters=s3_source(scripts, "run.sh"), points=((scripts, "05"),))
    association(place, "inventory", bucket=bucket)
    playbook = s3_source(scripts, "site.yml")
    association(place, "playbook", "AWS-ApplyAnsiblePlaybooks", parameters=playbook, points=((scripts, "05"),))
    data_sync(place, "inventory-sync", bucket, key=key)
    window_task(place, window(place, "sunday"), bucket=bucket, group=output)
    ops_item(place, "Disk of the order service is nearly full")
    activation(place, "Tills of the shops")
    baseline(place, "orders-baseline", "[main]\nbaseurl=https://repo.internal/main\n")


def sloppy(place: Place) -> None:
    """Output goes to weak, missing and foreign buckets; texts tell too much."""
    open_bucket = place.bucket("output", level="sse-s3", policy="none", blocked=False)
    access_point(place, "open", open_bucket, blocked=False)
    weak = open_bucket.name
    default = place.bucket("patch-lists", level="aws-kms", policy="https", blocked=False).name
    command(place, bucket=weak, comment=SECRET_TEXT, text=FAIL)
    command(place, bucket=f"{place.account.name}-gone-{place.account.id[-6:]}-{place.region}"[:63])
    url = f"https://{default}.s3.amazonaws.com/lists/override.yaml"
    patching = {"Operation": ["Install"], "InstallOverrideList": [url]}
    command(place, "AWS-RunPatchBaseline", bucket=weak, parameters=patching, points=((default, "04"),))
    group(place, "/aws/ssm/AWS-RunPowerShellScript", "SSM-LG-001", None)
    association(
        place, "state", "AWS-RunShellScript", bucket=weak, parameters={"commands": [f"echo {SECRET_TEXT}"]}, text=FAIL
    )
    older = ({"commands": [f"curl {SECRET_URL}"]},)
    plain = {"commands": ["uptime"]}
    association(place, "corrected", "AWS-RunShellScript", parameters=plain, older=older, text=FAIL, urls=FAIL)
    automation(place, "Legacy-Cleanup", {"Endpoint": [SECRET_URL]}, text=FAIL, urls=FAIL)
    many = [{"InstanceIds": f"node-{number}"} for number in range(LISTED_STEPS)]
    automation(place, "Legacy-Loop", {}, steps=[*many, {"Comment": SECRET_TEXT}], text=FAIL)
    id = window(place, "nightly", description=SECRET_TEXT, text=FAIL)
    window_task(place, id, parameters={"commands": [f"curl {SECRET_URL}"]}, text=FAIL, urls=FAIL)
    ops_item(place, "Reset needed", SECRET_TEXT, text=FAIL)
    ops_item(place, "Sign in again", description=f"Sign in at {SECRET_URL}", text=FAIL, urls=FAIL)
    activation(place, SECRET_TEXT, text=FAIL)
    baseline(place, "legacy-baseline", f"[main]\nbaseurl={SECRET_URL}\n", text=FAIL, urls=FAIL)


def varied_buckets(place: Place) -> None:
    """Every level of encryption and every shape of policy, each in use."""
    shapes = (
        ("alias", "alias", "old-tls", True),
        ("disabled", "disabled", "partial", True),
        ("public", "sse-s3", "public", False),
        ("partner", "cmk", "partner", True),
        ("dsse", "dsse", "tls", True),
    )
    for purpose, level, policy, blocked in shapes:
        bucket = place.bucket(purpose, level=level, policy=policy, blocked=blocked)
        association(place, f"to-{purpose}", bucket=bucket.name)
    place.bucket("idle", level="sse-s3", policy="none", blocked=False)  # nothing points at it: out of scope


def templates(place: Place) -> None:
    """A runbook that took a CloudFormation template from a bucket, and Explorer's sync from other accounts."""
    bucket = place.bucket("templates", policy="https")
    url = [f"https://{bucket.name}.s3.amazonaws.com/vpc.yaml"]
    automation(
        place,
        "AWS-CreateCloudFormationStack",
        {"StackName": ["network"], "TemplateURL": url},
        points=((bucket.name, "11"),),
    )
    data_sync(place, "explorer", "", from_source=True)


def published_template(place: Place) -> None:
    """A stack from one of AWS's sample templates."""
    bucket = place.plan.published_buckets[0]
    url = [f"https://s3.amazonaws.com/{bucket}/LAMP_Single_Instance.template"]
    association(
        place,
        "sample-stack",
        "AWS-CreateCloudFormationStack",
        parameters={"StackName": ["sample"], "TemplateURL": url},
        points=((bucket, "11"),),
    )
