from __future__ import annotations

import json
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from scans import registry

pytestmark = pytest.mark.slow

DEPLOY = Path(__file__).resolve().parents[3] / "deploy"
needs_collectors = pytest.mark.skipif(not registry.collectors(), reason="there are no collectors yet")


def printed(form):
    out = StringIO()
    call_command("scan_role", form, stdout=out)
    return out.getvalue()


def test_the_policy_allows_what_the_registry_declares():
    [allow, deny] = json.loads(printed("policy"))["Statement"]
    assert allow["Action"] == sorted({call.action for call in registry.calls()})
    assert deny["Effect"] == "Deny"


def test_unknown_format_is_wrong_usage():
    with pytest.raises(CommandError, match="invalid choice"):
        call_command("scan_role", "pulumi")


@needs_collectors
@pytest.mark.parametrize(
    ("form", "file"), [("cloudformation", "scan-role.cfn.json"), ("terraform", "terraform/main.tf")]
)
def test_checked_in_roles_match_generated_ones(form, file):
    assert (DEPLOY / file).read_text() == printed(form), f"run: manage.py scan_role {form} > deploy/{file}"
