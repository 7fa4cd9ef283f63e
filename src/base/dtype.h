// Element types (public, skiff/dtype.h).
#pragma once

#include "skiff/dtype.h"
