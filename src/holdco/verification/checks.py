"""What a check is: a claim, and the SQL that finds the rows for which it does not hold."""

from __future__ import annotations

from typing import NamedTuple

from holdco.ids import Kind


class Check(NamedTuple):
    """One claim about every row of a kind.

    `sql` selects, for the organization `:organization_id`, one row per figure that is wrong: the id of what it belongs to
    (of `kind`), the figure's name, what was found, what was expected, and a unit. The unit is a currency where the two are
    amounts in minor units, the prefix of an id where they are keys, and null where they are shown as they are.
    """

    name: str
    claim: str
    kind: Kind
    sql: str
