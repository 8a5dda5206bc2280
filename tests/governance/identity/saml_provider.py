"""A SAML identity provider as a function: answers to what the portal asked, signed with a key of its own."""

from __future__ import annotations

import base64
import zlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID
from lxml import etree
from onelogin.saml2.constants import OneLogin_Saml2_Constants as Words
from onelogin.saml2.utils import OneLogin_Saml2_Utils as Utils

ENTITY, SIGN_ON = "https://idp.corp.example/saml", "https://idp.corp.example/sso"
PORTAL = "https://testserver/sign-in/saml/metadata/"
ANSWERS_TO = "https://testserver/sign-in/saml/answer/"


def key_and_certificate() -> tuple[str, str]:
    """Both in PEM."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "idp.corp.example")])
    now = datetime.now(UTC)
    made = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), now, now + timedelta(1))
    pem = serialization.Encoding.PEM
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return private.decode(), made.sign(key, hashes.SHA256()).public_bytes(pem).decode()


def question(url: str) -> etree._Element:
    """The AuthnRequest in the address to which the portal sent the browser."""
    asked = parse_qs(urlsplit(url).query)["SAMLRequest"][0]
    return etree.fromstring(zlib.decompress(base64.b64decode(asked), -15))


@dataclass
class Answer:
    to: str
    key: str
    certificate: str
    subject: str = "p-4711"
    form: str = Words.NAMEID_PERSISTENT
    issuer: str = ENTITY
    audience: str = f"<saml:AudienceRestriction><saml:Audience>{PORTAL}</saml:Audience></saml:AudienceRestriction>"
    minutes: int = 5
    sign_message: bool = True
    sign_assertion: bool = True
    algorithm: str = Words.RSA_SHA256
    digest: str = Words.SHA256

    def xml(self) -> bytes:
        now = datetime.now(UTC)
        at, until = (f"{moment:%Y-%m-%dT%H:%M:%SZ}" for moment in (now, now + timedelta(minutes=self.minutes)))
        since = f"{now - timedelta(minutes=60):%Y-%m-%dT%H:%M:%SZ}"
        asked = f'InResponseTo="{self.to}"' if self.to else ""
        assertion = (
            f'<saml:Assertion xmlns:saml="{Words.NS_SAML}" ID="a1" Version="2.0" IssueInstant="{at}">'
            f"<saml:Issuer>{self.issuer}</saml:Issuer><saml:Subject>"
            f'<saml:NameID Format="{self.form}">{self.subject}</saml:NameID>'
            f'<saml:SubjectConfirmation Method="{Words.CM_BEARER}"><saml:SubjectConfirmationData {asked} '
            f'NotOnOrAfter="{until}" Recipient="{ANSWERS_TO}"/></saml:SubjectConfirmation></saml:Subject>'
            f'<saml:Conditions NotBefore="{since}" NotOnOrAfter="{until}">{self.audience}</saml:Conditions>'
            f'<saml:AuthnStatement AuthnInstant="{at}"><saml:AuthnContext><saml:AuthnContextClassRef>{Words.AC_PASSWORD}'
            "</saml:AuthnContextClassRef></saml:AuthnContext></saml:AuthnStatement><saml:AttributeStatement>"
            '<saml:Attribute Name="mail"><saml:AttributeValue>nina@corp.example</saml:AttributeValue></saml:Attribute>'
            "</saml:AttributeStatement></saml:Assertion>"
        )
        inner = self.signed(assertion) if self.sign_assertion else assertion
        whole = (
            f'<samlp:Response xmlns:samlp="{Words.NS_SAMLP}" xmlns:saml="{Words.NS_SAML}" ID="r1" Version="2.0" '
            f'IssueInstant="{at}" Destination="{ANSWERS_TO}" {asked}><saml:Issuer>{self.issuer}</saml:Issuer>'
            f'<samlp:Status><samlp:StatusCode Value="{Words.STATUS_SUCCESS}"/></samlp:Status>{inner}</samlp:Response>'
        )
        return (self.signed(whole) if self.sign_message else whole).encode()

    def signed(self, xml: str) -> str:
        made = Utils.add_sign(xml, self.key, self.certificate, False, self.algorithm, self.digest)
        return made.decode() if isinstance(made, bytes) else made
