"""Manifests: what is wrong with one is told when the process starts, and what is right is planned by then."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from endpoint.misbehaving_server import make_endpoint
from holdco.context import Context
from holdco.endpoint.documents import Documents
from holdco.endpoint.trusted import load_trusted
from holdco.errors import SettingsError
from holdco.execution.execute import Plans
from holdco.schema import schema

APOLLO = "apollo-persisted-query-manifest"


def refusal(folder: Path) -> str:
    with pytest.raises(SettingsError) as refused:
        make_endpoint(trusted_documents=folder)
    return str(refused.value)


def test_every_document_that_is_not_valid_is_told_with_its_file_and_the_reason(tmp_path: Path) -> None:
    first, second = tmp_path / "first.json", tmp_path / "second.json"
    first.write_text(json.dumps({"aa": "{ hello }", "bb": "{ missing other }", "cc": "{ hello"}))
    second.write_text(json.dumps({"format": APOLLO, "version": 1, "operations": [{"id": "aa", "body": "{ requestId }"}]}))
    assert refusal(tmp_path).splitlines() == [
        "HOLDCO_TRUSTED_DOCUMENTS: 3 of the trusted documents cannot be served.",
        f"{first}: document 'bb': Cannot query field 'missing' on type 'Query'. Cannot query field 'other' on type 'Query'.",
        f"{first}: document 'cc': Syntax Error: Expected Name, found <EOF>.",
        f"{second}: document 'aa': this id stands for another text already.",
    ]


@pytest.mark.parametrize(
    "manifest",
    [
        [],
        "text",
        None,
        {"aa": 1},
        {"aa": ""},
        {"": "{ hello }"},
        {"format": "another", "version": 1, "operations": []},
        {"format": APOLLO, "version": 2, "operations": []},
        {"format": APOLLO, "version": 1},
        {"format": APOLLO, "version": 1, "operations": [1]},
        {"format": APOLLO, "version": 1, "operations": [{"id": "aa"}]},
    ],
    ids=json.dumps,
)
def test_a_file_that_is_no_manifest_is_named(tmp_path: Path, manifest: Any) -> None:
    (tmp_path / "documents.json").write_text(json.dumps(manifest))
    assert refusal(tmp_path).startswith(f"HOLDCO_TRUSTED_DOCUMENTS: {tmp_path}/documents.json is no manifest. ")


@pytest.mark.parametrize("content", [b"", b"{", b'{"aa": "\xff"}'])
def test_a_file_that_is_no_json_is_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "documents.json").write_bytes(content)
    assert refusal(tmp_path).startswith(f"HOLDCO_TRUSTED_DOCUMENTS: {tmp_path}/documents.json cannot be read: ")


def test_a_folder_without_manifests_is_told(tmp_path: Path) -> None:
    (tmp_path / "readme.txt").write_text("nothing here")
    assert refusal(tmp_path) == f"HOLDCO_TRUSTED_DOCUMENTS must be a folder with manifests (*.json), and {tmp_path} has none."


def test_the_same_document_in_two_manifests_is_one(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / f"{name}.json").write_text(json.dumps({"aa": "{ __typename }", name: "{ __typename }"}))
    trusted = load_trusted(tmp_path, schema, Documents(schema), is_planning=True)
    assert list(trusted.documents) == ["{ __typename }"]
    assert {len(name) for name in trusted.texts} == {1, 2, 64}


def test_mutations_and_subscriptions_are_looked_at_as_well(tmp_path: Path) -> None:
    documents = {
        "m": "mutation M { customerCreate(input: {nam: 1}) { customer { id } } }",
        "s": "subscription S { customerChangd(customerId: 1) { id } }",
        "fine": "subscription F($id: ID!) { customerChanged(customerId: $id) { refetch } }",
    }
    (tmp_path / "documents.json").write_text(json.dumps(documents))
    with pytest.raises(SettingsError) as refused:
        load_trusted(tmp_path, schema, Documents(schema), is_planning=True)
    first, *others = str(refused.value).splitlines()
    assert first == "HOLDCO_TRUSTED_DOCUMENTS: 2 of the trusted documents cannot be served."
    assert [each.partition(": document ")[2].partition(":")[0] for each in others] == ["'m'", "'s'"]


async def test_a_query_is_planned_before_it_is_asked_for(
    tmp_path: Path, context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = """
        query Named($by: CustomerBy!, $short: Boolean!, $also: Boolean = true) {
          customer(by: $by) { name id @skip(if: $short) version @include(if: $also) }
        }
    """
    (tmp_path / "documents.json").write_text(json.dumps({"aa": text}))
    trusted = load_trusted(tmp_path, schema, Documents(schema), is_planning=True)
    (plans,) = trusted.documents[text].plans.values()
    made: list[Any] = []
    monkeypatch.setattr(Plans, "_planned", lambda *given: made.append(given))
    for short, also in product((False, True), repeat=2):
        variables = {"by": {"number": "none"}, "short": short, "also": also}
        assert await plans.data(schema, context, variables) == {"customer": None}
        await context.renew()
    assert await plans.data(schema, context, {"by": {"number": "none"}, "short": True}) == {"customer": None}
    assert made == []


@pytest.mark.parametrize("workers", [1, 2])
async def test_the_server_does_not_start_with_a_document_that_is_not_valid(
    tmp_path: Path, database_url: str, workers: int
) -> None:
    (tmp_path / "documents.json").write_text(json.dumps({"aa": "{ missing }"}))
    serving = await asyncio.create_subprocess_exec(
        Path(sys.executable).with_name("holdco"),
        "serve",
        f"--workers={workers}",
        env={**os.environ, "DATABASE_URL": database_url, "HOLDCO_TRUSTED_DOCUMENTS": str(tmp_path)},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    _, told = await serving.communicate()
    assert serving.returncode == 1
    assert told.decode().splitlines() == [
        "holdco: HOLDCO_TRUSTED_DOCUMENTS: 1 of the trusted documents cannot be served.",
        f"{tmp_path}/documents.json: document 'aa': Cannot query field 'missing' on type 'Query'.",
    ]
