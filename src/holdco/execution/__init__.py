"""Runs queries a level at a time: all objects at one place of a document are completed together.

An attribute is then one list comprehension instead of a call for each object, and a relation one call of its loader with all
parents. Whatever this way cannot do goes to graphql-core's own executor, whose answers are the measure of ours.
"""
