"""What belongs to a hidden customer is not loaded, even where a loader is asked for it by its key (sight.py: `below`)."""

from __future__ import annotations

from datetime import date
from typing import Any

from access.people import client_user, group
from holdco import ids
from holdco.contacts import queries as contacts
from holdco.contacts.loaders import ContactCountByCustomerId, ContactsByCustomerId
from holdco.context import Context
from holdco.customers import loaders as customers
from holdco.customers import queries
from holdco.groups.loaders import GroupsByCustomerId
from holdco.ids import Kind
from holdco.invoices import queries as invoices
from holdco.invoices.loaders import InvoiceCountByScope, InvoicesByScope
from holdco.paging import request_of
from holdco.payments import loaders as money
from holdco.payments import queries as payments
from holdco.scopes import CustomerScope
from holdco.viewer import ClientUserRole, Viewer
from stories import PAYS, Story

PAGES: Any = [
    (customers.ChildrenByCustomerId, customers.ChildCountByCustomerId, queries.LISTING),
    (customers.DescendantsByCustomerId, customers.DescendantCountByCustomerId, queries.DESCENDANTS),
    (ContactsByCustomerId, ContactCountByCustomerId, contacts.LISTING),
    (money.CreditNotesByCustomerId, money.CreditNoteCountByCustomerId, payments.CREDIT_NOTES),
    *((InvoicesByScope, InvoiceCountByScope, invoices.LISTING, scope) for scope in CustomerScope),
    *((money.PaymentsByScope, money.PaymentCountByScope, payments.LISTING, scope) for scope in CustomerScope),
]
LISTS: Any = [
    (GroupsByCustomerId,),
    (money.ReceivablesByCustomerId, date(2026, 1, 1)),
    (money.ConsolidatedReceivablesByCustomerId, date(2026, 1, 1)),
]


async def test_nothing_of_a_hidden_customer_is_loaded_by_its_key(story: Story) -> None:
    own_id, shut_id = await story.customer("Aldgate Networks"), await story.customer("Shut")
    shared = await group(story, "Resellers")
    await story.do("customerGroupMembersAdd", id=shared, customerIds=[own_id, shut_id])
    for key in (own_id, shut_id):
        for customer_id in (key, await story.customer("Below", under=key, access=PAYS)):
            await story.invoice(customer_id, "10")
            await story.payment(customer_id, "10")
        await story.credit_note(key, "10")
        await story.contact(key, "Ada Park")
    caller = await client_user(story, {own_id: ClientUserRole.VIEWER})
    (user,) = (await caller.ask("{ clientUsers { nodes { id } } }"))["clientUsers"]["nodes"]
    own, shut = (ids.decode(Kind.CUSTOMER, key) for key in (own_id, shut_id))
    for sees_many in (False, True):
        user_id = ids.decode(Kind.CLIENT_USER, user["id"])
        context = Context(
            story.engine, Viewer(story.organization_id, "tester", None, client_user_id=user_id, sees_many=sees_many)
        )
        for pages, counts, listing, *scope in PAGES:
            request = request_of(listing)
            found = await context.loader(pages, request, *scope).load_level([own, shut])
            counted = await context.loader(counts, request, *scope).load_level([own, shut])
            assert (len(found[own].rows) > 0, len(found[shut].rows)) == (True, 0), (pages, scope)
            assert (counted[own] > 0, counted[shut]) == (True, 0), (counts, scope)
        levels = await context.loader(customers.ChildrenByCustomerId, request_of(queries.LISTING, first=1)).load_level(
            [own, shut], 2
        )
        assert (len(levels[own].rows), len(levels[shut].rows)) == (1, 0)
        for kind, *arguments in LISTS:
            listed = await context.loader(kind, *arguments).load_level([own, shut])
            assert (len(listed[own]), len(listed[shut])) == (1, 0), kind
        await context.close()
