from __future__ import annotations

from collections.abc import Iterator

import pytest
from mesh import Mesh


@pytest.fixture
def mesh() -> Iterator[Mesh]:
    made = Mesh()
    yield made
    made.close()
