// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>
#include <mpi.h>

#include <memory>

#include "tests/support/mpi_listener.h"
#include "tests/support/session_support.h"

namespace tilegrid::test {
namespace {

Session* the_session = nullptr;

/// The tests as one program on all ranks: rank 0 prints, failures of the others are reported there, one result for all.
int run_on_all_ranks() {
  testing::TestEventListeners& listeners = testing::UnitTest::GetInstance()->listeners();
  if (!the_session->is_host()) {
    delete listeners.Release(listeners.default_result_printer());
    delete listeners.Release(listeners.default_xml_generator());
  }
  auto* listener = new MpiListener(MPI_COMM_WORLD);
  listeners.Append(listener);
  int code = RUN_ALL_TESTS();
  delete listeners.Release(listener);  // while MPI is still there
  MPI_Allreduce(MPI_IN_PLACE, &code, 1, MPI_INT, MPI_MAX, MPI_COMM_WORLD);
  return code;
}

}  // namespace

Session& session() { return *the_session; }

}  // namespace tilegrid::test

int main(int argc, char** argv) {
  tilegrid::Session session(&argc, &argv);
  tilegrid::test::the_session = &session;
  testing::InitGoogleTest(&argc, argv);
  return session.uses_mpi() ? tilegrid::test::run_on_all_ranks() : RUN_ALL_TESTS();
}
