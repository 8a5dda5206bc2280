"""The audit trail becomes a sealed chain that the database refuses to change. Rows from before are sealed as they are."""

from django.db import migrations, models

from governance.core import append_only, audit, audit_keys
from governance.core.verifier import GENESIS, compute_mac, compute_seal


def chain(apps, schema_editor):
    """Number the rows without gaps, and seal them. There are few: this came before the first release."""
    AuditEvent, AuditHead = apps.get_model("core", "AuditEvent"), apps.get_model("core", "AuditHead")
    events = list(AuditEvent.objects.order_by("seq"))
    AuditEvent.objects.all().delete()
    if not events:
        return  # the first act makes the head
    seq, mac, key = 0, GENESIS, audit_keys.load_current_key()
    for event in events:
        seq += 1
        event.seq, event.prev, event.body = seq, mac, audit.normalize_value(event.body)
        event.mac = mac = compute_mac(audit.build_event_row(event), key)
    AuditEvent.objects.bulk_create(events, batch_size=500)
    AuditHead.objects.create(pk=1, seq=seq, mac=mac, seal=compute_seal("head", seq, mac, key))


def guard(apps, schema_editor):
    append_only.install_audit_triggers(schema_editor.connection)


def unguard(apps, schema_editor):
    append_only.remove_audit_triggers(schema_editor.connection)


class Migration(migrations.Migration):

    dependencies = [
        ('core', '0002_idempotencyrecord'),
    ]

    operations = [
        migrations.AlterModelOptions(name='auditevent', options={}),
        migrations.RenameField(model_name='auditevent', old_name='id', new_name='seq'),
        migrations.AlterField(
            model_name='auditevent',
            name='seq',
            field=models.BigIntegerField(primary_key=True, serialize=False),
        ),
        migrations.AlterField(
            model_name='auditevent',
            name='at',
            field=models.DateTimeField(db_index=True),
        ),
        migrations.AddField(
            model_name='auditevent',
            name='actor_id',
            field=models.BigIntegerField(null=True),
        ),
        migrations.AddField(
            model_name='auditevent',
            name='prev',
            field=models.CharField(default='', max_length=64),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name='auditevent',
            name='mac',
            field=models.CharField(default='', max_length=64),
            preserve_default=False,
        ),
        migrations.AlterModelOptions(name='auditevent', options={'ordering': ['-seq']}),
        migrations.AddIndex(
            model_name='auditevent',
            index=models.Index(fields=['actor', '-seq'], name='audit_by_actor'),
        ),
        migrations.AddIndex(
            model_name='auditevent',
            index=models.Index(fields=['action', '-seq'], name='audit_by_action'),
        ),
        migrations.CreateModel(
            name='AuditHead',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('seq', models.BigIntegerField()),
                ('mac', models.CharField(max_length=64)),
                ('seal', models.CharField(max_length=64)),
            ],
            options={
                'constraints': [models.CheckConstraint(condition=models.Q(('id', 1)), name='audit_one_head')],
            },
        ),
        migrations.RunPython(chain, migrations.RunPython.noop),
        migrations.RunPython(guard, unguard),
    ]
