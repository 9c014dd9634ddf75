"""However client users are invited, converted and sent away, they are in the state that a plain model has (domain.md V6, V7).

The model knows states, addresses and which secret is open; it is held against what Holdco shows after every step. Numbers of
sequences are as in `test_sequences.py`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random
from typing import Any
from uuid import uuid4

from sqlalchemy.ext.asyncio import AsyncEngine

from asking import asker
from holdco.organizations.service import ensure
from properties.test_sequences import EXAMPLES, FROM
from stories import Story

LENGTH = 60
# Few, so that they are taken; in both cases, because case does not tell them apart.
ADDRESSES = ("ada@a.example", "Ada@A.example", "bo@a.example", "BO@a.example", "cy@a.example", "di@a.example")

EVERYBODY = "{ clientUsers(first: 200) { nodes { id state email invitedUntil version } } }"

# What the model says that a mutation answers: the code of its refusal, or None.
Refusal = str | None


@dataclass
class Person:
    """A client user of the model. `secret` is the one that is open, if any."""

    email: str
    state: str
    secret: str | None = None
    was_active: bool = False


@dataclass
class World:
    people: dict[str, Person] = field(default_factory=dict)
    contacts: dict[str, str | None] = field(default_factory=dict)

    def is_taken(self, email: str, but: str | None = None) -> bool:
        return any(key != but and person.email.lower() == email.lower() for key, person in self.people.items())

    def whose(self, secret: str) -> Person | None:
        return next((person for person in self.people.values() if person.secret == secret), None)


class Machine:
    """Each step does one thing to Holdco and to the model, and holds the refusal of one against that of the other."""

    def __init__(self, story: Story, random: Random) -> None:
        self.story = story
        self.random = random
        self.world = World()
        self.secrets: list[str] = ["hci_nonsense"]
        self.told: list[str] = []

    async def begin(self) -> None:
        self.customer_id = await self.story.customer("Aldgate Networks")
        for number, email in enumerate((*ADDRESSES[:4], None)):
            key = await self.story.contact(self.customer_id, f"Contact {number}", **({"email": email} if email else {}))
            self.world.contacts[key] = email

    async def attempt(self, mutation: str, expected: Refusal, **given: Any) -> dict[str, Any] | None:
        """The payload, or None where it was refused as it had to be."""
        self.told.append(f"{mutation} {given}")
        payload = await self.story.attempt(mutation, **given)
        assert [error["code"] for error in payload["userErrors"]] == ([expected] if expected is not None else [])
        return payload if expected is None else None

    def opened(self, key: str, payload: dict[str, Any]) -> None:
        secret = payload["invitation"]["secret"]
        self.secrets.append(secret)
        self.world.people[key].secret = secret

    def somebody(self) -> str:
        return self.random.choice([*self.world.people, "usr_" + "0" * 32])

    async def invite(self) -> None:
        email = self.random.choice(ADDRESSES)
        expected = "EMAIL_TAKEN" if self.world.is_taken(email) else None
        customers = [{"id": self.customer_id, "role": "VIEWER"}]
        made = await self.attempt("clientUserInvite", expected, name="N", email=email, customers=customers, projectScope="ALL")
        if made is not None:
            self.world.people[made["clientUser"]["id"]] = Person(email, "INVITED")
            self.opened(made["clientUser"]["id"], made)

    async def reinvite(self) -> None:
        key = self.somebody()
        person = self.world.people.get(key)
        expected = "NOT_FOUND" if person is None else "CLIENT_USER_DEACTIVATED" if person.state == "DEACTIVATED" else None
        made = await self.attempt("clientUserReinvite", expected, id=key)
        if made is not None and person is not None:
            self.opened(key, made)
            person.state = "INVITED" if person.state == "NOT_INVITED" else person.state

    async def accept(self) -> None:
        # Mostly a late one: an early one has long ended.
        secret = self.random.choice(self.secrets[-4:] if self.random.random() < 0.7 else self.secrets)
        person = self.world.whose(secret)
        self.told.append(f"accept {secret}")
        answer = await self.story.accept(secret)
        codes = [error["code"] for error in answer["userErrors"]]
        assert codes == ([] if person is not None else ["INVITATION_NOT_VALID"])
        if person is not None:
            person.state, person.secret, person.was_active = "ACTIVE", None, True

    async def deactivate(self) -> None:
        key = self.somebody()
        person = self.world.people.get(key)
        await self.attempt("clientUserDeactivate", None if person is not None else "NOT_FOUND", id=key)
        if person is not None:
            person.state, person.secret = "DEACTIVATED", None

    async def reactivate(self) -> None:
        key = self.somebody()
        person = self.world.people.get(key)
        await self.attempt("clientUserReactivate", None if person is not None else "NOT_FOUND", id=key)
        if person is not None and person.state == "DEACTIVATED":
            person.state = "ACTIVE" if person.was_active else "NOT_INVITED"

    async def update(self) -> None:
        key, email = self.somebody(), self.random.choice(ADDRESSES)
        person = self.world.people.get(key)
        expected = "NOT_FOUND" if person is None else "EMAIL_TAKEN" if self.world.is_taken(email, but=key) else None
        made = await self.attempt("clientUserUpdate", expected, id=key, email=email)
        if made is not None and person is not None and person.email != email:
            person.email, person.secret = email, None
            person.state = "NOT_INVITED" if person.state == "INVITED" else person.state

    async def convert(self) -> None:
        await self._convert("contactConvert", "NOT_INVITED")

    async def invite_contact(self) -> None:
        await self._convert("contactInvite", "INVITED")

    async def _convert(self, mutation: str, state: str) -> None:
        contact, given = self.random.choice(list(self.world.contacts)), self.random.choice((None, *ADDRESSES))
        email = given or self.world.contacts[contact]
        key = contact.replace("con_", "usr_")
        if key in self.world.people:
            await self.attempt(mutation, "ALREADY_CLIENT_USER" if state == "INVITED" else None, id=contact, role="VIEWER")
            return
        expected = "INVALID_INPUT" if email is None else "EMAIL_TAKEN" if self.world.is_taken(email) else None
        made = await self.attempt(mutation, expected, id=contact, role="VIEWER", **({"email": given} if given else {}))
        if made is not None and email is not None:
            assert made["clientUser"]["id"] == key
            self.world.people[key] = Person(email, state)
            if state == "INVITED":
                self.opened(key, made)

    async def everybody_agrees(self) -> None:
        found = (await self.story.ask(EVERYBODY))["clientUsers"]["nodes"]
        assert {each["id"]: (each["state"], each["email"], each["invitedUntil"] is not None) for each in found} == {
            key: (person.state, person.email, person.secret is not None) for key, person in self.world.people.items()
        }


STEPS = {
    "invite": 3,
    "reinvite": 3,
    "accept": 5,
    "deactivate": 2,
    "reactivate": 2,
    "update": 3,
    "convert": 2,
    "invite_contact": 2,
}


async def test_client_users_are_in_the_states_of_a_plain_model(engine: AsyncEngine) -> None:
    states = set()
    for number in range(FROM, FROM + EXAMPLES):
        organization_id = uuid4()
        await ensure(engine, organization_id)
        random = Random(number)
        machine = Machine(Story(asker(engine, organization_id), engine, organization_id), random)
        await machine.begin()
        try:
            for name in random.choices(list(STEPS), list(STEPS.values()), k=LENGTH):
                await getattr(machine, name)()
                await machine.everybody_agrees()
        except AssertionError as problem:
            problem.add_note(f"Sequence {number}:\n" + "\n".join(machine.told))
            raise
        states |= {person.state for person in machine.world.people.values()}
    # The sequences lead everywhere.
    assert states == {"NOT_INVITED", "INVITED", "ACTIVE", "DEACTIVATED"}
