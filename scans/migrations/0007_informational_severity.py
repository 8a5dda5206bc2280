"""Makes room for the severity "informational"."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('scans', '0006_schedules_by_hand'),
    ]

    operations = [
        migrations.AlterField(
            model_name='finding',
            name='severity',
            field=models.CharField(choices=[('critical', 'critical'), ('high', 'high'), ('medium', 'medium'), ('low', 'low'), ('informational', 'informational')], max_length=15),
        ),
    ]
