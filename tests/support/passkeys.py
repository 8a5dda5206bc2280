"""A passkey made of software, for tests that enrol one without a browser."""

from __future__ import annotations

import json
import secrets
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from fido2.cose import ES256
from fido2.utils import sha256, websafe_encode
from fido2.webauthn import AttestationObject, AttestedCredentialData, AuthenticatorData

HOST = "testserver"


def new_passkey(options: dict[str, Any]) -> str:
    """The answer to the page's creation options, as the browser's script posts it."""
    wanted = options["publicKey"]
    key = ec.generate_private_key(ec.SECP256R1()).public_key()
    id = secrets.token_bytes(16)
    credential = AttestedCredentialData.create(b"\0" * 16, id, ES256.from_cryptography_key(key))
    flags = AuthenticatorData.FLAG
    data = AuthenticatorData.create(sha256(HOST.encode()), flags.UP | flags.UV | flags.AT, 0, credential)
    client = {"type": "webauthn.create", "challenge": wanted["challenge"], "origin": f"https://{HOST}"}
    return json.dumps(
        {
            "id": websafe_encode(id),
            "rawId": websafe_encode(id),
            "type": "public-key",
            "response": {
                "clientDataJSON": websafe_encode(json.dumps(client).encode()),
                "attestationObject": websafe_encode(bytes(AttestationObject.create("none", data, {}))),
            },
            "clientExtensionResults": {"credProps": {"rk": True}},
        }
    )
