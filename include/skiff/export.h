// Which names the shared library exports: classes say so where they are defined, functions too.
#pragma once

#if defined(__GNUC__)
#define SKIFF_API [[gnu::visibility("default")]]
#else
#define SKIFF_API
#endif
