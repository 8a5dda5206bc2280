"""The pages of exception requests and tickets, and the inbox."""

from __future__ import annotations

from django.urls import path

from exceptions.overview import board_views, inbox_views, metrics_views
from exceptions.policy import policy_views
from exceptions.requests import decision_views, detail_views, form_views
from exceptions.tickets import proposal_views, ticket_views

urlpatterns = [
    path("inbox/", inbox_views.show_inbox, name="inbox"),
    path("inbox/read/", inbox_views.mark_inbox_read, name="inbox-read"),
    path("inbox/mail/", inbox_views.choose_inbox_mail, name="inbox-mail"),
    path("exceptions/", board_views.show_exception_board, name="exceptions"),
    path("exceptions/export/", board_views.export_exceptions, name="exceptions-export"),
    path("exceptions/withdraw/", board_views.withdraw_several_exceptions, name="exceptions-withdraw"),
    path("exceptions/metrics/", metrics_views.show_metrics, name="exception-metrics"),
    path("exceptions/policy/", policy_views.show_policy, name="exception-policy"),
    path("exceptions/policy/propose/", policy_views.propose_policy_change, name="exception-policy-propose"),
    path("exceptions/policy/<int:pk>/decide/", policy_views.decide_policy_change, name="exception-policy-decide"),
    path("exceptions/new/", form_views.request_exception, name="exception-new"),
    path("exceptions/<int:pk>/", detail_views.show_exception, name="exception"),
    path("exceptions/<int:pk>/edit/", form_views.edit_exception, name="exception-edit"),
    path("exceptions/<int:pk>/submit/", detail_views.submit_exception, name="exception-submit"),
    path("exceptions/<int:pk>/withdraw/", detail_views.withdraw_exception, name="exception-withdraw"),
    path("exceptions/<int:pk>/comment/", detail_views.comment_on_exception, name="exception-comment"),
    path("exceptions/<int:pk>/attach/", detail_views.attach_to_exception, name="exception-attach"),
    path("exceptions/<int:pk>/files/<int:attachment>/", detail_views.download_attachment, name="exception-file"),
    path("exceptions/<int:pk>/renew/", detail_views.renew_exception, name="exception-renew"),
    path("exceptions/<int:pk>/decide/", decision_views.decide_exception, name="exception-decide"),
    path("exceptions/<int:pk>/revoke/", decision_views.revoke_exception, name="exception-revoke"),
    path("tickets/", ticket_views.show_ticket_board, name="tickets"),
    path("tickets/decide/", ticket_views.decide_several_tickets, name="tickets-decide"),
    path("tickets/propose/", proposal_views.propose_chosen_findings, name="tickets-propose"),
    path("tickets/proposed/", proposal_views.show_proposed_tickets, name="tickets-proposed"),
    path("tickets/rules/", proposal_views.show_ticket_rules, name="ticket-rules"),
    path("tickets/rules/create/", proposal_views.create_ticket_rule, name="ticket-rule-create"),
    path("tickets/rules/<int:pk>/switch/", proposal_views.switch_ticket_rule, name="ticket-rule-switch"),
    path("tickets/<int:pk>/", ticket_views.show_ticket, name="ticket"),
    path("tickets/<int:pk>/approve/", ticket_views.approve_ticket, name="ticket-approve"),
    path("tickets/<int:pk>/reject/", ticket_views.reject_ticket, name="ticket-reject"),
    path("tickets/<int:pk>/start/", ticket_views.start_ticket, name="ticket-start"),
    path("tickets/<int:pk>/claim/", ticket_views.claim_ticket, name="ticket-claim"),
    path("tickets/<int:pk>/verify/", ticket_views.verify_ticket, name="ticket-verify"),
    path("tickets/<int:pk>/cancel/", ticket_views.cancel_ticket, name="ticket-cancel"),
    path("tickets/<int:pk>/note/", ticket_views.add_ticket_note, name="ticket-note"),
]
