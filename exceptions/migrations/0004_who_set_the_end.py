"""Whoever set the end of an approver's grant is as interested as whoever gave it: the database refuses that too."""

from django.db import migrations

from exceptions import triggers


def add(apps, editor):
    triggers.remove_decision_triggers(editor.connection)
    triggers.install_decision_triggers(editor.connection, triggers.GRANTED_OR_EXTENDED, owned="", behind="")


def before(apps, editor):
    triggers.remove_decision_triggers(editor.connection)
    triggers.install_decision_triggers(editor.connection, triggers.GRANTED, owned="", behind="")


class Migration(migrations.Migration):
    dependencies = [("exceptions", "0003_renewals_that_count"), ("identity", "0004_grant_extenders")]
    operations = [migrations.RunPython(add, before)]
