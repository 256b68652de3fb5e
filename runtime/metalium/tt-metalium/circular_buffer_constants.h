// SPDX-License-Identifier: Apache-2.0
// Names of the circular buffers and values of semaphores, as kernels have them.
#pragma once

#include <tt-metalium/buffer_names.h>
