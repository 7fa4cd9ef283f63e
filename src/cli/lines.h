// Text files line by line, with bounds: a device that never ends, or a model given for a list, is
// an error and not all the memory.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

#include "base/status.h"

namespace skiff::cli {

inline constexpr size_t kMaxLineBytes = size_t{64} << 10;
inline constexpr size_t kMaxTextBytes = size_t{256} << 20;

// Calls visit(number, line) for every line, numbered from 1, without its end ("\n" or "\r\n"); an
// error of `visit` ends it. Messages name the path and the line.
Status ForEachLine(const std::string& path,
                   const std::function<Status(size_t number, std::string_view line)>& visit);

}  // namespace skiff::cli
