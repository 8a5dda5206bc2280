"""The page to start a scan."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from accounts.models import Account
from governance.core.policy import NotPermittedError, Permission
from governance.identity.web import get_request_actor, permission_required
from scans.errors import ScanRequestError
from scans.forms import CHOSEN_SCOPE, WHOLE_SCOPE, StartScanForm
from scans.models import Scan
from scans.pipeline import start as services
from scans.queries.start import ScanFormChoices, load_scan_form_choices, not_among
from scans.views.enqueue import enqueue_with_message
from scans.views.shared import accounts_for


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required(Permission.SCAN_RUN)
def scan_start(request: HttpRequest) -> HttpResponse:
    offer = load_scan_form_choices(get_request_actor(request), accounts_for(request, Permission.SCAN_RUN))
    if request.method != "POST":
        return render_start_form(request, StartScanForm(initial=first_values(request, offer), offer=offer))
    form = StartScanForm(request.POST, offer=offer)
    started = submit_start_form(request, form) if form.is_valid() else None
    if started is None:
        return render_start_form(request, form, status=422)
    enqueue_with_message(request, started.pk)
    return redirect("scan", pk=started.pk)


def submit_start_form(request: HttpRequest, form: StartScanForm) -> Scan | None:
    """The started Scan. None if it was refused; the form then has the error at its field."""
    visible = accounts_for(request, Permission.SCAN_RUN)
    unknown = not_among(visible, form.cleaned_data["accounts"])
    if unknown:
        form.add_error("accounts", f"Not among the accounts that you can scan: {', '.join(unknown[:20])}.")
        return None
    try:
        return services.start_scan(actor=get_request_actor(request), **form.asked())
    except ScanRequestError as error:
        form.add_error(error.field or None, str(error))
    except NotPermittedError:
        form.add_error(*explain_scan_refusal(form))
    return None


def explain_scan_refusal(form: StartScanForm) -> tuple[str, str]:
    if form.cleaned_data["scope"] == WHOLE_SCOPE:
        return "scope", "You can scan parts of this organization, but not all of it. Select accounts or OUs."
    return "ous", "A selected OU contains accounts that you can't scan. Enter account ids instead."


def first_values(request: HttpRequest, offer: ScanFormChoices) -> dict[str, object]:
    """The initial values of the form, from links such as ?account=…"""
    given = {f"{name}s": request.GET.getlist(name) for name in ("account", "ou", "region", "control")}
    chosen = bool(given["accounts"] or given["ous"]) or not offer.whole
    return {
        "organization": preselect_organization(given["accounts"], offer),
        "scope": CHOSEN_SCOPE if chosen else WHOLE_SCOPE,
        **given,
        "accounts": "\n".join(given["accounts"]),
    }


def preselect_organization(accounts: list[str], offer: ScanFormChoices) -> str:
    ids = [o.org_id for o in offer.organizations]
    named = Account.objects.filter(account_id__in=accounts, organization__in=offer.organizations)
    return next(iter(named.values_list("organization__org_id", flat=True)), ids[0] if ids else "")


def render_start_form(request: HttpRequest, form: StartScanForm, status: int = 200) -> HttpResponse:
    context = {
        "form": form,
        "offer": form.offer,
        "whole": WHOLE_SCOPE,
        "chosen": CHOSEN_SCOPE,
        "selected": {name: set(form[name].value() or []) for name in ("ous", "regions", "controls")},
    }
    return render(request, "scans/start.html", context, status=status)
