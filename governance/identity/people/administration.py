"""Administers people: invites, disables and enables them, changes their email, resets their access."""

from __future__ import annotations

from datetime import datetime

from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from django.core.exceptions import ValidationError
from django.db import transaction

from governance.core import audit
from governance.core.policy import Actor, NotPermittedError, Permission, is_permitted_org_wide
from governance.identity import mail
from governance.identity.factors import step_up, totp_secrets
from governance.identity.models import ApiToken, User
from governance.identity.people import one_time_links
from governance.identity.people.creation import create_user
from governance.identity.people.identifiers import validate_mail_address
from governance.identity.people.sessions import end_sessions

UNEXPECTED_CHANGE_ADVICE = "If you didn't ask for this, tell another security admin at once."
RESET_NOTICE = (
    "A security admin removed your password, your second factors and your single sign-on, and ended your sessions.",
    "They will give you a link to set up access again. The portal never sends this link by email.",
    "",
    UNEXPECTED_CHANGE_ADVICE,
)
ADDRESS_CHANGE_NOTICE = "{3} changed the email address of {0} from {1} to {2}."


class SelfAdministrationError(Exception):
    """An admin can't do this to their own account; another security admin must do it."""


def require_permission(actor: Actor, permission: Permission, now: datetime) -> None:
    """Raises NotPermittedError. People belong to no Account, so this needs a Grant over a whole organization."""
    if not is_permitted_org_wide(actor, permission, now):
        raise NotPermittedError(f"This needs the permission {permission} over a whole organization.")


def invite_person(*, actor: Actor, username: str, email: str, full_name: str, now: datetime) -> tuple[User, str]:
    """Create a person without a password. Returns it, and the token of a link to choose one. Raises ValidationError."""
    require_permission(actor, Permission.USER_MANAGE, now)
    with transaction.atomic():
        user = create_user(actor=actor, username=username, password=None, email=email, full_name=full_name)
        return user, one_time_links.issue_link(
            actor=actor, user=user, purpose=one_time_links.LinkPurpose.WELCOME, now=now
        )


def reissue_link(*, actor: Actor, user: User, purpose: one_time_links.LinkPurpose, now: datetime) -> str:
    """Issue another one-time link."""
    require_permission(actor, Permission.USER_MANAGE, now)
    forbid_self(actor, user)
    # The link sets a password or connects an identity: with a stolen session it would open another person's account.
    step_up.require_fresh_factor(actor, now)
    return one_time_links.issue_link(actor=actor, user=user, purpose=purpose, now=now)


def set_welcome_password(*, token: str, password: str, now: datetime) -> User:
    """Set the password that the person behind a welcome link chose. Raises LinkRefusedError."""
    with transaction.atomic():
        user = one_time_links.redeem_link(token, one_time_links.LinkPurpose.WELCOME, now).user
        user.set_password(password)
        user.save(update_fields=["password"])
        audit.record(
            actor=build_audit_actor(user), action="user.password", subject=f"user:{user.pk}", by="welcome link"
        )
        end_sessions(actor=build_audit_actor(user), user=user, why="password set")
    return user


def set_person_active(*, actor: Actor, user: User, active: bool, now: datetime) -> None:
    """Disable or enable a person. Disabling ends their sessions, links and tokens at once, also those of the service
    accounts for which they are responsible."""
    require_permission(actor, Permission.USER_MANAGE, now)
    forbid_self(actor, user)
    with transaction.atomic():
        User.objects.filter(pk=user.pk).update(is_active=active)
        audit.record(actor=actor, action="user.enable" if active else "user.disable", subject=f"user:{user.pk}")
        if not active:
            end_sessions(actor=actor, user=user, why="disabled")
            theirs = ApiToken.objects.filter(service__in=[user.pk, *user.services.values_list("pk", flat=True)])
            theirs.filter(revoked_at=None).update(revoked_at=now)
            user.links.filter(used_at=None).update(expires_at=now)


def change_email(*, actor: Actor, user: User, email: str, now: datetime) -> None:
    """Change a person's email address, with a notice to the old one, to the new one and in the portal.

    The address alone opens nothing: a mail resets a password only beside a second factor. Raises ValidationError.
    """
    require_permission(actor, Permission.USER_MANAGE, now)
    # Not for the admin's own account: a stolen session could send its own notices elsewhere.
    forbid_self(actor, user)
    step_up.require_fresh_factor(actor, now)
    if user.is_service:
        raise ValidationError({"email": "A service account has no email address; its responsible person has one."})
    with transaction.atomic():
        # Two admins who set the same address take turns here; the second one finds it taken.
        audit.hold_trail_end("user.email")
        address, before = (
            validate_mail_address(email, user),
            User.objects.values_list("email", flat=True).get(pk=user.pk),
        )
        if address == before:
            raise ValidationError({"email": "This is already the person's email address."})
        User.objects.filter(pk=user.pk).update(email=address)
        row = audit.record(
            actor=actor,
            action="user.email",
            subject=f"user:{user.pk}",
            username=user.get_username(),
            was=before,
            becomes=address,
        )
        lines = [
            ADDRESS_CHANGE_NOTICE.format(user, before or "none", address, actor.name),
            "",
            UNEXPECTED_CHANGE_ADVICE,
        ]
        mail.mail_each_address([before, address], "Your email address was changed", lines)
        mail.write_to_inbox(user, f"user:{user.pk}:email:{row.pk}", "Your email address was changed", lines)
    user.email = address


def reset_access(*, actor: Actor, user: User, now: datetime) -> str:
    """Reset a person's access, for one who lost their factors. Returns the token of a welcome link, the only way in.

    It removes factors, password, single sign-on, sessions and earlier links. One that stayed would be enough to set up
    a new factor: an earlier link, a mail that resets a password, or the identity provider, which may ask for no more
    than a mailbox.
    """
    require_permission(actor, Permission.USER_RESET_FACTOR, now)
    forbid_self(actor, user)
    step_up.require_fresh_factor(actor, now)
    with transaction.atomic():
        kinds = sorted(Authenticator.objects.filter(user=user).values_list("type", flat=True))
        Authenticator.objects.filter(user=user).delete()
        user.set_unusable_password()
        user.save(update_fields=["password"])
        gone, _ = SocialAccount.objects.filter(user=user).delete()
        user.links.filter(used_at=None).update(expires_at=now)
        audit.record(
            actor=actor,
            action="factor.reset",
            subject=f"user:{user.pk}",
            username=user.get_username(),
            kinds=kinds,
            identities=gone,
        )
        end_sessions(actor=actor, user=user, why="factors reset")
        # The notice has no link: a person who reads the mailbox must not get in. The admin hands the link over.
        mail.mail_person(user, "Your access was reset", RESET_NOTICE)
        return one_time_links.issue_link(actor=actor, user=user, purpose=one_time_links.LinkPurpose.WELCOME, now=now)


def disconnect_identities(*, actor: Actor, user: User, now: datetime) -> None:
    """Remove the person's single sign-on identities and end their sessions."""
    # Without step-up, and allowed for the own account: it only takes access away.
    require_permission(actor, Permission.USER_MANAGE, now)
    with transaction.atomic():
        gone, _ = SocialAccount.objects.filter(user=user).delete()
        audit.record(actor=actor, action="identity.disconnect", subject=f"user:{user.pk}", identities=gone)
        end_sessions(actor=actor, user=user, why="single sign-on disconnected")


def end_all_sessions(*, actor: Actor, user: User, now: datetime) -> int:
    require_permission(actor, Permission.SESSION_END, now)
    return end_sessions(actor=actor, user=user, why="ended by an admin")


def record_factor_change(*, actor: Actor, user: User, what: str, kind: str, keep: str) -> None:
    """Record a change and end the person's other sessions. what: added, removed, renewed; keep: this session's key."""
    # Another session may be the reason for the change, if it is an intruder's.
    with transaction.atomic():
        audit.record(actor=actor, action=f"factor.{what}", subject=f"user:{user.pk}", kind=kind)
        end_sessions(actor=actor, user=user, why="factor changed", but=keep)


def rotate_factor_keys(*, actor: Actor) -> int:
    """Encrypt every secret of a second factor with the newest key. Returns how many factors have one."""
    with transaction.atomic():
        # Locked: a recovery code that is used meanwhile would be written back as unused. Passkeys have no secret.
        held = Authenticator.objects.select_for_update().exclude(type=Authenticator.Type.WEBAUTHN)
        found = list(held)
        for authenticator in found:
            for name in ("secret", "seed"):
                if name in authenticator.data:
                    authenticator.data[name] = totp_secrets.reencrypt_secret(authenticator.data[name])
            authenticator.save(update_fields=["data"])
        audit.record(actor=actor, action="factor.rotate_key", subject="factor_keys", factors=len(found))
    return len(found)


def forbid_self(actor: Actor, user: User) -> None:
    if actor.user_id == user.pk:
        raise SelfAdministrationError("You can't do this for yourself; ask another security admin.")


def build_audit_actor(user: User) -> Actor:
    """The person as the actor of audit rows about their own sign-in and factors. It has no grants."""
    return Actor(name=user.get_username(), user_id=user.pk)
