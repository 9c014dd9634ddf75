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
# A price list, a discount, payment terms.
_TERMS: Final = 3
# A customer has a group or two, and so has its parent.
_CANDIDATES: Final = 5
_EFFECTIVE: Final = ("EffectivePaymentTerms.candidates", "EffectivePercent.candidates", "EffectivePriceList.candidates")

SIZES: Final = Sizes(
    lists={
        "Query.nodes": "ids",
        "Viewer.customers": 5,
        "Customer.externalReferences": 5,
        "Customer.ancestors": 12,
        "Customer.groups": 5,
        **dict.fromkeys(_EFFECTIVE, _CANDIDATES),
        "CustomerGroupPayload.shadowed": 20,
        "Customer.receivables": _CURRENCIES,
        "Customer.consolidatedReceivables": _CURRENCIES,
        "CustomerGroup.consolidatedReceivables": _CURRENCIES,
        "Insights.byCurrency": _CURRENCIES,
        "Insights.byMonth": 12 * _CURRENCIES,
        "Insights.topCustomers": "first",
        "Invoice.lines": 10,
        "Invoice.termsDrift": _TERMS,
        "InvoicePayload.termsDrift": _TERMS,
        "TermDrift.lines": 10,
        "Item.prices": _CURRENCIES,
        "PriceList.prices": "items",
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
                "CustomerGroupDeletePayload",
                "CustomerGroupPayload",
                "CustomerMovePayload",
                "CustomerPayload",
                "InvoicePayload",
                "InvoiceVoidPayload",
                "ItemPayload",
                "OrganizationPayload",
                "PaymentPayload",
                "PriceListPayload",
                "ProjectPayload",
            )
        },
    },
    pages={"Customer.descendants": DESCENDANTS_PAGE_SIZE_MAX},
    trees=frozenset({"Customer.children"}),
)
