"""Who asks: staff of the organization that bills, or a client user of its customers (domain.md V1)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID


class StaffRole(StrEnum):
    """What a member of staff, or a service, may do."""

    ADMIN = "ADMIN"
    BILLING = "BILLING"
    SALES = "SALES"
    READ_ONLY = "READ_ONLY"


class ClientUserRole(StrEnum):
    """What a client user may do at one of its customers; it may have other roles at others (domain.md V2)."""

    ADMIN = "ADMIN"
    PAYER = "PAYER"
    VIEWER = "VIEWER"


@dataclass(frozen=True, slots=True)
class Viewer:
    """On whose behalf an operation runs: staff with a role, or a client user, whose roles stand with its customers.

    `actor` is the name under which its changes are recorded. `token_id` is what it showed, where that was one of our own.
    `sees_many` says that a client user sees thousands of customers, as far as is known: reading is planned by it, nothing else.

    Equal viewers see the same: an event is read once for all of them (`endpoint/subscribing.py`).
    """

    organization_id: UUID
    actor: str
    role: StaffRole | None
    client_user_id: UUID | None = None
    token_id: UUID | None = None
    sees_many: bool = False

    def __post_init__(self) -> None:
        if (self.role is None) == (self.client_user_id is None):
            raise ValueError("Who asks is either staff with a role or a client user.")

    @property
    def is_staff(self) -> bool:
        return self.client_user_id is None
