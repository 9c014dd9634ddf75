"""An application in a process of its own: uses the server until its input ends, and starts it again for each line."""

import sys
from pathlib import Path

from holdco.embedded import EmbeddedPostgres, EmbeddedPostgresError

server = EmbeddedPostgres(Path(sys.argv[1]), start_timeout=20)
try:
    sys.stdout.write(f"{server.start().url}\n")
    sys.stdout.flush()
    for _ in sys.stdin:
        sys.stdout.write(f"{server.start().url}\n")
        sys.stdout.flush()
except EmbeddedPostgresError as refusal:
    sys.exit(f"Refused: {refusal}")
except KeyboardInterrupt:
    sys.exit(130)
