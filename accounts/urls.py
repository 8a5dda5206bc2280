"""Routes the pages of the inventory that aren't about scanning."""

from __future__ import annotations

from django.urls import path

from accounts.views import account_owners, owners

urlpatterns = [
    path("people/owners/", owners.owner_proposals, name="owner-proposals"),
    path("accounts/<str:account_id>/owners/", account_owners.account_owners, name="account-owners"),
]
