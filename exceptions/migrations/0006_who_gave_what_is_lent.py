"""Whoever gave an approver's grant, or set its end, is interested in what is decided by it when it is lent, too."""

from django.db import migrations

from exceptions import triggers


def add(apps, editor):
    triggers.remove_decision_triggers(editor.connection)
    triggers.install_decision_triggers(editor.connection, triggers.LENT_TOO, owned="", behind="")


def before(apps, editor):
    triggers.remove_decision_triggers(editor.connection)
    triggers.install_decision_triggers(editor.connection, triggers.GRANTED_OR_EXTENDED, owned="", behind="")


class Migration(migrations.Migration):
    dependencies = [("exceptions", "0005_who_stands_behind_a_rule"), ("identity", "0004_grant_extenders")]
    operations = [migrations.RunPython(add, before)]
