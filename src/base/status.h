// Status and Result (public, skiff/status.h) and the macros that rooms use to pass failures on.
#pragma once

#include "skiff/status.h"

#define SKIFF_CONCAT_INNER(a, b) a##b
#define SKIFF_CONCAT(a, b) SKIFF_CONCAT_INNER(a, b)

#define SKIFF_RETURN_IF_ERROR(expr)        \
  do {                                     \
    ::skiff::Status skiff_status = (expr); \
    if (!skiff_status.ok()) [[unlikely]] { \
      return skiff_status;                 \
    }                                      \
  } while (false)

#define SKIFF_ASSIGN_OR_RETURN(lhs, expr) \
  SKIFF_ASSIGN_OR_RETURN_IMPL(SKIFF_CONCAT(skiff_result_, __LINE__), lhs, expr)
#define SKIFF_ASSIGN_OR_RETURN_IMPL(result, lhs, expr) \
  auto result = (expr);                                \
  if (!result.ok()) [[unlikely]] {                     \
    return result.status();                            \
  }                                                    \
  lhs = *std::move(result)
