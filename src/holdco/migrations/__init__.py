"""The schema of the database, step by step. `holdco migrate` brings any database to the newest step."""
