"""What clients hear of a change that is made while they listen."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, Final

from conftest import Client
from stories import Story
from subscriptions.conftest import Server
from subscriptions.test_events import rename

CHANGED: Final = "subscription Changed($id: ID!) { customerChanged(customerId: $id) { customers { name } refetch } }"
HEARD: Final = {"customerChanged": {"customers": [{"name": "Aldgate Networks"}], "refetch": False}}


async def heard(server: Server, story: Story, key: str, listening: Coroutine[Any, Any, Any]) -> Any:
    """What a client prints that listens to a customer, which is renamed over HTTP as soon as the client has subscribed."""
    async with asyncio.TaskGroup() as group:
        # What was committed before is not what is to be heard.
        await server.catch_up()
        task = group.create_task(listening)
        await server.until_subscribed()
        await rename(Story(Client(server.http), story.engine, story.organization_id), key, "Aldgate Networks")
    await server.until_subscribed(0)
    return task.result()
