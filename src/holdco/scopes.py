"""How far below a customer something reaches."""

from __future__ import annotations

from enum import StrEnum


class CustomerScope(StrEnum):
    SELF = "SELF"
    DIRECT_CHILDREN = "DIRECT_CHILDREN"
    SUBTREE = "SUBTREE"
