"""Signing in, one's own things, people. allauth reverses its own names, so they stand beside ours."""

from __future__ import annotations

from allauth.account import views as account
from allauth.mfa.base import views as mfa
from allauth.mfa.webauthn import views as webauthn
from django.apps import apps
from django.urls import URLPattern, URLResolver, include, path, re_path

from governance.identity import step_up_page
from governance.identity.grants import grant_views, own_grant_views
from governance.identity.people import own_factor_views, own_page_views, person_views, token_views
from governance.identity.sso import openid_connect
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
    path("sign-in/with/<str:provider_id>/", openid_connect.start, name="openid_connect_login"),
    path("sign-in/with/<str:provider_id>/callback/", openid_connect.callback, name="openid_connect_callback"),
    path("connect/<str:word>/", openid_connect.connect_open, name="connect-open"),
    path("sign-out/", anybody(account.logout), name="account_logout"),
    path("sign-out/", anybody(account.logout), name="sign-out"),
    path("welcome/", own_page_views.welcome, name="welcome"),
    path("welcome/<str:word>/", own_page_views.welcome_open, name="welcome-open"),
    path("step-up/", step_up_page.page, name="step-up"),
]

MINE: list[URLPattern] = [
    path("me/", own_page_views.me, name="me"),
    path("me/sessions/end/", own_page_views.end_my_sessions, name="end-my-sessions"),
    path("me/second-factor/", oneself(own_factor_views.Index.as_view()), name="mfa_index"),
    path("me/second-factor/app/", oneself(own_factor_views.EnrolApp.as_view()), name="mfa_activate_totp"),
    path("me/second-factor/app/remove/", oneself(own_factor_views.RemoveApp.as_view()), name="mfa_deactivate_totp"),
    path("me/second-factor/passkey/", oneself(own_factor_views.AddPasskey.as_view()), name="mfa_add_webauthn"),
    path(
        "me/second-factor/passkey/<int:pk>/remove/",
        oneself(own_factor_views.RemovePasskey.as_view()),
        name="mfa_remove_webauthn",
    ),
    path(
        "me/second-factor/passkey/<int:pk>/rename/",
        oneself(own_factor_views.RenamePasskey.as_view()),
        name="mfa_edit_webauthn",
    ),
    path(
        "me/second-factor/recovery-codes/",
        oneself(own_factor_views.RecoveryCodes.as_view()),
        name="mfa_view_recovery_codes",
    ),
    path(
        "me/second-factor/recovery-codes/new/",
        oneself(own_factor_views.NewRecoveryCodes.as_view()),
        name="mfa_generate_recovery_codes",
    ),
    path("me/password/", oneself(account.password_change), name="account_change_password"),
]

PEOPLE: list[URLPattern] = [
    path("people/", person_views.people_list, name="people"),
    path("people/invite/", person_views.invite, name="invite"),
    path("people/<int:pk>/", person_views.person, name="person"),
    path("people/<int:pk>/mail-address/", person_views.mail_address, name="person-mail-address"),
    path("people/<int:pk>/link/", person_views.new_link, name="person-link"),
    path("people/<int:pk>/link/shown/", person_views.link_shown, name="person-link-shown"),
    path("people/<int:pk>/connect-link/", person_views.connect_link, name="person-connect-link"),
    path("people/<int:pk>/disconnect/", person_views.disconnect, name="person-disconnect"),
    path("people/<int:pk>/reset-factors/", person_views.reset_factors, name="person-reset-factors"),
    path("people/<int:pk>/active/", person_views.set_active, name="person-active"),
    path("people/<int:pk>/end-sessions/", person_views.end_sessions, name="person-end-sessions"),
    path("people/tokens/", token_views.token_list, name="tokens"),
    path("people/tokens/new/", token_views.new_token, name="token-new"),
    path("people/tokens/service/", token_views.new_service, name="service-new"),
    path("people/tokens/<int:pk>/shown/", token_views.token_shown, name="token-shown"),
    path("people/tokens/<int:pk>/rotate/", token_views.rotate_token, name="token-rotate"),
    path("people/tokens/<int:pk>/revoke/", token_views.revoke_token, name="token-revoke"),
]

GRANTS: list[URLPattern] = [
    path("people/grants/", grant_views.grant_list, name="grants"),
    path("people/grants/new/", grant_views.new_grant, name="grant-new"),
    path("people/grants/<int:pk>/", grant_views.one_grant, name="grant"),
    path("people/grants/<int:pk>/extend/", grant_views.extend, name="grant-extend"),
    path("people/grants/<int:pk>/revoke/", grant_views.revoke, name="grant-revoke"),
    path("me/grants/", own_grant_views.my_grants, name="my-grants"),
    path("me/grants/<int:pk>/lend/", own_grant_views.delegate, name="grant-delegate"),
    path("me/grants/<int:pk>/give-back/", own_grant_views.end_delegation, name="grant-give-back"),
]

urlpatterns: list[URLPattern | URLResolver] = [*SIGN_IN, *MINE, *PEOPLE, *GRANTS]
if apps.is_installed("allauth.socialaccount.providers.saml"):
    urlpatterns.append(path("", include("governance.identity.sso.saml_urls")))
