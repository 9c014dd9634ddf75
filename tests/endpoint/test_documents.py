from __future__ import annotations

import pytest
import strawberry

from holdco.endpoint.documents import Documents
from holdco.endpoint.errors import ErrorCode, RequestError


@strawberry.type
class Query:
    a: int = 1


SCHEMA = strawberry.Schema(Query)


def test_a_text_is_read_once() -> None:
    documents = Documents(SCHEMA)
    assert documents.read("{ a }") is documents.read("{ a }")
    assert documents.read("{ a  }") is not documents.read("{ a }")


def test_the_document_used_longest_ago_makes_room() -> None:
    documents = Documents(SCHEMA, documents_max=2)
    first, second = documents.read("query A { a }"), documents.read("query B { a }")
    assert documents.read("query A { a }") is first
    documents.read("query C { a }")
    assert len(documents) == 2
    assert documents.read("query A { a }") is first
    assert documents.read("query B { a }") is not second


def test_long_texts_make_room_too() -> None:
    documents = Documents(SCHEMA, characters_max=100)
    short = documents.read("{ a }")
    documents.read("{ a }".ljust(95))
    assert documents.read("{ a }") is short
    documents.read("query B { a }".ljust(96))
    assert len(documents) == 1
    documents.read("query C { a }".ljust(101))
    assert len(documents) == 1


def test_a_refused_document_is_not_kept() -> None:
    documents = Documents(SCHEMA)
    with pytest.raises(RequestError) as refused:
        documents.read("{ b }")
    assert refused.value.code is ErrorCode.GRAPHQL_VALIDATION_FAILED
    with pytest.raises(RequestError) as unreadable:
        documents.read("{ a")
    assert unreadable.value.code is ErrorCode.GRAPHQL_PARSE_FAILED
    assert len(documents) == 0
