// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tilegrid/device.h"
