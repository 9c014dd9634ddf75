"""Why a change of an item is refused.

Refusal
└── SkuTaken   another item has this SKU
"""

from __future__ import annotations

from holdco.errors import Refusal, UserErrorCode


class SkuTaken(Refusal):
    code = UserErrorCode.SKU_TAKEN

    def __init__(self, sku: str) -> None:
        super().__init__(f"Another item has the SKU {sku}.", field=("sku",))
