// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>
#include <mpi.h>

#include <chrono>
#include <memory>

#include "tests/support/mpi_listener.h"

namespace tilegrid::test {
namespace {

noc::MpiEnvironment* environment = nullptr;  ///< null without a launcher

/// --gtest_shuffle takes its order from the clock unless told otherwise; all ranks need the same one.
void share_random_seed() {
  int seed = testing::GTEST_FLAG(random_seed);
  if (seed == 0) seed = static_cast<int>(std::chrono::system_clock::now().time_since_epoch().count() / 1000 % 99999) + 1;
  MPI_Bcast(&seed, 1, MPI_INT, 0, MPI_COMM_WORLD);
  testing::GTEST_FLAG(random_seed) = seed;
}

int run() {
  share_random_seed();
  testing::TestEventListeners& listeners = testing::UnitTest::GetInstance()->listeners();
  if (environment->info().rank != 0) {
    delete listeners.Release(listeners.default_result_printer());
    delete listeners.Release(listeners.default_xml_generator());
  }
  // Later listeners see the end of a test earlier: before the printer says whether it passed.
  auto* listener = new MpiListener(MPI_COMM_WORLD);
  listeners.Append(listener);
  int code = RUN_ALL_TESTS();
  delete listeners.Release(listener);  // while MPI is still there
  MPI_Allreduce(MPI_IN_PLACE, &code, 1, MPI_INT, MPI_MAX, MPI_COMM_WORLD);
  return code;
}

}  // namespace

noc::MpiEnvironment& mpi() { return *environment; }

}  // namespace tilegrid::test

int main(int argc, char** argv) {
  if (!tilegrid::noc::launched_by_mpi()) {
    testing::InitGoogleTest(&argc, argv);
    return RUN_ALL_TESTS();
  }
  // MPI first: programs that end before MPI_Init make mpirun hang when there are many of them.
  tilegrid::noc::MpiEnvironment environment(&argc, &argv);
  tilegrid::test::environment = &environment;
  testing::InitGoogleTest(&argc, argv);
  return tilegrid::test::run();
}
