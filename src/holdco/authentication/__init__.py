"""Authentication tells who asks: by an access token of our own, or by one of an OpenID Connect provider.

What was checked is kept for a minute, in memory, and forgotten the moment that it is revoked anywhere (`changes/revocations`).
Nothing is written on the strength of that memory: every transaction looks at the token itself (`database.begin`).
"""
