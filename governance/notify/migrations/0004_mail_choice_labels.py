"""New labels of the email setting; the values and the column stay as they are."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("notify", "0003_told_about")]

    operations = [
        migrations.AlterField(
            model_name="preference",
            name="mail",
            field=models.CharField(
                choices=[
                    ("at_once", "an email for each notification"),
                    ("digest", "one email a day"),
                    ("none", "no email"),
                ],
                default="at_once",
                max_length=10,
            ),
        )
    ]
