"""One operation under way: admitted, supervised, measured. What happens in it is none of this file's business."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any

from graphql import ExecutionResult
from starlette.requests import Request
from starlette.types import Receive

from holdco.context import Context
from holdco.endpoint.admission import Admission
from holdco.endpoint.errors import ErrorCode, RequestError, code_of, outage_in
from holdco.endpoint.supervision import Abandoned, Overdue, supervised
from holdco.errors import Outage
from holdco.monitoring import tracing
from holdco.monitoring.operations import SUCCESS, Journal, Measured

ABANDONED = "ABANDONED"
RETRY_AFTER_SECONDS = 5


@dataclass(slots=True)
class Running:
    """`context` is None until there is one."""

    kind: str
    context: Any = None
    outcome: str = SUCCESS

    @property
    def statement_count(self) -> int:
        return self.context.statement_count if isinstance(self.context, Context) else 0

    def stop(self) -> None:
        if isinstance(self.context, Context):
            self.context.stop()


Execution = Callable[[Running], Coroutine[Any, Any, ExecutionResult]]


@dataclass(frozen=True, slots=True)
class Operations:
    """What holds for all operations of a process.

    `seconds` is how long one may take. `mutations` are those under way that do not end with their transport.
    """

    admission: Admission = field(default_factory=Admission)
    seconds: float = 30
    journal: Journal = field(default_factory=Journal)
    mutations: set[asyncio.Task[ExecutionResult]] = field(default_factory=set)

    async def run(
        self, execution: Execution, measured: Measured, request: Request, *, is_watched: bool = True
    ) -> ExecutionResult:
        """Executes it. RequestError, in this order: THROTTLED; EXECUTION_TIMEOUT; the codes of outages.

        A query whose client goes away is ended, and Abandoned raised, unless the transport sees to that itself and cancels the
        task (`is_watched`). A mutation goes on: going away is not taking back. Only time ends a mutation, and then it is
        undone, unless it was being committed.
        """
        if not is_watched and measured.kind == "mutation":
            task = asyncio.ensure_future(self.run(execution, measured, request))
            self.mutations.add(task)
            task.add_done_callback(self.mutations.discard)
            return await asyncio.shield(task)
        receive = request.receive if is_watched and measured.kind == "query" else None
        await self.admission.enter()
        running = Running(measured.kind)
        started = perf_counter()
        try:
            if tracing.is_on():
                with tracing.operation(measured.kind, measured.name, measured.document_hash, request.headers):
                    return await self._run(execution, running, receive)
            return await self._run(execution, running, receive)
        finally:
            self.admission.leave()
            self.journal.note(measured, perf_counter() - started, running.statement_count, running.outcome)

    async def settle(self, *, seconds: float) -> None:
        """Returns when the mutations have ended whose clients have gone away; those that take longer are undone."""
        if self.mutations:
            _, late = await asyncio.wait(self.mutations, timeout=seconds)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    async def _run(self, execution: Execution, running: Running, receive: Receive | None) -> ExecutionResult:
        try:
            result = await supervised(execution(running), seconds=self.seconds, receive=receive)
        except Overdue:
            running.stop()
            running.outcome = ErrorCode.EXECUTION_TIMEOUT.name
            raise RequestError(ErrorCode.EXECUTION_TIMEOUT, _overdue(self.seconds, running)) from None
        except Abandoned:
            running.stop()
            running.outcome = ABANDONED
            raise
        except Outage as outage:
            running.outcome = str(outage.code)
            raise refusal_of(outage) from outage
        except BaseException:
            running.outcome = ErrorCode.INTERNAL_ERROR.name
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                running.stop()
                running.outcome = ABANDONED
            raise
        if result.errors:
            running.outcome = code_of(result.errors[0])
            # What only reads may be sent again as a whole; of a mutation the client must see what was done.
            if running.kind != "mutation" and (met := outage_in(result.errors)) is not None:
                raise refusal_of(met)
        return result


def refusal_of(outage: Outage) -> RequestError:
    code = ErrorCode[outage.code]
    headers = {"retry-after": str(RETRY_AFTER_SECONDS)} if code is ErrorCode.SERVICE_UNAVAILABLE else None
    return RequestError(code, str(outage), headers=headers)


def _overdue(seconds: float, running: Running) -> str:
    taken = f"The operation took longer than {seconds:g} seconds and was ended."
    if running.kind != "mutation":
        return f"{taken} Ask for less at once."
    if getattr(running.context, "has_committed", True):
        return (
            f"{taken} Something that it changed is committed. Send it again with the same idempotency key to learn what, or read "
            "what it would have changed."
        )
    return f"{taken} Nothing was changed: its transaction was undone. Its idempotency key is free."
