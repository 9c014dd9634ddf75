"""Why a change of a contact is refused.

Refusal
└── DeletionNotConfirmed   nobody deletes a person by accident (domain.md 1.2, SB26)
"""

from __future__ import annotations

from holdco.errors import Refusal, UserErrorCode


class DeletionNotConfirmed(Refusal):
    code = UserErrorCode.INVALID_INPUT

    def __init__(self, name: str, *, customer_name: str) -> None:
        super().__init__(
            f"This would delete the contact {name} of {customer_name} for good. Repeat it with confirm: true.",
            field=("confirm",),
        )
