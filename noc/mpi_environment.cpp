// SPDX-License-Identifier: Apache-2.0
#include "noc/mpi_environment.h"

#include <mpi.h>

#include <sched.h>

#include <array>
#include <cstdlib>
#include <string_view>

#include "noc/mpi_transport.h"

namespace tilegrid::noc {
namespace {

bool set_to_true(const char* variable) {
  const char* value = std::getenv(variable);
  if (value == nullptr) return false;
  const std::string_view text(value);
  return !text.empty() && text != "0" && text != "false" && text != "no";
}

std::string host_name() {
  std::array<char, MPI_MAX_PROCESSOR_NAME> name{};
  int length = 0;
  MPI_Get_processor_name(name.data(), &length);
  return {name.data(), static_cast<std::size_t>(length)};
}

std::string library_name() {
  std::array<char, MPI_MAX_LIBRARY_VERSION_STRING> text{};
  int length = 0;
  MPI_Get_library_version(text.data(), &length);
  const std::string_view all(text.data(), static_cast<std::size_t>(length));
  return std::string(all.substr(0, all.find_first_of(std::string_view("\n\0", 2))));
}

/// CPUs that the run may use on all its hosts: those of each host, counted by its first rank.
int count_cores(MPI_Comm host, bool first_of_host) {
  int cores = cpus_of_host(host);
  if (!first_of_host) cores = 0;
  MPI_Allreduce(MPI_IN_PLACE, &cores, 1, MPI_INT, MPI_SUM, MPI_COMM_WORLD);
  return cores;
}

}  // namespace

int cpus_of_host(MPI_Comm host) {
  cpu_set_t cpus;
  CPU_ZERO(&cpus);
  if (sched_getaffinity(0, sizeof cpus, &cpus) != 0) CPU_SET(0, &cpus);
  // The CPU set of this rank alone would not do: mpirun may have bound the rank to one core.
  MPI_Allreduce(MPI_IN_PLACE, &cpus, static_cast<int>(sizeof cpus), MPI_BYTE, MPI_BOR, host);
  return CPU_COUNT(&cpus);
}

MpiEnvironment::MpiEnvironment(int* argc, char*** argv) {
  // Serialized, because the thread back end of the fibers calls from several threads, one at a time. Open MPI takes no
  // locks for it.
  int provided = 0;
  MPI_Init_thread(argc, argv, MPI_THREAD_SERIALIZED, &provided);
  MPI_Comm_rank(MPI_COMM_WORLD, &info_.rank);
  MPI_Comm_size(MPI_COMM_WORLD, &info_.size);
  MPI_Comm host = MPI_COMM_NULL;
  MPI_Comm_split_type(MPI_COMM_WORLD, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &host);
  MPI_Comm_rank(host, &info_.local_rank);
  MPI_Comm_size(host, &info_.local_size);
  info_.cores = count_cores(host, info_.local_rank == 0);
  MPI_Comm_free(&host);
  info_.host = host_name();
  info_.library = library_name();
  // mpirun sets the second one for its ranks where they outnumber the slots; Open MPI then yields by default.
  info_.yields_when_idle = std::getenv("OMPI_MCA_mpi_yield_when_idle") != nullptr
                               ? set_to_true("OMPI_MCA_mpi_yield_when_idle")
                               : set_to_true("OMPI_MCA_mpi_oversubscribe");
}

MpiEnvironment::~MpiEnvironment() { MPI_Finalize(); }

std::unique_ptr<Transport> MpiEnvironment::make_transport() { return std::make_unique<MpiTransport>(MPI_COMM_WORLD); }

std::string MpiEnvironment::broadcast(std::string text) const {
  int size = static_cast<int>(text.size());
  MPI_Bcast(&size, 1, MPI_INT, 0, MPI_COMM_WORLD);
  text.resize(static_cast<std::size_t>(size));
  MPI_Bcast(text.data(), size, MPI_CHAR, 0, MPI_COMM_WORLD);
  return text;
}

void MpiEnvironment::abort(int code) {
  MPI_Abort(MPI_COMM_WORLD, code);
  std::_Exit(code);
}

bool launched_by_mpi() {
  // A shell inside of an allocation has SLURM_* only; what follows is set for the processes of a job step alone.
  constexpr std::array<const char*, 6> variables{"OMPI_COMM_WORLD_SIZE", "PMIX_RANK",          "PMI_RANK", "PMI_SIZE",
                                                 "MPI_LOCALNRANKS",      "MV2_COMM_WORLD_SIZE"};
  for (const char* variable : variables) {
    if (std::getenv(variable) != nullptr) return true;
  }
  return false;
}

}  // namespace tilegrid::noc
