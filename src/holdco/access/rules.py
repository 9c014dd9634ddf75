"""Who may call which mutation: one table, which the README shows and a test holds against the schema.

Staff may do what their role allows, to every customer. A client user may do what its role at one of its customers allows, to
that customer, and to those below it over links that all grant `manage` (domain.md H10, H11, V2).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from holdco.viewer import ClientUserRole, StaffRole

_ADMIN: Final = frozenset({StaffRole.ADMIN})
_MONEY: Final = frozenset({StaffRole.ADMIN, StaffRole.BILLING})
_CUSTOMERS: Final = frozenset({StaffRole.ADMIN, StaffRole.SALES})
_BOTH: Final = frozenset({StaffRole.ADMIN, StaffRole.BILLING, StaffRole.SALES})

_CLIENT_ADMIN: Final = frozenset({ClientUserRole.ADMIN})
_CLIENT_PAYER: Final = frozenset({ClientUserRole.ADMIN, ClientUserRole.PAYER})


@dataclass(frozen=True, slots=True)
class Rule:
    """Which staff, and which client users, may call a mutation.

    `subject` is the field of the input with the id, or ids, whose customer decides for a client user, as `customers.id` is that
    of each of a list. `fields` are those that a client user may give; None lets it give all. With `is_letting_in` somebody sees
    what whoever calls lets it see, which is no more than that one sees itself. `same_as` are fields that do what another mutation
    does, by name: staff may give them where they may call that one.
    """

    staff: frozenset[StaffRole]
    client_users: frozenset[ClientUserRole] = frozenset()
    subject: str = ""
    fields: frozenset[str] | None = None
    is_letting_in: bool = False
    same_as: Mapping[str, str] = field(default_factory=dict)


# What a customer may correct of itself; what is agreed with it, and how it is filed, is staff's.
_OWN_DETAILS: Final = frozenset(
    {"id", "version", "companyName", "email", "phone", "website", "taxId", "billingAddress", "shippingAddress"}
)

RULES: Final[dict[str, Rule]] = {
    "organizationUpdate": Rule(_ADMIN),
    "organizationTermsSet": Rule(_ADMIN),
    "accessTokenCreate": Rule(_ADMIN),
    "accessTokenRevoke": Rule(_ADMIN),
    "customerCreate": Rule(_CUSTOMERS),
    "customerUpdate": Rule(_BOTH, _CLIENT_ADMIN, "id", _OWN_DETAILS, same_as={"status": "customerDeactivate"}),
    "customerMove": Rule(_CUSTOMERS),
    "customerParentAccessSet": Rule(_CUSTOMERS),
    "customerDeactivate": Rule(_CUSTOMERS),
    "customerDelete": Rule(_CUSTOMERS),
    "customerTermsSet": Rule(_CUSTOMERS),
    "customerGroupCreate": Rule(_CUSTOMERS),
    "customerGroupUpdate": Rule(_CUSTOMERS),
    "customerGroupDelete": Rule(_CUSTOMERS),
    "customerGroupMembersAdd": Rule(_CUSTOMERS),
    "customerGroupMembersRemove": Rule(_CUSTOMERS),
    "customersBulkUpdate": Rule(_CUSTOMERS),
    "customerGroupTermsSet": Rule(_CUSTOMERS),
    "groupTermAccept": Rule(_CUSTOMERS),
    "groupTermDecline": Rule(_CUSTOMERS),
    "itemCreate": Rule(_CUSTOMERS),
    "itemUpdate": Rule(_CUSTOMERS),
    "priceListCreate": Rule(_CUSTOMERS),
    "priceListUpdate": Rule(_CUSTOMERS),
    "contactCreate": Rule(_BOTH, _CLIENT_ADMIN, "customerId"),
    "contactUpdate": Rule(_BOTH, _CLIENT_ADMIN, "id"),
    "contactDelete": Rule(_BOTH, _CLIENT_ADMIN, "id"),
    "contactConvert": Rule(_CUSTOMERS, _CLIENT_ADMIN, "id", is_letting_in=True),
    # Whoever learns the secret of an invitation can be that client user, and so pay: of staff that is for those who may all.
    "contactInvite": Rule(_ADMIN, _CLIENT_ADMIN, "id", is_letting_in=True),
    "clientUserInvite": Rule(_ADMIN, _CLIENT_ADMIN, "customers.id", is_letting_in=True),
    "clientUserReinvite": Rule(_ADMIN, _CLIENT_ADMIN, "id", is_letting_in=True),
    "clientUserUpdate": Rule(_ADMIN, _CLIENT_ADMIN, "id", frozenset({"id", "version", "name", "email"})),
    "clientUserDeactivate": Rule(_CUSTOMERS, _CLIENT_ADMIN, "id"),
    "clientUserReactivate": Rule(_ADMIN, _CLIENT_ADMIN, "id", is_letting_in=True),
    "projectCreate": Rule(_CUSTOMERS),
    "projectUpdate": Rule(_CUSTOMERS),
    "projectPeopleSet": Rule(_CUSTOMERS),
    "invoiceCreate": Rule(_MONEY),
    "invoiceTermsRefresh": Rule(_MONEY),
    "invoiceIssue": Rule(_MONEY),
    "invoiceVoid": Rule(_MONEY),
    # Money is what the bank says, not what a payer says: staff and services record it. Whose it is may apply it.
    "paymentRecord": Rule(_MONEY),
    "paymentApply": Rule(_MONEY, _CLIENT_PAYER, "sourceId"),
    "paymentReverse": Rule(_MONEY),
    "creditNoteCreate": Rule(_MONEY),
    "creditNoteApply": Rule(_MONEY, _CLIENT_PAYER, "sourceId"),
    "allocationReverse": Rule(_MONEY),
}


class Permission(StrEnum):
    """What a frontend shows or hides its buttons by. For client users: at one of their customers at least."""

    VIEW = "VIEW"
    MANAGE_CUSTOMERS = "MANAGE_CUSTOMERS"
    MANAGE_CONTACTS = "MANAGE_CONTACTS"
    MANAGE_CLIENT_USERS = "MANAGE_CLIENT_USERS"
    MANAGE_PROJECTS = "MANAGE_PROJECTS"
    MANAGE_GROUPS = "MANAGE_GROUPS"
    MANAGE_TERMS = "MANAGE_TERMS"
    MANAGE_PRICES = "MANAGE_PRICES"
    MANAGE_INVOICES = "MANAGE_INVOICES"
    RECORD_MONEY = "RECORD_MONEY"
    APPLY_MONEY = "APPLY_MONEY"
    MANAGE_ORGANIZATION = "MANAGE_ORGANIZATION"
    MANAGE_ACCESS_TOKENS = "MANAGE_ACCESS_TOKENS"


# Each is had by whoever may call this mutation.
_STANDS_FOR: Final[dict[Permission, str]] = {
    Permission.MANAGE_CUSTOMERS: "customerCreate",
    Permission.MANAGE_CONTACTS: "contactCreate",
    Permission.MANAGE_CLIENT_USERS: "clientUserInvite",
    Permission.MANAGE_PROJECTS: "projectCreate",
    Permission.MANAGE_GROUPS: "customerGroupUpdate",
    Permission.MANAGE_TERMS: "customerTermsSet",
    Permission.MANAGE_PRICES: "priceListCreate",
    Permission.MANAGE_INVOICES: "invoiceCreate",
    Permission.RECORD_MONEY: "paymentRecord",
    Permission.APPLY_MONEY: "paymentApply",
    Permission.MANAGE_ORGANIZATION: "organizationUpdate",
    Permission.MANAGE_ACCESS_TOKENS: "accessTokenCreate",
}


def permissions_of(role: StaffRole | None, client_roles: Iterable[ClientUserRole]) -> list[Permission]:
    """In the order of the enumeration: those of the staff role, or of any of a client user's roles."""
    roles = frozenset(client_roles)
    if role is None and not roles:
        return []
    granted = [
        permission
        for permission, mutation in _STANDS_FOR.items()
        if (role in RULES[mutation].staff if role is not None else roles & RULES[mutation].client_users)
    ]
    return [Permission.VIEW, *granted]


def as_markdown() -> str:
    """The table as the README shows it."""
    columns = ["mutation", *(role.value for role in StaffRole), "client users"]
    rows = [columns, ["---"] * len(columns)]
    for name, rule in RULES.items():
        staff = ["yes" if role in rule.staff else "" for role in StaffRole]
        rows.append([f"`{name}`", *staff, ", ".join(role.value for role in ClientUserRole if role in rule.client_users)])
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)


if __name__ == "__main__":
    print(as_markdown())  # noqa: T201 (for the README)
