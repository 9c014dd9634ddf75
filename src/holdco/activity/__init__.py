"""Activity is the record of every change: who did what, when, to whom. It is written in the transaction of the change."""
