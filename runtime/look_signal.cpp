// SPDX-License-Identifier: Apache-2.0
#include "runtime/look_signal.h"

#include <csignal>

namespace tilegrid {
namespace {

volatile std::sig_atomic_t look_asked = 0;

void on_look_signal(int /*signal*/) { look_asked = 1; }

}  // namespace

void install_look_signal() noexcept {
  struct sigaction present {};
  if (sigaction(SIGUSR1, nullptr, &present) != 0 || present.sa_handler != SIG_DFL) return;
  struct sigaction action {};
  action.sa_handler = on_look_signal;
  action.sa_flags = SA_RESTART;
  sigaction(SIGUSR1, &action, nullptr);
}

bool take_look_signal() noexcept {
  if (look_asked == 0) return false;
  look_asked = 0;
  return true;
}

}  // namespace tilegrid
