"""A real OpenID Connect provider in a process of its own: allauth's, over a database in memory.

python -m tests.governance.identity.oidc_provider PORT CALLBACK: prints "ready" and serves until it is ended.
"""

from __future__ import annotations

import sys
from wsgiref.simple_server import WSGIRequestHandler, make_server

CLIENT_ID, CLIENT_SECRET = "tutela", "a-secret-that-both-sides-know"
PEOPLE = {"nina": "nina@corp.example", "mallory": "mallory@elsewhere.example"}
PASSWORD = "the-provider-s-own-password"


def configure() -> None:
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa
    from django.conf import settings

    key = rsa.generate_private_key(public_exponent=65537, key_size=2048).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    settings.configure(
        SECRET_KEY="only-for-the-provider-of-tests-" + "x" * 30,
        ALLOWED_HOSTS=["localhost", "127.0.0.1"],
        ROOT_URLCONF="tests.governance.identity.oidc_provider_urls",
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
        USE_TZ=True,
        INSTALLED_APPS=[
            "django.contrib.auth", "django.contrib.contenttypes", "django.contrib.sessions", "django.contrib.messages",
            "allauth", "allauth.account", "allauth.idp.oidc",
        ],
        MIDDLEWARE=[
            "django.contrib.sessions.middleware.SessionMiddleware", "django.middleware.csrf.CsrfViewMiddleware",
            "django.contrib.auth.middleware.AuthenticationMiddleware",
            "django.contrib.messages.middleware.MessageMiddleware", "allauth.account.middleware.AccountMiddleware",
        ],
        TEMPLATES=[{
            "BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True,
            "OPTIONS": {"context_processors": [
                "django.template.context_processors.request", "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]},
        }],
        PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"],  # quick ones
        ACCOUNT_EMAIL_VERIFICATION="none",
        IDP_OIDC_PRIVATE_KEY=key.decode(),
    )  # fmt: skip


def fill(callback: str) -> None:
    from allauth.account.models import EmailAddress
    from allauth.idp.oidc.models import Client
    from django.contrib.auth import get_user_model
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    for name, email in PEOPLE.items():
        user = get_user_model().objects.create_user(name, email, PASSWORD)
        EmailAddress.objects.create(user=user, email=email, verified=True, primary=True)
    client = Client(id=CLIENT_ID, name="Tutela", scopes="openid\nprofile\nemail", skip_consent=True)
    client.set_secret(CLIENT_SECRET)
    client.set_redirect_uris([callback])
    client.save()


class Quiet(WSGIRequestHandler):
    def log_message(self, *_args: object) -> None:
        pass


def main() -> None:
    configure()
    import django

    django.setup()
    from django.core.wsgi import get_wsgi_application

    fill(sys.argv[2])
    server = make_server("127.0.0.1", int(sys.argv[1]), get_wsgi_application(), handler_class=Quiet)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    server.serve_forever()


if __name__ == "__main__":
    main()
