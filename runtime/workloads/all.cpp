// SPDX-License-Identifier: Apache-2.0
#include "runtime/workloads/all.h"

#include "runtime/workloads/attention.h"
#include "runtime/workloads/fused.h"
#include "runtime/workloads/matmul.h"

namespace tilegrid::workloads {

const std::vector<Maker>& all() {
  static const std::vector<Maker> makers{maker<Attention>(), maker<Matmul>(), maker<Fused>()};
  return makers;
}

}  // namespace tilegrid::workloads
