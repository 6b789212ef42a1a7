# SPDX-License-Identifier: Apache-2.0
# Required libraries: a missing one fails here with its name.
find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)
find_package(ZLIB REQUIRED)
find_package(PNG REQUIRED)
find_package(HDF5 REQUIRED COMPONENTS C)
pkg_check_modules(FYAML REQUIRED IMPORTED_TARGET libfyaml)
pkg_check_modules(OPENBLAS REQUIRED IMPORTED_TARGET openblas)
pkg_check_modules(LAPACKE REQUIRED IMPORTED_TARGET lapacke)
pkg_check_modules(FFTW REQUIRED IMPORTED_TARGET fftw3 fftw3f)
pkg_check_modules(SNDFILE REQUIRED IMPORTED_TARGET sndfile)
pkg_check_modules(SAMPLERATE REQUIRED IMPORTED_TARGET samplerate)
find_package(GIF REQUIRED)
find_path(RANDOM123_INCLUDE Random123/philox.h REQUIRED)

add_library(etalon_hdf5 INTERFACE)
target_include_directories(etalon_hdf5 SYSTEM INTERFACE ${HDF5_C_INCLUDE_DIRS})
target_link_libraries(etalon_hdf5 INTERFACE ${HDF5_C_LIBRARIES})
add_library(etalon_random123 INTERFACE)
target_include_directories(etalon_random123 SYSTEM INTERFACE ${RANDOM123_INCLUDE})

set(ETALON_LIBRARIES etalon_hdf5 etalon_random123 PkgConfig::FYAML PkgConfig::OPENBLAS
    PkgConfig::LAPACKE PkgConfig::FFTW PkgConfig::SNDFILE PkgConfig::SAMPLERATE ZLIB::ZLIB PNG::PNG
    Threads::Threads m)

# Optional: equations as text (muParser), adaptive integration (SUNDIALS).
pkg_check_modules(MUPARSER IMPORTED_TARGET muparser)
find_package(SUNDIALS 6 CONFIG QUIET COMPONENTS cvode arkode nvecserial sunmatrixdense sunlinsoldense)
if(MUPARSER_FOUND)
    list(APPEND ETALON_LIBRARIES PkgConfig::MUPARSER)
endif()
if(SUNDIALS_FOUND)
    list(APPEND ETALON_LIBRARIES SUNDIALS::cvode SUNDIALS::arkode SUNDIALS::nvecserial
        SUNDIALS::sunmatrixdense SUNDIALS::sunlinsoldense)
endif()
if(ETALON_TESTS)
    pkg_check_modules(CHECK REQUIRED IMPORTED_TARGET check)
endif()

# Optional: Verilator 5 and a C++ compiler for the co-simulation of the accelerator.
set(Verilator_FOUND FALSE)
if(ETALON_RTL_CONFIGS AND NOT ETALON_FUZZ AND EXISTS ${PROJECT_SOURCE_DIR}/rtl/bnn_top.sv)
    find_program(VERILATOR_BIN NAMES verilator_bin verilator)
    include(CheckLanguage)
    check_language(CXX)
    if(VERILATOR_BIN AND CMAKE_CXX_COMPILER)
        execute_process(COMMAND ${VERILATOR_BIN} --getenv VERILATOR_ROOT
            OUTPUT_VARIABLE VERILATOR_ROOT OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
        execute_process(COMMAND ${VERILATOR_BIN} --version OUTPUT_VARIABLE version ERROR_QUIET)
        if(version MATCHES "Verilator 5\\." AND EXISTS ${VERILATOR_ROOT}/include/verilated.h)
            set(Verilator_FOUND TRUE)
        endif()
    endif()
endif()
set(ETALON_CXX_RUNTIME "")
if(Verilator_FOUND)
    enable_language(CXX)
    # What a C compiler has to link besides for the C++ objects.
    set(ETALON_CXX_RUNTIME ${CMAKE_CXX_IMPLICIT_LINK_LIBRARIES})
    list(REMOVE_ITEM ETALON_CXX_RUNTIME ${CMAKE_C_IMPLICIT_LINK_LIBRARIES} m)
    list(REMOVE_DUPLICATES ETALON_CXX_RUNTIME)
    list(APPEND ETALON_LIBRARIES ${ETALON_CXX_RUNTIME})
endif()
