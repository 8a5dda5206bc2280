"""The pages of exception requests and tickets, and the inbox."""

from __future__ import annotations

from django.urls import path

from exceptions.overview import board_views, inbox_views, metrics_views
from exceptions.policy import policy_views
from exceptions.requests import decision_views, detail_views, form_views
from exceptions.tickets import proposal_views, ticket_views

urlpatterns = [
    path("inbox/", inbox_views.inbox, name="inbox"),
    path("inbox/read/", inbox_views.mark_read, name="inbox-read"),
    path("inbox/mail/", inbox_views.choose_mail, name="inbox-mail"),
    path("exceptions/", board_views.board, name="exceptions"),
    path("exceptions/export/", board_views.export, name="exceptions-export"),
    path("exceptions/withdraw/", board_views.withdraw_several, name="exceptions-withdraw"),
    path("exceptions/metrics/", metrics_views.metrics, name="exception-metrics"),
    path("exceptions/policy/", policy_views.policy, name="exception-policy"),
    path("exceptions/policy/propose/", policy_views.policy_propose, name="exception-policy-propose"),
    path("exceptions/policy/<int:pk>/decide/", policy_views.policy_decide, name="exception-policy-decide"),
    path("exceptions/new/", form_views.ask, name="exception-new"),
    path("exceptions/<int:pk>/", detail_views.exception, name="exception"),
    path("exceptions/<int:pk>/edit/", form_views.edit, name="exception-edit"),
    path("exceptions/<int:pk>/submit/", detail_views.submit, name="exception-submit"),
    path("exceptions/<int:pk>/withdraw/", detail_views.withdraw, name="exception-withdraw"),
    path("exceptions/<int:pk>/comment/", detail_views.comment, name="exception-comment"),
    path("exceptions/<int:pk>/attach/", detail_views.attach, name="exception-attach"),
    path("exceptions/<int:pk>/files/<int:attachment>/", detail_views.download, name="exception-file"),
    path("exceptions/<int:pk>/renew/", detail_views.renew, name="exception-renew"),
    path("exceptions/<int:pk>/decide/", decision_views.decide, name="exception-decide"),
    path("exceptions/<int:pk>/revoke/", decision_views.revoke, name="exception-revoke"),
    path("tickets/", ticket_views.board, name="tickets"),
    path("tickets/decide/", ticket_views.decide_several, name="tickets-decide"),
    path("tickets/propose/", proposal_views.propose, name="tickets-propose"),
    path("tickets/proposed/", proposal_views.proposed, name="tickets-proposed"),
    path("tickets/rules/", proposal_views.rules, name="ticket-rules"),
    path("tickets/rules/create/", proposal_views.rule_create, name="ticket-rule-create"),
    path("tickets/rules/<int:pk>/switch/", proposal_views.rule_switch, name="ticket-rule-switch"),
    path("tickets/<int:pk>/", ticket_views.ticket, name="ticket"),
    path("tickets/<int:pk>/approve/", ticket_views.approve, name="ticket-approve"),
    path("tickets/<int:pk>/reject/", ticket_views.reject, name="ticket-reject"),
    path("tickets/<int:pk>/start/", ticket_views.start, name="ticket-start"),
    path("tickets/<int:pk>/claim/", ticket_views.claim, name="ticket-claim"),
    path("tickets/<int:pk>/verify/", ticket_views.verify, name="ticket-verify"),
    path("tickets/<int:pk>/cancel/", ticket_views.cancel, name="ticket-cancel"),
    path("tickets/<int:pk>/note/", ticket_views.note, name="ticket-note"),
]
