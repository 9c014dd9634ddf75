"""Why a row of a bulk job fails that could have been done as far as anybody knew.

Refusal
└── NotDone   the database does not take this change of this customer
"""

from __future__ import annotations

from holdco.errors import Refusal, UserErrorCode


class NotDone(Refusal):
    code = UserErrorCode.NOT_DONE

    def __init__(self) -> None:
        super().__init__("The database does not take this change of this customer; the server's log tells why.")
