#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""scripts/foreign on programs that work, and on some that lack something or never end: foreign_test.py SCRIPT PROGRAMS SCRATCH"""
import json
import os
import subprocess
import sys
from pathlib import Path

BROKEN = {
    "library.cpp": "#include <somebody/elses.h>\nint main() {}\n",
    "unknown.cpp": "#include <tt-metalium/host_api.hpp>\nint main() { tt::tt_metal::NoSuchThing(); }\n",
    "helper/helper.hpp": "int three();\n",
    "helper/helper.cpp": '#include "helper.hpp"\n#include "two.hpp"\nint three() { return 1 + two(); }\n',
    "library/include/two.hpp": "int two();\n",
    "library/src/two.cpp": '#include "two.hpp"\nint two() { return 2; }\n',
    "three.cpp": '#include "helper.hpp"\nint main() { return three(); }\n',
    # A header in a folder beside the program's own, which says what it is.
    "four/four.cpp": '#include "four.hpp"\nint main() { return four(); }\n',
    "four/README.md": "Four\n",
    "numbers/four.hpp": "inline int four() { return 4; }\n",
    "never.cc": "int main() { while (true) __builtin_ia32_pause(); }\n",
    # Of the spring of 2024, with what its headers brought along; and what its project defines.
    "CMakeLists.txt": "add_executable(old old.cpp)\ntarget_compile_definitions(old PRIVATE ANSWER=42)\n",
    "old.cpp": """#include "device.hpp"
#include "host_api.hpp"
using namespace tt::tt_metal;
int main() {
  const auto start = chrono::steady_clock::now();
  std::ofstream("numbers.txt") << min(ANSWER, 7);
  CoreRange cores{.start = {0, 0}, .end = {1, 0}};
  Program program = CreateProgram();
  CreateKernelFromString(program, "void kernel_main() {}", cores, DataMovementConfig{});
  return ANSWER == 42 && start <= chrono::steady_clock::now() ? 0 : 1;
}
""",
    "kernels/none.cpp": "int main() { a kernel, not a program }\n",
}


def run(script, *arguments):
    ended = subprocess.run([script, *map(str, arguments)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
    return ended.returncode, ended.stdout, ended.stderr


def programs_of(path):
    return {row["program"]: row for row in json.loads(path.read_text(encoding="utf-8"))["programs"]}


def check_working(script, folder, scratch):
    code, output, errors = run(script, folder, "--json", scratch / "good.json", "--match", "_program")
    rows = programs_of(scratch / "good.json")
    assert code == 0, output + errors
    assert set(rows) == {f"{name}_program.cpp" for name in ("add", "bad", "matmul", "sharded")}, rows
    assert all(row["built"] and row["exit"] == 0 and row["passed"] and not row["missing"] for row in rows.values()), rows
    assert rows["add_program.cpp"]["cycles"] > 0 and rows["bad_program.cpp"]["cycles"] is None, rows
    assert "4 programs, 0 need libraries that are not there; of the other 4: 4 built, 4 passed" in output, output


def check_broken(script, scratch):
    folder = scratch / "broken"
    for name, text in BROKEN.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    code, output, errors = run(script, folder, "--json", scratch / "bad.json", "--timeout", "5")
    rows = programs_of(scratch / "bad.json")
    assert code == 1, output + errors
    assert set(rows) == {"library.cpp", "unknown.cpp", "three.cpp", "never.cc", "old.cpp", "four/four.cpp"}, rows
    assert rows["four/four.cpp"]["exit"] == 4, rows
    assert rows["old.cpp"]["passed"], rows
    assert not rows["library.cpp"]["built"] and rows["library.cpp"]["dependency"], rows
    assert rows["library.cpp"]["missing"] == ["somebody/elses.h"], rows
    assert rows["unknown.cpp"]["exit"] is None and "NoSuchThing" in rows["unknown.cpp"]["missing"][0], rows
    assert rows["three.cpp"]["built"] and rows["three.cpp"]["exit"] == 3 and not rows["three.cpp"]["passed"], rows
    assert rows["never.cc"]["exit"] == 124, rows


def main():
    script, folder, scratch = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
    scratch.mkdir(parents=True, exist_ok=True)
    os.environ["TILEGRID_CACHE"] = str(scratch / "cache")
    check_working(script, folder, scratch)
    check_broken(script, scratch)
    code, _, errors = run(script, scratch / "nowhere")
    assert code == 1 and "there is no such folder" in errors, errors


main()
