from __future__ import annotations

import httpx
import pytest

from holdco.endpoint.negotiation import GRAPHQL_RESPONSE, HTML, JSON, negotiate


@pytest.mark.parametrize(
    ("accept", "chosen"),
    [
        (None, JSON),
        ("", JSON),
        (" ", JSON),
        ("*/*", JSON),
        ("application/*", JSON),
        ("application/json", JSON),
        ("APPLICATION/JSON", JSON),
        ("application/json; charset=utf-8", JSON),
        ("application/graphql-response+json", GRAPHQL_RESPONSE),
        ("application/graphql-response+json, application/json", GRAPHQL_RESPONSE),
        ("application/json, application/graphql-response+json", JSON),
        ("application/json;q=0.9, application/graphql-response+json", GRAPHQL_RESPONSE),
        ("application/graphql-response+json;q=0.1, */*;q=0.5", JSON),
        ("application/graphql-response+json, */*", GRAPHQL_RESPONSE),
        ("application/json;q=0, */*", GRAPHQL_RESPONSE),
        ("multipart/mixed, application/graphql-response+json", GRAPHQL_RESPONSE),
        ("application/json;q=much, application/graphql-response+json;q=0.1", GRAPHQL_RESPONSE),
        ("text/html, application/xhtml+xml, application/xml;q=0.9, */*;q=0.8", JSON),
        ("text/html", None),
        ("application/json;q=0", None),
        ("application/json;q=nan", None),
        ("*/*;q=0", None),
        (",;,", None),
    ],
)
def test_the_media_type_is_the_one_the_client_likes_best(accept: str | None, chosen: str | None) -> None:
    assert negotiate(accept, (JSON, GRAPHQL_RESPONSE)) == chosen


def test_a_browser_gets_the_page_and_a_program_that_takes_anything_does_not() -> None:
    offers = (JSON, GRAPHQL_RESPONSE, HTML)
    assert negotiate("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", offers) == HTML
    assert negotiate("*/*", offers) == JSON
    assert negotiate("application/json, text/html", offers) == JSON


@pytest.mark.parametrize("media_type", [JSON, GRAPHQL_RESPONSE])
def test_the_answer_is_declared_as_what_was_asked_for(client: httpx.Client, media_type: str) -> None:
    response = client.post("/graphql", json={"query": "{ hello }"}, headers={"accept": media_type})
    assert response.status_code == 200
    assert response.headers["content-type"] == f"{media_type}; charset=utf-8"
    assert response.headers["vary"] == "Accept, Accept-Encoding"
    assert response.headers["cache-control"] == "no-store"
    assert response.json() == {"data": {"hello": "world"}}


def test_a_client_that_takes_nothing_we_have_is_told_what_we_have(client: httpx.Client) -> None:
    response = client.post("/graphql", json={"query": "{ hello }"}, headers={"accept": "text/csv"})
    assert response.status_code == 406
    assert response.json() == {
        "errors": [
            {
                "message": "Answers are application/graphql-response+json, application/json or text/event-stream.",
                "extensions": {"code": "NOT_ACCEPTABLE"},
            }
        ]
    }
