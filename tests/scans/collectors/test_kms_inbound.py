"""Own keys that settings of other accounts name."""

from __future__ import annotations

from scans.collectors.kms import collect
from tests.scans.collectors.looking import all_of, one_of, seen
from tests.scans.collectors.test_kms import FOREIGN, HOME, KEY, POLICY, parameter, region


def test_own_keys_that_other_accounts_name_are_read() -> None:
    elsewhere = KEY.replace("eu-west-1", "us-west-2")
    inbound = {f"{HOME}alias/data": ("key",), elsewhere: ("key",), FOREIGN: ("key",), "logs": ("07",)}
    evidence = collect(region(), seen(inbound=inbound))
    assert set(all_of(evidence, "kms.reference")) == {f"{HOME}alias/data"}
    facts = all_of(evidence, "kms.key")
    assert set(facts) == {KEY}
    assert (facts[KEY]["used_by"], facts[KEY]["rotation"], facts[KEY]["policy"]) == (
        ["settings of other accounts"],
        True,
        POLICY,
    )


def test_key_that_others_name_is_used_here_too() -> None:
    evidence = collect(region(), seen(parameter(KEY), inbound={KEY: ("key",)}))
    assert one_of(evidence, "kms.key")["used_by"] == ["parameter/one", "settings of other accounts"]
