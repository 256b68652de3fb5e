#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Lists sources and tests that no CMake list names, and so nobody builds or runs.

A .cpp file and a test script (*_test.py) must be named in a CMakeLists.txt or .cmake file: by its path from the
folder of that file, from the root, or behind a variable that stands for a folder. A file(GLOB ... *.cpp) names what it matches.
"""

import fnmatch
import re
import sys
from pathlib import Path, PurePosixPath

FOLDERS = ("core", "noc", "kernels", "runtime", "scripts", "tests")
WORD = re.compile(r'[^\s()"]+')
NAMED = (".cpp", "_test.py")


def resolved(word, folder):
    """What a word of a list names, as a path from the root or, behind a variable, as `*/rest`."""
    for variable in ("${PROJECT_SOURCE_DIR}/", "${CMAKE_SOURCE_DIR}/"):
        if word.startswith(variable):
            return word[len(variable):]
    word = word.removeprefix("${CMAKE_CURRENT_SOURCE_DIR}/").removeprefix("${CMAKE_CURRENT_LIST_DIR}/")
    if word.startswith("${"):
        return "*/" + word.split("}/", 1)[-1]
    path = PurePosixPath(folder, word)
    parts = []
    for part in path.parts:
        if part == "..":
            parts.pop()
        else:
            parts.append(part)
    return "/".join(parts)


def lists(root):
    """(exact paths, patterns) that the CMake files of the tree name."""
    exact, patterns = set(), []
    for file in sorted([root / "CMakeLists.txt", *(path for top in FOLDERS for path in (root / top).rglob("*"))]):
        if file.name != "CMakeLists.txt" and file.suffix != ".cmake":
            continue
        text = re.sub(r"#[^\n]*", "", file.read_text(encoding="utf-8"))
        folder = file.parent.relative_to(root).as_posix()
        recursive = "GLOB_RECURSE" in text
        for word in WORD.findall(text):
            if not word.endswith(NAMED):
                continue
            name = resolved(word, "" if folder == "." else folder)
            if "*" not in name:
                exact.add(name)
            elif recursive and name.endswith("/*.cpp"):
                patterns.append(name)  # * of fnmatch crosses folders, as a recursive glob does
            else:
                patterns.append(re.sub(r"^\*/", "**/", name))
    return exact, patterns


def named(path, exact, patterns):
    if path in exact:
        return True
    for pattern in patterns:
        if pattern.startswith("**/"):
            if path.endswith(pattern[2:]):
                return True
        elif fnmatch.fnmatchcase(path, pattern):
            return True
    return False


def main():
    root = Path(sys.argv[1] if len(sys.argv) > 1 else ".")
    exact, patterns = lists(root)
    found = [path for top in FOLDERS for path in sorted((root / top).rglob("*"))
             if path.is_file() and path.name.endswith(NAMED)]
    missing = [path for path in (file.relative_to(root).as_posix() for file in found) if not named(path, exact, patterns)]
    print("\n".join(missing), end="\n" if missing else "")
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
