"""A bulk update changes many customers in the same way: few at once, many as a job that survives a crash
and tells how far it is.
"""
