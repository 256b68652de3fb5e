// SPDX-License-Identifier: Apache-2.0
#include "noc/mpi_environment.h"

#include <fmt/format.h>
#include <mpi.h>

#include <fcntl.h>
#include <pwd.h>
#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <optional>
#include <string_view>
#include <thread>
#include <utility>

#include "core/error.h"
#include "core/say.h"
#include "noc/mpi_sockets.h"
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
  return std::string(name.data(), length);
}

/// One launcher's variables: how many processes it started, and which of them this one is. Null: it has no such variable.
struct Launcher {
  const char* size;
  const char* rank;
  const char* start;  ///< what starts one job of all processes instead, before their number
};

// The first that is there decides: a launcher that may run within a batch step comes before the step around it.
constexpr std::array launchers{
    Launcher{"OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_RANK", "mpirun -n"},
    Launcher{"MV2_COMM_WORLD_SIZE", "MV2_COMM_WORLD_RANK", "mpirun -n"},
    Launcher{"PMI_SIZE", "PMI_RANK", "mpirun -n"},
    Launcher{"PALS_SIZE", "PALS_RANKID", "mpirun -n"},
    Launcher{"FLUX_JOB_SIZE", "FLUX_TASK_RANK", "flux run -o pmi=pmix -n"},
    Launcher{"SLURM_STEP_NUM_TASKS", "SLURM_PROCID", "srun --mpi=pmix -n"},
    Launcher{"PMIX_SIZE", "PMIX_RANK", "mpirun -n"},
};

std::optional<int> number_in(const char* variable) {
  const char* text = std::getenv(variable);
  if (text == nullptr || *text == '\0') return std::nullopt;
  char* end = nullptr;
  const long number = std::strtol(text, &end, 10);
  if (*end != '\0' || number < 0 || number > 1'000'000) return std::nullopt;
  return static_cast<int>(number);
}

/// What the launcher of this process says; to be asked before MPI_Init, which may set such variables itself.
struct Told {
  const Launcher* launcher = nullptr;
  std::optional<int> size;
  std::optional<int> rank;
};

Told told_by_launcher() {
  for (const Launcher& launcher : launchers) {
    const Told told{&launcher, number_in(launcher.size), number_in(launcher.rank)};
    if (told.size || told.rank) return told;
  }
  return {};
}

/// Why the processes of a launcher that MPI does not know of would each do the whole job; empty if all is well.
std::string contradiction(const Told& told, int world) {
  if ((!told.size || *told.size == world) && (!told.rank || *told.rank < world)) return {};
  const Launcher& launcher = *told.launcher;
  const int wanted = told.size.value_or(told.rank.value_or(0) + 1);
  return fmt::format(
      "{} is {}, but MPI knows of {} process{}: each would do the whole job. Start it with 'scripts/grid {} ...' or "
      "'{} {} ...' of the MPI that tilegrid was built with; runs that shall be independent need {} and {} unset",
      told.size ? launcher.size : launcher.rank, told.size ? *told.size : *told.rank, world, world == 1 ? "" : "es", wanted,
      launcher.start, wanted, launcher.size, launcher.rank);
}

[[noreturn]] void refuse(const std::string& message) {
  say_error(message);
  std::exit(to_underlying(ExitCode::usage));
}

/// A rank of Open MPI's mpirun can join its job once: a second program's MPI_Init ends in an error of internals. The first
/// one leaves a mark in mpirun's own directory, which goes with the job.
void refuse_second_program() {
  const char* directory = std::getenv("PMIX_SERVER_TMPDIR");
  const std::optional<int> rank = number_in("OMPI_COMM_WORLD_RANK");
  const char* job = std::getenv("PMIX_NAMESPACE");
  if (directory == nullptr || job == nullptr || !rank) return;
  const std::string mark = fmt::format("{}/tilegrid.{}.{}", directory, job, *rank);
  const int file = open(mark.c_str(), O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600);
  if (file >= 0) {
    close(file);
  } else if (errno == EEXIST) {
    refuse(fmt::format(
        "rank {}: a second program in one mpirun: a rank can join its MPI job once, start one mpirun a program", *rank));
  }
}

/// Without a home, in the environment or the table of users, Open MPI's set-up crashes.
void ensure_home() {
  if (std::getenv("HOME") == nullptr && getpwuid(getuid()) == nullptr) setenv("HOME", "/", 0);
}

// Of messages that are not the transport's, on the communicator of all.
constexpr int statement_tag = 17;
constexpr std::size_t answer_head_bytes = 16;  ///< the length of an answer, in digits

/// Waits for a request and gives the CPU away meanwhile, longer and longer: the ranks that one waits for need it. Calls
/// `every_second` with the seconds that have gone; time in which the process was stopped does not count.
template <class EverySecond>
MPI_Status wait_asleep(MPI_Request& request, const EverySecond& every_second) {
  constexpr std::int64_t longest_nap_us = 2000;
  MPI_Status status{};
  std::int64_t nap_us = 0, slept_us = 0;
  for (int done = 0, seconds = 0;;) {
    MPI_Test(&request, &done, &status);
    if (done != 0) return status;
    if (nap_us < 20) {  // it may be there at once
      sched_yield();
      ++nap_us;
      continue;
    }
    std::this_thread::sleep_for(std::chrono::microseconds(nap_us));
    slept_us += nap_us;
    nap_us = std::min(nap_us * 3 / 2, longest_nap_us);
    if (slept_us < (seconds + 1) * std::int64_t{1'000'000}) continue;
    every_second(++seconds);
  }
}

std::string receive_from_host(std::size_t bytes) {
  std::string text(bytes, '\0');
  MPI_Request request = MPI_REQUEST_NULL;
  MPI_Irecv(text.data(), count_of(text), MPI_CHAR, 0, statement_tag, MPI_COMM_WORLD, &request);
  wait_asleep(request, [](int) {});
  return text;
}

/// A rank that does not come is busy or stopped; or it is of a build that knows nothing of statements.
void name_missing(const std::vector<std::string>& texts, int seconds) {
  constexpr int patience = 10;
  static bool said = false;
  if (seconds < patience || std::exchange(said, true)) return;
  std::string ranks;
  const std::size_t missing = std::count(texts.begin() + 1, texts.end(), std::string());
  for (std::size_t rank = 1, named = 0; rank < texts.size() && named < 4; ++rank) {
    if (!texts[rank].empty()) continue;
    ranks += fmt::format("{}{}", ranks.empty() ? "" : ", ", rank);
    ++named;
  }
  say_error(fmt::format("waiting for rank{} {}{}: busy, stopped, or of another build of tilegrid", missing == 1 ? "" : "s",
                        ranks, missing > 4 ? fmt::format(" and {} more", missing - 4) : std::string()));
}

/// Hosts of the run, and the CPUs that it may use on all of them, counted by the first rank of each.
void count_hosts(const HostRanks& host, MpiInfo& info) {
  const bool one = info.local_size == info.size;
  std::array<int, 2> counts{};
  if (one || info.local_rank == 0) counts = {1, host.cpus};
  if (!one) {
    MPI_Allreduce(MPI_IN_PLACE, counts.data(), count_of(counts), MPI_INT, MPI_SUM, MPI_COMM_WORLD);
  }
  info.hosts = counts[0];
  info.cores = counts[1];
}

}  // namespace

struct MpiEnvironment::Host : HostRanks {};

MpiEnvironment::MpiEnvironment(int* argc, char*** argv) {
  // Serialized, because the thread back end of the fibers calls from several threads, one at a time. Open MPI takes no
  // locks for it.
  const Told told = told_by_launcher();
  ensure_home();
  refuse_second_program();
  MpiSockets::ask_for_epoll();
  int provided = 0;
  MPI_Init_thread(argc, argv, MPI_THREAD_SERIALIZED, &provided);
  MPI_Comm_rank(MPI_COMM_WORLD, &info_.rank);
  MPI_Comm_size(MPI_COMM_WORLD, &info_.size);
  if (const std::string message = contradiction(told, info_.size); !message.empty()) {
    MPI_Finalize();
    refuse(message);
  }
  host_ = std::make_unique<Host>(Host{ranks_of_host(MPI_COMM_WORLD)});
  MPI_Comm_rank(host_->comm, &info_.local_rank);
  MPI_Comm_size(host_->comm, &info_.local_size);
  count_hosts(*host_, info_);
  info_.host = host_name();
  info_.library = mpi_library();
  // mpirun sets the second one for its ranks where they outnumber the slots; Open MPI then yields by default.
  info_.yields_when_idle = std::getenv("OMPI_MCA_mpi_yield_when_idle") != nullptr
                               ? set_to_true("OMPI_MCA_mpi_yield_when_idle")
                               : set_to_true("OMPI_MCA_mpi_oversubscribe");
}

MpiEnvironment::~MpiEnvironment() {
  MPI_Comm_free(&host_->comm);
  MPI_Finalize();
}

std::unique_ptr<Transport> MpiEnvironment::make_transport(bool share) {
  return std::make_unique<MpiTransport>(MPI_COMM_WORLD, share, *host_);
}

std::string MpiEnvironment::ask_host(const std::string& text, std::size_t most,
                                     const std::function<std::string(const std::vector<std::string>&)>& answer) const {
  if (info_.rank != 0) {
    std::string own = text.substr(0, most);
    own.resize(most);
    MPI_Request sent = MPI_REQUEST_NULL;
    MPI_Isend(own.data(), count_of(own), MPI_CHAR, 0, statement_tag, MPI_COMM_WORLD, &sent);
    wait_asleep(sent, [](int) {});
    const std::string length = receive_from_host(answer_head_bytes);
    return receive_from_host(std::strtoul(length.c_str(), nullptr, 10));
  }
  std::vector<std::string> texts(info_.size);
  texts[0] = text;
  for (int missing = info_.size - 1; missing > 0; --missing) {
    std::string next(most, '\0');
    MPI_Request request = MPI_REQUEST_NULL;
    MPI_Irecv(next.data(), count_of(next), MPI_CHAR, MPI_ANY_SOURCE, statement_tag, MPI_COMM_WORLD, &request);
    const MPI_Status status = wait_asleep(request, [&](int seconds) { name_missing(texts, seconds); });
    next.resize(std::min(next.find('\0'), next.size()));
    texts.at(status.MPI_SOURCE) = next.empty() ? " " : next;
  }
  std::string said = answer(texts);
  std::string head = std::to_string(said.size());
  head.resize(answer_head_bytes);
  std::vector<MPI_Request> requests;
  requests.reserve(2 * texts.size());
  for (int rank = 1; rank < info_.size; ++rank) {
    for (const std::string* part : std::initializer_list<const std::string*>{&head, &said}) {
      MPI_Isend(part->data(), count_of(*part), MPI_CHAR, rank, statement_tag, MPI_COMM_WORLD, &requests.emplace_back());
    }
  }
  for (MPI_Request& request : requests) wait_asleep(request, [](int) {});
  return said;
}

void MpiEnvironment::abort(int code) {
  MPI_Abort(MPI_COMM_WORLD, code);
  std::_Exit(code);
}

std::string mpi_library() {
  std::array<char, MPI_MAX_LIBRARY_VERSION_STRING> text{};
  int length = 0;
  MPI_Get_library_version(text.data(), &length);
  const std::string_view all(text.data(), length);
  return std::string(all.substr(0, all.find_first_of(std::string_view("\n\0", 2))));
}

void refuse_copies() {
  if (const std::string message = contradiction(told_by_launcher(), 1); !message.empty()) refuse(message);
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
