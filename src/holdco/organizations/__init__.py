"""An organization is the firm that bills: it owns customers, invoices and payments, and shares nothing with another.
Its settings say how deep hierarchies may grow, what day it is, and how long customers have to pay.
"""
