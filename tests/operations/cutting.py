"""Stands between a server and its Postgres, and cuts a connection in the moment of its COMMIT."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import make_url

PORT = 5432
# A simple query and what completes it (PostgreSQL, "Message Formats").
# How tenancy.py ends a transaction.
COMMIT = b"commit; set holdco.organization_id = ''\x00"
COMMITTED = b"C\x00\x00\x00\x0bCOMMIT\x00"


@dataclass
class Wire:
    """`cut` is when: "before" Postgres hears the next COMMIT, "after" it has done it but before anybody is told."""

    url: str
    cut: str | None = None
    cuts: int = 0

    def __post_init__(self) -> None:
        url = make_url(self.url)
        self._host = str(url.query.get("host") or url.host)
        self._port = int(str(url.query.get("port") or url.port or PORT))

    def url_in(self, folder: Path) -> str:
        url = make_url(self.url).set(host=None, port=None, query={"host": str(folder), "port": str(PORT)})
        return url.render_as_string(hide_password=False)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._host.startswith("/"):
            there_reader, there_writer = await asyncio.open_unix_connection(f"{self._host}/.s.PGSQL.{self._port}")
        else:
            there_reader, there_writer = await asyncio.open_connection(self._host, self._port)
        answers = asyncio.create_task(self._pass_answers(there_reader, writer))
        try:
            await self._pass_questions(reader, there_writer, answers)
        finally:
            answers.cancel()
            await asyncio.wait([answers])
            for each in (writer, there_writer):
                each.close()
                with suppress(OSError):
                    await each.wait_closed()

    async def _pass_answers(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(1 << 16):
            if self.cut == "after" and COMMITTED in data:
                return
            writer.write(data)
        writer.close()

    async def _pass_questions(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, answers: asyncio.Task[None]
    ) -> None:
        while data := await reader.read(1 << 16):
            is_commit = self.cut is not None and COMMIT in data
            if is_commit and self.cut == "before":
                break
            writer.write(data)
            if is_commit:
                await answers
                break
        else:
            return
        self.cut = None
        self.cuts += 1


@asynccontextmanager
async def wired(url: str, folder: Path) -> AsyncIterator[tuple[Wire, str]]:
    """The wire, and the URL of the same database behind it."""
    wire = Wire(url)
    # The name of a socket has at most a hundred bytes or so, and a folder of pytest's may have more.
    server = await asyncio.start_unix_server(wire.serve, folder / f".s.PGSQL.{PORT}")
    try:
        yield wire, wire.url_in(folder)
    finally:
        server.close()
