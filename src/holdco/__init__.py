"""Holdco: customers in hierarchies, and money applied across them exactly once, to the cent, by permission."""
