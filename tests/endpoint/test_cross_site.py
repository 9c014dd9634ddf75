"""Which requests another site may make a browser send, and which origins may ask and read the answers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import httpx
import pytest
from starlette.applications import Starlette
from starlette.routing import Route

from endpoint.misbehaving_server import Ledger, make_endpoint, serve
from holdco.app import create_app
from holdco.endpoint.cross_site import with_cors
from holdco.endpoint.graphiql import GraphiQL
from holdco.settings import Settings

APP = "https://app.example"
OTHER = "https://other.example"


@pytest.fixture
def client() -> Iterator[httpx.Client]:
    """A server that lets the pages of one other site ask, and shows GraphiQL to browsers."""
    endpoint = make_endpoint(GraphiQL(), origins=(APP,))
    for address in serve(with_cors(Starlette(routes=[Route("/graphql", endpoint)]), (APP,))):
        with httpx.Client(base_url=address, trust_env=False) as http:
            yield http


CROSS_SITE = [
    {"sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors", "sec-fetch-dest": "image"},
    {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"},
    {"sec-fetch-site": "same-site"},
    {"sec-fetch-site": "cross-site", "origin": OTHER},
    {"sec-fetch-site": "cross-site", "origin": "null"},
    {"sec-fetch-site": "unheard-of"},
    {"origin": OTHER},
    {"origin": APP + "."},
    {"referer": f"{OTHER}/page"},
    {"cookie": "session=1"},
    {"sec-fetch-site": "cross-site", "content-type": "text/plain"},
    {"sec-fetch-site": "cross-site", "content-type": "application/x-www-form-urlencoded"},
    {"sec-fetch-site": "cross-site", "content-type": "multipart/form-data; boundary=x"},
    {"sec-fetch-site": "cross-site", "content-type": "application/jsonp"},
]


@pytest.mark.parametrize("headers", CROSS_SITE, ids=str)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_get_that_another_site_may_have_caused_is_refused_and_reads_nothing(
    client: httpx.Client, ledger: Ledger, method: str, headers: dict[str, str]
) -> None:
    response = client.request(method, "/graphql", params={"query": "{ hello }"}, headers=headers)
    assert response.status_code == 403
    assert response.headers["cache-control"] == "no-store"
    if method == "GET":
        (error,) = response.json()["errors"]
        assert error["extensions"] == {"code": "CROSS_SITE_REQUEST"}
        assert "apollo-require-preflight" in error["message"]
        assert "data" not in response.json()
    assert (ledger.opened, ledger.validations) == (0, [])


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"sec-fetch-mode": "cors", "accept-language": "*"},
        {"sec-fetch-site": "same-origin"},
        {"sec-fetch-site": "none"},
        {"sec-fetch-site": "cross-site", "origin": APP},
        {"sec-fetch-site": "cross-site", "content-type": "application/json"},
        {"sec-fetch-site": "cross-site", "content-type": "Application/JSON; charset=utf-8"},
        {"sec-fetch-site": "cross-site", "apollo-require-preflight": ""},
        {"sec-fetch-site": "cross-site", "graphql-require-preflight": "1"},
        {"sec-fetch-site": "cross-site", "x-apollo-operation-name": "Hello"},
    ],
    ids=str,
)
def test_a_get_that_shows_where_it_comes_from_is_answered(client: httpx.Client, headers: dict[str, str]) -> None:
    response = client.get("/graphql", params={"query": "{ hello }"}, headers=headers)
    assert (response.status_code, response.json()) == (200, {"data": {"hello": "world"}})


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""])
def test_a_simple_post_of_another_site_changes_nothing(client: httpx.Client, ledger: Ledger, content_type: str) -> None:
    headers = {"sec-fetch-site": "cross-site", "origin": OTHER, "content-type": content_type}
    response = client.post("/graphql", content=b'{"query": "mutation { add }"}', headers=headers)
    assert response.status_code == 415
    assert "access-control-allow-origin" not in response.headers
    assert (ledger.opened, ledger.added) == (0, 0)


def test_the_page_for_people_is_shown_wherever_the_link_was(client: httpx.Client, ledger: Ledger) -> None:
    headers = {"accept": "text/html", "sec-fetch-site": "cross-site", "referer": f"{OTHER}/docs"}
    response = client.get("/graphql", params={"query": "{ hello }"}, headers=headers)
    assert response.headers["content-type"].startswith("text/html")
    assert ledger.opened == 0


PREFLIGHT = {"access-control-request-method": "POST", "access-control-request-headers": "content-type,authorization"}


def test_a_listed_origin_may_ask_with_any_header_and_read_the_answer(client: httpx.Client, ledger: Ledger) -> None:
    preflight = client.options("/graphql", headers={"origin": APP, **PREFLIGHT})
    assert preflight.status_code == 200
    assert preflight.headers["access-control-allow-origin"] == APP
    assert preflight.headers["access-control-allow-credentials"] == "true"
    assert preflight.headers["access-control-allow-methods"] == "GET, POST"
    assert preflight.headers["access-control-allow-headers"] == "content-type,authorization"
    assert ledger.opened == 0
    response = client.post("/graphql", json={"query": "{ hello }"}, headers={"origin": APP})
    assert response.json() == {"data": {"hello": "world"}}
    assert response.headers["access-control-allow-origin"] == APP
    assert response.headers["access-control-allow-credentials"] == "true"
    assert response.headers["access-control-expose-headers"] == "x-request-id, retry-after"
    assert response.headers["vary"] == "Accept, Accept-Encoding, Origin"


@pytest.mark.parametrize("origin", [OTHER, "null", "http://app.example", f"{APP}:8443", "https://evil.app.example"])
def test_any_other_origin_passes_no_preflight_and_reads_nothing(client: httpx.Client, ledger: Ledger, origin: str) -> None:
    preflight = client.options("/graphql", headers={"origin": origin, **PREFLIGHT})
    assert preflight.status_code == 400
    assert "access-control-allow-origin" not in preflight.headers
    assert ledger.opened == 0
    response = client.post("/graphql", json={"query": "{ hello }"}, headers={"origin": origin})
    assert "access-control-allow-origin" not in response.headers
    assert response.headers["vary"] == "Accept, Accept-Encoding, Origin"


def test_the_application_lets_those_origins_ask_that_its_settings_list() -> None:
    settings = Settings(
        database_url="postgresql://nobody@127.0.0.1:1/nothing",
        data_directory=Path("unused"),
        host="127.0.0.1",
        port=0,
        organization_id=UUID(int=0),
        pool_size=1,
        origins=(APP,),
    )
    for address in serve(create_app(settings)):
        with httpx.Client(base_url=address, trust_env=False) as http:
            query = {"query": "{ __typename }"}
            allowed = http.get("/graphql", params=query, headers={"origin": APP, "sec-fetch-site": "cross-site"})
            refused = http.get("/graphql", params=query, headers={"origin": OTHER, "sec-fetch-site": "cross-site"})
    # Here it has come as far as being asked for a token, and its page may read that.
    assert (allowed.status_code, allowed.json()["errors"][0]["extensions"]["code"]) == (401, "UNAUTHENTICATED")
    assert allowed.headers["www-authenticate"] == "Bearer"
    assert allowed.headers["access-control-allow-origin"] == APP
    assert (refused.status_code, refused.json()["errors"][0]["extensions"]["code"]) == (403, "CROSS_SITE_REQUEST")
