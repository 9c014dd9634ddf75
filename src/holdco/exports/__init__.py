"""Export: an organization's customers, documents and price lists written as files that `imports` reads, and Zoho Books too.

All files of one export show the same instant. What the files have no place for is counted and told, never lost in silence.
"""
