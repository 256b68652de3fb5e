// SPDX-License-Identifier: Apache-2.0
#include "tests/support/mpi_listener.h"

#include <cstddef>
#include <numeric>
#include <vector>

namespace tilegrid::test {
namespace {

std::string failures_of(const testing::TestResult& result) {
  std::string text;
  for (int i = 0; i < result.total_part_count(); ++i) {
    const testing::TestPartResult& part = result.GetTestPartResult(i);
    if (!part.failed()) continue;
    if (part.file_name() != nullptr) text += std::string(part.file_name()) + ":" + std::to_string(part.line_number()) + ": ";
    text += part.message();
    text += '\n';
  }
  return text;
}

}  // namespace

MpiListener::MpiListener(MPI_Comm parent) {
  MPI_Comm_dup(parent, &comm_);
  MPI_Comm_rank(comm_, &rank_);
  MPI_Comm_size(comm_, &size_);
}

MpiListener::~MpiListener() { MPI_Comm_free(&comm_); }

void MpiListener::OnTestEnd(const testing::TestInfo& test) {
  report(rank_ == 0 ? std::string() : failures_of(*test.result()));
}

void MpiListener::report(const std::string& failures) {
  const int length = static_cast<int>(failures.size());
  std::vector<int> lengths(static_cast<std::size_t>(size_));
  MPI_Gather(&length, 1, MPI_INT, lengths.data(), 1, MPI_INT, 0, comm_);
  std::vector<int> offsets(lengths.size());
  std::exclusive_scan(lengths.begin(), lengths.end(), offsets.begin(), 0);
  std::string all(static_cast<std::size_t>(offsets.back() + lengths.back()), '\0');
  MPI_Gatherv(failures.data(), length, MPI_CHAR, all.data(), lengths.data(), offsets.data(), MPI_CHAR, 0, comm_);
  for (std::size_t rank = 1; rank < lengths.size(); ++rank) {
    if (rank_ != 0 || lengths[rank] == 0) continue;
    ADD_FAILURE() << "on rank " << rank << ":\n"
                  << all.substr(static_cast<std::size_t>(offsets[rank]), static_cast<std::size_t>(lengths[rank]));
  }
}

}  // namespace tilegrid::test
