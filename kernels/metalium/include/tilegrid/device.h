// SPDX-License-Identifier: Apache-2.0
#pragma once

// Everything that a kernel may use. It stands in front of each kernel, since many include nothing, or less than they use; so
// the headers under the vendor's names have nothing to add.

#include "tilegrid/addresses.h"
#include "tilegrid/arguments.h"
#include "tilegrid/base.h"
#include "tilegrid/circular_buffer.h"
#include "tilegrid/dataflow.h"
#include "tilegrid/device2.h"
#include "tilegrid/formats.h"
#include "tilegrid/not_there.h"
#include "tilegrid/print.h"

#define TILEGRID_MAIN tilegrid_main
#define MAIN TILEGRID_MAIN()
#define NAMESPACE tilegrid_compute
// May be there or not; said before the kernel says it, or the compiler would not let it be weak.
namespace NAMESPACE {
void MAIN __attribute__((weak));
}
// A kernel_main may call what an included file has there.
using namespace NAMESPACE;

#if defined(COMPILE_FOR_TRISC)
#include "tilegrid/compute.h"
#include "tilegrid/llk.h"
#include "tilegrid/sfpu.h"
#include "tilegrid/sfpu_more.h"
#include "tilegrid/sfpu_tiles.h"
#endif
