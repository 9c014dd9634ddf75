"""A client user is a person with a login who sees its customers, and those below them whose links let it (domain.md V1, V2).

It is invited, accepts the invitation once, and may be deactivated; its record stays.
"""
