"""What a library imports, and this program has no use for: it is kept out while that is done.

Nothing stays changed: whatever else in the process wants such a module finds it.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType


@contextmanager
def block(*names: str) -> Iterator[None]:
    """These modules cannot be imported meanwhile, if they have not been."""
    with _in_place(dict.fromkeys(names)):
        yield


@contextmanager
def stub(name: str) -> Iterator[None]:
    """This module is there meanwhile, with nothing in it, if it has not been imported."""
    with _in_place({name: ModuleType(name)}):
        yield


@contextmanager
def _in_place(modules: dict[str, ModuleType | None]) -> Iterator[None]:
    added = {name: module for name, module in modules.items() if name not in sys.modules}
    sys.modules.update(added)  # type: ignore[arg-type]  # None is how Python spells "not to be had"
    try:
        yield
    finally:
        for name in added:
            del sys.modules[name]
