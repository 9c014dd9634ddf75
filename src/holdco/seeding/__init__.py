"""Seeding fills an empty organization: with a company whose story the examples tell, or with enough rows to measure by."""
