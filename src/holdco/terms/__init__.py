"""A term is what applies to a customer's invoices: a price list, a discount, payment terms. A customer has its own or gets
them from its groups, from the nearest ancestor that passes its terms on, or from the organization (domain.md G3).
"""
