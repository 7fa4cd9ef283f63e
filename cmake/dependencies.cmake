# Every library that Skiff uses, as one interface target each (docs/dependencies.md says why).
find_package(Threads REQUIRED)
find_package(OpenMP REQUIRED COMPONENTS CXX)
find_package(fmt REQUIRED)
find_package(CLI11 REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(JPEG REQUIRED)
find_package(PNG REQUIRED)
find_package(ZLIB REQUIRED)

# Not by its own CMake file: Debian's asks for the headers of OpenCL, which nothing here needs.
find_library(SKIFF_ONEDNN_LIBRARY dnnl REQUIRED)
find_path(SKIFF_ONEDNN_INCLUDE oneapi/dnnl/dnnl_version.h REQUIRED)
file(STRINGS ${SKIFF_ONEDNN_INCLUDE}/oneapi/dnnl/dnnl_version.h onednn_major
     REGEX "define DNNL_VERSION_MAJOR [0-9]+")
if(NOT onednn_major MATCHES "MAJOR ([3-9]|[1-9][0-9])")
  message(FATAL_ERROR "Skiff needs oneDNN 3.0 or newer, ${SKIFF_ONEDNN_INCLUDE} has ${onednn_major}. "
                      "Run scripts/install_deps.sh build, or name another place in CMAKE_PREFIX_PATH.")
endif()
add_library(dep_onednn INTERFACE)
target_link_libraries(dep_onednn INTERFACE ${SKIFF_ONEDNN_LIBRARY})
target_include_directories(dep_onednn SYSTEM INTERFACE ${SKIFF_ONEDNN_INCLUDE})
# oneDNN's threads are OpenMP's; Skiff only says how many.
target_link_libraries(dep_onednn INTERFACE OpenMP::OpenMP_CXX)

add_library(dep_protozero INTERFACE)
find_path(SKIFF_PROTOZERO_INCLUDE protozero/pbf_reader.hpp REQUIRED)
target_include_directories(dep_protozero SYSTEM INTERFACE ${SKIFF_PROTOZERO_INCLUDE})

# Headers alone: XXH_INLINE_ALL.
add_library(dep_xxhash INTERFACE)
find_path(SKIFF_XXHASH_INCLUDE xxhash.h REQUIRED)
target_include_directories(dep_xxhash SYSTEM INTERFACE ${SKIFF_XXHASH_INCLUDE})

add_library(dep_images INTERFACE)
target_link_libraries(dep_images INTERFACE JPEG::JPEG PNG::PNG)

add_library(dep_cli INTERFACE)
target_link_libraries(dep_cli INTERFACE CLI11::CLI11 nlohmann_json::nlohmann_json fmt::fmt)

if(SKIFF_TESTS)
  find_package(GTest REQUIRED)
endif()
