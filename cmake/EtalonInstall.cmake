# SPDX-License-Identifier: Apache-2.0
# Libraries, headers, and what finds them: find_package(etalon) gives etalon::etalon (shared), with
# COMPONENTS static also etalon::etalon_static; pkg-config gives etalon, with --static the archive's
# dependencies.  Both files find their place from where they lie, so the folder may be moved.
include(CMakePackageConfigHelpers)

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/etalon)
install(TARGETS etalon_shared etalon_static EXPORT etalonTargets
    LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}
    ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(DIRECTORY ${PROJECT_SOURCE_DIR}/include/etalon DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}
    FILES_MATCHING PATTERN "*.h")
install(EXPORT etalonTargets NAMESPACE etalon:: DESTINATION ${package_dir})

# The archive needs these as shared libraries; Requires.private would ask for them, and for what
# they need (a Fortran compiler's libraries, say), as archives too.
set(ETALON_PC_MODULES hdf5 libfyaml openblas lapacke fftw3 fftw3f sndfile samplerate zlib libpng)
if(MUPARSER_FOUND)
    list(APPEND ETALON_PC_MODULES muparser)
endif()
pkg_check_modules(ETALON_PC REQUIRED ${ETALON_PC_MODULES})
# SUNDIALS comes without files for pkg-config: its libraries by name, and where they are unless the
# linker looks there by itself.
set(ETALON_SUNDIALS "")
if(SUNDIALS_FOUND)
    get_filename_component(place "${SUNDIALS_DIR}/../.." ABSOLUTE) # .../lib/cmake/sundials
    if(NOT place IN_LIST CMAKE_C_IMPLICIT_LINK_DIRECTORIES)
        list(APPEND ETALON_SUNDIALS "-L${place}")
    endif()
    foreach(part cvode arkode nvecserial sunmatrixdense sunlinsoldense)
        list(APPEND ETALON_SUNDIALS "-lsundials_${part}")
    endforeach()
    list(APPEND ETALON_PC_LDFLAGS ${ETALON_SUNDIALS})
endif()
list(JOIN ETALON_PC_MODULES " " ETALON_PC_MODULES_TEXT)
list(JOIN ETALON_PC_LDFLAGS " " ETALON_PC_LIBS_PRIVATE)
set(ETALON_PC_CXX_RUNTIME "")
foreach(runtime ${ETALON_CXX_RUNTIME})
    string(APPEND ETALON_PC_CXX_RUNTIME "-l${runtime} ")
endforeach()
file(RELATIVE_PATH ETALON_PC_PREFIX /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)
string(REGEX REPLACE "/$" "" ETALON_PC_PREFIX "${ETALON_PC_PREFIX}")
configure_file(${CMAKE_CURRENT_LIST_DIR}/etalon.pc.in etalon.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/etalon.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)

configure_package_config_file(${CMAKE_CURRENT_LIST_DIR}/etalonConfig.cmake.in etalonConfig.cmake
    INSTALL_DESTINATION ${package_dir} NO_SET_AND_CHECK_MACRO)
write_basic_package_version_file(etalonConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/etalonConfig.cmake
    ${PROJECT_BINARY_DIR}/etalonConfigVersion.cmake DESTINATION ${package_dir})
