"""The page for people: what is served, under which policy, and what happens while its files are missing."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from graphql import OperationDefinitionNode, parse
from starlette.applications import Starlette
from starlette.routing import Route

from endpoint.misbehaving_server import make_endpoint, serve
from holdco.endpoint.graphiql import Example, GraphiQL, read_examples

BROWSER = {"accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}
EXAMPLE = Example("tricky", "{ hello } # </script><!-- <script>", '{"a": 1}')
SCRIPT = "console.log('GraphiQL')"


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    """A stand-in for the files that `scripts/graphiql` fetches."""
    folder = tmp_path / "bundle"
    folder.mkdir()
    for name in ("graphiql.css", "graphiql.js", "editor.worker.js", "graphql.worker.js", "json.worker.js"):
        (folder / f"{name}.gz").write_bytes(gzip.compress(SCRIPT.encode()))
    (folder / "integrity").write_text("sha512-of-the-tarball")
    return folder


@pytest.fixture
def browser(bundle: Path) -> Iterator[httpx.Client]:
    graphiql = GraphiQL(bundle=bundle, examples=[EXAMPLE])
    application = Starlette(routes=[Route("/graphql", make_endpoint(graphiql)), graphiql.route()])
    for address in serve(application):
        with httpx.Client(base_url=address, trust_env=False, headers=BROWSER) as client:
            yield client


def settings(page: httpx.Response) -> dict[str, object]:
    (text,) = re.findall(r'<script id="settings" type="application/json">(.*?)</script>', page.text, re.DOTALL)
    read: dict[str, object] = json.loads(text)
    return read


def assets(page: httpx.Response) -> list[str]:
    return re.findall(r'(?:src|href)="(/[^"]*)"', page.text)


def test_a_browser_gets_the_page_with_the_examples_as_tabs(browser: httpx.Client) -> None:
    page = browser.get("/graphql")
    assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert page.headers["vary"] == "Accept"
    found = settings(page)
    assert found["endpoint"] == "/graphql"
    assert found["tabs"] == [{"name": "tricky", "query": EXAMPLE.query, "variables": '{"a": 1}'}]


OPENED = {"sec-fetch-mode": "navigate", "sec-fetch-dest": "document"}


def test_the_page_has_a_token_only_where_a_browser_on_this_machine_opens_it(bundle: Path) -> None:
    graphiql = GraphiQL(bundle=bundle, examples=[EXAMPLE], token="holdco_at_secret")
    application = Starlette(routes=[Route("/graphql", make_endpoint(graphiql))])
    for address in serve(application):
        port = address.rpartition(":")[2]
        with httpx.Client(base_url=address, trust_env=False, headers=BROWSER) as browser:
            for host in (f"127.0.0.1:{port}", f"localhost:{port}", f"[::1]:{port}"):
                assert settings(browser.get("/graphql", headers={**OPENED, "host": host}))["token"] == "holdco_at_secret"
            for told in (
                {},
                # A name of another site that leads to this machine.
                {**OPENED, "host": "evil.example"},
                {**OPENED, "host": "127.0.0.1.evil.example"},
                # A script that fetches, and a frame.
                {**OPENED, "sec-fetch-mode": "cors", "sec-fetch-dest": "empty"},
                {**OPENED, "sec-fetch-mode": "no-cors"},
                {**OPENED, "sec-fetch-dest": "iframe"},
            ):
                assert "holdco_at_secret" not in browser.get("/graphql", headers=told).text


def test_without_a_token_of_its_own_the_page_has_none(browser: httpx.Client) -> None:
    assert "token" not in settings(browser.get("/graphql", headers=OPENED))


def test_a_browser_that_follows_a_link_with_a_query_gets_the_page(browser: httpx.Client) -> None:
    assert "Holdco GraphiQL" in browser.get("/graphql", params={"query": "{ hello }"}).text


def test_a_program_gets_json_from_the_same_address(browser: httpx.Client) -> None:
    response = browser.get("/graphql", params={"query": "{ hello }"}, headers={"accept": "*/*"})
    assert response.json() == {"data": {"hello": "world"}}
    assert browser.post("/graphql", json={"query": "{ hello }"}).json() == {"data": {"hello": "world"}}


def test_the_page_may_load_nothing_from_another_host(browser: httpx.Client) -> None:
    page = browser.get("/graphql")
    policy = dict(rule.split(" ", 1) for rule in page.headers["content-security-policy"].split("; "))
    assert policy == {
        "default-src": "'none'",
        "script-src": "'self'",
        "worker-src": "'self'",
        "connect-src": "'self'",
        "style-src": "'self' 'unsafe-inline'",
        "font-src": "data:",
        "img-src": "'self' data:",
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": "'none'",
    }
    assert "//" not in "".join(assets(page))
    assert not re.search(r"https?://", page.text)


def test_every_file_of_the_page_is_served_for_good(browser: httpx.Client) -> None:
    page = browser.get("/graphql")
    workers = [f"{settings(page)['assets']}/{name}.worker.js" for name in ("editor", "graphql", "json")]
    assert len(assets(page)) == 4
    for path in assets(page) + workers:
        response = browser.get(path)
        assert response.status_code == 200, path
        assert response.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert response.headers["x-content-type-options"] == "nosniff"
        assert response.headers["content-type"] == (
            "text/css; charset=utf-8" if path.endswith(".css") else "text/javascript; charset=utf-8"
        )
        unchanged = browser.get(path, headers={"if-none-match": response.headers["etag"]})
        assert (unchanged.status_code, unchanged.content) == (304, b"")


def test_the_files_are_sent_gzipped_to_whoever_takes_that(browser: httpx.Client) -> None:
    path = f"{settings(browser.get('/graphql'))['assets']}/graphiql.js"
    small = browser.get(path, headers={"accept-encoding": "gzip"})
    plain = browser.get(path, headers={"accept-encoding": "identity"})
    assert small.headers["content-encoding"] == "gzip"
    assert "content-encoding" not in plain.headers
    assert small.text == plain.text == SCRIPT


def test_another_bundle_has_other_addresses(browser: httpx.Client, bundle: Path) -> None:
    before = settings(browser.get("/graphql"))["assets"]
    (bundle / "integrity").write_text("sha512-of-the-next-tarball")
    after = settings(browser.get("/graphql"))["assets"]
    assert before != after
    assert browser.get(f"{before}/graphiql.js").status_code == 404
    assert browser.get(f"{after}/graphiql.js").status_code == 200


@pytest.mark.parametrize("name", ["integrity", "LICENSE", "index.html", "..%2Fintegrity", "..%2F..%2Fview.py", "graphiql.js.gz"])
def test_nothing_else_is_served_from_there(browser: httpx.Client, name: str) -> None:
    assert browser.get(f"{settings(browser.get('/graphql'))['assets']}/{name}").status_code == 404


def test_without_its_files_the_page_says_how_to_get_them_and_the_api_works(browser: httpx.Client, bundle: Path) -> None:
    address = f"{settings(browser.get('/graphql'))['assets']}/graphiql.js"
    (bundle / "integrity").unlink()
    page = browser.get("/graphql")
    assert (page.status_code, page.headers["content-type"]) == (503, "text/html; charset=utf-8")
    assert "scripts/graphiql" in page.text
    assert browser.get(address).status_code == 404
    assert browser.post("/graphql", json={"query": "{ hello }"}).json() == {"data": {"hello": "world"}}


def test_each_example_is_a_document_with_variables_that_it_declares() -> None:
    examples = read_examples()
    assert [example.name for example in examples] == [
        "1-tree-with-balances",
        "2-who-owes-what",
        "3-preview-a-payment",
        "4-record-and-apply",
        "5-who-paid-this-invoice",
        "6-customer-page",
        "7-terms-of-a-reseller",
    ]
    for example in examples:
        operations = [item for item in parse(example.query).definitions if isinstance(item, OperationDefinitionNode)]
        declared = {variable.variable.name.value for item in operations for variable in item.variable_definitions or ()}
        assert set(json.loads(example.variables or "{}")) == declared
        assert all(operation.name for operation in operations)


def test_the_comments_of_an_example_fit_into_the_editor() -> None:
    for example in read_examples():
        assert max(len(line) for line in example.query.splitlines() if line.startswith("#")) <= 56
