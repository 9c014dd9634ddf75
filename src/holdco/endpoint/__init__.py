"""GraphQL over HTTP: what a client may send, what it gets back, and the GraphiQL page for people.

    negotiation.py   which media type the answer has
    parameters.py    the request's bytes become query, variables, operationName, extensions
    documents.py     a query's text becomes a parsed and validated document, once per text
    persisted.py     which document a request means that names one: automatic persisted queries, trusted documents
    trusted.py       manifests of trusted documents, read when the process starts
    encoding.py      how an answer is compressed
    conditional.py   ETag and 304 for persisted queries by GET
    cross_site.py    which requests of other sites are refused, and which sites may ask
    limiting.py      what a document and its variables may hold
    cost.py          how many objects an answer may have
    view.py          one request, from bytes to bytes
    errors.py        every code that a client can meet here, and what is never shown
    graphiql.py      the page and its files, with no request to any other host

An operation is refused as a whole (`errors` without `data`) or executed (`data`, and `errors` of single fields). Refusals
that speak of the document or its variables have status 200 for clients that accept `application/json` only, as such
clients expect since before there was a specification, and 400 for `application/graphql-response+json`. Everything else
that is refused has the status of its code in `errors.py`, in both.

    what                    rule                                                                          source
    GET                     queries only; parameters in the URL, variables and extensions as JSON         GraphQL over HTTP
    HEAD                    as GET, without the body                                                      RFC 9110, 9.3.2
    POST                    application/json in UTF-8, uncompressed; anything else is 415                 GraphQL over HTTP
    OPTIONS                 204 with Allow; a preflight is answered for HOLDCO_ORIGINS only               RFC 9110, 9.3.7; Fetch
    other methods           405 with Allow                                                                RFC 9110, 15.5.6
    Accept                  the best q, then the order; application/json when there is none; else 406     RFC 9110, 12.5.1
    parameters              null is absent; unknown keys are ignored; a wrong type is 400                 GraphQL over HTTP
    operationName           "" is absent; required when there are several operations                      GraphQL 6.1
    documentId              names a document instead of `query`                                           GraphQL over HTTP, A
    a refused request       `errors` and no `data`                                                        GraphQL 7.1
    Cache-Control           no-store; of persisted queries by GET `private, no-cache`, with an ETag       RFC 9111, 5.2.2
    Vary                    Accept, Accept-Encoding; and Origin where HOLDCO_ORIGINS is set               RFC 9110, 12.5.5
    Content-Encoding        zstd or gzip, from 1,400 bytes on, for those who accept it                    RFC 9110, 12.5.3
    a GET from a browser    needs a sign that no other site is behind it, else 403                        cross_site.py
"""
