"""A query that is denied is put on record, and what its other fields read meanwhile is not disturbed by that."""

from __future__ import annotations

import pytest

from access.people import client_user
from asking import answered
from holdco.viewer import ClientUserRole
from stories import Story

DOCUMENT = """query ($group: ID!, $customer: ID!, $invoice: ID!) {
  node(id: $group) { id } nodes(ids: [$customer, $invoice]) { id } invoice(by: {id: $invoice}) { isOverdue }
  accessTokens(first: 1) { totalCount }
}"""


@pytest.mark.parametrize("is_planning", [True, False])
async def test_a_denial_beside_other_fields_is_all_that_a_client_user_is_told(story: Story, *, is_planning: bool) -> None:
    customer = await story.customer("Aldgate")
    seer = await client_user(story, {customer: ClientUserRole.ADMIN})
    made = await story.do("customerGroupCreate", name="Resellers")
    asked = {"group": made["customerGroup"]["id"], "customer": customer, "invoice": await story.invoice(customer, "10")}
    before = await story.everything()
    result = await answered(story.engine, story.organization_id, DOCUMENT, asked, viewer=seer.viewer, is_planning=is_planning)
    assert (result.data, [error.path for error in result.errors or ()]) == (None, [["accessTokens"]])
    written = [row for row in await story.everything() if row not in before]
    assert [(table, '"access.denied"' in row) for table, row in written] == [("activity", True)]
