// SPDX-License-Identifier: Apache-2.0
#include "runtime/program_host.h"

#include <numeric>
#include <stdexcept>
#include <utility>

namespace tilegrid {

ProgramHost::ProgramHost(ControlChannel& control, std::function<void(std::uint64_t)> on_progress)
    : control_(control),
      on_progress_(std::move(on_progress)),
      detector_(control.node().transport().size()),
      progress_(control.node().transport().size()) {}

void ProgramHost::handle(const ControlMessage& message) {
  switch (message.tag) {
    case ControlTag::status:
      end(detector_.on_status(message.source, from_bytes<StatusReport>(message.bytes)));
      break;
    case ControlTag::probe_answer:
      end(detector_.on_probe_answer(message.source, from_bytes<StatusReport>(message.bytes)));
      break;
    case ControlTag::error: {
      const auto report = from_bytes<ErrorReport>(message.bytes);
      if (report.core < 0) errors_.push_back(report);
      end(EndReason::failed);
      break;
    }
    case ControlTag::progress:
      progress_[message.source] = from_bytes<std::uint64_t>(message.bytes);
      if (on_progress_) on_progress_(std::accumulate(progress_.begin(), progress_.end(), std::uint64_t{0}));
      break;
    default:
      throw std::logic_error("an unexpected control message arrived during a program");
  }
  if (!ended_ && detector_.take_probe_request()) control_.broadcast(ControlTag::probe, {});
}

void ProgramHost::end(std::optional<EndReason> reason) {
  if (!reason || std::exchange(ended_, true)) return;
  control_.broadcast(ControlTag::end, to_bytes(*reason));
}

}  // namespace tilegrid
