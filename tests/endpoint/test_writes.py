"""What is written in one turn of the event loop leaves together, in its order, and before the connection is closed."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from holdco.endpoint.writes import GATHERED_MAX, GatheringTransport


class Recorder(asyncio.Transport):
    """Notes each call of the system that a transport would make."""

    def __init__(self) -> None:
        super().__init__({"peername": "somebody"})
        self.calls: list[bytes] = []

    def writelines(self, list_of_data: Iterable[bytes | bytearray | memoryview]) -> None:
        self.calls.append(b"".join(list_of_data))

    def is_closing(self) -> bool:
        return b"closed" in self.calls

    def close(self) -> None:
        self.calls.append(b"closed")


async def test_what_is_written_in_one_turn_leaves_together_when_it_is_over() -> None:
    recorder = Recorder()
    gathering = GatheringTransport(recorder, asyncio.get_running_loop())
    gathering.write(b"head ")
    gathering.write(b"body")
    assert recorder.calls == []
    await asyncio.sleep(0)
    gathering.write(b"next")
    await asyncio.sleep(0)
    assert recorder.calls == [b"head body", b"next"]
    assert gathering.get_extra_info("peername") == "somebody"


async def test_what_is_long_leaves_at_once_and_in_its_order() -> None:
    recorder = Recorder()
    gathering = GatheringTransport(recorder, asyncio.get_running_loop())
    gathering.write(b"head ")
    gathering.write(b"x" * (GATHERED_MAX + 1))
    assert recorder.calls == [b"head " + b"x" * (GATHERED_MAX + 1)]
    await asyncio.sleep(0)
    assert len(recorder.calls) == 1


async def test_nothing_is_lost_when_the_connection_is_closed_and_nothing_is_written_afterwards() -> None:
    recorder = Recorder()
    gathering = GatheringTransport(recorder, asyncio.get_running_loop())
    gathering.write(b"the last")
    gathering.close()
    gathering.write(b"too late")
    await asyncio.sleep(0)
    assert recorder.calls == [b"the last", b"closed"]
    assert gathering.is_closing()
