// SPDX-License-Identifier: Apache-2.0
#include "runtime/program_host.h"

#include <algorithm>
#include <stdexcept>
#include <utility>

#include "runtime/look_signal.h"

namespace tilegrid {

ProgramHost::ProgramHost(ControlChannel& control, HostHooks hooks) : control_(control), hooks_(std::move(hooks)) {}

void ProgramHost::handle(const ControlMessage& message) {
  switch (message.tag) {
    case ControlTag::status:
      end(detector_.on_status(from_bytes<StatusReport>(message.bytes)));
      break;
    case ControlTag::probe_answer:
      end(detector_.on_probe_answer(from_bytes<StatusReport>(message.bytes)));
      break;
    case ControlTag::error: {
      const auto report = from_bytes<ErrorReport>(message.bytes);
      if (report.core < 0) errors_.push_back(report);
      end(EndReason::failed);
      break;
    }
    case ControlTag::progress:
      if (hooks_.on_progress) hooks_.on_progress(from_bytes<std::uint64_t>(message.bytes));
      break;
    case ControlTag::look_answer:
      show(from_bytes<LookAnswer>(message.bytes));
      break;
    default:
      throw std::logic_error("an unexpected control message arrived during a program");
  }
  if (!ended_ && detector_.take_probe_request()) control_.broadcast(ControlTag::probe, {});
}

void ProgramHost::look_if_due(std::chrono::steady_clock::time_point now) {
  // A rank that computes answers late; it is not asked again meanwhile.
  constexpr double most_patience = 10;
  if (!hooks_.on_look || ended_) return;
  const double since = std::chrono::duration<double>(now - last_look_).count();
  if (look_asked_ && since < most_patience) return;
  if (!take_look_signal() && (hooks_.look_seconds <= 0 || since < hooks_.look_seconds)) return;
  last_look_ = now;
  look_asked_ = true;
  control_.broadcast(ControlTag::look, to_bytes(++question_));
}

void ProgramHost::show(LookAnswer answer) {
  look_asked_ = false;
  std::sort(answer.cores.begin(), answer.cores.end(),
            [](const BlockedReport& a, const BlockedReport& b) { return a.core < b.core; });
  hooks_.on_look(answer.cores);
}

void ProgramHost::end(std::optional<EndReason> reason) {
  if (!reason || std::exchange(ended_, true)) return;
  control_.broadcast(ControlTag::end, to_bytes(*reason));
}

}  // namespace tilegrid
