"""Signing in, one's own things, people. allauth reverses its own names, so they stand beside ours."""

from __future__ import annotations

from allauth.account import views as account
from allauth.mfa.base import views as mfa
from allauth.mfa.webauthn import views as webauthn
from django.apps import apps
from django.urls import URLPattern, URLResolver, include, path, re_path

from governance.identity import single_sign_on, step_up_page
from governance.identity.views import audit, factors, grants, mine, my_grants, people, tokens
from governance.identity.web import anybody, oneself

SIGN_IN: list[URLPattern] = [
    path("sign-in/", anybody(account.login), name="account_login"),
    path("sign-in/", anybody(account.login), name="sign-in"),
    path("sign-in/second-factor/", anybody(mfa.authenticate), name="mfa_authenticate"),
    path("sign-in/passkey/", anybody(webauthn.login_webauthn), name="mfa_login_webauthn"),
    path("sign-in/refused/", anybody(account.account_inactive), name="account_inactive"),
    path("sign-in/forgotten/", anybody(account.password_reset), name="account_reset_password"),
    path("sign-in/forgotten/sent/", anybody(account.password_reset_done), name="account_reset_password_done"),
    re_path(
        r"^sign-in/reset/(?P<uidb36>[0-9A-Za-z]+)-(?P<key>.+)/$",
        anybody(account.password_reset_from_key),
        name="account_reset_password_from_key",
    ),
    path(
        "sign-in/reset/done/",
        anybody(account.password_reset_from_key_done),
        name="account_reset_password_from_key_done",
    ),
    path("sign-in/with/<str:provider_id>/", single_sign_on.start, name="openid_connect_login"),
    path("sign-in/with/<str:provider_id>/callback/", single_sign_on.callback, name="openid_connect_callback"),
    path("connect/<str:word>/", single_sign_on.connect_open, name="connect-open"),
    path("sign-out/", anybody(account.logout), name="account_logout"),
    path("sign-out/", anybody(account.logout), name="sign-out"),
    path("welcome/", mine.welcome, name="welcome"),
    path("welcome/<str:word>/", mine.welcome_open, name="welcome-open"),
    path("step-up/", step_up_page.page, name="step-up"),
]

MINE: list[URLPattern] = [
    path("me/", mine.me, name="me"),
    path("me/sessions/end/", mine.end_my_sessions, name="end-my-sessions"),
    path("me/second-factor/", oneself(factors.Index.as_view()), name="mfa_index"),
    path("me/second-factor/app/", oneself(factors.EnrolApp.as_view()), name="mfa_activate_totp"),
    path("me/second-factor/app/remove/", oneself(factors.RemoveApp.as_view()), name="mfa_deactivate_totp"),
    path("me/second-factor/passkey/", oneself(factors.AddPasskey.as_view()), name="mfa_add_webauthn"),
    path(
        "me/second-factor/passkey/<int:pk>/remove/",
        oneself(factors.RemovePasskey.as_view()),
        name="mfa_remove_webauthn",
    ),
    path(
        "me/second-factor/passkey/<int:pk>/rename/", oneself(factors.RenamePasskey.as_view()), name="mfa_edit_webauthn"
    ),
    path("me/second-factor/recovery-codes/", oneself(factors.RecoveryCodes.as_view()), name="mfa_view_recovery_codes"),
    path(
        "me/second-factor/recovery-codes/new/",
        oneself(factors.NewRecoveryCodes.as_view()),
        name="mfa_generate_recovery_codes",
    ),
    path("me/password/", oneself(account.password_change), name="account_change_password"),
]

PEOPLE: list[URLPattern] = [
    path("people/", people.people_list, name="people"),
    path("people/invite/", people.invite, name="invite"),
    path("people/<int:pk>/", people.person, name="person"),
    path("people/<int:pk>/mail-address/", people.mail_address, name="person-mail-address"),
    path("people/<int:pk>/link/", people.new_link, name="person-link"),
    path("people/<int:pk>/link/shown/", people.link_shown, name="person-link-shown"),
    path("people/<int:pk>/connect-link/", people.connect_link, name="person-connect-link"),
    path("people/<int:pk>/disconnect/", people.disconnect, name="person-disconnect"),
    path("people/<int:pk>/reset-factors/", people.reset_factors, name="person-reset-factors"),
    path("people/<int:pk>/active/", people.set_active, name="person-active"),
    path("people/<int:pk>/end-sessions/", people.end_sessions, name="person-end-sessions"),
    path("people/tokens/", tokens.token_list, name="tokens"),
    path("people/tokens/new/", tokens.new_token, name="token-new"),
    path("people/tokens/service/", tokens.new_service, name="service-new"),
    path("people/tokens/<int:pk>/shown/", tokens.token_shown, name="token-shown"),
    path("people/tokens/<int:pk>/rotate/", tokens.rotate_token, name="token-rotate"),
    path("people/tokens/<int:pk>/revoke/", tokens.revoke_token, name="token-revoke"),
]

GRANTS: list[URLPattern] = [
    path("people/grants/", grants.grant_list, name="grants"),
    path("people/grants/new/", grants.new_grant, name="grant-new"),
    path("people/grants/<int:pk>/", grants.one_grant, name="grant"),
    path("people/grants/<int:pk>/extend/", grants.extend, name="grant-extend"),
    path("people/grants/<int:pk>/revoke/", grants.revoke, name="grant-revoke"),
    path("me/grants/", my_grants.my_grants, name="my-grants"),
    path("me/grants/<int:pk>/lend/", my_grants.delegate, name="grant-delegate"),
    path("me/grants/<int:pk>/give-back/", my_grants.end_delegation, name="grant-give-back"),
]

AUDIT: list[URLPattern] = [
    path("audit/", audit.trail, name="audit"),
    path("audit/export/", audit.export, name="audit-export"),
    path("audit/verify_audit.py", audit.program, name="audit-program"),
]

urlpatterns: list[URLPattern | URLResolver] = [*SIGN_IN, *MINE, *PEOPLE, *GRANTS, *AUDIT]
if apps.is_installed("allauth.socialaccount.providers.saml"):
    urlpatterns.append(path("", include("governance.identity.saml_urls")))
