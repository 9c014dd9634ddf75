"""Import: customers, invoices and payments brought in from the files of another system, all of a set of files or nothing.
What is here already, by its id in the other system, is left as it is; so importing the same files twice changes nothing.
Who paid what is kept as the files tell it, never guessed.
"""
