"""Statements are kept for the sets of columns that clients select; of these there are millions, so only the last are kept."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from itertools import combinations, islice
from typing import Any
from weakref import ref

import pytest

from holdco.customers import queries as customers
from holdco.listing import Listing
from holdco.paging import request_of
from holdco.statements import STATEMENTS_MAX, Names, page_select, rows_by_key

BY_NAMES: dict[str, tuple[Listing[Any], Callable[[Names], Any]]] = {
    "ancestors": (customers.LISTING, customers.ancestors_of),
    "by external id": (customers.LISTING, customers.by_external_ids),
    "by id": (customers.LISTING, lambda names: rows_by_key(customers.LISTING, "id", names)),
    "a page": (customers.LISTING, lambda names: page_select(customers.LISTING, request_of(customers.LISTING), names)),
}


def sets_of(listing: Listing[Any]) -> Iterator[Names]:
    columns = [name for name in listing.columns if name != "id"]
    return (("id", *chosen) for size in range(len(columns)) for chosen in combinations(columns, size))


@pytest.mark.parametrize("name", BY_NAMES)
def test_statements_that_nobody_asks_for_any_more_are_let_go(name: str) -> None:
    listing, statement_of = BY_NAMES[name]
    made = [ref(statement_of(names)) for names in islice(sets_of(listing), 2 * STATEMENTS_MAX)]
    gc.collect()
    assert sum(each() is not None for each in made) <= STATEMENTS_MAX
