"""The manual: what makes its pages, and the pages themselves, with every example in them tried."""

import sys
from pathlib import Path

DOCS = Path(__file__).resolve().parents[2] / "docs"
sys.path.insert(0, str(DOCS / "_ext"))
