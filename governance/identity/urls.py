"""URLs of sign-in, the own profile, people and grants. allauth reverses its own URL names, so some have two names."""

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
from governance.identity.web import own_resource, public_view

SIGN_IN: list[URLPattern] = [
    path("sign-in/", public_view(account.login), name="account_login"),
    path("sign-in/", public_view(account.login), name="sign-in"),
    path("sign-in/second-factor/", public_view(mfa.authenticate), name="mfa_authenticate"),
    path("sign-in/passkey/", public_view(webauthn.login_webauthn), name="mfa_login_webauthn"),
    path("sign-in/refused/", public_view(account.account_inactive), name="account_inactive"),
    path("sign-in/forgotten/", public_view(account.password_reset), name="account_reset_password"),
    path("sign-in/forgotten/sent/", public_view(account.password_reset_done), name="account_reset_password_done"),
    re_path(
        r"^sign-in/reset/(?P<uidb36>[0-9A-Za-z]+)-(?P<key>.+)/$",
        public_view(account.password_reset_from_key),
        name="account_reset_password_from_key",
    ),
    path(
        "sign-in/reset/done/",
        public_view(account.password_reset_from_key_done),
        name="account_reset_password_from_key_done",
    ),
    path("sign-in/with/<str:provider_id>/", openid_connect.start_oidc_login, name="openid_connect_login"),
    path("sign-in/with/<str:provider_id>/callback/", openid_connect.finish_oidc_login, name="openid_connect_callback"),
    path("connect/<str:token>/", openid_connect.open_connect_link, name="connect-open"),
    path("sign-out/", public_view(account.logout), name="account_logout"),
    path("sign-out/", public_view(account.logout), name="sign-out"),
    path("welcome/", own_page_views.choose_password_view, name="welcome"),
    path("welcome/<str:token>/", own_page_views.open_welcome_link, name="welcome-open"),
    path("step-up/", step_up_page.show_step_up, name="step-up"),
]

MINE: list[URLPattern] = [
    path("me/", own_page_views.show_own_page, name="me"),
    path("me/sessions/end/", own_page_views.end_my_sessions, name="end-my-sessions"),
    path("me/second-factor/", own_resource(own_factor_views.FactorIndex.as_view()), name="mfa_index"),
    path("me/second-factor/app/", own_resource(own_factor_views.EnrolApp.as_view()), name="mfa_activate_totp"),
    path(
        "me/second-factor/app/remove/", own_resource(own_factor_views.RemoveApp.as_view()), name="mfa_deactivate_totp"
    ),
    path("me/second-factor/passkey/", own_resource(own_factor_views.AddPasskey.as_view()), name="mfa_add_webauthn"),
    path(
        "me/second-factor/passkey/<int:pk>/remove/",
        own_resource(own_factor_views.RemovePasskey.as_view()),
        name="mfa_remove_webauthn",
    ),
    path(
        "me/second-factor/passkey/<int:pk>/rename/",
        own_resource(own_factor_views.RenamePasskey.as_view()),
        name="mfa_edit_webauthn",
    ),
    path(
        "me/second-factor/recovery-codes/",
        own_resource(own_factor_views.RecoveryCodes.as_view()),
        name="mfa_view_recovery_codes",
    ),
    path(
        "me/second-factor/recovery-codes/new/",
        own_resource(own_factor_views.NewRecoveryCodes.as_view()),
        name="mfa_generate_recovery_codes",
    ),
    path("me/password/", own_resource(account.password_change), name="account_change_password"),
]

PEOPLE: list[URLPattern] = [
    path("people/", person_views.people_list, name="people"),
    path("people/invite/", person_views.invite_person_view, name="invite"),
    path("people/<int:pk>/", person_views.show_person, name="person"),
    path("people/<int:pk>/mail-address/", person_views.change_email_view, name="person-mail-address"),
    path("people/<int:pk>/link/", person_views.new_welcome_link, name="person-link"),
    path("people/<int:pk>/link/shown/", person_views.show_issued_link, name="person-link-shown"),
    path("people/<int:pk>/connect-link/", person_views.new_connect_link, name="person-connect-link"),
    path("people/<int:pk>/disconnect/", person_views.disconnect_identities_view, name="person-disconnect"),
    path("people/<int:pk>/reset-factors/", person_views.reset_access_view, name="person-reset-factors"),
    path("people/<int:pk>/active/", person_views.set_person_active_view, name="person-active"),
    path("people/<int:pk>/end-sessions/", person_views.end_person_sessions, name="person-end-sessions"),
    path("people/tokens/", token_views.token_list, name="tokens"),
    path("people/tokens/new/", token_views.new_token, name="token-new"),
    path("people/tokens/service/", token_views.new_service_account, name="service-new"),
    path("people/tokens/<int:pk>/shown/", token_views.show_issued_token, name="token-shown"),
    path("people/tokens/<int:pk>/rotate/", token_views.rotate_token_view, name="token-rotate"),
    path("people/tokens/<int:pk>/revoke/", token_views.revoke_token_view, name="token-revoke"),
]

GRANTS: list[URLPattern] = [
    path("people/grants/", grant_views.grant_list, name="grants"),
    path("people/grants/new/", grant_views.new_grant, name="grant-new"),
    path("people/grants/<int:pk>/", grant_views.show_grant, name="grant"),
    path("people/grants/<int:pk>/extend/", grant_views.extend_grant_view, name="grant-extend"),
    path("people/grants/<int:pk>/revoke/", grant_views.revoke_grant_view, name="grant-revoke"),
    path("me/grants/", own_grant_views.my_grants, name="my-grants"),
    path("me/grants/<int:pk>/lend/", own_grant_views.delegate_grant_view, name="grant-delegate"),
    path("me/grants/<int:pk>/give-back/", own_grant_views.end_delegation, name="grant-give-back"),
]

urlpatterns: list[URLPattern | URLResolver] = [*SIGN_IN, *MINE, *PEOPLE, *GRANTS]
if apps.is_installed("allauth.socialaccount.providers.saml"):
    urlpatterns.append(path("", include("governance.identity.sso.saml_urls")))
