// Which names the shared library exports.
#pragma once

#if defined(__GNUC__)
#define SKIFF_API [[gnu::visibility("default")]]
#else
#define SKIFF_API
#endif
