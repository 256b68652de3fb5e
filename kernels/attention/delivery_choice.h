// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "kernels/attention/kernel_args.h"

namespace tilegrid::attention {

/// One of the deliveries that `auto` has to choose from.
struct DeliveryCandidate {
  KvDelivery delivery{};
  Config config;        ///< with chunks and team
  double cycles = 0;    ///< modelled
  std::string refusal;  ///< why it is none: does not fit, or is another one here
};

/// Tries every delivery, each with the chunks that are best for it where `config` leaves them open. `cycles_of` gives the
/// modelled cycles of a program (of a dry run): the candidates depend on nothing but the configuration and those.
[[nodiscard]] std::vector<DeliveryCandidate> delivery_candidates(const Config& config, const TensorAddresses& tensors,
                                                                 const std::function<double(const Program&)>& cycles_of);
/// That of the candidate that takes the least cycles; dram is always one.
[[nodiscard]] Config best_of(const std::vector<DeliveryCandidate>& candidates);

}  // namespace tilegrid::attention
