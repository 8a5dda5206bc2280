from django.db import migrations
from django.db.models import Sum

COLUMNS = ["passed", "failed", "unknown", "not_applicable"]


def fill(apps, schema_editor):
    cells = apps.get_model("scans", "PostureCell").objects.order_by().values_list("account", "control")
    total = apps.get_model("scans", "AccountTotal")
    total.objects.bulk_create(
        (
            total(account_id=account, control=control, **dict(zip(COLUMNS, sums, strict=True)))
            for account, control, *sums in cells.annotate(*map(Sum, COLUMNS)).iterator(chunk_size=5_000)
        ),
        batch_size=5_000,
    )


class Migration(migrations.Migration):

    dependencies = [
        ('scans', '0002_account_total'),
    ]

    operations = [
        migrations.RunPython(fill, migrations.RunPython.noop),
    ]
