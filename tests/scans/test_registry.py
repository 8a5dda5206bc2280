"""Controls and collectors are verified when they are loaded: the message names the file and the part."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from scans import registry
from scans.domain import references
from scans.domain.collector import Call, Collector
from scans.domain.control import Control, FlowStep, UndeclaredFactError
from scans.domain.engine import judge_resource
from scans.domain.evidence import Context, Resource, World

CACHED = (registry.controls, registry.collectors, registry.collector_by_type, registry.calls, registry.value_calls)
GOOD = registry.controls()["SSM-PS-001"]


@pytest.fixture(autouse=True)
def _nothing_is_remembered() -> Iterator[None]:
    yield
    for found in CACHED:
        found.cache_clear()


def forget() -> None:
    for found in CACHED:
        found.cache_clear()


def module(**parts: Any) -> ModuleType:
    """A control's file; a part that is None isn't there."""
    made = ModuleType("ssm_ps_001", "A control.")
    held = {"CONTROL": GOOD.control, "evaluate": GOOD.evaluate, "CASES": list(GOOD.cases), **parts}
    for name, value in held.items():
        setattr(made, name, value)
    return made


@pytest.mark.parametrize("part", ["__doc__", "CONTROL", "evaluate", "CASES"])
def test_a_control_that_lacks_a_part(part: str) -> None:
    with pytest.raises(registry.RegistryError, match=rf"scans/controls/ssm_ps_001\.py lacks {part}"):
        registry.load_control("ssm_ps_001", module(**{part: None}))


def test_a_control_without_cases() -> None:
    with pytest.raises(registry.RegistryError, match="lacks CASES"):
        registry.load_control("ssm_ps_001", module(CASES=[]))


@pytest.mark.parametrize(("part", "value"), [("id", "SSM-PS-002"), ("file", "ssm_ps_002")])
def test_an_id_that_differs_from_its_file_name(part: str, value: str) -> None:
    other: Control = replace(GOOD.control, **{part: value})
    with pytest.raises(registry.RegistryError, match=r"scans/controls/ssm_ps_001\.py declares"):
        registry.load_control("ssm_ps_001", module(CONTROL=other))


@pytest.mark.parametrize(
    "origin",
    [
        {"statements": (), "quote": ""},
        {"statements": ()},
        {"quote": ""},
        {"statements": (), "source": "http://example.com/page"},
        {"statements": (), "source": "A page"},
        {"source": "A page"},
    ],
)
def test_a_control_that_does_not_say_where_it_comes_from(origin: dict[str, Any]) -> None:
    made = module(CONTROL=replace(GOOD.control, **origin))
    says = r"ssm_ps_001\.py doesn't say where it comes from: give statements .* or the https address of a source"
    with pytest.raises(registry.RegistryError, match=says):
        registry.load_control("ssm_ps_001", made)


def test_a_control_with_a_source_of_its_own() -> None:
    other = replace(GOOD.control, statements=(), quote="", source="https://example.com/page")
    assert registry.load_control("ssm_ps_001", module(CONTROL=other)).control == other


def test_a_control_that_grades_flows_by_what_it_does_not_judge() -> None:
    other = replace(GOOD.control, flow_steps={"logs.group": FlowStep.UNDER})
    with pytest.raises(
        registry.RegistryError, match=r"ssm_ps_001\.py grades data flows by logs\.group: name in flow_steps"
    ):
        registry.load_control("ssm_ps_001", module(CONTROL=other))


def test_fix_that_is_no_function_is_refused() -> None:
    with pytest.raises(registry.RegistryError, match="a fix that is no function"):
        registry.load_control("ssm_ps_001", module(fix="do it"))


@pytest.mark.parametrize("where", ["facts", "related"])
def test_a_type_that_no_collector_yields(where: str, monkeypatch: pytest.MonkeyPatch) -> None:
    made = module(CONTROL=replace(GOOD.control, **{where: {"ssm.unheard_of": ("name",)}}))
    monkeypatch.setattr(registry, "iterate_modules", one_of("controls", "ssm_ps_001", made))
    forget()
    with pytest.raises(registry.RegistryError, match=r"SSM-PS-001 judges ssm\.unheard_of, which no collector yields"):
        registry.controls()


@pytest.mark.parametrize("where", ["facts", "related"])
def test_a_fact_that_no_collector_yields(where: str, monkeypatch: pytest.MonkeyPatch) -> None:
    made = module(CONTROL=replace(GOOD.control, **{where: {"logs.group": ("name", "retention_days")}}))
    monkeypatch.setattr(registry, "iterate_modules", one_of("controls", "ssm_ps_001", made))
    forget()
    says = (
        r"SSM-PS-001 judges logs\.group\.retention_days, which no collector yields: "
        r"let scans/collectors/logs\.py read it and declare it in COLLECTOR\.facts.* has name, kinds, kms_key"
    )
    with pytest.raises(registry.RegistryError, match=says):
        registry.controls()


def test_regrouped_since_a_version_to_come(monkeypatch: pytest.MonkeyPatch) -> None:
    made = module(CONTROL=replace(GOOD.control, regrouped=GOOD.control.version + 1))
    monkeypatch.setattr(registry, "iterate_modules", one_of("controls", "ssm_ps_001", made))
    forget()
    with pytest.raises(registry.RegistryError, match="SSM-PS-001 is regrouped since a version that it hasn't reached"):
        registry.controls()


def test_what_later_collectors_follow_is_declared_too() -> None:
    declared = {type: facts for item in registry.collectors().values() for type, facts in item.collector.facts.items()}
    for followed in (references.NAMES_BUCKETS, references.NAMES_LOG_GROUPS, references.NAMES_KEYS):
        for type, facts in followed.items():
            assert set(facts) <= set(declared[type]), type


def test_undeclared_fact_is_a_defect_not_unknown() -> None:
    resource = Resource("ssm.parameter", "arn", "eu-west-1", {"type": "String", "secret_name": None, "other": 1})
    with pytest.raises(UndeclaredFactError, match=r"SSM-PS-001 reads ssm\.parameter\.other but doesn't declare it"):
        judge_resource(GOOD.control, lambda r: r["other"], World([]), Context(), resource, ("type", "secret_name"))


def test_undeclared_related_type_is_a_defect() -> None:
    resource = Resource("ssm.parameter", "arn", "eu-west-1", {})
    with pytest.raises(UndeclaredFactError, match=r"doesn't declare it in related"):
        judge_resource(GOOD.control, lambda r: r.look_up("kms.key", "arn"), World([]), Context(), resource, ())


def collector(name: str, *types: str) -> SimpleNamespace:
    declared = Collector(name, "region", dict.fromkeys(types, ("name",)), (Call("a", "Read", "a:Read"),))
    return SimpleNamespace(COLLECTOR=declared, collect=lambda aws, seen: None)


@pytest.mark.parametrize(
    ("name", "made", "says"),
    [
        ("one", SimpleNamespace(), r"scans/collectors/one\.py lacks COLLECTOR or collect"),
        ("one", SimpleNamespace(COLLECTOR=collector("one").COLLECTOR), "lacks COLLECTOR or collect"),
        ("one", collector("two"), r"scans/collectors/one\.py declares two"),
    ],
)
def test_a_collector_that_can_not_be_used(name: str, made: Any, says: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "iterate_modules", lambda package: iter([(name, made)]))
    forget()
    with pytest.raises(registry.RegistryError, match=says):
        registry.collectors()


def test_a_type_belongs_to_one_collector(monkeypatch: pytest.MonkeyPatch) -> None:
    two = [("one", collector("one", "a.thing")), ("two", collector("two", "a.thing"))]
    monkeypatch.setattr(registry, "iterate_modules", lambda package: iter(two))
    forget()
    with pytest.raises(registry.RegistryError, match=r"a\.thing is yielded by one and by two"):
        registry.collector_by_type()


def test_control_needs_its_collectors_and_earlier_stages() -> None:
    assert registry.find_needed_collectors([registry.controls()["SSM-EB-001"].control]) == {"ec2_account"}
    keys = registry.find_needed_collectors([registry.controls()["SSM-KM-001"].control])
    stages = {name: item.collector.stage for name, item in registry.collectors().items()}
    assert keys >= {name for name, stage in stages.items() if stage < stages["kms"]} | {"kms"}


def test_shared_collector_code_is_no_collector() -> None:
    assert not [name for name in registry.collectors() if name == "lib"]


def one_of(kind: str, name: str, made: ModuleType) -> Any:
    """The product's modules, but for one kind: there is only this one."""
    every = registry.iterate_modules

    def modules(package: ModuleType) -> Iterator[tuple[str, ModuleType]]:
        return iter([(name, made)]) if package.__name__.endswith(kind) else every(package)

    return modules


def test_facts_of_others_need_the_organization() -> None:
    control = replace(GOOD.control, others={"cloudtrail.trail": ("logging",)})
    with pytest.raises(registry.RegistryError, match="set needs_organization"):
        registry.require_known_others(control)
    registry.require_known_others(replace(control, needs_organization=True))


def test_facts_of_others_that_nothing_refers_to() -> None:
    control = replace(GOOD.control, others={"ssm.parameter": ("type",)}, needs_organization=True)
    with pytest.raises(registry.RegistryError, match=r"ssm\.parameter of other accounts, which nothing refers to"):
        registry.require_known_others(control)


def test_other_accounts_facts_must_be_declared() -> None:
    control = replace(GOOD.control, needs_organization=True)
    resource = Resource("ssm.parameter", "arn:one", "eu-west-1", {})

    def evaluate(view: Any) -> None:
        view.look_up_other("999900001111", "cloudtrail.trail", "arn:two", "global")

    with pytest.raises(UndeclaredFactError, match="declare it in others"):
        judge_resource(control, evaluate, World(()), Context(), resource, ())
