"""URLs of the posture page, which is the home page, and of the scores."""

from __future__ import annotations

from django.urls import path

from governance.posture import score_page, views

urlpatterns = [path("", views.posture, name="posture"), path("scores/", score_page.scores, name="scores")]
