"""Traces as they arrive at a collector, over HTTP, from `holdco serve`."""

from __future__ import annotations

import asyncio
import gzip
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from operations.serving import serve
from stories import Story

CALLER = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@contextmanager
def collector() -> Iterator[tuple[str, list[Any]]]:
    """The address of one that keeps all spans, and the spans."""
    spans: list[Any] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            exported = ExportTraceServiceRequest()
            exported.ParseFromString(gzip.decompress(body) if self.headers.get("content-encoding") == "gzip" else body)
            spans.extend(span for one in exported.resource_spans for scope in one.scope_spans for span in scope.spans)
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", spans
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


async def test_an_operation_and_its_statements_are_spans_below_the_callers(story: Story, database_url: str) -> None:
    await story.invoice(await story.customer("Aldgate Networks", number="secret-number"), "100.00")
    document = "query Owes($n: String!) { customers(filter: {number: {eq: $n}}) { nodes { invoices { nodes { number } } } } }"
    with (
        collector() as (address, spans),
        serve(database_url, story.organization_id, HOLDCO_TRACES="on", OTEL_EXPORTER_OTLP_ENDPOINT=address) as process,
    ):
        async with process.client() as http:
            answer = await http.post(
                "/graphql", json={"query": document, "variables": {"n": "secret-number"}}, headers={"traceparent": CALLER}
            )
            assert len(answer.json()["data"]["customers"]["nodes"][0]["invoices"]["nodes"]) == 1
        process.stop()
        assert await asyncio.to_thread(process.end) == (0, "")
    operations = [span for span in spans if span.name == "query"]
    (operation,) = operations
    assert (operation.trace_id.hex(), operation.parent_span_id.hex()) == (CALLER.split("-")[1], CALLER.split("-")[2])
    attributes = {each.key: each.value.string_value for each in operation.attributes}
    assert (attributes["graphql.operation.type"], attributes["graphql.operation.name"]) == ("query", "Owes")
    statements = [span for span in spans if span.parent_span_id == operation.span_id]
    # And the look at the token, before there is an operation.
    assert len(spans) == 4
    assert len(statements) == 2
    assert all("secret-number" not in str(span) for span in spans)


def test_opentelemetry_is_not_imported_unless_it_is_wanted() -> None:
    source = "import sys, holdco.app; sys.exit(any(name.startswith('opentelemetry') for name in sys.modules))"
    assert subprocess.run([sys.executable, "-c", source], check=False).returncode == 0
