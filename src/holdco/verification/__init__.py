"""A verification recomputes what a database keeps beside its sources, and names every row that does not agree.

Balances are computed again from the ledger, the closure from the links, totals from the lines (domain.md K1, 2.14). It
reads one snapshot and changes nothing.
"""
