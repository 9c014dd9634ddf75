"""Invoice: what one customer owes for the lines on it, due on a date. Drafts may change; what is issued stands or is void.
It stays with the customer it was made out to, whoever pays: a head office pays a branch's invoice, it never owns it.
Its balance is what nobody has paid, credited or written off yet, and is never negative.
"""
