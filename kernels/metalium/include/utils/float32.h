// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "api/numeric/float32.h"
