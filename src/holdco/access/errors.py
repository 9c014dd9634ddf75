"""Why somebody may not do something.

Refusal
└── Forbidden   the role, or the right over another customer, does not go so far (domain.md H10, V2)
"""

from __future__ import annotations

from holdco.errors import Refusal, UserErrorCode


class Forbidden(Refusal):
    code = UserErrorCode.FORBIDDEN
