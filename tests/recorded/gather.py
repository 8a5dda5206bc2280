"""Gathers recordings of AWS's answers from two public projects into answers.json.gz, beside this file.

    git clone --bare https://github.com/cloud-custodian/cloud-custodian custodian
    git clone --bare https://github.com/localstack/localstack localstack
    python -m tests.recorded.gather custodian localstack

Only data is taken, of operations that a collector calls: the licenses and what was changed are in NOTICE.
"""

from __future__ import annotations

import gzip
import json
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from http import HTTPStatus
from pathlib import Path
from typing import Any

import botocore.session
from botocore.model import ListShape, MapShape, Shape, StructureShape

HERE = Path(__file__).resolve().parent
FILE = HERE / "answers.json.gz"
PER_CALL = 60  # flights of one operation: those after the first few tell little
LARGEST = 40_000  # bytes of one answer
PLACE = re.compile(r"tests/data/placebo/(?P<flight>.+)/(?P<api>[\w-]+\.\w+)_(?P<number>\d+)\.json")
SNAPSHOTS = re.compile(
    r"tests/aws/services/(account|cloudtrail|ec2|iam|kms|logs|resourcegroupstaggingapi|s3|s3control|ssm)/"
)
# Names of people in a recording are no part of what AWS answers.
PEOPLE = {
    r"[\w.+-]+@[\w-]+(?:\.\w+)+": "someone@example.com",
    r'"DisplayName":"[^"]*"': '"DisplayName":"someone"',
    r":user/(?!user-\d)[\w.+-]+": ":user/someone",
    r'("Key":"[^"]*","Value"):"(?:[^"\\]|\\.)*"': r'\1:"value"',
}
MODELS = botocore.session.get_session()


def main(custodian: str, localstack: str) -> None:
    shapes = list_shapes()
    held: Counter[str] = Counter()
    flights = []
    for flight in (*placebo_flights(custodian, shapes), *snapshot_flights(localstack, shapes)):
        new = [one for one in flight["answers"] if held[one["api"]] < PER_CALL]
        held.update({one["api"] for one in new})
        if new:
            flights.append({**flight, "answers": new})
    text = json.dumps(flights, sort_keys=True, separators=(",", ":"))
    for pattern, instead in PEOPLE.items():
        text = re.sub(pattern, instead, text)
    FILE.write_bytes(gzip.compress(text.encode(), 9, mtime=0))
    print(f"{len(flights)} flights, {sum(len(f['answers']) for f in flights)} answers, {FILE.stat().st_size} bytes")  # noqa: T201


def list_shapes() -> dict[str, StructureShape]:
    """The output of each declared operation, by its lower-case name: file names of recordings aren't exact."""
    import django

    django.setup()
    from scans import registry
    from scans.domain.regions import REGION_CALLS

    calls = {*REGION_CALLS, *(call for item in registry.collectors().values() for call in item.collector.calls)}
    return {
        call.api: shape
        for call in sorted(calls, key=lambda call: call.api)
        if (shape := MODELS.get_service_model(call.service).operation_model(call.operation).output_shape)
    }


def listed(repository: str) -> list[str]:
    return git(repository, "ls-tree", "-r", "--name-only", "HEAD").splitlines()


def git(repository: str, *words: str) -> str:
    return subprocess.run(["git", "-C", repository, *words], capture_output=True, text=True, check=True).stdout


def placebo_flights(repository: str, shapes: dict[str, StructureShape]) -> Iterator[dict[str, Any]]:
    exact = {api.lower(): api for api in shapes}
    flights: dict[str, list[tuple[str, int, str]]] = {}
    for path in listed(repository):
        if (found := PLACE.fullmatch(path)) and (api := exact.get(found["api"].lower())):
            flights.setdefault(found["flight"], []).append((api, int(found["number"]), path))
    for flight, parts in sorted(flights.items()):
        answers = []
        for api, _, path in sorted(parts):
            text = git(repository, "show", f"HEAD:{path}")
            recorded = json.loads(text)
            if len(text) <= LARGEST and recorded["status_code"] in range(200, 600):
                answers.append({"api": api, **reply(shapes[api], recorded)})
        yield {"from": f"cloud-custodian {flight}", "answers": answers}


def reply(shape: StructureShape, recorded: dict[str, Any]) -> dict[str, Any]:
    data, status = plain(recorded["data"]), recorded["status_code"]
    if isinstance(data.get("Content"), str):
        data["Content"] = without_names(data["Content"])
    return {"status": status, "answer": shaped(shape, data) if status < HTTPStatus.MULTIPLE_CHOICES else data}


def without_names(content: str) -> str:
    """A credential report with other names for its users: these were people."""
    lines = content.split("\n")
    for number, line in enumerate(lines):
        name, _, rest = line.partition(",")
        if f":user/{name}," in rest:
            lines[number] = f"user-{number}," + rest.replace(f":user/{name},", f":user/user-{number},")
    return "\n".join(lines)


def plain(value: Any) -> Any:
    """placebo's way of writing times and streams as JSON, undone."""
    if isinstance(value, list):
        return [plain(item) for item in value]
    if not isinstance(value, dict):
        return value
    kind = value.get("__class__")
    if kind == "datetime":
        parts = {name: part for name, part in value.items() if name != "__class__"}
        return {"$time": datetime(**parts, tzinfo=UTC).isoformat()}
    return (
        value.get("body") if kind else {name: plain(item) for name, item in value.items() if name != "ResponseMetadata"}
    )


def snapshot_flights(repository: str, shapes: dict[str, StructureShape]) -> Iterator[dict[str, Any]]:
    for path in listed(repository):
        if not path.endswith(".snapshot.json") or not SNAPSHOTS.match(path):
            continue
        for test, recorded in sorted(json.loads(git(repository, "show", f"HEAD:{path}")).items()):
            found = find_answers(recorded["recorded-content"], path, shapes)
            answers = [
                {"api": api, "status": 200, "answer": shaped(shapes[api], answer)}
                for api, answer in found
                if len(json.dumps(answer)) <= LARGEST
            ]
            yield {"from": f"localstack {test}", "answers": answers}


def find_answers(value: Any, path: str, shapes: dict[str, StructureShape]) -> Iterator[tuple[str, dict[str, Any]]]:
    """What looks like an answer: a snapshot has them under names of its own."""
    if not isinstance(value, dict):
        return
    answer = {name: part for name, part in value.items() if name != "ResponseMetadata"}
    for api in matching(answer, path, shapes):
        yield api, answer
        return
    for item in value.values():
        yield from find_answers(item, path, shapes)


def matching(answer: dict[str, Any], path: str, shapes: dict[str, StructureShape]) -> list[str]:
    """The one operation of that service whose answers look like this one, if it is one."""
    service = path.split("/")[3]
    found = [
        api
        for api, shape in shapes.items()
        if api.startswith(f"{service}.") and answer and "Error" not in answer and set(answer) <= set(shape.members)
        and any(isinstance(shape.members[name], ListShape | MapShape | StructureShape) for name in answer)
    ]  # fmt: skip
    return found if len(found) == 1 else []


def shaped(shape: Shape, value: Any) -> Any:
    """Times as such where the model has times, and no value that isn't of the model's type: placeholders stand for some."""
    if isinstance(shape, StructureShape) and isinstance(value, dict):
        pairs = ((name, shaped(member, value[name])) for name, member in shape.members.items() if name in value)
        return {name: item for name, item in pairs if item is not None}
    if isinstance(shape, ListShape) and isinstance(value, list):
        return [shaped(shape.member, item) for item in value]
    if isinstance(shape, MapShape) and isinstance(value, dict):
        return {name: shaped(shape.value, item) for name, item in value.items()}
    kind = shape.type_name
    if kind == "timestamp":
        return value if isinstance(value, dict) else {"$time": "2024-01-01T00:00:00+00:00"}
    if kind == "blob":
        return {"$bytes": value} if isinstance(value, str) else None
    wanted = {
        "string": str,
        "boolean": bool,
        "integer": int,
        "long": int,
        "float": (int, float),
        "double": (int, float),
    }
    return value if isinstance(value, wanted.get(kind, ())) else None


if __name__ == "__main__":
    main(*sys.argv[1:])
