"""Persisted queries by GET may be kept by the browser that asked, and are asked for again each time."""

from __future__ import annotations

import hashlib
import json

import httpx
import pytest

from holdco.endpoint.conditional import is_named

# As many that the answer is compressed.
LONG = "query Long { " + " ".join(f"answer_{number}: hello" for number in range(100)) + " }"


def persisted(text: str, client: httpx.Client, **variables: object) -> dict[str, str]:
    """The parameters of a GET that names the text, once the server knows it."""
    extensions = {"persistedQuery": {"version": 1, "sha256Hash": hashlib.sha256(text.encode()).hexdigest()}}
    client.post("/graphql", json={"query": text, "extensions": extensions, "variables": variables})
    return {"extensions": json.dumps(extensions), "variables": json.dumps(variables)}


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_what_the_client_has_already_is_not_sent_again(client: httpx.Client, method: str) -> None:
    params = persisted("query Q($n: Int!) { double(number: $n) }", client, n=4)
    first = client.request(method, "/graphql", params=params)
    assert first.status_code == 200
    assert first.headers["cache-control"] == "private, no-cache"
    assert first.headers["vary"] == "Accept, Accept-Encoding"
    tag = first.headers["etag"]
    again = client.request(method, "/graphql", params=params, headers={"if-none-match": f'"other", {tag}'})
    assert (again.status_code, again.content) == (304, b"")
    assert {name: again.headers[name] for name in ("etag", "cache-control", "vary")} == {
        "etag": tag,
        "cache-control": "private, no-cache",
        "vary": "Accept, Accept-Encoding",
    }
    assert "content-type" not in again.headers
    assert again.headers["x-request-id"] != first.headers["x-request-id"]
    changed = client.get("/graphql", params={**params, "variables": '{"n": 5}'}, headers={"if-none-match": tag})
    assert (changed.status_code, changed.json()) == (200, {"data": {"double": 10}})
    assert changed.headers["etag"] != tag


def test_the_tag_is_of_the_answer_however_it_is_compressed_but_not_of_another_media_type(client: httpx.Client) -> None:
    params = persisted(LONG, client)
    plain = client.get("/graphql", params=params, headers={"accept-encoding": "identity"})
    small = client.get("/graphql", params=params, headers={"accept-encoding": "gzip"})
    assert (plain.headers.get("content-encoding"), small.headers.get("content-encoding")) == (None, "gzip")
    assert plain.json() == small.json()
    assert plain.headers["etag"] == small.headers["etag"]
    assert small.headers["cache-control"] == "private, no-cache"
    other = client.get("/graphql", params=params, headers={"accept": "application/graphql-response+json"})
    assert other.headers["etag"] != plain.headers["etag"]


def test_nothing_else_is_kept(client: httpx.Client) -> None:
    by_name = persisted("{ hello }", client)
    failing = persisted("{ defect }", client)
    refused = persisted("query Q($n: Int!) { double(number: $n) }", client)
    for response in (
        client.get("/graphql", params={"query": "{ hello }"}),
        client.post("/graphql", json={"extensions": json.loads(by_name["extensions"])}),
        client.get("/graphql", params=failing),
        client.get("/graphql", params=refused),
        client.get("/graphql", params={"documentId": "unknown"}, headers={"if-none-match": "*"}),
    ):
        assert response.headers["cache-control"] == "no-store"
        assert "etag" not in response.headers
        assert response.status_code == 200


@pytest.mark.parametrize(
    ("if_none_match", "expected"),
    [
        (None, False),
        ("", False),
        ('W/"a"', True),
        ('"a"', True),
        ("*", True),
        ('"b"', False),
        ('"b" , W/"a"', True),
        ("a", False),
        ('W/"ab"', False),
    ],
)
def test_tags_are_compared_weakly(if_none_match: str | None, expected: bool) -> None:
    assert is_named('W/"a"', if_none_match) is expected
