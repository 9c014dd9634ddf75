"""The audits of graphql-http, which hold a server against GraphQL over HTTP."""

from __future__ import annotations

from clients.packages import ask

AUDITS = 61


async def test_all_audits_of_graphql_http_pass_without_a_warning(url: str) -> None:
    """GraphQL over HTTP, as graphql-http reads the specification: MUST gives an error, SHOULD a warning, MAY a notice."""
    audits = await ask("audits.mjs", url=url)
    assert len({audit["id"] for audit in audits}) == AUDITS
    assert [(audit["id"], audit["name"], audit["reason"]) for audit in audits if audit["status"] != "ok"] == []
