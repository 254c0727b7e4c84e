"""Whether an array that numpy wrote got to the disk whole.

numpy writes arrays through a buffer of C's and does not look at what closing it says, so `np.save` on a full or failing disk can
end without an error. Whoever hands such a file on asks here before.
"""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np

HEADERS = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}


def is_whole_array(path: Path) -> bool:
    """Whether a `.npy` file is as long as its header says.

    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "ids.npy"
    >>> np.save(path, np.arange(5))
    >>> is_whole_array(path)
    True
    """
    with path.open("rb") as file:
        try:
            version = np.lib.format.read_magic(file)
            if version not in HEADERS:  # field names beyond Latin-1; nothing here writes any
                return True
            shape, _, dtype = HEADERS[version](file)
        except ValueError:  # the header itself was cut
            return False
        return dtype.hasobject or path.stat().st_size >= file.tell() + math.prod(shape) * dtype.itemsize
