// SPDX-License-Identifier: Apache-2.0
// What headers of the years before brought along without being asked: names of std in the global namespace.
#pragma once

#include <tt-metalium/profiler_common.h>
#include <tt-metalium/host_api.hpp>
#include <tt-metalium/math.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <ostream>
#include <set>
#include <string>
#include <tuple>
#include <vector>

namespace chrono = std::chrono;
using std::array;
using std::map;
using std::max;
using std::min;
using std::ostream;
using std::set;
using std::size_t;
using std::string;
using std::tuple;
using std::vector;
using tt::align;
