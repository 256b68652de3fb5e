// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>

#include "runtime/flags/print_flags.h"
#include "runtime/metalium/heap.h"
#include "runtime/metalium/report.h"
#include "runtime/metalium/settings.h"
#include "runtime/session.h"

namespace tilegrid::metalium {

struct ProgramParts;

/// The emulated board behind all devices of a host program: one session a process, from its start (or, alone and without
/// the wrapped main, from the first call that needs it) to its end.
class Board {
 public:
  /// Begins the session at first. Ranks other than 0 serve here, and end the process with the host's code.
  static Board& get();
  /// Of a program whose main is wrapped: under a launcher the session begins before main does.
  static void before_main(int* argc, char*** argv);
  /// Ends the session, if there is one, after the report; returns the exit code of the process: `code`, or that of an error
  /// of the device when `code` is 0.
  static int end(int code);

  [[nodiscard]] Device& device() { return *device_; }
  [[nodiscard]] const Chip& chip() const { return device_->chip(); }
  [[nodiscard]] GridSize grid() const { return device_->grid(); }
  /// Memory of each DRAM bank, from the bottom up.
  [[nodiscard]] Heap& dram() { return dram_; }
  /// L1 of each core, from the top down.
  [[nodiscard]] Heap& l1() { return l1_; }
  /// To be called when buffers have come or gone.
  void heaps_changed();

  /// Compiles what is not yet compiled, and runs the program. Throws Error, which has been printed then.
  void compile(ProgramParts& program);
  void launch(ProgramParts& program);

  /// Once for each `what`: a line on standard error.
  void say_once(const std::string& what);

 private:
  Board(int* argc, char*** argv);
  template <class Body>
  void reporting(const Body& body);

  std::unique_ptr<Session> session_;
  Settings settings_;
  Device* device_ = nullptr;
  Heap dram_, l1_;
  bool all_of_dram_ = true;  ///< kernels may use all of it
  Report report_;
  std::unique_ptr<PrintTarget> print_target_;
  std::map<std::string, bool> said_;
  std::set<std::string> warned_;  ///< keys of objects whose compiler warned
  int failed_ = 0;                ///< exit code of the first error of the device
};

}  // namespace tilegrid::metalium
