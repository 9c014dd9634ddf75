"""A price list gives items other prices than their default ones, in one currency: all of them by a percentage up or down, or
some of them by rates of their own, which may depend on the quantity. Each change makes a version, and an invoice says which.
"""
