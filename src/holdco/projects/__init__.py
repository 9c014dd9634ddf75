"""A project is work done for a customer, with the client users who may follow it and the contacts who need no login for that."""
