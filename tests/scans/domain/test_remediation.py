"""A fix holds the resource's own ids, and no name that somebody chose can do harm in a shell."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scans import registry
from scans.domain import remediation
from scans.domain.control import Control, Remediation
from tests.support.examples import examples

CONTROL: Control = next(iter(registry.controls().values())).control
HOSTILE = "a'; echo > harm; $(echo > harm) `echo > harm` \"&& echo > harm\n #{region} ; echo > harm"


def control(cli: str, code: str = "") -> Control:
    return replace(CONTROL, remediation=Remediation(summary="Do it.", cli=cli, code=code))


def fill(
    control: Control, arn: str = "arn:aws:ssm:eu-west-1:111122223333:parameter/x", **facts: object
) -> remediation.FilledRemediation:
    return remediation.fill_remediation(
        control, arn=arn, account="111122223333", region="eu-west-1", partition="aws", facts=facts
    )  # fmt: skip


@given(st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"])))
@settings(max_examples=examples(300))
def test_any_name_is_one_word_of_the_command(name: str) -> None:
    filled = fill(control("aws ssm get --name {name} --region {region}"), name=name)
    assert shlex.split(filled.cli) == ["aws", "ssm", "get", "--name", name, "--region", "eu-west-1"]


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_any_name_is_the_inside_of_one_quoted_string_of_code(name: str) -> None:
    filled = fill(control("", code='name = "{name}"'), name=name)
    assert json.loads(filled.code.removeprefix("name = ")) == name


def test_placeholder_like_name_is_not_filled_again() -> None:
    assert shlex.split(fill(control("x {name}"), name="{account}").cli) == ["x", "{account}"]


def test_unknown_field_stays_a_placeholder() -> None:
    filled = fill(control("x {key_id} {kinds} {arn}"), kinds=["01"])
    assert filled.cli == "x {key_id} {kinds} arn:aws:ssm:eu-west-1:111122223333:parameter/x"


@pytest.mark.parametrize(
    ("value", "word"), [(True, "true"), (False, "false"), (7, "7"), (None, "null"), ("text", "text")]
)
def test_values_are_written_in_aws_form(value: object, word: str) -> None:
    assert fill(control("{value}"), value=value).cli == word


@pytest.mark.parametrize(
    ("arn", "name"),
    [
        ("arn:aws:s3:::bucket", "bucket"),
        ("arn:aws:iam::111122223333:role/team/deploy", "deploy"),
        ("arn:aws:kms:eu-west-1:111122223333:key/1234", "1234"),
    ],
)
def test_missing_name_is_taken_from_the_arn(arn: str, name: str) -> None:
    assert fill(control("{name}"), arn).cli == name


def test_a_facts_name_can_not_stand_in_for_the_place() -> None:
    assert fill(control("{region} {account}"), region="mars-1", account="0").cli == "eu-west-1 111122223333"


FAKES = 'aws() { printf "%s\\n" "$*" >> ran; }; jq() { :; }; set -f\n'


def harms(fixed: Control, folder: Path) -> bool:
    """Run for real, in a shell that finds no program: only the name could do something."""
    known = {"account", "region", "partition", "arn"}
    placeholders = set(re.findall(remediation.PLACEHOLDER, fixed.remediation.cli)) - known
    filled = fill(fixed, f"arn:aws:ssm:eu-west-1:111122223333:{HOSTILE}", **dict.fromkeys(placeholders, HOSTILE))
    subprocess.run(
        ["/bin/bash", "--noprofile", "--norc", "-c", FAKES + filled.cli], cwd=folder, env={"PATH": "/nonexistent"},
        capture_output=True, check=False, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    return (folder / "harm").exists()


@pytest.mark.parametrize("id", list(registry.controls()))
def test_fix_commands_never_run_resource_names(id: str, tmp_path: Path) -> None:
    assert not harms(registry.controls()[id].control, tmp_path)


@pytest.mark.parametrize("cli", ['aws x --name "{name}"', "aws x --name '{name}'"])
def test_a_placeholder_in_quotes_would_be_found(cli: str, tmp_path: Path) -> None:
    assert harms(control(cli), tmp_path)
