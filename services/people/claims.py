"""Who a sign-in by OpenID Connect is: from the claims that the provider signed, while they count."""

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from services.errors import SignInError
from services.messages import Message
from services.oidc import Oidc
from services.people.roles import folded


def email(oidc: Oidc, claims: Mapping[str, Any]) -> str:
    """Raises SignInError for claims that name nobody, or somebody for another application."""
    audience = claims.get("aud")
    # Authlib lets a token for another client pass when `azp` names this one.
    if oidc.client_id not in (audience if isinstance(audience, list) else [audience]):
        raise SignInError(
            Message("This sign-in was meant for another application."), Message("Sign in here."), again=True
        )
    found = _value(claims, oidc.email_claim)
    if not isinstance(found, str) or not found.strip():
        raise SignInError(
            Message("The sign-in service did not say your e-mail (claim {claim}).", claim=oidc.email_claim),
            Message("Ask an admin to let the service send it, or to set SIGNALBOX_OIDC_EMAIL_CLAIM."),
        )
    if oidc.email_claim == "email" and claims.get("email_verified") in (False, "false"):
        raise SignInError(
            Message("The sign-in service has not confirmed that {email} is yours.", email=found),
            Message("Confirm your e-mail there, then sign in again."),
        )
    return folded(found)


def groups(oidc: Oidc, claims: Mapping[str, Any]) -> tuple[str, ...]:
    """The person's groups; a dotted claim reaches into what lies within another, as some providers nest them."""
    found = _value(claims, oidc.groups_claim)
    listed = found if isinstance(found, list) else [found]
    return tuple(one.strip() for one in listed if isinstance(one, str) and one.strip())


def until(oidc: Oidc, claims: Mapping[str, Any]) -> datetime:
    """When the person has to sign in again. Not the token's own end: some providers give it five minutes."""
    issued = claims.get("iat")
    begin = issued if isinstance(issued, int | float) else 0
    return datetime.fromtimestamp(begin, UTC) + timedelta(hours=oidc.hours)


def key(claims: Mapping[str, Any]) -> str:
    """Names one sign-in without telling anything of it: its nonce is drawn anew for each."""
    told = "\n".join(str(claims.get(name, "")) for name in ("iss", "sub", "nonce", "iat"))
    return hashlib.sha256(told.encode()).hexdigest()


def _value(claims: Mapping[str, Any], name: str) -> Any:
    if name in claims:
        return claims[name]
    found: Any = claims
    for part in name.split("."):
        found = found.get(part) if isinstance(found, Mapping) else None
    return found
