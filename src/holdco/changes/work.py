"""That there is work for whoever has nothing to do, told to every process when it is committed.

It says no more than that: who is told looks for it (`bulk/runner.py`). On a channel of its own, because progress of a job is told
as well, and must not wake everybody.
"""

from __future__ import annotations

CHANNEL = "holdco_work"
