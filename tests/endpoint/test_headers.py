"""A list may stand in several header lines, and means the same as in one (RFC 9110, 5.3)."""

from __future__ import annotations

from uuid import UUID

import httpx
import pytest
from starlette.datastructures import Headers

from endpoint.test_conditional import LONG, persisted
from holdco.endpoint.headers import listed
from holdco.endpoint.negotiation import GRAPHQL_RESPONSE, JSON
from operations.serving import served, settings_of


def test_the_lines_of_a_list_are_joined_in_their_order() -> None:
    headers = Headers(raw=[(b"accept", b"a, b;q=0.5"), (b"host", b"x"), (b"accept", b"c")])
    assert [listed(headers, name) for name in ("accept", "host", "cookie")] == ["a, b;q=0.5, c", "x", None]


@pytest.mark.parametrize("lines", [("text/csv", GRAPHQL_RESPONSE), (f"{JSON};q=0.5", GRAPHQL_RESPONSE), ("", GRAPHQL_RESPONSE)])
def test_the_media_type_may_be_named_in_any_line_of_accept(client: httpx.Client, lines: tuple[str, str]) -> None:
    response = client.post("/graphql", json={"query": "{ hello }"}, headers=[("accept", line) for line in lines])
    assert (response.status_code, response.headers["content-type"]) == (200, f"{GRAPHQL_RESPONSE}; charset=utf-8")


async def test_parts_of_an_answer_may_be_accepted_in_any_line(database_url: str, organization_id: UUID) -> None:
    document = {"query": "{ ... @defer { organization { currency } } }"}
    async with served(settings_of(database_url, organization_id)) as server:
        for lines in ((JSON, "multipart/mixed"), ("multipart/mixed", JSON)):
            response = await server.http.post("/graphql", json=document, headers=[("accept", line) for line in lines])
            assert response.headers["content-type"].startswith("multipart/mixed")


def test_the_encoding_may_be_named_in_any_line(client: httpx.Client) -> None:
    for lines in (("br", "gzip"), ("gzip", "br")):
        headers = [("accept-encoding", line) for line in lines]
        response = client.post("/graphql", json={"query": LONG}, headers=headers)
        assert response.headers["content-encoding"] == "gzip"
    headers = [("accept-encoding", "gzip;q=0"), ("accept-encoding", "*")]
    assert "content-encoding" not in client.post("/graphql", json={"query": LONG}, headers=headers).headers


def test_a_tag_may_be_named_in_any_line(client: httpx.Client) -> None:
    params = persisted("query Tagged { hello }", client)
    tag = client.get("/graphql", params=params).headers["etag"]
    for lines in ((tag, '"other"'), ('"other"', tag)):
        response = client.get("/graphql", params=params, headers=[("if-none-match", line) for line in lines])
        assert (response.status_code, response.content) == (304, b"")
