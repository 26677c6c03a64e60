"""All settings together: what they are called, what they allow, and which of them are secret."""

from __future__ import annotations

from typing import get_args

from pydantic import ConfigDict, SecretStr, ValidationInfo, field_validator

from app.config.credentials import CredentialsInUrl, holds_credentials
from app.config.ldap_settings import LdapServerSettings
from app.config.login_settings import LoginSettings
from app.config.page_settings import PageSettings
from app.config.server_settings import ServerSettings
from app.config.storage_settings import StorageSettings
from app.config.types import Allowed, CredentialsBy

MASK = "********"


class Settings(LdapServerSettings, LoginSettings, PageSettings, ServerSettings, StorageSettings):
    """Everything an operator can choose. A test compares `docs/settings.md` with this class.

    Each field is in one of its bases, the last of them first. So a validator knows the fields of the bases behind its own.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    @field_validator("*", mode="before")
    @classmethod
    def _has_no_credentials(cls, value: object, info: ValidationInfo) -> object:
        # As a fault of the setting itself: settings that go with it then ask for nothing on its account.
        if info.field_name and not is_secret(info.field_name, cls) and holds_credentials(value):
            raise CredentialsInUrl
        return value


def allowed(name: str) -> str:
    """The allowed values of a setting, to complete "must be ...". Code is in Markdown backquotes."""
    field = Settings.model_fields[name]
    for said in reversed(field.metadata):  # the last one is the setting's own, the others are from its type
        if isinstance(said, Allowed):
            return said.text
    if choices := get_args(field.annotation):
        return "one of " + ", ".join(f"`{choice}`" for choice in choices)
    least = next(limit.ge for limit in field.metadata if hasattr(limit, "ge"))
    most = next((limit.le for limit in field.metadata if hasattr(limit, "le")), None)
    return f"a whole number from {least} " + ("up" if most is None else f"to {most}")


def credentials_by(name: str) -> str:
    """Where to put credentials instead of into the URL of a setting. Code is in Markdown backquotes."""
    said = (item.text for item in Settings.model_fields[name].metadata if isinstance(item, CredentialsBy))
    return next(said, "leave them out")


def is_secret(name: str, of: type[Settings] = Settings) -> bool:
    """Whether a setting's values are secrets, which are never quoted."""
    return "SecretStr" in repr(of.model_fields[name].annotation)


def masked(settings: Settings) -> dict[str, str]:
    """Every setting as text, with secrets masked."""
    return {name: _show(getattr(settings, name)) for name in Settings.model_fields}


def _show(value: object) -> str:
    if isinstance(value, SecretStr):
        return MASK
    if isinstance(value, tuple):
        return " ".join(MASK if isinstance(item, SecretStr) else str(item) for item in value)
    return "" if value is None else str(value)
