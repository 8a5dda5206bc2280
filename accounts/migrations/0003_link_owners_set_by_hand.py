"""Owners that were set by hand as text become the people whom they name. Where nobody is named, the tags decide again
at the next discovery; until then the text stays as it is."""

from collections import defaultdict

from django.db import migrations
from django.utils import timezone


def link(apps, editor):
    accounts = apps.get_model("accounts", "Account").objects.filter(owners_set_by_hand=True)
    if not accounts.exists():
        return
    called = defaultdict(set)
    for pk, *names in apps.get_model("identity", "User").objects.filter(is_service=False).values_list(
        "pk", "username", "email"
    ):
        for name in filter(None, names):
            called[name.casefold()].add(pk)
    owners = apps.get_model("accounts", "AccountOwner").objects
    for account in accounts:
        named = {pk for name in account.owners for pk in called.get(str(name).casefold(), ())}
        for pk in sorted(named):
            owners.get_or_create(account=account, user_id=pk, defaults={"set_at": timezone.now()})
        if not named:
            account.owners_set_by_hand = False
            account.save(update_fields=["owners_set_by_hand"])


class Migration(migrations.Migration):
    dependencies = [("accounts", "0002_account_owner"), ("identity", "0004_grant_extenders")]
    operations = [migrations.RunPython(link, migrations.RunPython.noop)]
