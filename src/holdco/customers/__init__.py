"""A customer is a company or person that owes: a head office, a branch, a department, or nobody's child or parent.
Customers form trees of any depth; each link says whether the parent may view, pay and manage below it.
"""
