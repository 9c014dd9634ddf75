"""OpenTelemetry traces: a span for each operation and one for each SQL statement in it, none for fields.

The packages are an extra, `holdco[opentelemetry]`, and are imported only when tracing is on. Where spans go is said by
OpenTelemetry's own variables (OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_SERVICE_NAME, OTEL_TRACES_SAMPLER …). Names of spans and
attributes are those of its semantic conventions for GraphQL servers and for PostgreSQL.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from holdco.errors import SettingsError

_NOTHING: AbstractContextManager[Any] = nullcontext()


class Tracing:
    """Makes spans. One for the process, once it is on."""

    def __init__(self) -> None:
        try:
            from opentelemetry import propagate, trace  # noqa: PLC0415 (an extra)
            from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415
            from opentelemetry.sdk.resources import OTELResourceDetector, Resource  # noqa: PLC0415
            from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
            from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415
        except ImportError as missing:
            raise SettingsError(
                "HOLDCO_TRACES is on, but OpenTelemetry is not installed: pip install 'holdco[opentelemetry]'."
            ) from missing
        named = Resource({"service.name": "holdco"}).merge(OTELResourceDetector().detect())
        self.provider = TracerProvider(resource=named)
        self.provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
        self.tracer = self.provider.get_tracer("holdco")
        self.extract = propagate.extract
        self.server, self.client = trace.SpanKind.SERVER, trace.SpanKind.CLIENT

    def operation(
        self, kind: str, name: str | None, document_hash: str, headers: Mapping[str, str]
    ) -> AbstractContextManager[Any]:
        """The span of an operation, below the caller's own when the request names it (W3C Trace Context, `traceparent`)."""
        attributes = {"graphql.operation.type": kind, "holdco.document.hash": document_hash}
        if name is not None:
            attributes["graphql.operation.name"] = name
        return self.tracer.start_as_current_span(
            kind, context=self.extract(headers), kind=self.server, attributes=attributes, record_exception=False
        )

    def statement(self, text: str) -> AbstractContextManager[Any]:
        """The span of a statement. Its values are parameters, so the text has none."""
        return self.tracer.start_as_current_span(
            text.split(None, 1)[0].upper(),
            kind=self.client,
            attributes={"db.system.name": "postgresql", "db.query.text": text},
            record_exception=False,
        )


_tracing: Tracing | None = None


def start() -> None:
    """Raises SettingsError when the extra is not installed."""
    global _tracing  # noqa: PLW0603 (there is one for the process, as there is one log)
    _tracing = _tracing or Tracing()


def stop() -> None:
    """Sends what has not been sent yet."""
    global _tracing  # noqa: PLW0603 (as above)
    if _tracing is not None:
        _tracing.provider.shutdown()
        _tracing = None


def statement(text: object) -> AbstractContextManager[Any]:
    return _NOTHING if _tracing is None else _tracing.statement(str(text))


def operation(kind: str, name: str | None, document_hash: str, headers: Mapping[str, str]) -> AbstractContextManager[Any]:
    assert _tracing is not None
    return _tracing.operation(kind, name, document_hash, headers)


def is_on() -> bool:
    return _tracing is not None
