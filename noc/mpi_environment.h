// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "noc/transport.h"

namespace tilegrid::noc {

/// How MPI sees this process and its host.
struct MpiInfo {
  int rank = 0;
  int size = 1;
  int local_rank = 0;  ///< among the ranks of this host
  int local_size = 1;
  int cores = 1;  ///< CPUs that the run may use, over all its hosts
  int hosts = 1;
  std::string host;
  std::string library;  ///< first line of MPI_Get_library_version
  bool yields_when_idle = false;
};

/// Owns MPI for the process: MPI_Init in the constructor, MPI_Finalize in the destructor. Both are collective.
/// Without a launcher MPI is not touched at all: see launched_by_mpi(). The constructor ends the process with exit code 1
/// and one line where MPI's world has another size than the launcher says, or this rank had a program before.
class MpiEnvironment {
 public:
  MpiEnvironment(int* argc, char*** argv);
  ~MpiEnvironment();
  MpiEnvironment(const MpiEnvironment&) = delete;
  MpiEnvironment& operator=(const MpiEnvironment&) = delete;

  [[nodiscard]] const MpiInfo& info() const { return info_; }

  /// Two-sided messages over a private communicator (one tag, posted receives); ranks of a host share memory, too, unless
  /// `share` is false. Collective; destroy before *this.
  [[nodiscard]] std::unique_ptr<Transport> make_transport(bool share = true);

  /// Collective: rank 0 gets a text of every rank, by rank, and all get its answer to them. A text has at most `most` bytes,
  /// a number that no build may change. Ranks wait asleep; when one has not come after ten seconds, rank 0 says so once.
  [[nodiscard]] std::string ask_host(const std::string& text, std::size_t most,
                                     const std::function<std::string(const std::vector<std::string>&)>& answer) const;

  /// Ends all ranks at once with `code`.
  [[noreturn]] void abort(int code);

 private:
  struct Host;
  MpiInfo info_;
  std::unique_ptr<Host> host_;  ///< the ranks of this host
};

/// True when mpirun, srun or another launcher started this process as part of a job (by the environment; MPI is not called).
[[nodiscard]] bool launched_by_mpi();

/// First line of MPI_Get_library_version; may be asked without MPI_Init.
[[nodiscard]] std::string mpi_library();

/// For a process that does without MPI: ends it with exit code 1 and one line when a launcher (Slurm without PMIx, Flux,
/// PALS) has started it as one of several, which would all do the same.
void refuse_copies();

}  // namespace tilegrid::noc
