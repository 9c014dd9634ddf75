"""What clients give to select customers, for those who take more than a list of ids."""

from __future__ import annotations

import strawberry
from strawberry import ID, Maybe

from holdco.connections import input_id, input_ids
from holdco.customers.inputs import CustomerFilter
from holdco.customers.queries import FILTERS
from holdco.errors import BadUserInput, InvalidInput, Refused
from holdco.groups.selection import Selection
from holdco.ids import Kind

# Named one by one; who means more says it by a group, a filter or a subtree.
SELECTED_IDS_MAX = 10_000


@strawberry.input(one_of=True, description="Which customers: exactly one of these.")
class CustomerSelectorInput:
    ids: Maybe[list[ID]] = strawberry.field(default=None, description=f"At most {SELECTED_IDS_MAX}.")
    group_id: Maybe[ID] = strawberry.field(default=None, description="Its members.")
    filter: Maybe[CustomerFilter] = strawberry.field(default=None, description="Without any condition: all customers.")
    subtree_of: Maybe[ID] = strawberry.field(default=None, description="This customer and everything below it.")

    def selection(self) -> Selection:
        """Raises NotFound, InvalidInput, or Refused with NotFound for each id that cannot be one of a customer."""
        if self.ids is not None:
            try:
                return Selection(ids=tuple(input_ids(Kind.CUSTOMER, self.ids.value, "ids", most=SELECTED_IDS_MAX)))
            except Refused as refused:
                for refusal in refused.refusals:
                    refusal.field = ("selector", *(refusal.field or ()))
                raise
            except InvalidInput as refusal:
                refusal.field = ("selector", "ids")
                raise
        if self.group_id is not None:
            return Selection(group_id=input_id(Kind.GROUP, self.group_id.value, "selector", "groupId"))
        if self.subtree_of is not None:
            return Selection(subtree_of=input_id(Kind.CUSTOMER, self.subtree_of.value, "selector", "subtreeOf"))
        try:
            conditions = tuple(self.filter.value.conditions()) if self.filter is not None else ()
            FILTERS.bound(conditions)
        except BadUserInput as problem:
            raise InvalidInput(str(problem), field=("selector", "filter")) from None
        return Selection(conditions=conditions)
