"""Documents of Systems Manager that are made to hang, fill or kill whoever reads them."""

from __future__ import annotations

import json
from itertools import pairwise

import pytest

from accounts.aws.gaps import GapKind
from scans.collectors.lib import ssm_content, ssm_yaml
from scans.collectors.ssm_documents import COLLECTOR, collect
from scans.domain.collector import EarlierEvidence
from tests.attack.hanging import answer_of
from tests.scans.collectors.fake_reader import FakeReader
from tests.scans.collectors.ssm_document_scene import RUNBOOK, Scene, found

BODY = ("session", "uses_script", "references", "log_groups", "unplaced_log_groups", "hits", "url_credentials")
READ = """
import json, sys
from tests.scans.collectors.ssm_document_scene import Scene
facts = Scene(sys.stdin.read(), "Automation", format="YAML").facts()
print(sorted({getattr(facts[name], "code", "read") for name in ("uses_script", "references", "hits")}))
"""


def merging(levels: int, width: int = 9) -> str:
    """Each level merges the one before it into itself, width times."""
    names = "abcdefghij"[:levels]
    text = "a: &a {k: 1}\n"
    for before, name in pairwise(names):
        text += f"{name}: &{name} {{<<: [{','.join([f'*{before}'] * width)}]}}\n"
    return text


BOMBS = {
    "merge keys": merging(10),
    "aliases": "a0: &a0 [x, x]\n" + "".join(f"a{n + 1}: &a{n + 1} [{','.join([f'*a{n}'] * 9)}]\n" for n in range(9)),
    "a long text many times": "- &a " + "x" * 100_000 + "\n" + "- *a\n" * 900,
    "nothing but aliases": "- &a x\n" + "- *a\n" * 30_000,
    "brackets": "a: " + "[" * 100_000,
    "dashes": "- " * 90_000,
    "a number to the base of 60": "a: 1" + ":1" * 90_000,
    "a number of too many digits": "a: 0x" + "F" * 190_000,
    "itself": "a: &a [*a]",
    "merging itself": "a: &a {<<: *a, b: [*a]}",
}


def test_the_bomb_is_short() -> None:
    assert len(merging(10)) < 400


@pytest.mark.parametrize("name", BOMBS)
def test_bomb_is_too_costly_and_leaves_no_facts(name: str) -> None:
    said = answer_of(READ, BOMBS[name])
    assert "read" not in said
    assert "Over" in said


def test_bomb_expansion_is_never_built(monkeypatch: pytest.MonkeyPatch) -> None:
    composed: list[object] = []
    monkeypatch.setattr(ssm_yaml.BoundedLoader, "get_single_data", composed.append)
    with pytest.raises(ssm_yaml.TooCostlyError):
        ssm_yaml.load_bounded_yaml(merging(10))
    assert composed == []


def test_the_other_documents_are_read() -> None:
    reader = FakeReader(COLLECTOR)
    named = [{"Name": name, "DocumentType": "Automation"} for name in ("Bomb", "Sound")]
    reader.answer("ssm", "ListDocuments", {"DocumentIdentifiers": named})
    for name, text, format in (("Bomb", merging(10), "YAML"), ("Sound", json.dumps(RUNBOOK), "JSON")):
        answer = {"Name": name, "Content": text, "DocumentFormat": format}
        reader.answer("ssm", "GetDocument", answer, when={"Name": name})
    reader.answer("ssm", "ListDocumentVersions", {"DocumentVersions": []})
    reader.answer("ssm", "DescribeDocumentPermission", {"AccountIds": []})
    reader.answer("cloudtrail", "LookupEvents", {"Events": []})
    evidence = collect(reader, EarlierEvidence())
    bomb = found(evidence, "ssm.document", "Bomb").facts
    assert {bomb[name].kind for name in BODY} == {GapKind.TOO_COSTLY}
    assert {bomb[name].api for name in BODY} == {"ssm.GetDocument"}
    assert bomb["shared_with"] == []
    assert found(evidence, "ssm.document", "Sound").facts["uses_script"] is True


@pytest.mark.parametrize("content", ['{"a":' * 50_000, "[" * 100_000 + "]" * 100_000])
def test_json_that_is_too_deep_is_too_costly(content: str) -> None:
    assert Scene(content).facts()["hits"].kind is GapKind.TOO_COSTLY


@pytest.mark.parametrize("kind", ["Automation", "ApplicationConfiguration"])
def test_a_document_that_is_too_long_is_not_called_clean(kind: str) -> None:
    facts = Scene("x" * 300_000, kind, format="TEXT").facts()
    assert {facts[name].code for name in BODY} == {"Over200000Bytes"}


def test_bomb_in_unparsed_document_is_not_called_clean() -> None:
    assert Scene(merging(10), "ApplicationConfiguration", format="YAML").facts()["hits"].kind is GapKind.TOO_COSTLY


def filling(default: object, inputs: object, steps: int = 1) -> dict[str, object]:
    return {
        "schemaVersion": "0.3",
        "parameters": {"p": {"type": "String", "default": default}},
        "mainSteps": [{"action": "aws:runCommand", "inputs": inputs}] * steps,
    }


@pytest.mark.parametrize(
    "document",
    [
        filling("x" * 50_000, {"DocumentName": "{{p}} " * 5_000}),
        filling("x" * 20_000, {"Parameters": {f"n{n}": "a {{p}}" for n in range(3_000)}}),
        filling(["s3://bucket/key"] * 5_000, {"Parameters": {"InstallOverrideList": "{{p}}"}}, steps=900),
    ],
)
def test_defaults_do_not_multiply(document: dict[str, object]) -> None:
    facts = Scene(document).facts()
    assert facts["references"].kind is GapKind.TOO_COSTLY
    assert facts["uses_script"] is False


def test_default_filling_cost_is_counted_before_building() -> None:
    defaults = ssm_content.ParameterDefaults(filling("x" * 50_000, {}))
    with pytest.raises(ssm_content.TooCostlyError):
        defaults.fill("{{p}}" * 4 + " " + "{{p}}" * 40)


def test_sound_documents_may_use_aliases_and_merge_keys() -> None:
    text = "base: &base {a: 1, b: [x, y]}\none: {<<: *base, c: 2}\ntwo: {<<: [*base, {d: 3}]}\n"
    assert ssm_yaml.load_bounded_yaml(text)["two"] == {"a": 1, "b": ["x", "y"], "d": 3}
