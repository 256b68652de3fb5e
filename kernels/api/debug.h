// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "kernels/api/context.h"

// What kernels are debugged and profiled by, under the vendor's names. Macros, as there: a kernel that includes this file
// wants them.

#define TILEGRID_JOIN_AGAIN(a, b) a##b
#define TILEGRID_JOIN(a, b) TILEGRID_JOIN_AGAIN(a, b)

/// A zone of this name until the end of the block (api::ScopedZone).
#define DeviceZoneScopedN(name) const ::tilegrid::api::ScopedZone TILEGRID_JOIN(scoped_zone_, __LINE__)(name)
/// Zones whose times are added up.
#define DeviceZoneScopedSumN1(name) const ::tilegrid::api::ScopedZone TILEGRID_JOIN(scoped_zone_, __LINE__)(name, true)
#define DeviceZoneScopedSumN2(name) DeviceZoneScopedSumN1(name)
#define DeviceTimestampedData(name, data) ::tilegrid::api::note_value(name, data)
