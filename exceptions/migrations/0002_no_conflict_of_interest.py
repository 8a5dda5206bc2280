"""The database refuses a decision in conflict of interest, and any change of a decision."""

from django.db import migrations

from exceptions import triggers


def add(apps, editor):
    triggers.install_decision_triggers(editor.connection, triggers.GRANTED, owned="", behind="")


def remove(apps, editor):
    triggers.remove_decision_triggers(editor.connection)


class Migration(migrations.Migration):
    dependencies = [("exceptions", "0001_initial"), ("identity", "0002_grant_ends_and_delegation")]
    operations = [migrations.RunPython(add, remove)]
