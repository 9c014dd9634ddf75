"""A contact is a person at a customer whose details are kept and who has no login, ever (domain.md V1)."""
