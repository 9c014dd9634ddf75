"""How long the lists of the graph are reckoned to be that no page bounds, for the cost of operations."""

from __future__ import annotations

from typing import Final

from holdco.changes.hub import PENDING_MAX
from holdco.customers.queries import DESCENDANTS_PAGE_SIZE_MAX
from holdco.endpoint.cost import Sizes

# Mutations give a handful of refusals, one for each thing that is wrong.
_REFUSALS: Final = 5
_CURRENCIES: Final = 3
# A payment settles what one customer owes; at a head office a few times as much.
_ALLOCATIONS: Final = 50
_CHANGED: Final = PENDING_MAX

SIZES: Final = Sizes(
    lists={
        "Query.nodes": "ids",
        "Viewer.customers": 5,
        "Customer.externalReferences": 5,
        "Customer.ancestors": 12,
        "Customer.groups": 5,
        "Customer.receivables": _CURRENCIES,
        "Customer.consolidatedReceivables": _CURRENCIES,
        "Invoice.lines": 10,
        "AllocationPlan.lines": _ALLOCATIONS,
        "AllocationPlan.skipped": 20,
        "AllocationPayload.allocations": _ALLOCATIONS,
        "AllocationPayload.skipped": 20,
        "PaymentPayload.allocations": _ALLOCATIONS,
        "PaymentPayload.skipped": 20,
        "PaymentPayload.allocationErrors": _REFUSALS,
        "PaymentPayload.possibleDuplicates": 5,
        "InvoiceVoidPayload.reversals": _ALLOCATIONS,
        # Of one event; with more to tell, it says to refetch.
        "CustomerChanged.customers": _CHANGED,
        "InvoiceChanged.invoices": _CHANGED,
        "PaymentApplied.allocations": _CHANGED,
        **{
            f"{payload}.userErrors": _REFUSALS
            for payload in (
                "AccessTokenCreatePayload",
                "AccessTokenPayload",
                "AllocationPayload",
                "AllocationPlan",
                "BulkUpdatePayload",
                "ClientUserInvitePayload",
                "ClientUserPayload",
                "ContactDeletePayload",
                "ContactPayload",
                "CreditNotePayload",
                "CustomerDeactivatePayload",
                "CustomerDeletePayload",
                "CustomerDeletePreview",
                "CustomerGroupPayload",
                "CustomerMovePayload",
                "CustomerPayload",
                "InvoicePayload",
                "InvoiceVoidPayload",
                "OrganizationPayload",
                "PaymentPayload",
                "ProjectPayload",
            )
        },
    },
    pages={"Customer.descendants": DESCENDANTS_PAGE_SIZE_MAX},
    trees=frozenset({"Customer.children"}),
)
