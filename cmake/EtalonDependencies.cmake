# SPDX-License-Identifier: Apache-2.0
# Required libraries: a missing one fails here with its name.
find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)
find_package(ZLIB REQUIRED)
find_package(PNG REQUIRED)
find_package(HDF5 REQUIRED COMPONENTS C)
pkg_check_modules(FYAML REQUIRED IMPORTED_TARGET libfyaml)
pkg_check_modules(OPENBLAS REQUIRED IMPORTED_TARGET openblas)
find_path(RANDOM123_INCLUDE Random123/philox.h REQUIRED)

add_library(etalon_hdf5 INTERFACE)
target_include_directories(etalon_hdf5 SYSTEM INTERFACE ${HDF5_C_INCLUDE_DIRS})
target_link_libraries(etalon_hdf5 INTERFACE ${HDF5_C_LIBRARIES})
add_library(etalon_random123 INTERFACE)
target_include_directories(etalon_random123 SYSTEM INTERFACE ${RANDOM123_INCLUDE})

set(ETALON_LIBRARIES etalon_hdf5 etalon_random123 PkgConfig::FYAML PkgConfig::OPENBLAS
    ZLIB::ZLIB PNG::PNG Threads::Threads m)
if(ETALON_TESTS)
    pkg_check_modules(CHECK REQUIRED IMPORTED_TARGET check)
endif()
