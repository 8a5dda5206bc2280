"""On whose behalf something is asked is a person, not a text that a rule compares. A text that named exactly one is that
person; any other stays as "not known who", and isn't approved until it is set right."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from exceptions import triggers
from governance.core.name_folding import fold_name


def off(apps, editor):
    triggers.remove_decision_triggers(editor.connection)


def on(apps, editor):
    triggers.install_decision_triggers(editor.connection)


def before(apps, editor):
    triggers.install_decision_triggers(editor.connection, triggers.LENT_TOO, behind="")


def resolve(apps, editor):
    requests = apps.get_model("exceptions", "ExceptionRequest").objects
    called = {}
    for pk, *names in apps.get_model("identity", "User").objects.values_list("pk", "username", "email"):
        for name in {fold_name(name) for name in names} - {""}:
            called.setdefault(name, set()).add(pk)
    people = set(apps.get_model("identity", "User").objects.filter(is_service=False).values_list("pk", flat=True))
    for pk, typed in requests.exclude(on_behalf_of_unknown="").values_list("pk", "on_behalf_of_unknown"):
        found = sorted(called.get(fold_name(typed), ()))
        if len(found) == 1 and found[0] in people:
            requests.filter(pk=pk).update(on_behalf_of=found[0], on_behalf_of_unknown="")


def as_text(apps, editor):
    requests = apps.get_model("exceptions", "ExceptionRequest").objects
    for request in requests.exclude(on_behalf_of=None).select_related("on_behalf_of"):
        name = request.on_behalf_of.username
        requests.filter(pk=request.pk).update(on_behalf_of=None, on_behalf_of_unknown=name)


class Migration(migrations.Migration):
    dependencies = [
        ("exceptions", "0008_start_that_somebody_chose"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.RunPython(off, before),
        migrations.RenameField("exceptionrequest", "on_behalf_of", "on_behalf_of_unknown"),
        migrations.AddField(
            model_name="exceptionrequest",
            name="on_behalf_of",
            field=models.ForeignKey(
                null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.AddConstraint(
            model_name="exceptionrequest",
            constraint=models.CheckConstraint(
                condition=models.Q(("on_behalf_of__isnull", True), ("on_behalf_of_unknown", ""), _connector="OR"),
                name="on_behalf_of_known_or_not",
            ),
        ),
        migrations.RunPython(resolve, as_text),
        migrations.RunPython(on, off),
    ]
