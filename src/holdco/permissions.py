"""What roles allow, in words that a frontend can show or hide its buttons by."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Final

from holdco.viewer import ClientUserRole, StaffRole


class Permission(StrEnum):
    """One thing that one may do. Staff: anywhere; client users: for customers where their role, and the links, allow it."""

    VIEW = "VIEW"
    MANAGE_CUSTOMERS = "MANAGE_CUSTOMERS"
    MANAGE_CONTACTS = "MANAGE_CONTACTS"
    MANAGE_CLIENT_USERS = "MANAGE_CLIENT_USERS"
    MANAGE_GROUPS = "MANAGE_GROUPS"
    MANAGE_INVOICES = "MANAGE_INVOICES"
    RECORD_MONEY = "RECORD_MONEY"
    APPLY_MONEY = "APPLY_MONEY"
    MANAGE_ORGANIZATION = "MANAGE_ORGANIZATION"
    MANAGE_ACCESS_TOKENS = "MANAGE_ACCESS_TOKENS"


_PEOPLE: Final = frozenset({Permission.MANAGE_CONTACTS, Permission.MANAGE_CLIENT_USERS})
_MONEY: Final = frozenset({Permission.MANAGE_INVOICES, Permission.RECORD_MONEY, Permission.APPLY_MONEY})

OF_STAFF: Final[Mapping[StaffRole, frozenset[Permission]]] = {
    StaffRole.ADMIN: frozenset(Permission),
    StaffRole.BILLING: frozenset({Permission.VIEW}) | _MONEY,
    StaffRole.SALES: frozenset({Permission.VIEW, Permission.MANAGE_CUSTOMERS, Permission.MANAGE_GROUPS}) | _PEOPLE,
    StaffRole.READ_ONLY: frozenset({Permission.VIEW}),
}
OF_CLIENT_USERS: Final[Mapping[ClientUserRole, frozenset[Permission]]] = {
    ClientUserRole.ADMIN: frozenset({Permission.VIEW, Permission.APPLY_MONEY}) | _PEOPLE,
    ClientUserRole.PAYER: frozenset({Permission.VIEW, Permission.APPLY_MONEY}),
    ClientUserRole.VIEWER: frozenset({Permission.VIEW}),
}


def permissions_of(role: StaffRole | None, client_roles: Iterable[ClientUserRole]) -> list[Permission]:
    """In the order of the enumeration: those of the staff role, or of any of a client user's roles."""
    granted = [OF_STAFF[role]] if role is not None else [OF_CLIENT_USERS[each] for each in client_roles]
    allowed = frozenset[Permission]().union(*granted)
    return [permission for permission in Permission if permission in allowed]
