"""Payment: money that a customer, the payer, has sent. A credit note is credit given to a customer, and pays in the same way.
Allocation: so much of a payment or credit note on one invoice, the payer's own or that of a branch it may pay for.
What is not allocated is unapplied and remains the payer's; a reversed allocation goes back there, never to the branch.
"""
