"""A page whose name was pointed here after it was loaded gets nothing; whoever asks by a name of ours gets everything."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from uuid import UUID

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from holdco.errors import SettingsError
from holdco.settings import Settings
from operations.serving import Server, served, settings_of
from tokens import bearer, token_of

REFUSED = {
    "errors": [
        {
            "message": "This server is not known by the name in the Host header: HOLDCO_HOSTS has those that it has.",
            "extensions": {"code": "HOST_NOT_SERVED"},
        }
    ]
}
NAMES = "evil.example evil.example:8000 localhost.evil.example 127.0.0.1.evil.example evillocalhost 127.1 [evil.example] [::1 a:b"
REBOUND = [*NAMES.split(), "a" * 300, ""]
OURS = [
    "localhost",
    "LOCALHOST:8000",
    "app.localhost",
    "localhost.",
    "127.0.0.1",
    "127.0.0.1:80",
    "[::1]",
    "[::1]:80",
    "10.1.2.3",
]


async def status(server: Server, host: str, path: str = "/healthz") -> int:
    return (await server.http.get(path, headers={"host": host})).status_code


async def test_by_default_addresses_and_localhost_are_answered_and_no_other_name_is(
    database_url: str, organization_id: UUID
) -> None:
    async with served(settings_of(database_url, organization_id)) as server:
        assert [await status(server, host) for host in OURS] == [200] * len(OURS)
        assert [await status(server, host) for host in REBOUND] == [421] * len(REBOUND)
        before = await server.metric("holdco_operation_statements_count", type="query")
        for path in ("/graphql", "/", "/readyz", "/metrics", "/nowhere"):
            assert await status(server, "evil.example", path) == 421
        response = await server.http.post(
            "/graphql", json={"query": "{ organization { currency } }"}, headers={"host": "evil.example"}
        )
        assert (response.status_code, response.json()) == (421, REFUSED)
        assert "access-control-allow-origin" not in response.headers
        assert await server.metric("holdco_operation_statements_count", type="query") == before
        assert await server.metric("holdco_requests_refused_total", code="HOST_NOT_SERVED") >= 5


async def test_a_second_host_is_no_way_round(database_url: str, organization_id: UUID) -> None:
    async with served(settings_of(database_url, organization_id)) as server:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(b"GET /healthz HTTP/1.1\r\nhost: localhost\r\nhost: evil.example\r\nconnection: close\r\n\r\n")
        assert (await reader.read()).startswith(b"HTTP/1.1 421 ")
        writer.close()


async def test_a_probe_without_a_host_is_answered(database_url: str, organization_id: UUID) -> None:
    async with served(settings_of(database_url, organization_id)) as server:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(b"GET /healthz HTTP/1.0\r\n\r\n")
        assert (await reader.read()).startswith(b"HTTP/1.1 200 ")
        writer.close()


async def test_a_websocket_of_a_rebound_page_is_refused(database_url: str, organization_id: UUID) -> None:
    async with served(settings_of(database_url, organization_id)) as server:
        at = {"host": "127.0.0.1", "port": server.port, "proxy": None, "subprotocols": ["graphql-transport-ws"]}
        with pytest.raises(InvalidStatus) as refused:
            await connect(f"ws://evil.example:{server.port}/graphql", origin=f"http://evil.example:{server.port}", **at)  # type: ignore[arg-type]
        assert refused.value.response.status_code == 403
        async with connect(f"ws://localhost:{server.port}/graphql", origin=f"http://localhost:{server.port}", **at) as socket:  # type: ignore[arg-type]
            await socket.send(json.dumps({"type": "connection_init", "payload": bearer(token_of(organization_id))}))
            assert await socket.recv() == '{"type":"connection_ack"}'


async def test_names_that_are_listed_are_answered_too(database_url: str, organization_id: UUID) -> None:
    async with served(settings_of(database_url, organization_id, hosts=("api.example", "*.shop.example"))) as server:
        listed = [
            "api.example",
            "API.example:443",
            "api.example.",
            "eu.shop.example",
            "a.b.shop.example",
            "127.0.0.1",
            "localhost",
        ]
        assert [await status(server, host) for host in listed] == [200] * len(listed)
        others = ["example", "shop.example", "evilshop.example", "api.example.evil.example"]
        assert [await status(server, host) for host in others] == [421] * len(others)


@pytest.mark.parametrize(("bound_to", "hosts"), [("127.0.0.1", ("*",)), ("0.0.0.0", ()), ("::", ()), ("api.example", ())])
async def test_every_name_is_answered_where_that_is_said_or_others_are_let_in(
    database_url: str, organization_id: UUID, bound_to: str, hosts: tuple[str, ...]
) -> None:
    settings = Settings(database_url, Path("unused"), bound_to, 0, organization_id, 4, hosts=hosts)
    async with served(settings) as server:
        assert await status(server, "anything.example") == 200


def test_hosts_are_names() -> None:
    assert Settings.from_environment({}).hosts == ()
    assert Settings.from_environment({"HOLDCO_HOSTS": " API.example, *.shop.example ,,"}).hosts == (
        "api.example",
        "*.shop.example",
    )
    for wrong in ("api.example:443", "https://api.example", "*api.example", "a..b", "a b", "**", "*."):
        with pytest.raises(SettingsError, match=r"^HOLDCO_HOSTS must be names"):
            Settings.from_environment({"HOLDCO_HOSTS": wrong})
