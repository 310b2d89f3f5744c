"""Networks are built and run: most of it is compilation."""

from __future__ import annotations

from tests.compilation import quick_compilation as quick_compilation
