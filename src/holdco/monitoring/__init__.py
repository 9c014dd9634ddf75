"""What people who run Holdco see of it, and nothing that a client does.

    metrics.py      numbers for Prometheus, also of several worker processes together
    operations.py   one finished operation: counted, logged, and logged again when it was slow
    tracing.py      OpenTelemetry, where it is installed and wanted
    probes.py       /healthz, /readyz and /metrics

Everything but the probes lies below the reader and the loaders, which report to it. Operations are measured from outside and
statements one by one; fields are not, because wrapping each of them would cost several times what it measures.
"""
