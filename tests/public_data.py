"""Where the public data sets are, for tests that need them."""

import os
from pathlib import Path

import pytest

DATA = Path(os.environ.get("REL_COMPONENT_DATA", Path(__file__).parents[2] / "shared" / "data"))

needs_public_data = pytest.mark.skipif(not DATA.exists(), reason="needs the public data sets")
