# cmake --install: the program, libhone with its header, how CMake and pkg-config find it, the manual, completions.
# A Python wheel (pyproject.toml) takes the program alone, from the component "wheel".
include(CMakePackageConfigHelpers)

set(HONE_REFERENCE ${CMAKE_BINARY_DIR}/reference)
file(MAKE_DIRECTORY ${HONE_REFERENCE})
set(reference_files)
# hone_reference(KIND FILE FOLDER): what `hone --reference KIND` says, installed as FOLDER/FILE.
function(hone_reference kind file folder)
  add_custom_command(OUTPUT ${HONE_REFERENCE}/${file}
                     COMMAND hone --reference ${kind} > ${HONE_REFERENCE}/${file}.new
                     COMMAND ${CMAKE_COMMAND} -E rename ${HONE_REFERENCE}/${file}.new ${HONE_REFERENCE}/${file}
                     DEPENDS hone VERBATIM)
  set(reference_files ${reference_files} ${HONE_REFERENCE}/${file} PARENT_SCOPE)
  install(FILES ${HONE_REFERENCE}/${file} DESTINATION ${folder})
endfunction()
hone_reference(man hone.1 ${CMAKE_INSTALL_MANDIR}/man1)
hone_reference(bash hone ${CMAKE_INSTALL_DATADIR}/bash-completion/completions)
hone_reference(zsh _hone ${CMAKE_INSTALL_DATADIR}/zsh/site-functions)
hone_reference(fish hone.fish ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d)
add_custom_target(hone_reference ALL DEPENDS ${reference_files})

install(TARGETS hone RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(TARGETS hone RUNTIME DESTINATION hone/bin COMPONENT wheel EXCLUDE_FROM_ALL)
install(TARGETS hone_library EXPORT hone LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(FILES ${PROJECT_SOURCE_DIR}/include/hone/hone.h DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/hone)
install(FILES ${PROJECT_SOURCE_DIR}/LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})

set(package ${CMAKE_INSTALL_LIBDIR}/cmake/hone)
install(EXPORT hone NAMESPACE hone:: FILE hone-config.cmake DESTINATION ${package})
write_basic_package_version_file(${CMAKE_BINARY_DIR}/hone-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_BINARY_DIR}/hone-config-version.cmake DESTINATION ${package})

# The prefix is known only when installing (--prefix): relative to where the file lies.
file(RELATIVE_PATH HONE_PC_PREFIX /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)
configure_file(${PROJECT_SOURCE_DIR}/cmake/hone.pc.in ${CMAKE_BINARY_DIR}/hone.pc @ONLY)
install(FILES ${CMAKE_BINARY_DIR}/hone.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
