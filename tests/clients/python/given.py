"""What a client's process is given: where to send, its key, and what to say (see calls.py)."""

from __future__ import annotations

import json
import os
from typing import Any

HOST = os.environ["HOST"]
KEY = os.environ["KEY"]
CALLS: list[dict[str, Any]] = json.loads(os.environ["CALLS"])
