"""An idempotency record remembers what a keyed mutation answered, so that a repeated request moves no money twice."""
