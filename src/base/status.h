// Status and Result (public, skiff/status.h) and the macros that rooms use to pass failures on.
#pragma once

#include "skiff/status.h"

#define SKIFF_CONCAT_INNER(a, b) a##b
#define SKIFF_CONCAT(a, b) SKIFF_CONCAT_INNER(a, b)

// Counted names, because `expr` may hold a lambda that uses the macro again.
#define SKIFF_RETURN_IF_ERROR(expr) \
  SKIFF_RETURN_IF_ERROR_IMPL(SKIFF_CONCAT(skiff_status_, __COUNTER__), expr)
#define SKIFF_RETURN_IF_ERROR_IMPL(status, expr) \
  do {                                           \
    ::skiff::Status status = (expr);             \
    if (!status.ok()) [[unlikely]] {             \
      return status;                             \
    }                                            \
  } while (false)

#define SKIFF_ASSIGN_OR_RETURN(lhs, expr) \
  SKIFF_ASSIGN_OR_RETURN_IMPL(SKIFF_CONCAT(skiff_result_, __COUNTER__), lhs, expr)
#define SKIFF_ASSIGN_OR_RETURN_IMPL(result, lhs, expr) \
  auto result = (expr);                                \
  if (!result.ok()) [[unlikely]] {                     \
    return result.status();                            \
  }                                                    \
  lhs = *std::move(result)
