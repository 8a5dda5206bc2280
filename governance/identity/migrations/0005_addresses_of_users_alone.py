"""A person's mail address is the one of their User. allauth's rows of it were written by anybody who named an address to
"forgotten", and an unverified one kept its owner from enrolling a second factor."""

from django.db import migrations


def clear(apps, editor):
    apps.get_model("account", "EmailAddress").objects.all().delete()  # with the confirmations that hang on them


class Migration(migrations.Migration):
    dependencies = [("account", "0001_initial"), ("identity", "0004_grant_extenders")]
    operations = [migrations.RunPython(clear, migrations.RunPython.noop)]
