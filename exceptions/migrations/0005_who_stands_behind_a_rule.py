"""Whoever made a standing rule, or enabled it last, has proposed what it proposes: so they can't approve it."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


def from_the_trail(apps, editor):
    """Of rules that are there already the audit trail knows it. What was approved stays as it was approved."""
    users = set(apps.get_model("identity", "User").objects.values_list("pk", flat=True))
    events = apps.get_model("core", "AuditEvent").objects.filter(action__in=["ticketrule.create", "ticketrule.enable"])
    for rule in apps.get_model("exceptions", "TicketRule").objects.all():
        last = events.filter(subject=f"ticketrule:{rule.pk}").order_by("-seq").first()
        if last is not None and last.actor_id in users:
            rule.by_id = last.actor_id
            rule.save(update_fields=["by"])
            rule.tickets.filter(state="proposed", proposed_by=None).update(proposed_by=rule.by_id)


class Migration(migrations.Migration):
    dependencies = [
        ("core", "0003_audit_chain"),
        ("exceptions", "0004_who_set_the_end"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name="ticketrule",
            name="by",
            field=models.ForeignKey(
                null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.RunPython(from_the_trail, migrations.RunPython.noop),
    ]
