"""Subscriptions: what clients see of changes as they happen."""
