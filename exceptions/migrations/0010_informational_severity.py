"""Makes room for the severity "informational"."""

from django.db import migrations, models

from exceptions import triggers

CHOICES = [(s, s) for s in ("critical", "high", "medium", "low", "informational")]


def off(apps, editor):
    # SQLite makes the tables anew, which it refuses while a trigger names one.
    triggers.remove_decision_triggers(editor.connection)


def on(apps, editor):
    triggers.install_decision_triggers(editor.connection)


def widen(model, **more):
    return migrations.AlterField(model, "severity", models.CharField(max_length=15, **more))


class Migration(migrations.Migration):
    dependencies = [("exceptions", "0009_on_behalf_of_a_person")]

    operations = [
        migrations.RunPython(off, on),
        widen("coveredfinding", blank=True),
        widen("exceptionrequest", blank=True),
        widen("policyrule", choices=CHOICES),
        widen("slarule", choices=CHOICES, unique=True),
        widen("ticket"),
        widen("ticketrule", blank=True),
        migrations.RunPython(on, off),
    ]
