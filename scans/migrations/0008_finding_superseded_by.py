"""Links a superseded finding to the one that stands for it."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0003_link_owners_set_by_hand'),
        ('scans', '0007_informational_severity'),
    ]

    operations = [
        migrations.AddField(
            model_name='finding',
            name='superseded_by',
            field=models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='supersedes', to='scans.finding'),
        ),
        migrations.AddIndex(
            model_name='finding',
            index=models.Index(condition=models.Q(('superseded_by__isnull', False)), fields=['superseded_by'], name='finding_superseded'),
        ),
    ]
