// SPDX-License-Identifier: Apache-2.0
// Ends in the way that its argument names, on a 2x2 grid: for tests that look at exit codes and messages.
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <map>
#include <stdexcept>
#include <string>

#include "core/error.h"
#include "kernels/api/circular_buffer.h"
#include "kernels/registry.h"
#include "runtime/session.h"

namespace tilegrid {
namespace {

using namespace api;  // NOLINT(google-build-using-namespace): kernels are written so

const auto overpops = register_kernel("overpops", [] { cb_pop_front(0, 1); });
const auto waits = register_kernel("waits", [] { cb_wait_front(0, 1); });
const auto dies = register_kernel("dies", [] {
  if (context(Here::current()).core->index == 2) std::raise(SIGKILL);
  cb_wait_front(0, 1);
});
const auto exits = register_kernel("exits", [] {
  if (context(Here::current()).core->index == 2) std::_Exit(0);
  cb_wait_front(0, 1);
});

int launch(Device& device, const std::string& kernel) {
  Program program;
  program.name = "failing";
  program.grid = device.grid();
  program.circular_buffers = {{0, 2, 2048, DataFormat::bf16, "empty"}};
  program.kernels = {{kernel, Risc::brisc, NocId::noc0, CoreRange::all(device.grid()), {}, {}, {}}};
  device.launch(program);
  return 0;
}

const std::map<std::string, std::function<int(Device&)>> endings = {
    {"well", [](Device&) { return 0; }},
    {"fault", [](Device& device) { return launch(device, overpops); }},
    {"deadlock", [](Device& device) { return launch(device, waits); }},
    {"killed", [](Device& device) { return launch(device, dies); }},
    {"exited", [](Device& device) { return launch(device, exits); }},
    {"unknown_kernel", [](Device& device) { return launch(device, "nobody"); }},
    {"mismatch", [](Device&) { return static_cast<int>(ExitCode::mismatch); }},
    {"usage", [](Device&) -> int { throw UsageError("--flag: no such thing"); }},
    {"exception", [](Device&) -> int { throw std::runtime_error("out of ideas"); }},
};

}  // namespace
}  // namespace tilegrid

int main(int argc, char** argv) {
  tilegrid::Session session(&argc, &argv);
  const auto ending = tilegrid::endings.find(argc == 2 ? argv[1] : "");
  if (ending == tilegrid::endings.end()) {
    std::fputs("failing_program: needs the name of an ending\n", stderr);
    return 100;
  }
  return session.run({.grid = {2, 2}}, ending->second);
}
