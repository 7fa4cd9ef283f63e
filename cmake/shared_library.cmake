# libskiff.so: the native API and paddle_infer in one shared object, and how it is installed: as a CMake
# package (find_package(skiff)) and in the layout of Paddle's own inference package.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

# The objects of the rooms with public functions, and from the archives of the others what they use.
add_library(skiff_shared SHARED $<TARGET_OBJECTS:skiff_base> $<TARGET_OBJECTS:skiff_session>
                                $<TARGET_OBJECTS:skiff_quant> $<TARGET_OBJECTS:skiff_api>)
target_link_libraries(skiff_shared PRIVATE skiff_runtime skiff_formats dep_onednn Threads::Threads)
target_include_directories(skiff_shared INTERFACE $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include>
                                                  $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
set_target_properties(skiff_shared PROPERTIES OUTPUT_NAME skiff EXPORT_NAME skiff
                      VERSION ${PROJECT_VERSION} SOVERSION ${PROJECT_VERSION_MAJOR}
                      LINK_DEPENDS ${PROJECT_SOURCE_DIR}/cmake/exports.map LINKER_LANGUAGE CXX)
target_link_options(skiff_shared PRIVATE
                    LINKER:--version-script=${PROJECT_SOURCE_DIR}/cmake/exports.map
                    LINKER:--gc-sections LINKER:--as-needed
                    # Names of what is not exported are a tenth of the file. Sanitizers tell them in their reports.
                    LINKER:$<IF:$<CONFIG:Sanitize>,--strip-debug,--strip-all>)
if(NOT CMAKE_CXX_FLAGS MATCHES "-fsanitize")
  target_link_options(skiff_shared PRIVATE LINKER:--no-undefined)
endif()

# Paddle's programs: headers without a folder's name before them, C++11.
add_library(skiff_paddle_inference INTERFACE)
target_link_libraries(skiff_paddle_inference INTERFACE skiff_shared)
target_include_directories(skiff_paddle_inference INTERFACE
                           $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include/paddle_infer>
                           $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}/paddle_infer>)
set_target_properties(skiff_paddle_inference PROPERTIES EXPORT_NAME paddle_inference)

set(skiff_package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/skiff)
install(TARGETS skiff_shared skiff_paddle_inference EXPORT skiff_targets)
install(EXPORT skiff_targets NAMESPACE skiff:: FILE skiff-targets.cmake
        DESTINATION ${skiff_package_dir})
configure_package_config_file(${PROJECT_SOURCE_DIR}/cmake/skiff-config.cmake.in
                              ${PROJECT_BINARY_DIR}/skiff-config.cmake
                              INSTALL_DESTINATION ${skiff_package_dir})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/skiff-config-version.cmake
                                 COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/skiff-config.cmake
              ${PROJECT_BINARY_DIR}/skiff-config-version.cmake DESTINATION ${skiff_package_dir})
install(DIRECTORY include/skiff include/paddle_infer DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})

# Paddle's layout beside it: paddle/include, and paddle/lib with the name that programs link and the
# name that the loader then looks for, both links to the one library.
install(DIRECTORY include/paddle_infer/ DESTINATION paddle/include)
file(RELATIVE_PATH skiff_from_paddle /paddle/lib /${CMAKE_INSTALL_LIBDIR})
set(skiff_links ${PROJECT_BINARY_DIR}/paddle_lib)
file(MAKE_DIRECTORY ${skiff_links})
set(skiff_soname libskiff.so.${PROJECT_VERSION_MAJOR})
file(CREATE_LINK ${skiff_from_paddle}/${skiff_soname} ${skiff_links}/libpaddle_inference.so SYMBOLIC)
file(CREATE_LINK ${skiff_from_paddle}/${skiff_soname} ${skiff_links}/${skiff_soname} SYMBOLIC)
install(FILES ${skiff_links}/libpaddle_inference.so ${skiff_links}/${skiff_soname}
        DESTINATION paddle/lib)
