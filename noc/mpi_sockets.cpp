// SPDX-License-Identifier: Apache-2.0
#include "noc/mpi_sockets.h"

#include <charconv>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <string>
#include <system_error>

#include "core/ids.h"

namespace tilegrid::noc {

void MpiSockets::ask_for_epoll() { setenv("OMPI_MCA_opal_event_include", "epoll", 0); }

MpiSockets::MpiSockets(int bell) : watched_{{bell, POLLIN, 0}} {
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd", error)) {
    if (std::filesystem::read_symlink(entry.path(), error) != "anon_inode:[eventpoll]") continue;
    const std::string name = entry.path().filename();
    int descriptor = -1;
    std::from_chars(name.data(), name.data() + name.size(), descriptor);
    watched_.push_back({descriptor, POLLIN, 0});
  }
}

bool MpiSockets::ready() { return poll(watched_.data() + 1, watched_.size() - 1, 0) > 0; }

MpiSockets::Woken MpiSockets::sleep(std::chrono::microseconds limit) {
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(limit);
  const timespec timeout{static_cast<time_t>(seconds.count()), static_cast<long>((limit - seconds).count() * 1000)};
  const int ready = ppoll(watched_.data(), watched_.size(), &timeout, nullptr);
  if (ready <= 0) return {};
  const bool by_bell = watched_.front().revents != 0;
  return {ready > (by_bell ? 1 : 0), by_bell};
}

}  // namespace tilegrid::noc
