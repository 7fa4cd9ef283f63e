// Which names the shared library exports. C++11, as every header of this folder.
#pragma once

#if defined(__GNUC__)
#define PD_INFER_DECL __attribute__((visibility("default")))
#else
#define PD_INFER_DECL
#endif
