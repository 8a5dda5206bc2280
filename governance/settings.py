"""Django settings, all from the environment (docs/configuration.md lists the variables).

Commands that serve no pages (scan, discover, export) need no SECRET_KEY; governance.serving_checks refuses to serve
without one.
"""

from __future__ import annotations

import secrets
from pathlib import Path
from urllib.parse import urlsplit

from csp.constants import NONE, SELF

from accounts.aws.quiet_loggers import QUIET_LOGGERS
from governance import __version__
from governance.core import env

BASE_DIR = Path(__file__).resolve().parent.parent

# The levels that SSM-S3-001 knows, weakest first; a test compares the two.
S3_LEVELS = ("SSE-S3", "aws/s3", "CMK", "DSSE")

env.aws_secrets()
env.check_aws_endpoints()
DEMO = env.read_flag("TUTELA_DEMO")
# accounts.aws.endpoints reads it for each client. It is read here too, so that a typo is refused and not taken for off.
env.read_flag("TUTELA_FIPS")
DEBUG = False
SECRET_KEY_GIVEN = env.read_text("SECRET_KEY", "")
SECRET_KEY = SECRET_KEY_GIVEN or secrets.token_urlsafe(50)
SECRET_KEY_FALLBACKS = env.listing("SECRET_KEY_FALLBACKS")
ALLOWED_HOSTS = env.listing("ALLOWED_HOSTS", "localhost,127.0.0.1,[::1]")
CSRF_TRUSTED_ORIGINS = env.listing("CSRF_TRUSTED_ORIGINS")
# Plain HTTP is for the demo on loopback only.
INSECURE_HTTP = DEMO or env.read_flag("TUTELA_INSECURE_HTTP")

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "csp",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.openid_connect",
    "allauth.usersessions",
    "governance.apps.GovernanceConfig",
    "governance.core",
    "governance.identity",
    "governance.notify",
    "governance.audit",
    "accounts",
    "scans",
    "exceptions",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "governance.identity.people.sessions.SessionLimitMiddleware",
    "governance.identity.factors.middleware.SecondFactorMiddleware",
    "governance.identity.step_up_page.StepUpMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "governance.middleware.NoStoreMiddleware",
]

ROOT_URLCONF = "governance.urls"
WSGI_APPLICATION = "governance.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "governance.context.build_page_context",
            ]
        },
    }
]

DATABASES = {"default": env.database(env.read_secret_url("DATABASE_URL", "sqlite:///var/tutela.sqlite3"), BASE_DIR)}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
# A cache in the database, so that rate limits count the same in every process and on every machine.
CACHES = {"default": {"BACKEND": "django.core.cache.backends.db.DatabaseCache", "LOCATION": "cache"}}

AUTH_USER_MODEL = "identity.User"
AUTHENTICATION_BACKENDS = ["governance.identity.backends.SignInBackend"]
LOGIN_URL = "/sign-in/"
LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = "/sign-in/"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 15}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "governance.identity.people.passwords.PredictablePasswordValidator"},
]

# Signing in: django-allauth, and what governance.identity adds to it (docs/people.md).
ACCOUNT_ADAPTER = "governance.identity.people.adapters.SignInAdapter"
ACCOUNT_LOGIN_METHODS = {"username"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "password1*"]
ACCOUNT_EMAIL_VERIFICATION = "none"  # addresses are set by a security admin
ACCOUNT_EMAIL_NOTIFICATIONS = True
ACCOUNT_EMAIL_UNKNOWN_ACCOUNTS = False  # no mail to addresses that no user has
ACCOUNT_FORMS = {"reset_password": "governance.identity.people.forms.ForgottenPasswordForm"}
ACCOUNT_PASSWORD_RESET_TOKEN_GENERATOR = "governance.identity.people.password_resets.PasswordResetTokens"  # noqa: S105  # a class
ACCOUNT_EMAIL_SUBJECT_PREFIX = "[Tutela] "
ACCOUNT_DEFAULT_HTTP_PROTOCOL = "http" if INSECURE_HTTP else "https"
ACCOUNT_SESSION_REMEMBER = False
ACCOUNT_REAUTHENTICATION_TIMEOUT = 300
ALLAUTH_TRUSTED_PROXY_COUNT = env.read_number(
    "TUTELA_TRUSTED_PROXIES", 1 if env.read_flag("TUTELA_BEHIND_PROXY") else 0
)
MFA_ADAPTER = "governance.identity.people.adapters.FactorAdapter"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_FORMS = {
    "authenticate": "governance.identity.factors.forms.SignInCodeForm",
    "activate_totp": "governance.identity.factors.forms.EnrolAppForm",
    "add_webauthn": "governance.identity.factors.forms.AddPasskeyForm",
    "edit_webauthn": "governance.identity.factors.forms.RenamePasskeyForm",
}
# There is no sign-up, so no address is ever verified; a factor must not wait for that.
MFA_ALLOW_UNVERIFIED_EMAIL = True
MFA_TOTP_TOLERANCE = 0
MFA_TOTP_ISSUER = "Tutela"
MFA_RECOVERY_CODES_SHOW_ONCE = True
MFA_WEBAUTHN_USER_VERIFICATION = "required"
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_TRUST_ENABLED = False
SOCIALACCOUNT_ADAPTER = "governance.identity.sso.openid_connect.SingleSignOnAdapter"
SOCIALACCOUNT_PROVIDERS = {**env.oidc(insecure=INSECURE_HTTP), **env.saml(insecure=INSECURE_HTTP)}
if "saml" in SOCIALACCOUNT_PROVIDERS:
    INSTALLED_APPS.append("allauth.socialaccount.providers.saml")
SOCIALACCOUNT_STORE_TOKENS = False
SOCIALACCOUNT_EMAIL_AUTHENTICATION = False
OIDC_ALLOWED_DOMAINS = frozenset(domain.casefold() for domain in env.listing("TUTELA_OIDC_ALLOWED_DOMAINS"))
# Fernet keys for the secrets of second factors, newest first; never in the database. The demo derives one.
FACTOR_KEYS = [key.strip() for key in env.read_text("TUTELA_FACTOR_KEYS", "").split(",") if key.strip()]
SESSION_IDLE_SECONDS = 30 * 60
SESSION_ABSOLUTE_SECONDS = 12 * 60 * 60

LANGUAGE_CODE = "en"
USE_I18N = False
USE_TZ = True
TIME_ZONE = "UTC"

STATIC_URL = "/static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
# The apps' files are served from their own folders: no collectstatic step, and no folder that may be missing.
STATIC_ROOT = None
WHITENOISE_USE_FINDERS = True

SESSION_COOKIE_AGE = 12 * 60 * 60
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = not INSECURE_HTTP
SESSION_COOKIE_NAME = "tutela-session" if INSECURE_HTTP else "__Host-tutela-session"
CSRF_COOKIE_NAME = "tutela-csrf" if INSECURE_HTTP else "__Host-tutela-csrf"
CSRF_COOKIE_HTTPONLY = True
SECURE_SSL_REDIRECT = not INSECURE_HTTP and env.read_flag("TUTELA_SSL_REDIRECT", default=True)
SECURE_HSTS_SECONDS = 0 if INSECURE_HTTP else 31536000
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = not INSECURE_HTTP
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CONTENT_TYPE_NOSNIFF = True
X_FRAME_OPTIONS = "DENY"
if env.read_flag("TUTELA_BEHIND_PROXY"):
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        # Browsers apply form-action to redirects after a form too, and so to the one to the identity provider.
        "form-action": [SELF, *env.origins("TUTELA_OIDC_ISSUER"), *env.origins("TUTELA_SAML_IDP_SSO_URL")],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
    }
}

# Enough for the largest attachment of a request (exceptions.requests.attachments) in base64.
DATA_UPLOAD_MAX_MEMORY_SIZE = 3 * 1024 * 1024
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "governance.rest.SessionAuthentication",
        "governance.rest.token_authentication.TokenAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["governance.rest.DeclaredPermission"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["governance.rest.JSONParser"],
    "DEFAULT_SCHEMA_CLASS": "governance.rest.schema.Schema",
    "DEFAULT_METADATA_CLASS": None,
    "DEFAULT_THROTTLE_RATES": {
        "scan-start": env.rate("TUTELA_RATE_SCAN_START", "10/minute"),
        "export": env.rate("TUTELA_RATE_EXPORT", "60/minute"),
    },
    "URL_FORMAT_OVERRIDE": None,
    "EXCEPTION_HANDLER": "governance.rest.handle_api_exception",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Tutela",
    "DESCRIPTION": "Data protection over an AWS Organization: accounts, scans, findings, controls, outcomes.",
    "VERSION": __version__,
    "OAS_VERSION": "3.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "COMPONENT_SPLIT_REQUEST": True,
    "ENUM_NAME_OVERRIDES": {},
    "ENUM_GENERATE_CHOICE_DESCRIPTION": False,
}

# The audit trail (docs/audit.md): its key, older keys newest first, and the places of its anchors.
AUDIT_KEY = env.read_text("TUTELA_AUDIT_KEY", "")
AUDIT_KEY_FALLBACKS = [key for key in env.read_text("TUTELA_AUDIT_KEY_FALLBACKS", "").split() if key]
AUDIT_ANCHOR_FILE = env.read_text("TUTELA_AUDIT_ANCHOR_FILE", "")
AUDIT_ANCHOR_BUCKET = env.read_text("TUTELA_AUDIT_ANCHOR_BUCKET", "")
# governance.identity asks this module where a grant's scope lies; the inventory is a layer above, so it isn't imported.
GRANT_SCOPES = "accounts.scopes"

# Mail, and the links in it. Without TUTELA_MAIL_HOST, mail is written to the console.
PORTAL_URL = env.read_text("TUTELA_URL", "http://127.0.0.1:8000").rstrip("/")
MAIL_ID_HOST = urlsplit(PORTAL_URL).hostname or "tutela.invalid"
DEFAULT_FROM_EMAIL = SERVER_EMAIL = env.read_text("TUTELA_MAIL_FROM", f"tutela@{MAIL_ID_HOST}")
EMAIL_HOST = env.read_text("TUTELA_MAIL_HOST", "")
EMAIL_PORT = env.read_number("TUTELA_MAIL_PORT", 587, least=1)
EMAIL_HOST_USER = env.read_text("TUTELA_MAIL_USER", "")
EMAIL_HOST_PASSWORD = env.read_text("TUTELA_MAIL_PASSWORD", "")
EMAIL_USE_TLS = bool(EMAIL_HOST) and env.read_flag("TUTELA_MAIL_TLS", default=True)
EMAIL_TIMEOUT = 20
EMAIL_BACKEND = f"{'governance.notify.smtp' if EMAIL_HOST else 'django.core.mail.backends.console'}.EmailBackend"

# Scanning
SCAN_ROLE = env.read_text("TUTELA_SCAN_ROLE", "TutelaScan")
EXTERNAL_ID = env.read_text("TUTELA_EXTERNAL_ID", "")
SCAN_REGIONS = env.read_regions("TUTELA_REGIONS")
# Read here to refuse a wrong value at the start; accounts.aws.session reads it again for each client.
env.read_timeouts("TUTELA_AWS_TIMEOUT")
SCAN_THREADS = env.read_number("TUTELA_THREADS", 16, least=1)
SCAN_PARALLEL_TARGETS = env.read_number("TUTELA_PARALLEL_ACCOUNTS", 4, least=1)
# The longest time for one collector in one region, and for one account (scans.pipeline.time_limits).
COLLECTOR_SECONDS = 60 * env.read_number("TUTELA_COLLECTOR_MINUTES", 30, least=1)
TARGET_SECONDS = 60 * env.read_number("TUTELA_ACCOUNT_MINUTES", 60, least=1)
WORKER_MEMORY_MB = env.read_number("TUTELA_WORKER_MEMORY_MB", 500, least=100)
REQUIRED_S3_LEVEL = env.choice("TUTELA_S3_LEVEL", "CMK", S3_LEVELS)
FIPS_REGIONS = env.read_regions("TUTELA_FIPS_REGIONS", also=["all"])
TLS13_REGIONS = env.read_regions("TUTELA_TLS13_REGIONS", also=["all"])
VALUE_ROLE = env.read_text("TUTELA_VALUE_ROLE", "")
OWNER_TAGS = env.listing("TUTELA_OWNER_TAG", "owner,Owner,team,Team")

# The limits of scans.pipeline.rescan: rescans by one person, of one account and of all accounts.
RESCAN_RATE = env.rate("TUTELA_RATE_RESCAN", "6/hour")
RESCAN_RATE_PERSON = env.rate("TUTELA_RATE_RESCAN_PERSON", "60/hour")

# Celery (docs/decisions/0003): one message per Target, ids only; the Target row is the truth.
BROKER_URL = env.read_secret_url("BROKER_URL", "memory://")
EMBEDDED = BROKER_URL.startswith("memory:")

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {"console": {"class": "logging.StreamHandler"}},
    "root": {"handlers": ["console"], "level": env.log_level("TUTELA_LOG_LEVEL", "WARNING")},
    # At DEBUG, botocore prints response bodies with their values, so its level doesn't follow the root's.
    "loggers": {name: {"level": "WARNING"} for name in QUIET_LOGGERS},
}
# The file for tracebacks of `manage.py scan` and `discover`. Servers and workers write them to their log.
ERROR_LOG = env.read_text("TUTELA_ERROR_LOG", str(BASE_DIR / "var" / "errors.log"))
SILENCED_SYSTEM_CHECKS: list[str] = []
