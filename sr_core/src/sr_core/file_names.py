"""Names as parts of paths."""

from __future__ import annotations

import re


def file_name(name: str) -> str:
    """A name as part of a path on any system.

    >>> file_name('a:b*c')
    'a_b_c'
    """
    return re.sub(r'[<>:"/\\|?*\x00-\x1f]', "_", name).strip(" .") or "_"
