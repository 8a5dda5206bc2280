"""Keys of other accounts, for the cases of controls. Pure."""

from __future__ import annotations

# A key of an account outside the organization, and the accounts of the organization.
STRANGERS_KEY = "arn:aws:kms:eu-west-1:999999999999:key/1234abcd-12ab-34cd-56ef-1234567890ab"
MEMBERS_KEY = STRANGERS_KEY.replace("999999999999", "444455556666")
MEMBERS = {"accounts": frozenset({"111122223333", "444455556666"})}
