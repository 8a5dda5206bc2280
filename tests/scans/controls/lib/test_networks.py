"""Address ranges: what is the world, and what is the VPC."""

from __future__ import annotations

from ipaddress import ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scans.controls.lib.networks import is_everywhere, overlaps_any, parse_network

NETWORKS = st.builds(
    lambda address, bits: str(ip_network((address, bits), strict=False)), st.integers(0, 2**32 - 1), st.integers(0, 32)
)


@pytest.mark.parametrize("text", ["0.0.0.0/0", "::/0", "0.0.0.0/1", "128.0.0.0/1", "2000::/3", "0.0.0.0/7"])
def test_world_ranges_are_recognized_in_any_split(text):
    assert is_everywhere(text)


@pytest.mark.parametrize("text", ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7", "203.0.113.4/32"])
def test_no_private_network_is_the_world(text):
    assert not is_everywhere(text)


@given(st.text())
def test_any_text_is_taken(text):
    assert is_everywhere(text) is (parse_network(text) is not None and is_everywhere(str(parse_network(text))))
    assert overlaps_any(text, [text]) is (parse_network(text) is not None)


@given(NETWORKS, NETWORKS)
def test_overlap_is_symmetric_and_world_overlaps_all(one, other):
    assert overlaps_any(one, [other]) is overlaps_any(other, [one])
    assert overlaps_any(one, ["0.0.0.0/0"])
    assert not overlaps_any(one, ["::/0", "sg-0123456789abcdef0"])


def test_bits_of_the_host_do_not_hide_a_range():
    assert overlaps_any("10.0.0.7/16", ["10.0.3.0/24"])
