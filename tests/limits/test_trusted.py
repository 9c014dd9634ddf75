"""Trusted documents are written by whoever runs the server: what one may hold is not bounded, what it may cost is."""

from __future__ import annotations

import json
from pathlib import Path
from uuid import UUID

from holdco.limits import Limits
from limits.conftest import Serving

SMALL = Limits(characters=120, tokens=40, fields=10, depth=3, aliases=2, directives=2, root_fields=3, repetitions=2, cost=100)
LARGE = "query Large { organization { " + " ".join(f"a{n}: id @include(if: true)" for n in range(30)) + " } }"
PAGED = "query Paged($first: Int) { customers(first: $first) { nodes { id parent { parent { parent { id } } } } } }"


async def test_a_trusted_document_may_be_larger_than_others_but_not_dearer(
    serving: Serving, organization: UUID, sent: list[str], tmp_path: Path
) -> None:
    (tmp_path / "documents.json").write_text(json.dumps({"large": LARGE, "paged": PAGED}))
    async with serving(organization, SMALL, trusted_documents=tmp_path) as server:
        by_name = (await server.http.post("/graphql", json={"documentId": "large"})).json()
        assert [*by_name["data"]["organization"]] == [f"a{n}" for n in range(30)]
        assert (await server.post(LARGE)).json() == by_name
        paged = {"documentId": "paged", "variables": {"first": 2}}
        assert (await server.http.post("/graphql", json=paged)).json() == {"data": {"customers": {"nodes": []}}}
        sent.clear()
        assert await server.code(LARGE.replace("Large", "Other")) == "DOCUMENT_TOO_LARGE"
        paged["variables"] = {"first": 50}
        (refused,) = (await server.http.post("/graphql", json=paged)).json()["errors"]
        assert refused["extensions"]["code"] == "COST_EXCEEDED"
        assert sent == []
