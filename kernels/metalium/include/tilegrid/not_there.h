// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tilegrid/base.h"

// What an emulator of one chip does not have, and kernels ask for by name: each is an error of the compiler that says so.

struct SocketSenderInterface {};
struct SocketReceiverInterface {};
#define TILEGRID_SOCKET(name) TILEGRID_NOT_THERE(name, "sockets are between the devices of a mesh; one chip is emulated")
TILEGRID_NOT_THERE_OF(SocketSenderInterface, create_sender_socket_interface,
                      "sockets are between the devices of a mesh; one chip is emulated")
TILEGRID_NOT_THERE_OF(SocketReceiverInterface, create_receiver_socket_interface,
                      "sockets are between the devices of a mesh; one chip is emulated")
TILEGRID_SOCKET(set_sender_socket_page_size)
TILEGRID_SOCKET(set_receiver_socket_page_size)
TILEGRID_SOCKET(socket_reserve_pages)
TILEGRID_SOCKET(socket_push_pages)
TILEGRID_SOCKET(socket_wait_for_pages)
TILEGRID_SOCKET(socket_pop_pages)
TILEGRID_SOCKET(socket_notify_receiver)
TILEGRID_SOCKET(socket_notify_sender)
TILEGRID_SOCKET(socket_barrier)
TILEGRID_SOCKET(update_socket_config)
TILEGRID_SOCKET(assign_local_cb_to_socket)
TILEGRID_SOCKET(fabric_set_unicast_route)
TILEGRID_SOCKET(fabric_socket_notify_receiver)
TILEGRID_SOCKET(fabric_socket_notify_sender)
TILEGRID_SOCKET(fabric_socket_notify_sender_stateful)
#undef TILEGRID_SOCKET

#define TILEGRID_REMOTE(name) \
  TILEGRID_NOT_THERE(         \
      name, "circular buffers of several cores (GlobalCircularBuffer); move pages by noc_async_write and semaphores")
TILEGRID_REMOTE(get_remote_sender_cb_interface)
TILEGRID_REMOTE(get_remote_receiver_cb_interface)
namespace experimental {
TILEGRID_REMOTE(remote_cb_wait_front)
TILEGRID_REMOTE(remote_cb_pop_front)
TILEGRID_REMOTE(remote_cb_reserve_back)
TILEGRID_REMOTE(remote_cb_push_back_and_write_pages)
TILEGRID_REMOTE(remote_cb_sender_barrier)
TILEGRID_REMOTE(resize_remote_sender_cb_interface)
TILEGRID_REMOTE(resize_remote_receiver_cb_interface)
TILEGRID_REMOTE(align_local_cbs_to_remote_cb)
TILEGRID_REMOTE(update_remote_cb_config_in_l1)
TILEGRID_REMOTE(update_remote_cb_configs_in_l1)
}  // namespace experimental
#undef TILEGRID_REMOTE

TILEGRID_NOT_THERE(NOC_XY_PCIE_ENCODING, "the host's memory over PCIe; buffers in DRAM or L1 are there")
TILEGRID_NOT_THERE(get_noc_addr_from_pcie, "the host's memory over PCIe; buffers in DRAM or L1 are there")
TILEGRID_NOT_THERE(eth_send_packet, "Ethernet; one chip is emulated")
TILEGRID_NOT_THERE(eth_send_bytes, "Ethernet; one chip is emulated")
TILEGRID_NOT_THERE(eth_wait_for_bytes, "Ethernet; one chip is emulated")
TILEGRID_NOT_THERE(eth_receiver_done, "Ethernet; one chip is emulated")
TILEGRID_NOT_THERE(eth_wait_for_receiver_done, "Ethernet; one chip is emulated")
