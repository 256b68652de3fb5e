// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "core/checks/classes.h"
#include "core/chip/chip.h"
#include "core/execution_context.h"
#include "core/types.h"
#include "noc/mpi_environment.h"
#include "noc/transport.h"
#include "runtime/agreement.h"
#include "runtime/device.h"

namespace tilegrid {

struct SessionOptions {
  GridSize grid{8, 10};
  FiberBackend fibers = FiberBackend::boost;
  /// What kernels are checked for, the same on all ranks. Warnings are printed to standard error when run() ends.
  checks::Config checks = {};
  /// Shakes every launch, see LaunchOptions::shake.
  std::optional<std::uint64_t> shake = {};
  /// What ranks of one host move bytes by. `windows` ends the run where the host has none; `automatic` says so and goes on.
  noc::TransportChoice transport = noc::TransportChoice::automatic;
  /// File that gets the report of a deadlock as JSON; "-": standard output; empty: nowhere.
  std::string deadlock_json = {};
  /// The chip that is emulated, the same on all ranks; see Session::load_chip().
  Chip chip = {};
};

/// The run as a whole: one object a process, made first in main(). Under mpirun all ranks make it and MPI is initialised;
/// started alone, the process holds the whole grid and MPI is not touched.
///
///   int main(int argc, char** argv) {
///     tilegrid::Session session(&argc, &argv);
///     return session.run({.grid = {2, 2}}, [](tilegrid::Device& device) { ...; return 0; });
///   }
class Session {
 public:
  Session(int* argc, char*** argv);
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  [[nodiscard]] bool is_host() const { return info_.rank == 0; }
  [[nodiscard]] const noc::MpiInfo& info() const { return info_; }
  [[nodiscard]] bool uses_mpi() const { return mpi_ != nullptr; }

  /// Collective, before run(): the chip of that name or file, the same on all ranks. Rank 0 reads the file, which others
  /// need not have. Throws UsageError on all ranks, as Chip::load() does.
  [[nodiscard]] Chip load_chip(const std::string& name_or_path);

  /// Collective: the text that rank 0 gives, on all ranks.
  [[nodiscard]] std::string broadcast(std::string text);

  /// Collective. Runs `host` on rank 0 with the device, and serves on the other ranks until it returns. All ranks return
  /// the same exit code: what `host` returned, or the code of the tilegrid::Error that it threw, whose message rank 0
  /// prints to standard error. More ranks than cores is a usage error. Before ranks wait for each other they agree that all
  /// come here with the same options and from the same build: a rank that has failed, or does something else, ends the run
  /// on all of them, with one line.
  int run(const SessionOptions& options, const std::function<int(Device&)>& host);
  /// The same for what needs no cores: `host` runs on rank 0 while the others wait for its exit code.
  int run_alone(const std::function<int()>& host);

  /// This rank can't go on, for a reason that it may have alone: where the others come to their next agreement all ends.
  /// Rank 0 prints the message once, with rank and host of another rank. Returns the exit code of all.
  int fail(ExitCode code, const std::string& message);
  /// This rank has nothing more to do and gives its exit code; returns it, or that of another rank's failure. The last call.
  int leave(int code);

  /// The two halves of run(), for a host whose code is not one function. Collective: on rank 0 begin() returns the device,
  /// or null when the options were refused; on the others it serves until end() and returns null. Then, too, end() gives the
  /// exit code. A session can be begun again when it has ended.
  [[nodiscard]] Device* begin(const SessionOptions& options);
  /// Host: prints the warnings of all launches and ends the session with this code; the others get it, too.
  int end(int code);

 private:
  struct Running;
  /// The exit code when the options can't be had or the ranks do not agree; the host has printed why.
  [[nodiscard]] std::optional<int> refused(const SessionOptions& options);
  int guarded(const std::function<int()>& body);
  void make_device(const SessionOptions& options);
  int run_host(const SessionOptions& options, const std::function<int(Device&)>& host);
  static int serve(ControlChannel& control);
  /// Collective. True when all ranks state the same. Else the host has said why, and exit_code_ is that of all ranks.
  /// `payload`: what rank 0 has for the others, in return their copy.
  bool agree(Statement statement, std::string* payload = nullptr);
  void report_sharing(noc::TransportChoice asked, const std::string& failure) const;

  std::unique_ptr<noc::MpiEnvironment> mpi_;
  noc::MpiInfo info_;
  std::unique_ptr<Running> running_;  ///< between begin() and end()
  int code_ = 0;                      ///< of a session that could not begin, or has ended
  std::optional<int> exit_code_;      ///< of all ranks, when they have not agreed the last time
};

/// Runs `body`; an Error that it throws is printed by the host and becomes its exit code, as does what else is thrown. Where
/// one rank alone has thrown it ends the others, too (Session::fail()).
int guarded(Session& session, const std::function<int()>& body);
/// main() of a program: the session, `body` guarded, and the exit code of all ranks. No exception leaves it.
int run_program(int argc, char** argv, const std::function<int(Session&)>& body);

}  // namespace tilegrid
