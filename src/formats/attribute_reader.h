// Decodes OpDesc.Attr, the attribute of an operator, in each of its eighteen types.
#pragma once

#include <string_view>

#include "base/status.h"
#include "formats/wire_reader.h"
#include "program/program.h"

namespace skiff::formats {

// May throw what protozero throws; the caller catches it at the room's edge.
Status DecodeAttribute(WireReader& wire, std::string_view message, program::Attribute* attribute);

}  // namespace skiff::formats
