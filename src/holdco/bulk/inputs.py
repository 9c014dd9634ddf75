"""What clients give to change many customers at once, and to find what became of them."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from decimal import Decimal
from typing import Any
from uuid import UUID

import strawberry
from strawberry import ID, Maybe, Some

from holdco.bulk.models import BulkJobStatus, BulkRowResult, OverridePolicy
from holdco.bulk.patching import GROUPS_MAX, Patch
from holdco.connections import conditions_of, input_ids
from holdco.customers.models import CustomerRole, CustomerStatus
from holdco.errors import Refusal, Refused
from holdco.filtering import Condition
from holdco.groups.inputs import CustomerSelectorInput
from holdco.ids import Kind
from holdco.scalars import JSON
from holdco.shapes import PaymentTermsInput
from holdco.terms.mutations import given_terms

strawberry.enum(
    BulkJobStatus, description="SUCCEEDED: every row has its result. FAILED: it stopped before; what is done stays done."
)
strawberry.enum(
    OverridePolicy, description="What becomes of customers' own terms that would shadow those of a group they are added to."
)
strawberry.enum(BulkRowResult)


@strawberry.input(description="A term that is left out stays as it is; null inherits; a value, even 0, overrides.")
class CustomersPatchTermsInput:
    price_list_id: Maybe[ID | None] = strawberry.field(
        default=None, description="Customers that pay in another currency fail with CURRENCY_MISMATCH."
    )
    discount_percent: Maybe[Decimal | None] = strawberry.field(default=None, description="0 to 100, with at most six places.")
    payment_terms: Maybe[PaymentTermsInput | None] = None


@strawberry.input(description="What becomes of each customer. What is left out stays as it is.")
class CustomersPatchInput:
    groups_add: list[ID] | None = strawberry.field(default=None, description=f"At most {GROUPS_MAX}.")
    groups_remove: list[ID] | None = strawberry.field(default=None, description=f"At most {GROUPS_MAX}.")
    terms: CustomersPatchTermsInput | None = None
    status: Maybe[CustomerStatus] = strawberry.field(
        default=None, description="ACTIVE takes inactive customers back into business; whatever else is said skips them."
    )
    role: Maybe[CustomerRole | None] = None
    custom_fields: Maybe[JSON | None] = strawberry.field(
        default=None, description="Those that are named are set, or with null removed; others stay. Null removes all."
    )

    def patch(self) -> Patch:
        """Raises Refused with everything that cannot be read."""
        problems: list[Refusal] = []
        values: dict[str, Any] = {
            name: some.value
            for name, some in (("status", self.status), ("role", self.role), ("custom_fields", self.custom_fields))
            if some is not None
        }
        if values.get("custom_fields") == {}:
            del values["custom_fields"]
        patch = Patch(
            groups_add=_groups(self.groups_add, "groupsAdd", problems),
            groups_remove=_groups(self.groups_remove, "groupsRemove", problems),
            terms=given_terms(self.terms) if self.terms is not None else {},
            values=values,
        )
        if problems:
            raise Refused(problems)
        return patch


def _groups(given: list[ID] | None, field: str, problems: list[Refusal]) -> tuple[UUID, ...]:
    try:
        return tuple(dict.fromkeys(input_ids(Kind.GROUP, given or (), field, most=GROUPS_MAX)))
    except Refused as refused:
        found = refused.refusals
    except Refusal as refusal:
        found = (refusal,)
    for each in found:
        each.field = ("patch", *(each.field or ()))
    problems += found
    return ()


@strawberry.input
class CustomersBulkUpdateInput:
    selector: CustomerSelectorInput = strawberry.field(
        description="Those of this moment: who fits later is not among them, and who no longer fits still is."
    )
    patch: CustomersPatchInput
    override_policy: OverridePolicy = strawberry.field(
        default=OverridePolicy.KEEP,
        description="KEEP leaves own terms that shadow a group's, and each row tells which; CLEAR ends them.",
    )
    dry_run: bool = strawberry.field(default=False, description="Only tells what would become of each.")
    idempotency_key: str

    def request(self) -> Mapping[str, Any]:
        """As idempotency compares it: without its key."""
        return {name: value for name, value in _plain(self).items() if name != "idempotency_key"}


def _plain(given: Any) -> Any:
    """Inputs as JSON, in which null is told from what was left out."""
    if isinstance(given, Some):
        return {"value": _plain(given.value)}
    if isinstance(given, list):
        return [_plain(each) for each in given]
    if dataclasses.is_dataclass(given):
        values = {field.name: getattr(given, field.name) for field in dataclasses.fields(given)}
        return {name: _plain(value) for name, value in values.items() if value is not None}
    return given


@strawberry.input(description="Conditions on rows of a bulk job; all given ones must hold.")
class BulkJobRowFilter:
    result: BulkRowResult | None = None

    def conditions(self) -> list[Condition]:
        return conditions_of(self)
