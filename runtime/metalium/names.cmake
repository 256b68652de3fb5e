# SPDX-License-Identifier: Apache-2.0
# Names that host programs include, of several years, and the header that each leads to. Made as files of one line.
set(metalium_names
  # Today's
  tt-metalium/allocator.hpp                device.hpp
  tt-metalium/allocator_types.hpp          device.hpp
  tt-metalium/bfloat4.hpp                  bfloat8.hpp
  tt-metalium/buffer_distribution_spec.hpp buffer.hpp
  tt-metalium/buffer_page_mapping.hpp      buffer.hpp
  tt-metalium/blockfloat_common.hpp        bfloat8.hpp
  tt-metalium/buffer_types.hpp             base_types.hpp
  tt-metalium/circular_buffer.hpp          circular_buffer_config.hpp
  tt-metalium/cluster.hpp                  device.hpp
  tt-metalium/command_queue.hpp            host_api.hpp
  tt-metalium/command_queue_interface.hpp  host_api.hpp
  tt-metalium/control_plane.hpp            multi_device.hpp
  tt-metalium/core_descriptor.hpp          device.hpp
  tt-metalium/data_types.hpp               base_types.hpp
  tt-metalium/device_impl.hpp              device.hpp
  tt-metalium/device_pool.hpp              tt_metal.hpp
  tt-metalium/device_types.hpp             device.hpp
  tt-metalium/dispatch_core_common.hpp     device.hpp
  tt-metalium/dispatch_core_manager.hpp    device.hpp
  tt-metalium/distributed_context.hpp      multi_device.hpp
  tt-metalium/distribution_spec.hpp        buffer.hpp
  tt-metalium/event.hpp                    host_api.hpp
  tt-metalium/fabric.hpp                   multi_device.hpp
  tt-metalium/fabric_types.hpp             multi_device.hpp
  tt-metalium/fabric_edm_types.hpp         multi_device.hpp
  tt-metalium/fabric_host_interface.h      multi_device.hpp
  tt-metalium/global_circular_buffer.hpp   multi_device.hpp
  tt-metalium/global_circular_buffer_impl.hpp multi_device.hpp
  tt-metalium/global_semaphore.hpp         host_api.hpp
  tt-metalium/hal.hpp                      hal.hpp
  tt-metalium/hal_types.hpp                base_types.hpp
  tt-metalium/kernel.hpp                   kernel_types.hpp
  tt-metalium/mesh_buffer.hpp              distributed.hpp
  tt-metalium/mesh_command_queue.hpp       distributed.hpp
  tt-metalium/mesh_config.hpp              mesh_device.hpp
  tt-metalium/mesh_device_view.hpp         mesh_device.hpp
  tt-metalium/mesh_event.hpp               distributed.hpp
  tt-metalium/mesh_graph.hpp               multi_device.hpp
  tt-metalium/mesh_socket.hpp              multi_device.hpp
  tt-metalium/mesh_trace_id.hpp            mesh_device.hpp
  tt-metalium/mesh_workload.hpp            distributed.hpp
  tt-metalium/metal_soc_descriptor.h       device.hpp
  tt-metalium/persistent_kernel_cache.hpp  tt_metal.hpp
  tt-metalium/profiler_types.hpp           tt_metal.hpp
  tt-metalium/profiler_optional_metadata.hpp tt_metal.hpp
  tt-metalium/queue_id.hpp                 host_api.hpp
  tt-metalium/runtime_args_data.hpp        program.hpp
  tt-metalium/semaphore.hpp                host_api.hpp
  tt-metalium/shape_base.hpp               shape.hpp
  tt-metalium/shape2d.hpp                  mesh_coord.hpp
  tt-metalium/sub_device.hpp               mesh_device.hpp
  tt-metalium/sub_device_types.hpp         mesh_device.hpp
  tt-metalium/system_mesh.hpp              mesh_device.hpp
  tt-metalium/test_tiles.hpp               tilize_utils.hpp
  tt-metalium/tile.hpp                     circular_buffer_config.hpp
  tt-metalium/tilize_untilize.hpp          tilize_utils.hpp
  tt-metalium/trace.hpp                    host_api.hpp
  tt-metalium/tt_align.hpp                 math.hpp
  tt-metalium/tt_backend_api_types.hpp     base_types.hpp
  tt-metalium/tt_metal_profiler.hpp        distributed.hpp
  tt-metalium/util.hpp                     tt_metal.hpp
  tt-metalium/utils.hpp                    math.hpp
  tt-metalium/vector_aligned.hpp           small_types.hpp
  tt-metalium/experimental/host_api.hpp    host_api.hpp
  tt-metalium/experimental/device.hpp      device.hpp
  tt-metalium/experimental/fabric/control_plane.hpp multi_device.hpp
  tt-metalium/experimental/fabric/fabric.hpp multi_device.hpp
  tt-metalium/experimental/fabric/fabric_edm_types.hpp multi_device.hpp
  tt-metalium/experimental/fabric/mesh_graph.hpp multi_device.hpp
  tt-metalium/experimental/fabric/fabric_types.hpp multi_device.hpp
  tt-metalium/experimental/global_circular_buffer.hpp multi_device.hpp
  tt-metalium/experimental/kernel_cache.hpp tt_metal.hpp
  tt-metalium/experimental/profiler.hpp    tt_metal.hpp
  tt-metalium/experimental/sockets/mesh_socket.hpp multi_device.hpp
  tt_stl/assert.hpp                        assert.hpp
  tt_stl/caseless_comparison.hpp           small_types.hpp
  tt_stl/cleanup.hpp                       small_types.hpp
  tt_stl/indestructible.hpp                small_types.hpp
  tt_stl/fmt.hpp                           formatting.hpp
  tt_stl/overloaded.hpp                    small_types.hpp
  tt_stl/reflection.hpp                    formatting.hpp
  tt_stl/small_vector.hpp                  small_types.hpp
  tt_stl/span.hpp                          span.hpp
  tt_stl/strong_type.hpp                   small_types.hpp
  tt_stl/unreachable.hpp                   assert.hpp
  tt-logger/tt-logger.hpp                  logger.hpp
  umd/device/driver_atomics.hpp            base_types.hpp
  umd/device/tt_xy_pair.h                  core_coord.hpp
  umd/device/tt_soc_descriptor.h           core_coord.hpp
  umd/device/types/cluster_descriptor_types.hpp base_types.hpp
  umd/device/types/arch.h                  base_types.hpp
  umd/device/types/arch.hpp                base_types.hpp
  umd/device/tt_core_coordinates.h         core_coord.hpp
  umd/device/types/core_coordinates.hpp    core_coord.hpp
  umd/device/types/cluster_types.hpp       base_types.hpp
  umd/device/types/xy_pair.h               core_coord.hpp
  umd/device/types/xy_pair.hpp             core_coord.hpp
  hostdevcommon/common_values.hpp          circular_buffer_constants.h
  hostdevcommon/common_runtime_address_map.h profiler_common.h
  hostdevcommon/fabric_common.h            multi_device.hpp
  hostdevcommon/kernel_structs.h           circular_buffer_constants.h
  hostdevcommon/profiler_common.h          profiler_common.h
  hostdevcommon/tensor_accessor/arg_config.hpp tensor_accessor_args.hpp
  # Of the years before, each below tt_metal/ and alone
  common/assert.hpp                        assert.hpp
  common/base.hpp                          host_api.hpp
  common/base_types.hpp                    base_types.hpp
  common/bfloat16.hpp                      bfloat16.hpp
  common/bfloat8.hpp                       bfloat8.hpp
  common/bfloat4.hpp                       bfloat8.hpp
  common/constants.hpp                     constants.hpp
  common/core_coord.h                      core_coord.hpp
  common/core_coord.hpp                    core_coord.hpp
  common/logger.hpp                        logger.hpp
  common/math.hpp                          math.hpp
  common/test_tiles.hpp                    tilize_utils.hpp
  common/tilize_untilize.hpp               tilize_utils.hpp
  common/tt_backend_api_types.hpp          base_types.hpp
  common/work_split.hpp                    work_split.hpp
  detail/tt_metal.hpp                      tt_metal.hpp
  detail/util.hpp                          tt_metal.hpp
  detail/persistent_kernel_cache.hpp       tt_metal.hpp
  detail/kernel_cache.hpp                  tt_metal.hpp
  host_api.hpp                             host_api.hpp
  impl/buffers/buffer.hpp                  buffer.hpp
  impl/buffers/circular_buffer.hpp         circular_buffer_config.hpp
  impl/buffers/circular_buffer_types.hpp   circular_buffer_config.hpp
  impl/buffers/buffer_constants.hpp        base_types.hpp
  impl/buffers/global_semaphore.hpp        host_api.hpp
  impl/buffers/semaphore.hpp               host_api.hpp
  impl/context/metal_context.hpp           chip_context.hpp
  impl/data_format/bfloat16_utils.hpp      bfloat16.hpp
  impl/device/device.hpp                   host_api.hpp
  impl/device/device_pool.hpp              tt_metal.hpp
  impl/device/device_mesh.hpp              distributed.hpp
  impl/dispatch/command_queue.hpp          host_api.hpp
  impl/kernels/kernel.hpp                  kernel_types.hpp
  impl/kernels/kernel_types.hpp            kernel_types.hpp
  impl/kernels/data_types.hpp              base_types.hpp
  impl/program/program.hpp                 host_api.hpp
  impl/event/event.hpp                     host_api.hpp
  impl/trace/trace.hpp                     host_api.hpp
  llrt.hpp                                 chip_context.hpp
  llrt/hal.hpp                             chip_context.hpp
  llrt/llrt.hpp                            chip_context.hpp
  llrt/rtoptions.hpp                       chip_context.hpp
  llrt/tt_cluster.hpp                      chip_context.hpp
  magic_enum/magic_enum.hpp                magic_enum.hpp
  third_party/magic_enum/magic_enum.hpp    magic_enum.hpp
  tracy/Tracy.hpp                          tracy.hpp
  third_party/tracy/public/tracy/Tracy.hpp tracy.hpp
  third_party/umd/device/tt_xy_pair.h      core_coord.hpp
  tools/profiler/profiler.hpp              tt_metal.hpp
  tools/profiler/op_profiler.hpp           tt_metal.hpp)

# Writes today's headers under their last name alone, for programs whose builds name the folder that holds them. They are
# searched last: programs have headers of such names, too.
function(metalium_write_bare_names folder)
  set(headers ${metalium_names})
  list(FILTER headers INCLUDE REGEX "^tt-metalium/")
  file(GLOB own RELATIVE ${CMAKE_CURRENT_SOURCE_DIR} CONFIGURE_DEPENDS tt-metalium/*.hpp)
  foreach(header IN LISTS headers own)
    get_filename_component(name ${header} NAME)
    file(CONFIGURE OUTPUT ${folder}/${name} CONTENT "// SPDX-License-Identifier: Apache-2.0\n#include <${header}>\n")
  endforeach()
  # A name of fmt's own since version 11; found where that is older.
  file(CONFIGURE OUTPUT ${folder}/fmt/base.h CONTENT "// SPDX-License-Identifier: Apache-2.0\n#include <fmt/core.h>\n")
endfunction()

# Writes the files below `folder`.
function(metalium_write_names folder)
  list(LENGTH metalium_names count)
  math(EXPR last "${count} - 1")
  foreach(i RANGE 0 ${last} 2)
    math(EXPR next "${i} + 1")
    list(GET metalium_names ${i} name)
    list(GET metalium_names ${next} target)
    set(files ${name})
    if(name MATCHES "^(common|detail|impl|llrt|tools)/|^host_api|^hostdevcommon")
      list(APPEND files tt_metal/${name})
    endif()
    if(name MATCHES "^tt-metalium/" AND NOT name STREQUAL "tt-metalium/${target}")
      list(APPEND files tt_metal/api/${name})
    endif()
    # Headers of the years before put names of std into the global namespace.
    set(older "")
    if(name MATCHES "^(common|detail|impl|llrt|tools)/|^host_api")
      set(older "#include <tt-metalium/older.hpp>\n")
    endif()
    foreach(file IN LISTS files)
      if(NOT file STREQUAL "tt-metalium/${target}")
        file(CONFIGURE OUTPUT ${folder}/${file} CONTENT "// SPDX-License-Identifier: Apache-2.0\n${older}#include <tt-metalium/${target}>\n")
      endif()
    endforeach()
  endforeach()
endfunction()
