"""GraphQL over HTTP: what a client may send, what it gets back, and the GraphiQL page for people.

    negotiation.py   which media type the answer has
    parameters.py    the request's bytes become query, variables, operationName, extensions
    documents.py     a query's text becomes a parsed and validated document, once per text
    limiting.py      what a document and its variables may hold
    cost.py          how many objects an answer may have
    view.py          one request, from bytes to bytes
    errors.py        every code that a client can meet here, and what is never shown
    graphiql.py      the page and its files, with no request to any other host

An operation is refused as a whole (`errors` without `data`) or executed (`data`, and `errors` of single fields). Refusals
that speak of the document or its variables have status 200 for clients that accept `application/json` only, as such
clients expect since before there was a specification, and 400 for `application/graphql-response+json`. Everything else
that is refused has the status of its code in `errors.py`, in both.
"""
