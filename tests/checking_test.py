#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What scripts/checking calls a function and a listed source. Argument: the folder of the scripts."""

import pathlib
import subprocess
import sys
import tempfile
import unittest

SCRIPTS = pathlib.Path(sys.argv[1])

SOURCE = '''
#define BROKEN {
namespace a {
class B : public C<int> {
 public:
  B(int x) : x_{x}, y_(x) {
    f();
  }
  template <class T = int>
  auto g(T t) const noexcept -> std::vector<T> {
    const char* brace = "}";  // }
    if (t) {
      h(R"x({{)x");
    }
  }

 private:
  int x_{1'000};
  static constexpr int table[] = {
      1, f(2),
      3,
  };
};
const auto kernel = registered("k", [](int) {
  f();
  g();
});
}  // namespace a
TEST(Case, One) {
  f();
}
'''


class Checking(unittest.TestCase):
    def run_on(self, script, files, *arguments):
        with tempfile.TemporaryDirectory() as directory:
            for name, text in files.items():
                path = pathlib.Path(directory, name)
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text, encoding="utf-8")
            done = subprocess.run([SCRIPTS / script, *arguments], cwd=directory, capture_output=True, text=True, check=False)
            self.assertEqual(done.returncode, 1 if done.stdout else 0, done.stderr)
            return done.stdout.splitlines()

    def test_functions(self):
        self.assertEqual(self.run_on("functions.py", {"a.cpp": SOURCE}, "2", "a.cpp"), [
            "a.cpp:6: B: 3 lines", "a.cpp:9: g: 7 lines", "a.cpp:24: lambda: 4 lines", "a.cpp:29: TEST: 3 lines"])
        self.assertEqual(self.run_on("functions.py", {"a.cpp": SOURCE}, "7", "a.cpp"), [])

    def test_braces_that_do_not_match(self):
        self.assertEqual(self.run_on("functions.py", {"a.cpp": "void f() {\n"}, "60", "a.cpp"), ["a.cpp: 1 braces are not closed"])
        self.assertEqual(self.run_on("functions.py", {"a.cpp": "}\n"}, "60", "a.cpp"), ["a.cpp: line 1: a brace closes nothing"])

    def test_lists(self):
        files = {
            "CMakeLists.txt": "add_subdirectory(core)\n",
            "core/CMakeLists.txt": "add_library(core a.cpp sub/b.cpp)  # forgotten.cpp\n",
            "kernels/CMakeLists.txt": "file(GLOB_RECURSE all CONFIGURE_DEPENDS planner/*.cpp)\n",
            "runtime/CMakeLists.txt": "file(GLOB all cli/*.cpp)\n",
            "tests/CMakeLists.txt": "t(${PROJECT_SOURCE_DIR}/core/c.cpp ${support}/main.cpp ${CMAKE_CURRENT_SOURCE_DIR}/x_test.py)\n",
        }
        sources = ["core/a.cpp", "core/b.cpp", "core/c.cpp", "core/forgotten.cpp", "core/sub/b.cpp", "kernels/planner/plan/d.cpp",
                   "kernels/e.cpp", "runtime/cli/f.cpp", "tests/support/main.cpp", "tests/x_test.py", "tests/y_test.py"]
        self.assertEqual(self.run_on("lists.py", files | {name: "" for name in sources}),
                         ["core/b.cpp", "core/forgotten.cpp", "kernels/e.cpp", "tests/y_test.py"])


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
