"""Of people and projects, too, a client user sees what belongs to customers that it sees (domain.md V1 to V3)."""

from __future__ import annotations

from typing import Any

from access.people import client_user
from holdco.viewer import ClientUserRole
from stories import Story

EVERYTHING = """
{
  contacts { totalCount nodes { name clientUser { name } projects { totalCount nodes { name } } } }
  clientUsers { totalCount nodes { name customers { totalCount edges { role node { name } } } projects { totalCount } } }
  projects { totalCount nodes { name clientUsers { totalCount nodes { name } } contacts { totalCount nodes { name } } } }
}
"""


async def test_what_is_hidden_is_neither_named_nor_counted_among_people(story: Story) -> None:
    own = await story.customer("Aldgate")
    seen = await story.customer("Leeds", under=own, access={"view": True, "pay": False, "manage": False})
    hidden = await story.customer("Secret", under=own, access={"view": False, "pay": False, "manage": False})
    for customer, name in ((seen, "Seen"), (hidden, "Hidden")):
        contact = await story.contact(customer, f"{name} contact", email=f"{name}@aldgate.example")
        project = await story.project(customer, f"{name} project")
        user, _ = await story.invited(f"{name} user", f"{name}.user@aldgate.example", customer, projectIds=[project])
        await story.do("projectPeopleSet", id=project, clientUserIds=[user], contactIds=[contact])
        await story.do("contactConvert", id=contact, role="VIEWER")
    await story.invited("Both", "both@aldgate.example", seen, hidden, role="PAYER")
    viewer = await client_user(story, {own: ClientUserRole.VIEWER})
    found = await viewer.ask(EVERYTHING)
    assert found["contacts"] == {
        "totalCount": 1,
        "nodes": [
            {
                "name": "Seen contact",
                "clientUser": {"name": "Seen contact"},
                "projects": {"totalCount": 1, "nodes": [{"name": "Seen project"}]},
            }
        ],
    }

    def at(name: str, customer: str, role: str, projects: int) -> dict[str, Any]:
        edges = [{"role": role, "node": {"name": customer}}]
        return {"name": name, "customers": {"totalCount": 1, "edges": edges}, "projects": {"totalCount": projects}}

    assert found["clientUsers"] == {
        "totalCount": 4,
        "nodes": [
            at("Both", "Leeds", "PAYER", 0),
            at("Cora Client", "Aldgate", "VIEWER", 0),
            at("Seen contact", "Leeds", "VIEWER", 1),
            at("Seen user", "Leeds", "VIEWER", 1),
        ],
    }
    assert found["projects"] == {
        "totalCount": 1,
        "nodes": [
            {
                "name": "Seen project",
                "clientUsers": {"totalCount": 2, "nodes": [{"name": "Seen contact"}, {"name": "Seen user"}]},
                "contacts": {"totalCount": 1, "nodes": [{"name": "Seen contact"}]},
            }
        ],
    }
