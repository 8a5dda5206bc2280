"""Writes about people beyond their Grants: invited, disabled, their factors changed or reset."""

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
    "A security admin took away your password, your second factors and your single sign-on, and ended your sessions.",
    "They have a link with which you start anew. It comes from them, never by mail from the portal.",
    "",
    UNEXPECTED_CHANGE_ADVICE,
)
ADDRESS_CHANGE_NOTICE = "The mail address of {0} was {1}. It is {2} now; {3} changed it."


class SelfAdministrationError(Exception):
    """An admin's act on their own person: another security admin has to do it."""


def require_permission(actor: Actor, permission: Permission, now: datetime) -> None:
    """Raises NotPermittedError. People belong to no Account: it takes a Grant over the whole organization."""
    if not is_permitted_org_wide(actor, permission, now):
        raise NotPermittedError(f"This needs {permission} over the organization.")


def invite_person(*, actor: Actor, username: str, email: str, full_name: str, now: datetime) -> tuple[User, str]:
    """A person without a password, and the word of the link with which they choose one. Raises ValidationError."""
    require_permission(actor, Permission.USER_MANAGE, now)
    with transaction.atomic():
        user = create_user(actor=actor, username=username, password=None, email=email, full_name=full_name)
        return user, one_time_links.issue_link(
            actor=actor, user=user, purpose=one_time_links.LinkPurpose.WELCOME, now=now
        )


def reissue_link(*, actor: Actor, user: User, purpose: one_time_links.LinkPurpose, now: datetime) -> str:
    """Another one-time link. A welcome link can set a password, so it needs a fresh second factor."""
    require_permission(actor, Permission.USER_MANAGE, now)
    forbid_self(actor, user)
    step_up.require_fresh_factor(actor, now)
    return one_time_links.issue_link(actor=actor, user=user, purpose=purpose, now=now)


def set_welcome_password(*, word: str, password: str, now: datetime) -> User:
    """The person behind a welcome link, with the password that they chose. Raises LinkRefusedError."""
    with transaction.atomic():
        user = one_time_links.redeem_link(word, one_time_links.LinkPurpose.WELCOME, now).user
        user.set_password(password)
        user.save(update_fields=["password"])
        audit.record(
            actor=build_audit_actor(user), action="user.password", subject=f"user:{user.pk}", by="welcome link"
        )
        end_sessions(actor=build_audit_actor(user), user=user, why="password set")
    return user


def set_person_active(*, actor: Actor, user: User, active: bool, now: datetime) -> None:
    """Disable or enable. Disabling ends the person's sessions, and the tokens that they answer for, at once."""
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
    """Another mail address for a person. They are told at the old one, at the new one and in the portal.

    It opens nothing by itself: a mail resets a password only beside a second factor. Raises ValidationError.
    """
    require_permission(actor, Permission.USER_MANAGE, now)
    forbid_self(actor, user)
    step_up.require_fresh_factor(actor, now)
    if user.is_service:
        raise ValidationError(
            {"email": "A service account has no mail address. The person who answers for it has one."}
        )
    with transaction.atomic():
        audit.hold_trail_end("user.email")  # two admins who give the same address come one after the other
        address, before = (
            validate_mail_address(email, user),
            User.objects.values_list("email", flat=True).get(pk=user.pk),
        )
        if address == before:
            raise ValidationError({"email": "This is their mail address already."})
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
        mail.mail_each_address([before, address], "Your mail address was changed", lines)
        mail.write_to_inbox(user, f"user:{user.pk}:email:{row.pk}", "Your mail address was changed", lines)
    user.email = address


def reset_access(*, actor: Actor, user: User, now: datetime) -> str:
    """For somebody who lost everything: factors, password, single sign-on and sessions go; a one-time link starts anew.

    Nothing that was good before lets anybody in after this: a link that was made earlier, a mail that resets a password,
    and the identity provider, behind which there may be no more than a mailbox, would each be enough to enrol a factor.
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
        mail.mail_person(user, "Your second factors were reset", RESET_NOTICE)
        return one_time_links.issue_link(actor=actor, user=user, purpose=one_time_links.LinkPurpose.WELCOME, now=now)


def disconnect_identities(*, actor: Actor, user: User, now: datetime) -> None:
    """Their single sign-on identities are forgotten, and their sessions end."""
    require_permission(actor, Permission.USER_MANAGE, now)
    with transaction.atomic():
        gone, _ = SocialAccount.objects.filter(user=user).delete()
        audit.record(actor=actor, action="identity.disconnect", subject=f"user:{user.pk}", identities=gone)
        end_sessions(actor=actor, user=user, why="single sign-on disconnected")


def end_all_sessions(*, actor: Actor, user: User, now: datetime) -> int:
    require_permission(actor, Permission.SESSION_END, now)
    return end_sessions(actor=actor, user=user, why="ended by an admin")


def record_factor_change(*, actor: Actor, user: User, what: str, kind: str, keep: str) -> None:
    """Writes it down and ends the person's other sessions. what: added, removed, renewed. keep: this session's key."""
    with transaction.atomic():
        audit.record(actor=actor, action=f"factor.{what}", subject=f"user:{user.pk}", kind=kind)
        end_sessions(actor=actor, user=user, why="factor changed", but=keep)


def rotate_factor_keys(*, actor: Actor) -> int:
    """Every secret of a second factor under the newest key. Gives how many factors have one."""
    with transaction.atomic():
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
        raise SelfAdministrationError("Nobody does this to themselves; ask another security admin.")


def build_audit_actor(user: User) -> Actor:
    """The person as the audit trail names them; no permission is meant."""
    return Actor(name=user.get_username(), user_id=user.pk)
