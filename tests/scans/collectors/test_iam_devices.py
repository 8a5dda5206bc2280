"""Whose a virtual MFA device is."""

from __future__ import annotations

from typing import Any

import pytest

from accounts.aws.gaps import GapKind
from tests.scans.collectors.looking import one_of
from tests.scans.collectors.test_iam import HOME, account, read

ROOT, USER = f"{HOME}root", f"{HOME}user/jane"


def device(name: str, arn: str | None = None) -> dict[str, Any]:
    return {"SerialNumber": f"{HOME}mfa/{name}"} | ({"User": {"Arn": arn, "UserName": "x"}} if arn else {})


def virtual(*devices: dict[str, Any]) -> Any:
    reader = account().answer("iam", "ListVirtualMFADevices", {"VirtualMFADevices": list(devices)})
    return one_of(read(reader), "iam.root")["virtual_mfa"]


@pytest.mark.parametrize("name", ["root-account-mfa-device", "Authapp"])
def test_a_virtual_device_of_the_root_user(name: str) -> None:
    assert virtual(device("phone", USER), device(name, ROOT)) is True


@pytest.mark.parametrize("name", ["root-account-mfa-device", "phone"])
def test_a_virtual_device_of_a_user(name: str) -> None:
    assert virtual(device(name, USER)) is False


@pytest.mark.parametrize(
    "nobody",
    [
        device("root-account-mfa-device"),
        {**device("x"), "User": {}},
        {**device("x"), "User": {"Arn": ""}},
        {"User": None},
    ],
)
def test_device_without_a_user_is_unknown(nobody: dict[str, Any]) -> None:
    assert virtual(device("phone", USER), nobody).kind is GapKind.MALFORMED
    assert virtual(nobody, device("Authapp", ROOT)) is True, "whatever the other is"
