"""A customer group joins customers that share terms (Resellers, Enterprise), wherever they stand in the hierarchy.
Groups have a rank, which decides between them. Members never see one another's transactions (domain.md G10).
"""
