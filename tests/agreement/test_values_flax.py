"""The converted Flax code gives the same values as the network that it was converted from."""

from __future__ import annotations

import pytest

from tests.agreement.converted import case, close
from tests.agreement.corpus import CORPUS
from tests.agreement.running import flax_output


@pytest.mark.parametrize("name", CORPUS)
def test_outputs(name: str) -> None:
    close(flax_output(case(name)), case(name).output)
