"""Access is who is asking and what they may do: tokens, roles, and the table that says who may call which mutation."""
