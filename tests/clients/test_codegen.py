"""graphql-codegen makes types of the schema, and TypeScript finds what does not fit them."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from clients.packages import HERE, MODULES, ask, change, run
from holdco.schema import schema

SCHEMA = HERE.parent.parent / "schema.graphql"
TSC = MODULES / "typescript" / "bin" / "tsc"
INVOICES = """
query CustomerInvoices($id: ID!) {
  customer(by: {id: $id}) { name invoices { nodes { number balance currency dueDate } } }
}
"""
CREATE = """
mutation CustomerCreate($input: CustomerCreateInput!) {
  customerCreate(input: $input) { customer { id } userErrors { code message field } }
}
"""
SCALARS = {"Decimal": "string", "Date": "string", "DateTime": "string", "CurrencyCode": "string", "JSON": "unknown"}


@pytest.fixture
async def screen(tmp_path: Path) -> Path:
    """A copy of the folder `typed`, with the types that its screen imports."""
    folder = tmp_path / "typed"
    shutil.copytree(HERE / "typed", folder)
    (tmp_path / "node_modules").symlink_to(MODULES)
    made = await ask(
        "codegen.mjs", schema=str(SCHEMA), documents=[INVOICES, CREATE], into=f"{folder}/generated/", scalars=SCALARS
    )
    assert set(made) >= {"graphql.ts", "gql.ts", "index.ts"}
    return folder / "screen.ts"


def test_types_are_told_for_each_scalar_of_our_own() -> None:
    ours = re.findall(r"^scalar (\w+)", schema.as_str(), re.MULTILINE)
    assert sorted(ours) == sorted(SCALARS)


async def test_the_types_that_graphql_codegen_makes_of_our_schema_check(screen: Path) -> None:
    assert await run(TSC, "--project", screen.parent) == ""


@pytest.mark.parametrize(
    ("right", "wrong", "complaint"),
    [
        ('{ id: "cus_1" }', '{ id: "cus_1", nickname: "L" }', "'nickname' does not exist in type"),
        ('{ name: "Lisbon" }', "{ }", "Property 'name' is missing"),
        ("invoice.balance", "invoice.saldo", "Property 'saldo' does not exist"),
        ("balance} ${invoice.currency}`", "balance}` as number", "Conversion of type 'string' to type 'number'"),
    ],
)
async def test_they_find_what_is_wrong_in_a_screen(screen: Path, right: str, wrong: str, complaint: str) -> None:
    change(screen, right, wrong)
    with pytest.raises(AssertionError, match=re.escape(complaint)):
        await run(TSC, "--project", screen.parent)
