// SPDX-License-Identifier: Apache-2.0
// The macros of the profiler Tracy, as it has them when it is switched off: they measure nothing, and their arguments are
// not evaluated.
#pragma once

#ifndef TRACY_ENABLE
// NOLINTBEGIN(cppcoreguidelines-macro-usage): the names are Tracy's
#define ZoneScoped
#define ZoneScopedC(color)
#define ZoneScopedN(name)
#define ZoneScopedNC(name, color)
#define ZoneScopedS(depth)
#define ZoneNamed(variable, active)
#define ZoneNamedN(variable, name, active)
#define ZoneText(text, size)
#define ZoneName(text, size)
#define ZoneValue(value)
#define FrameMark
#define FrameMarkNamed(name)
#define FrameMarkStart(name)
#define FrameMarkEnd(name)
#define TracyMessage(text, size)
#define TracyMessageL(text)
#define TracyPlot(name, value)
#define TracyAlloc(pointer, size)
#define TracyFree(pointer)
#define TracyLockable(type, variable) type variable
#define LockableBase(type) type
// NOLINTEND(cppcoreguidelines-macro-usage)
#endif
