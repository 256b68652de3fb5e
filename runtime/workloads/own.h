// SPDX-License-Identifier: Apache-2.0
#pragma once

/// All that a workload of one's own needs, with its kernels: see tests/example/layer_norm.cpp.
// IWYU pragma: begin_exports
#include "core/error.h"
#include "kernels/api/compute.h"
#include "kernels/api/dataflow.h"
#include "kernels/attention/verify/samples.h"
#include "kernels/common/deal.h"
#include "kernels/common/dst_section.h"
#include "kernels/common/pack_sections.h"
#include "kernels/common/pages.h"
#include "kernels/registry.h"
#include "runtime/data/tensors.h"
#include "runtime/workloads/driver.h"
// IWYU pragma: end_exports
