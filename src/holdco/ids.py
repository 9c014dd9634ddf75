"""Ids: UUIDv7 in the database, `cus_…` on the wire, where the prefix tells the kind and 32 hexadecimal digits follow."""

from __future__ import annotations

from enum import StrEnum
from uuid import UUID

from uuid_utils.compat import uuid7

from holdco.errors import BadUserInput


class Kind(StrEnum):
    """What an id names. The value is the prefix."""

    ORGANIZATION = "org"
    CUSTOMER = "cus"
    PARENT_LINK = "lnk"
    GROUP = "grp"
    CONTACT = "con"
    CLIENT_USER = "usr"
    PROJECT = "prj"
    INVOICE = "inv"
    PAYMENT = "pay"
    CREDIT_NOTE = "crn"
    ALLOCATION = "alc"
    ACTIVITY = "act"
    ITEM = "itm"
    PRICE_LIST = "prl"
    BULK_JOB = "job"
    ACCESS_TOKEN = "tok"  # noqa: S105 (a prefix)

    def __init__(self, value: str) -> None:
        self.prefix = f"{value}_"

    @property
    def noun(self) -> str:
        return self.name.lower().replace("_", " ")


_HEXADECIMAL = frozenset("0123456789abcdef")
_KINDS = {kind.value: kind for kind in Kind}


def new() -> UUID:
    """A fresh id. Ids made later sort later, so that they can break ties in the order of creation (RFC 9562, version 7)."""
    return uuid7()


def encode(kind: Kind, key: UUID) -> str:
    return kind.prefix + key.hex


def parse(text: str) -> tuple[Kind, UUID]:
    """Kind and key of an id of any kind. Raises BadUserInput."""
    prefix, _, digits = text.partition("_")
    kind = _KINDS.get(prefix)
    if kind is None or len(digits) != 32 or not _HEXADECIMAL.issuperset(digits):  # noqa: PLR2004 (a UUID in hexadecimal)
        raise BadUserInput(f"{_shown(text)} is not an id. Ids look like {encode(Kind.CUSTOMER, UUID(int=0))}.")
    return kind, UUID(digits)


def decode(kind: Kind, text: str) -> UUID:
    """The key of an id that must be of one kind. Raises BadUserInput, also for an id of another kind."""
    found, key = parse(text)
    if found is not kind:
        raise BadUserInput(f"{text} is the id of a {found.noun}, where the id of a {kind.noun} ({kind.value}_…) is needed.")
    return key


def _shown(text: str) -> str:
    return repr(text if len(text) <= 60 else text[:57] + "…")  # noqa: PLR2004 (enough to recognise a wrong id)
