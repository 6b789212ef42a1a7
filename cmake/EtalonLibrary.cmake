# SPDX-License-Identifier: Apache-2.0
# libetalon, static and shared, from the same objects.
set(objects $<TARGET_OBJECTS:etalon_objects>)
if(TARGET etalon_cosim)
    list(APPEND objects $<TARGET_OBJECTS:etalon_cosim>)
endif()
add_library(etalon_static STATIC ${objects})
set_target_properties(etalon_static PROPERTIES OUTPUT_NAME etalon EXPORT_NAME etalon_static)
add_library(etalon_shared SHARED ${objects})
set_target_properties(etalon_shared PROPERTIES OUTPUT_NAME etalon EXPORT_NAME etalon
    VERSION ${PROJECT_VERSION} SOVERSION ${PROJECT_VERSION_MAJOR})
# A consumer need not know that there is C++ inside.
set_target_properties(etalon_static etalon_shared PROPERTIES LINKER_LANGUAGE C)
# Helper threads sleep in the library's code: dlclose must leave it where it is.
target_link_options(etalon_shared PRIVATE -Wl,-z,nodelete
    -Wl,--version-script=${CMAKE_CURRENT_LIST_DIR}/etalon.map)
set_target_properties(etalon_shared PROPERTIES LINK_DEPENDS ${CMAKE_CURRENT_LIST_DIR}/etalon.map)
foreach(library etalon_static etalon_shared)
    target_include_directories(${library} PUBLIC
        $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include>
        $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
    target_link_libraries(${library} PRIVATE $<BUILD_INTERFACE:${ETALON_LIBRARIES}>)
    target_link_libraries(${library} PRIVATE $<BUILD_INTERFACE:etalon_flags>)
endforeach()
