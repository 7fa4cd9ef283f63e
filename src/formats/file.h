// Reading whole files, and replacing them whole.
//
// Thread-safety: pure functions of the file system. Ownership: a Blob keeps its mapping alive.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "program/program.h"

namespace skiff::formats {

// A read-only mapping of a regular file of at most `max_bytes`. Replace a mapped file by renaming
// (as WriteFile does), never by writing into it: truncating it would fault the readers.
Result<program::Blob> MapFile(const std::string& path, size_t max_bytes);

// Writes the parts one after the other to a temporary file beside `path`, then renames it: readers
// see the old file or the whole new one, and a failure leaves the old one as it was.
Status WriteFile(const std::string& path, std::span<const std::span<const std::byte>> parts);
Status WriteFile(const std::string& path, std::string_view contents);

}  // namespace skiff::formats
