"""A request that waits for its approval has only a start that its requester chose."""

from django.conf import settings
from django.db import migrations, models

from exceptions import triggers


WAITING = ["submitted", "changes_requested", "rejected", "withdrawn", "expired"]


def empty_filled_in_starts(apps, schema_editor):
    """Submission used to write its own moment where nobody had chosen a start."""
    rows = apps.get_model("exceptions", "ExceptionRequest").objects.filter(state__in=WAITING)
    rows.filter(starts_at=models.F("submitted_at")).update(starts_at=None)


def fill_in_starts(apps, schema_editor):
    rows = apps.get_model("exceptions", "ExceptionRequest").objects.filter(
        state__in=["submitted", "rejected", "expired"]
    )
    rows.filter(starts_at=None).update(starts_at=models.F("submitted_at"))


def remove_triggers(apps, editor):
    """SQLite writes the table anew, which a trigger that names it refuses."""
    triggers.remove_decision_triggers(editor.connection)


def install_triggers(apps, editor):
    triggers.install_decision_triggers(editor.connection, triggers.LENT_TOO, behind="")


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0001_initial"),
        ("exceptions", "0007_owners_set_by_hand"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.RunPython(remove_triggers, install_triggers),
        migrations.RemoveConstraint(
            model_name="exceptionrequest",
            name="exception_has_an_end",
        ),
        migrations.AddConstraint(
            model_name="exceptionrequest",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("state__in", ["draft", "changes_requested", "withdrawn"]),
                    models.Q(
                        ("expires_at__isnull", False),
                        ("starts_at__isnull", True),
                        ("state__in", ["submitted", "rejected", "expired"]),
                    ),
                    models.Q(
                        ("expires_at__gt", models.F("starts_at")),
                        ("expires_at__isnull", False),
                        ("starts_at__isnull", False),
                    ),
                    _connector="OR",
                ),
                name="exception_has_an_end",
            ),
        ),
        migrations.RunPython(empty_filled_in_starts, fill_in_starts),
        migrations.RunPython(install_triggers, remove_triggers),
    ]
