"""The API's URLs for exception requests, tickets and ticket rules, below /api/v1/."""

from __future__ import annotations

from django.urls import path

from exceptions.requests.api import ExceptionApi
from exceptions.requests.attachments_api import AttachmentApi
from exceptions.requests.bulk_api import BulkExceptionsApi
from exceptions.tickets.api import TicketApi, TrackerApi
from exceptions.tickets.bulk_api import BulkTicketsApi
from exceptions.tickets.rules_api import RuleApi

REQUEST = "exceptions/<int:request_id>/"
EXCEPTIONS, TICKETS = "exceptions/bulk/", "tickets/bulk/"
TICKET = "tickets/<int:ticket_id>/"

urlpatterns = [
    path("exceptions/", ExceptionApi.as_view({"get": "list", "post": "create"}), name="api-exceptions"),
    path(f"{EXCEPTIONS}submit/", BulkExceptionsApi.as_view({"post": "submit_many"}), name="api-exceptions-submit"),
    path(
        f"{EXCEPTIONS}withdraw/", BulkExceptionsApi.as_view({"post": "withdraw_many"}), name="api-exceptions-withdraw"
    ),
    path(REQUEST, ExceptionApi.as_view({"get": "retrieve", "put": "change"}), name="api-exception"),
    path(f"{REQUEST}submit/", ExceptionApi.as_view({"post": "submit"}), name="api-exception-submit"),
    path(f"{REQUEST}withdraw/", ExceptionApi.as_view({"post": "withdraw"}), name="api-exception-withdraw"),
    path(f"{REQUEST}renew/", ExceptionApi.as_view({"post": "renew"}), name="api-exception-renew"),
    path(f"{REQUEST}preview/", ExceptionApi.as_view({"get": "preview"}), name="api-exception-preview"),
    path(
        f"{REQUEST}comments/",
        ExceptionApi.as_view({"get": "comments", "post": "comment"}),
        name="api-exception-comments",
    ),
    path(
        f"{REQUEST}attachments/",
        AttachmentApi.as_view({"get": "list", "post": "create"}),
        name="api-exception-attachments",
    ),
    path(
        f"{REQUEST}attachments/<int:attachment_id>/",
        AttachmentApi.as_view({"get": "retrieve"}),
        name="api-exception-attachment",
    ),
    path("ticket-rules/", RuleApi.as_view({"get": "list", "post": "create"}), name="api-ticket-rules"),
    path("ticket-rules/<int:rule_id>/", RuleApi.as_view({"get": "retrieve", "put": "switch"}), name="api-ticket-rule"),
    path("tickets/", TicketApi.as_view({"get": "list", "post": "create"}), name="api-tickets"),
    path(f"{TICKETS}start/", BulkTicketsApi.as_view({"post": "start_many"}), name="api-tickets-start"),
    path(f"{TICKETS}claim/", BulkTicketsApi.as_view({"post": "claim_many"}), name="api-tickets-claim"),
    path(f"{TICKETS}cancel/", BulkTicketsApi.as_view({"post": "cancel_many"}), name="api-tickets-cancel"),
    path(TICKET, TicketApi.as_view({"get": "retrieve"}), name="api-ticket"),
    path(f"{TICKET}start/", TicketApi.as_view({"post": "start"}), name="api-ticket-start"),
    path(f"{TICKET}claim/", TicketApi.as_view({"post": "claim"}), name="api-ticket-claim"),
    path(f"{TICKET}verify/", TicketApi.as_view({"post": "verify"}), name="api-ticket-verify"),
    path(f"{TICKET}cancel/", TicketApi.as_view({"post": "cancel"}), name="api-ticket-cancel"),
    path(f"{TICKET}notes/", TicketApi.as_view({"post": "note"}), name="api-ticket-notes"),
    path("trackers/", TrackerApi.as_view({"get": "retrieve"}), name="api-trackers"),
]
