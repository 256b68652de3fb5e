// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gtest/gtest.h>
#include <mpi.h>

#include <string>

#include "noc/mpi_environment.h"

namespace tilegrid::test {

/// The process's MPI. For tests that are linked with mpi_main.cpp and started by a launcher; every rank runs every test.
noc::MpiEnvironment& mpi();

/// Makes one test out of the same test on all ranks: after each test the other ranks' failures are handed to rank 0, which
/// reports them in order of rank as failures of its own. Only rank 0 prints. Every rank has to reach the end of the test.
class MpiListener : public testing::EmptyTestEventListener {
 public:
  /// Collective over `parent`.
  explicit MpiListener(MPI_Comm parent);
  ~MpiListener() override;
  MpiListener(const MpiListener&) = delete;
  MpiListener& operator=(const MpiListener&) = delete;

  void OnTestEnd(const testing::TestInfo& test) override;

 private:
  void report(const std::string& failures);

  MPI_Comm comm_ = MPI_COMM_NULL;
  int rank_ = 0;
  int size_ = 1;
};

}  // namespace tilegrid::test
