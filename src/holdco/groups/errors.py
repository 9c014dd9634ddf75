"""Why a change of a group is refused.

Refusal
├── NameTaken         another group has this name
├── RankTaken         another group has this rank (domain.md G1)
└── GroupHasMembers   nobody said where they go (G8)
"""

from __future__ import annotations

from holdco.errors import Refusal, UserErrorCode


class NameTaken(Refusal):
    code = UserErrorCode.NAME_TAKEN

    def __init__(self, name: str) -> None:
        super().__init__(f"There is already a group named {name}.", field=("name",))


class RankTaken(Refusal):
    code = UserErrorCode.RANK_TAKEN

    def __init__(self, rank: int) -> None:
        super().__init__(f"Another group has rank {rank}; ranks decide between groups, so each has its own.", field=("rank",))


class GroupHasMembers(Refusal):
    code = UserErrorCode.GROUP_HAS_MEMBERS

    def __init__(self, name: str, *, count: int) -> None:
        members = "1 member" if count == 1 else f"{count} members"
        super().__init__(
            f"{name} has {members}. Say with moveMembersTo which group they go to, or remove them first.", field=("id",)
        )
