# SPDX-License-Identifier: Apache-2.0
"""Files that are written whole or not at all."""

import os

from .plan import fail


def write(path, text):
    part = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        part.write_text(text)
        part.replace(path)
    except OSError as error:
        fail(f"{path}: {error.strerror}")
