"""Insights tell how a group or a subtree does: what was billed and paid, by whom, how fast (domain.md SA48, SA56)."""
