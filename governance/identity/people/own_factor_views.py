"""Views of the user's own second factors: set up, remove, renew. They add audit rows to allauth's views, and end other
sessions."""

from __future__ import annotations

from typing import Any, cast

from allauth.core.exceptions import ReauthenticationRequired
from allauth.mfa.base.internal.flows import post_authentication
from allauth.mfa.base.views import IndexView
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.flows import generate_recovery_codes
from allauth.mfa.recovery_codes.views import GenerateRecoveryCodesView, ViewRecoveryCodesView
from allauth.mfa.totp.internal.flows import activate_totp, deactivate_totp
from allauth.mfa.totp.views import ActivateTOTPView, DeactivateTOTPView
from allauth.mfa.webauthn.internal.flows import add_authenticator, remove_authenticator
from allauth.mfa.webauthn.views import AddWebAuthnView, EditWebAuthnView, RemoveWebAuthnView
from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse

from governance.identity.factors import second_factors
from governance.identity.factors.forms import ENROLLMENT_KEY
from governance.identity.models import User
from governance.identity.people.adapters import FactorAdapter
from governance.identity.people.administration import build_audit_actor, record_factor_change
from governance.identity.people.sessions import renew_session


def handle_factor_change(request: HttpRequest, what: str, kind: str) -> None:
    user = cast(User, request.user)
    key = request.session.session_key or ""
    record_factor_change(actor=build_audit_actor(user), user=user, what=what, kind=kind, keep=key)


def finish_enrollment(request: HttpRequest, authenticator: Authenticator) -> None:
    """Record the new factor. The person has just used it, so it counts as verified for this session."""
    handle_factor_change(request, "added", authenticator.type)
    post_authentication(request, authenticator)
    # The session may do more from now on; an id that was seen before must not.
    renew_session(request)


def redirect_after_enrollment(codes_are_new: bool) -> HttpResponse:  # noqa: FBT001  (allauth answers so)
    return HttpResponseRedirect(reverse("mfa_view_recovery_codes" if codes_are_new else "mfa_index"))


class FactorIndex(IndexView):
    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return {**super().get_context_data(**kwargs), "has_factor": second_factors.has_factor(self.request.user)}


class EnrolApp(ActivateTOTPView):
    def form_valid(self, form: Any) -> HttpResponse:
        with transaction.atomic():
            authenticator, codes = activate_totp(self.request, form)
            finish_enrollment(self.request, authenticator)
        del self.request.session[ENROLLMENT_KEY]
        return redirect_after_enrollment(bool(codes))


class RemoveApp(DeactivateTOTPView):
    def form_valid(self, _form: Any) -> HttpResponse:
        with transaction.atomic():
            deactivate_totp(self.request, self.authenticator)
            handle_factor_change(self.request, "removed", second_factors.FactorKind.TOTP)
        return HttpResponseRedirect(self.get_success_url())


class AddPasskey(AddWebAuthnView):
    def form_valid(self, form: Any) -> HttpResponse:
        with transaction.atomic():
            authenticator, codes = add_authenticator(
                self.request, name=form.cleaned_data["name"], credential=form.cleaned_data["credential"]
            )
            finish_enrollment(self.request, authenticator)
        return redirect_after_enrollment(bool(codes))


class RemovePasskey(RemoveWebAuthnView):
    def form_valid(self, _form: Any) -> HttpResponse:
        authenticator = self.get_object()
        if not FactorAdapter().can_delete_authenticator(authenticator):
            messages.error(self.request, FactorAdapter.error_messages["cannot_delete_authenticator"])
            return HttpResponseRedirect(reverse("mfa_index"))
        with transaction.atomic():
            remove_authenticator(self.request, authenticator)
            handle_factor_change(self.request, "removed", second_factors.FactorKind.WEBAUTHN)
        return HttpResponseRedirect(reverse("mfa_index"))


class RenamePasskey(EditWebAuthnView):
    def get_success_url(self) -> str:
        return reverse("mfa_index")


class RecoveryCodes(ViewRecoveryCodesView):
    pass


class NewRecoveryCodes(GenerateRecoveryCodesView):
    def form_valid(self, _form: Any) -> HttpResponse:
        # Recovery codes alone don't count as a factor, so there must be an app or a passkey first.
        if not second_factors.has_factor(self.request.user):
            raise ReauthenticationRequired
        with transaction.atomic():
            generate_recovery_codes(self.request)
            handle_factor_change(self.request, "renewed", second_factors.FactorKind.RECOVERY_CODES)
        return HttpResponseRedirect(reverse("mfa_view_recovery_codes"))
