// SPDX-License-Identifier: Apache-2.0
// A verified attention on a 2x2 grid: the report on standard output, exit code 0 when the output is right.
#include <tilegrid/runtime/workloads/attention.h>
#include <tilegrid/runtime/workloads/driver.h>

int main(int argc, char** argv) {
  using namespace tilegrid;
  Session session(&argc, &argv);
  workloads::Attention attention;
  attention.config.shape = {.batch = 1, .heads = 4, .kv_heads = 2, .seq_q = 256, .seq_kv = 256, .dim = 64, .causal = true};
  attention.config.kv = attention::KvDelivery::chain;
  attention.seed = 7;
  attention.options.grid = {2, 2};
  attention.options.view = "none";
  const int code = workloads::run(session, attention);
  if (session.is_host() && code == 0) {
    const attention::VerifyFigures& figures = attention.verification->figures;
    std::printf("\n%llu rows, relative L2 %.4f\n", static_cast<unsigned long long>(figures.rows), figures.relative_l2);
  }
  return code;
}
