"""An item is something that is sold again and again. It has a default price in each currency that it is sold in; price lists
give other prices.
"""
