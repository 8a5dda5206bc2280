"""The models of the workflow, gathered where Django looks for them."""

from exceptions.models.deciding import Decision, PolicyChange, PolicyRule, Shown, SlaRule
from exceptions.models.request import Attachment, Comment, Cover, CoveredFinding, ExceptionRequest
from exceptions.models.ticket import Ticket, TicketFinding, TicketNote, TicketRule, TrackerMessage

__all__ = [
    "Attachment",
    "Comment",
    "Cover",
    "CoveredFinding",
    "Decision",
    "ExceptionRequest",
    "PolicyChange",
    "PolicyRule",
    "Shown",
    "SlaRule",
    "Ticket",
    "TicketFinding",
    "TicketNote",
    "TicketRule",
    "TrackerMessage",
]
