// SPDX-License-Identifier: Apache-2.0
#include "runtime/print_rescue.h"

#include <array>
#include <atomic>
#include <exception>
#include <utility>

namespace tilegrid {
namespace {

using Printouts = std::vector<std::unique_ptr<Printout>>;

/// Null when there is nothing to rescue.
std::atomic<const Printouts*> in_danger{nullptr};
std::atomic<int> lifeboat{1};
constexpr std::array<int, 2> ending_signals{SIGINT, SIGTERM};

void on_end(int signal) {
  rescue_output();
  std::signal(signal, SIG_DFL);
  std::raise(signal);
}

}  // namespace

void rescue_output() noexcept {
  const Printouts* printouts = in_danger.exchange(nullptr);
  if (printouts == nullptr) return;
  for (const auto& printout : *printouts) printout->write_to(lifeboat);
}

PrintRescue::PrintRescue(const Printouts& printouts, int descriptor) : exceptions_(std::uncaught_exceptions()) {
  if (printouts.empty()) return;
  lifeboat = descriptor;
  in_danger = &printouts;
  for (const int signal : ending_signals) {
    struct sigaction present {};
    if (sigaction(signal, nullptr, &present) != 0 || present.sa_handler != SIG_DFL) continue;
    std::signal(signal, on_end);
  }
}

PrintRescue::~PrintRescue() {
  if (std::uncaught_exceptions() > exceptions_) rescue_output();
  in_danger = nullptr;
  for (const int signal : ending_signals) {
    struct sigaction present {};
    if (sigaction(signal, nullptr, &present) == 0 && present.sa_handler == on_end) std::signal(signal, SIG_DFL);
  }
}

}  // namespace tilegrid
