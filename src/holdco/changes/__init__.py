"""Changes are told to whoever subscribed to them: collected by a transaction, sent by Postgres when it commits (NOTIFY), heard
once by each process (LISTEN), and handed to its subscribers by a hub. No other server is needed.
"""
