"""The `holdco` command."""

from __future__ import annotations

import asyncio
import socket
import sys
from enum import StrEnum
from functools import partial
from typing import Annotated

import typer

from holdco import cli_files, cli_tokens, running
from holdco.errors import HoldcoError
from holdco.settings import Settings

app = typer.Typer(
    help="A GraphQL backend for business customers in hierarchies, their invoices, and payments applied across them.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.add_typer(cli_files.import_app, name="import")
app.add_typer(cli_files.export_app, name="export")
app.add_typer(cli_tokens.app, name="token")


class Scale(StrEnum):
    DEMO = "demo"
    BENCH = "bench"


@app.command()
def dev() -> None:
    """Starts everything: a database, the demo company, the server and GraphiQL. Ctrl-C stops all of it."""
    from holdco.app import create_serving_app  # noqa: PLC0415 (other commands start without it)
    from holdco.seeding import demo  # noqa: PLC0415

    settings = Settings.from_environment()
    running.check_host(settings.host)
    _check_port(settings)
    typer.echo(f"Starting Postgres in {settings.data_directory} …" if settings.database_url is None else "Using DATABASE_URL.")
    with running.database(settings) as settings_with_database:
        asyncio.run(running.prepare(settings_with_database))
        asyncio.run(running.check_role(settings_with_database))
        asyncio.run(demo.load_once(settings_with_database))
        tokens = asyncio.run(running.dev_tokens(settings_with_database, customer=demo.HEAD_OFFICE))
        address = f"http://{_shown(settings.host)}:{settings.port}/graphql"
        typer.echo(f"""
Holdco serves GraphQL at   {address}
Open it in a browser for   GraphiQL, with tabs that tell the story of Aldgate Networks.
Or ask from a shell:

  curl -s {address} -H 'content-type: application/json' \\
    -H 'authorization: Bearer {tokens.staff}' \\
    -d '{{"query":"{{ customer(by: {{number: \\"ALD-HQ\\"}}) {{ name consolidatedReceivables {{ currency outstanding }} }} }}"}}'

Everybody who asks shows a token, Authorization: Bearer …
  of an administrator, with which GraphiQL starts:
    {tokens.staff}
  of the client user "Head office" of {demo.HEAD_OFFICE}:
    {tokens.client_user or "none: there is no such customer here"}
They are kept in {settings.data_directory}, for you alone to read. `holdco token --help` makes others.

Only this machine can connect. Ctrl-C stops the server and its database.
""")
        # No setting leads here: a token is in the page of `holdco dev` alone.
        running.serve(settings_with_database, application=partial(create_serving_app, graphiql_token=tokens.staff))


@app.command()
def serve(workers: Annotated[int, typer.Option(min=1, help="Processes that share the port.")] = 1) -> None:
    """Serves GraphQL on a database that `holdco migrate` has prepared."""
    from holdco.app import check_documents  # noqa: PLC0415 (other commands start without it)

    settings = Settings.from_environment()
    running.check_host(settings.host)
    with running.database(settings) as settings_with_database:
        asyncio.run(running.check_schema(settings_with_database))
        asyncio.run(running.check_role(settings_with_database))
        # Told once, here, and not by each worker again and again.
        check_documents(settings_with_database)
        asyncio.run(running.check_organization(settings_with_database))
        address = f"http://{_shown(settings.host)}:{settings.port}/graphql"
        typer.echo(f"Serving {address} with {workers} worker(s); only this machine can connect.")
        running.serve(settings_with_database, workers=workers)


@app.command()
def migrate() -> None:
    """Brings the database to the newest schema and makes the organization. Running it again changes nothing."""
    with running.database(Settings.from_environment()) as settings:
        before, after = asyncio.run(running.prepare(settings))
    typer.echo(f"The schema is at {after}, as it was." if before == after else f"The schema went from {before} to {after}.")


@app.command()
def seed(
    scale: Annotated[Scale, typer.Option(help="The demo company, or the rows that benches measure on.")] = Scale.DEMO,
) -> None:
    """Fills an empty organization. Running it again changes nothing."""
    from holdco.seeding import bench, demo  # noqa: PLC0415 (other commands start without it)

    with running.database(Settings.from_environment()) as settings:
        asyncio.run(running.prepare(settings))
        if scale is Scale.DEMO:
            is_loaded = asyncio.run(demo.load_once(settings))
        else:
            with typer.progressbar(length=bench.Shape().count_rows(), label="Loading") as bar:
                is_loaded = asyncio.run(bench.load_once(settings, progress=bar.update))
    typer.echo(f"The {scale.value} data is loaded." if is_loaded else "There are customers already. Nothing was loaded.")


@app.command()
def verify() -> None:
    """Computes balances, totals and the hierarchy again, and ends with status 1 and the rows that do not agree, if any."""
    from holdco.verification import service  # noqa: PLC0415 (other commands start without it)

    async def report_on(settings: Settings) -> service.Report:
        await running.check_schema(settings)
        async with running.engine_of(settings) as engine:
            return await service.verify(engine, settings.organization_id)

    with running.database(Settings.from_environment()) as settings:
        report = asyncio.run(report_on(settings))
    for problem in report.problems:
        typer.echo(f"{problem.check.name}: {problem.figure_count:,} wrong. {problem.check.claim}")
        for finding in problem.findings:
            typer.echo(f"  {finding.id}  {finding.figure}: {finding.found}, expected {finding.expected}")
        if problem.figure_count > len(problem.findings):
            typer.echo(f"  … and {problem.figure_count - len(problem.findings):,} more")
    counted = ", ".join(f"{count:,} {noun}{'' if count == 1 else 's'}" for noun, count in report.counts.items())
    if not report.is_clean:
        typer.echo(f"{len(report.problems)} of {len(service.CHECKS)} checks failed on {counted}.", err=True)
        raise typer.Exit(1)
    typer.echo(f"Everything adds up: {counted}; {len(service.CHECKS)} checks.")


@app.command()
def schema() -> None:
    """Prints the GraphQL schema."""
    from holdco.schema import schema as graph  # noqa: PLC0415 (building it takes a moment)

    typer.echo(graph.as_str())


def _check_port(settings: Settings) -> None:
    """A taken port is told before a database is started for nothing."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, settings.port))
        except OSError:
            typer.echo(
                f"{settings.host}:{settings.port} is in use. Stop what runs there, or choose another: HOLDCO_PORT=8001.", err=True
            )
            raise typer.Exit(1) from None


def _shown(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def main() -> None:
    """What was refused for a reason that a person can mend is told in a sentence; anything else is a defect, with its trace."""
    try:
        app()
    except HoldcoError as problem:
        typer.echo(f"holdco: {problem}", err=True)
        sys.exit(1)
