"""A person who was set by hand as an owner decides nothing over that account: the database refuses that too."""

from django.db import migrations

from exceptions import triggers


def add(apps, editor):
    triggers.remove_decision_triggers(editor.connection)
    triggers.install_decision_triggers(editor.connection, triggers.LENT_TOO, behind="")


def before(apps, editor):
    triggers.remove_decision_triggers(editor.connection)
    triggers.install_decision_triggers(editor.connection, triggers.LENT_TOO, owned="", behind="")


class Migration(migrations.Migration):
    dependencies = [("exceptions", "0006_who_gave_what_is_lent"), ("accounts", "0002_account_owner")]
    operations = [migrations.RunPython(add, before)]
