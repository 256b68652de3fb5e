// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tilegrid/addresses.h"

// Device 2.0: the same calls as methods of objects. What a transfer goes from or to is an endpoint with arguments of its
// own.

/// What tells a debugger of races on silicon who uses memory: to hold it does nothing here.
struct tilegrid_lock {
  tilegrid_lock() = default;
  tilegrid_lock(const tilegrid_lock&) = delete;
  tilegrid_lock& operator=(const tilegrid_lock&) = delete;
  ~tilegrid_lock() {}
};

/// A circular buffer.
class CircularBuffer {
 public:
  enum class AddrSel { READ_PTR, WRITE_PTR };
  using AddrSelector = AddrSel;
  constexpr CircularBuffer(uint32_t id) : id_(id) {}
  void reserve_back(uint32_t pages, TG_AT) const { tilegrid_device::tg().cb_reserve_back(id_, pages, at); }
  void push_back(uint32_t pages, TG_AT) const { tilegrid_device::tg().cb_push_back(id_, pages, at); }
  void wait_front(uint32_t pages, TG_AT) const { tilegrid_device::tg().cb_wait_front(id_, pages, at); }
  void pop_front(uint32_t pages, TG_AT) const { tilegrid_device::tg().cb_pop_front(id_, pages, at); }
  bool pages_available_at_front(uint32_t pages, TG_AT) const {
    return tilegrid_device::tg().cb_pages_available(id_, pages, at);
  }
  bool pages_reservable_at_back(uint32_t pages, TG_AT) const {
    return tilegrid_device::tg().cb_pages_reservable(id_, pages, at);
  }
  uint32_t get_read_ptr(TG_AT) const { return tilegrid_device::tg().cb_fact(id_, 0, at); }
  uint32_t get_write_ptr(TG_AT) const { return tilegrid_device::tg().cb_fact(id_, 1, at); }
  uint32_t get_cb_id() const { return id_; }
  uint32_t get_id() const { return id_; }
  uint32_t get_tile_size() const { return ::get_tile_size(id_); }
  uint32_t get_entry_size(TG_AT) const { return tilegrid_device::tg().cb_fact(id_, 2, at); }
  DataFormat get_dataformat() const { return ::get_dataformat(id_); }
  uint32_t get_tile_hw() const { return 1024; }
  uint32_t get_tile_address(uint32_t index, TG_AT) const { return get_read_ptr(at) + index * get_entry_size(at); }
  uint32_t read_tile_value(uint32_t index, uint32_t word, TG_AT) const {
    return reinterpret_cast<volatile uint32_t*>(static_cast<uintptr_t>(get_tile_address(index, at)))[word];
  }
  [[nodiscard]] tilegrid_lock scoped_lock() const { return {}; }

 private:
  uint32_t id_;
};
using DataflowBuffer = CircularBuffer;

template <CircularBuffer::AddrSel selected>
struct CircularBufferView {
  const CircularBuffer& buffer;
};
template <CircularBuffer::AddrSel selected>
inline CircularBufferView<selected> use(const CircularBuffer& buffer) {
  return {buffer};
}

/// Memory of the own core.
template <class T, class Address = uint32_t>
class CoreLocalMem {
 public:
  constexpr explicit CoreLocalMem(uint32_t address) : address_(address) {}
  explicit CoreLocalMem(T* pointer) : address_(static_cast<uint32_t>(reinterpret_cast<uintptr_t>(pointer))) {}
  volatile T& operator[](uint32_t index) const { return pointer()[index]; }
  volatile T& operator*() const { return *pointer(); }
  volatile T* operator->() const { return pointer(); }
  CoreLocalMem operator+(int elements) const { return CoreLocalMem(address_ + static_cast<uint32_t>(elements) * sizeof(T)); }
  CoreLocalMem& operator+=(int elements) { return *this = *this + elements; }
  CoreLocalMem operator-(int elements) const { return *this + -elements; }
  int operator-(const CoreLocalMem& other) const {
    return (static_cast<int>(address_) - static_cast<int>(other.address_)) / static_cast<int>(sizeof(T));
  }
  CoreLocalMem& operator-=(int elements) { return *this += -elements; }
  CoreLocalMem& operator++() { return *this += 1; }
  CoreLocalMem& operator--() { return *this += -1; }
  CoreLocalMem operator++(int) { return std::exchange(*this, *this + 1); }
  CoreLocalMem operator--(int) { return std::exchange(*this, *this + -1); }
  auto operator<=>(const CoreLocalMem& other) const = default;
  explicit operator bool() const { return address_ != 0; }
  [[nodiscard]] tilegrid_lock scoped_lock(size_t) const { return {}; }
  uint32_t get_address() const { return address_; }
  volatile T* get_unsafe_ptr() const { return pointer(); }

 private:
  volatile T* pointer() const { return reinterpret_cast<volatile T*>(static_cast<uintptr_t>(address_)); }
  uint32_t address_;
};

enum class AllocatorBankType { DRAM, L1 };
template <AllocatorBankType type>
struct AllocatorBank {};
struct UnicastEndpoint {
  uint64_t get_noc_unicast_addr(uint32_t x, uint32_t y, uint32_t address, uint8_t noc = noc_index) const {
    return get_noc_addr(x, y, address, noc);
  }
};
struct MulticastEndpoint {
  uint64_t get_noc_multicast_addr(uint32_t x_start, uint32_t y_start, uint32_t x_end, uint32_t y_end, uint32_t address,
                                  uint8_t noc = noc_index) const {
    return ::get_noc_multicast_addr(x_start, y_start, x_end, y_end, address, noc);
  }
};

/// Arguments and address of an endpoint: `local` ones lie in the own L1, others are NoC addresses.
template <class Endpoint>
struct noc_traits_t;
struct tilegrid_offset {
  uint32_t offset_bytes = 0;
};
/// The same place of the cores of a rectangle.
struct tilegrid_multicast_offset {
  uint32_t noc_x_start = 0, noc_y_start = 0, noc_x_end = 0, noc_y_end = 0, offset_bytes = 0;
};
template <>
struct noc_traits_t<CircularBuffer> {
  static constexpr bool local = true;
  using src_args_type = tilegrid_offset;
  using dst_args_type = tilegrid_offset;
  static uint32_t source(const CircularBuffer& cb, const tilegrid_offset& a) { return cb.get_read_ptr() + a.offset_bytes; }
  static uint32_t target(const CircularBuffer& cb, const tilegrid_offset& a) { return cb.get_write_ptr() + a.offset_bytes; }
  using dst_args_mcast_type = tilegrid_multicast_offset;
  static uint64_t rectangle(const CircularBuffer& cb, const dst_args_mcast_type& a) {
    return get_noc_multicast_addr(a.noc_x_start, a.noc_y_start, a.noc_x_end, a.noc_y_end,
                                  cb.get_write_ptr() + a.offset_bytes);
  }
};
template <CircularBuffer::AddrSel selected>
struct noc_traits_t<CircularBufferView<selected>> {
  static constexpr bool local = true;
  using src_args_type = tilegrid_offset;
  using dst_args_type = tilegrid_offset;
  static uint32_t source(const CircularBufferView<selected>& view, const tilegrid_offset& a) {
    const bool read = selected == CircularBuffer::AddrSel::READ_PTR;
    return (read ? view.buffer.get_read_ptr() : view.buffer.get_write_ptr()) + a.offset_bytes;
  }
  static uint32_t target(const CircularBufferView<selected>& view, const tilegrid_offset& a) { return source(view, a); }
  using dst_args_mcast_type = tilegrid_multicast_offset;
  static uint64_t rectangle(const CircularBufferView<selected>& view, const dst_args_mcast_type& a) {
    return get_noc_multicast_addr(a.noc_x_start, a.noc_y_start, a.noc_x_end, a.noc_y_end, source(view, {a.offset_bytes}));
  }
};
template <class T, class Address>
struct noc_traits_t<CoreLocalMem<T, Address>> {
  static constexpr bool local = true;
  using src_args_type = tilegrid_offset;
  using dst_args_type = tilegrid_offset;
  static uint32_t source(const CoreLocalMem<T, Address>& memory, const tilegrid_offset& a) {
    return memory.get_address() + a.offset_bytes;
  }
  static uint32_t target(const CoreLocalMem<T, Address>& memory, const tilegrid_offset& a) { return source(memory, a); }
};
template <AllocatorBankType type>
struct noc_traits_t<AllocatorBank<type>> {
  static constexpr bool local = false;
  struct src_args_type {
    uint32_t bank_id = 0, addr = 0;
  };
  using dst_args_type = src_args_type;
  static uint64_t address(const AllocatorBank<type>&, const src_args_type& a, uint8_t) {
    return get_noc_addr_from_bank_id<type == AllocatorBankType::DRAM>(a.bank_id, a.addr);
  }
};
template <>
struct noc_traits_t<UnicastEndpoint> {
  static constexpr bool local = false;
  struct src_args_type {
    uint32_t noc_x = 0, noc_y = 0, addr = 0;
  };
  using dst_args_type = src_args_type;
  static uint64_t address(const UnicastEndpoint&, const src_args_type& a, uint8_t) {
    return get_noc_addr(a.noc_x, a.noc_y, a.addr);
  }
  /// As the end of a transfer that lies in the own L1, it is its address.
  static uint32_t source(const UnicastEndpoint&, const src_args_type& a) { return a.addr; }
  static uint32_t target(const UnicastEndpoint&, const src_args_type& a) { return a.addr; }
};
template <>
struct noc_traits_t<MulticastEndpoint> {
  static constexpr bool local = false;
  struct dst_args_mcast_type {
    uint32_t noc_x_start = 0, noc_y_start = 0, noc_x_end = 0, noc_y_end = 0, addr = 0;
  };
  using dst_args_type = dst_args_mcast_type;
  using src_args_type = dst_args_mcast_type;
  static uint64_t rectangle(const MulticastEndpoint&, const dst_args_mcast_type& a) {
    return get_noc_multicast_addr(a.noc_x_start, a.noc_y_start, a.noc_x_end, a.noc_y_end, a.addr);
  }
};
template <tilegrid_generator Generator>
struct noc_traits_t<Generator> {
  static constexpr bool local = false;
  struct src_args_type {
    uint32_t page_id = 0, offset_bytes = 0;
  };
  using dst_args_type = src_args_type;
  static uint64_t address(const Generator& g, const src_args_type& a, uint8_t) {
    return g.get_noc_addr(a.page_id, a.offset_bytes);
  }
};

class Noc {
 public:
  enum class McastMode : uint8_t { INCLUDE_SRC, EXCLUDE_SRC };
  enum class TxnIdMode : uint8_t { ENABLED, DISABLED };
  enum class ResponseMode : uint8_t { NON_POSTED, POSTED };
  enum class BarrierMode : uint8_t { TXN_ID, FULL };
  static constexpr uint32_t INVALID_TXN_ID = 0xFFFFFFFF;

  Noc() : id_(noc_index) {}
  explicit Noc(uint8_t id) : id_(id) {}
  uint8_t get_noc_id() const { return id_; }

  enum class VcSelection : uint8_t { DEFAULT, CUSTOM };
  enum class AddressType : uint8_t { NOC, LOCAL_L1 };

  template <TxnIdMode mode = TxnIdMode::DISABLED, auto... options, class Src, class Dst>
  void async_read(const Src& src, const Dst& dst, uint32_t bytes, const typename noc_traits_t<Src>::src_args_type& from,
                  const typename noc_traits_t<Dst>::dst_args_type& to, uint32_t = 0, uint32_t trid = INVALID_TXN_ID,
                  TG_AT) const {
    if constexpr (mode == TxnIdMode::ENABLED) tilegrid_device::tg().read_set_trid(trid, id_, at);
    tilegrid_device::tg().read(noc_traits_t<Src>::address(src, from, id_), noc_traits_t<Dst>::target(dst, to), bytes, false,
                               id_, at);
  }
  template <TxnIdMode mode = TxnIdMode::DISABLED, auto... options, class Src, class Dst>
  void async_write(const Src& src, const Dst& dst, uint32_t bytes, const typename noc_traits_t<Src>::src_args_type& from,
                   const typename noc_traits_t<Dst>::dst_args_type& to, uint32_t = 0, uint32_t trid = INVALID_TXN_ID,
                   TG_AT) const {
    const uint32_t l1 = noc_traits_t<Src>::source(src, from);
    const uint64_t address = noc_traits_t<Dst>::address(dst, to, id_);
    if constexpr (mode == TxnIdMode::ENABLED)
      return tilegrid_device::tg().write_with_trid(l1, address, bytes, trid, id_, at);
    tilegrid_device::tg().write(l1, address, bytes, false, id_, at);
  }
  template <McastMode mode = McastMode::EXCLUDE_SRC, auto... options, class Src, class Dst>
  void async_write_multicast(const Src& src, const Dst& dst, uint32_t bytes, uint32_t destinations,
                             const typename noc_traits_t<Src>::src_args_type& from,
                             const typename noc_traits_t<Dst>::dst_args_mcast_type& to, bool linked = false, uint32_t = 0,
                             TG_AT) const {
    tilegrid_device::tg().multicast(noc_traits_t<Src>::source(src, from), noc_traits_t<Dst>::rectangle(dst, to), bytes,
                                    destinations, mode == McastMode::INCLUDE_SRC, linked, false, id_, at);
  }

  // With a state: packets of one size when pages are known to be no longer than a packet, else of any.
  template <VcSelection vc = VcSelection::DEFAULT, uint32_t max_page_size = NOC_MAX_BURST_SIZE + 1, class Src>
  void set_async_read_state(const Src& src, uint32_t bytes, const typename noc_traits_t<Src>::src_args_type& from,
                            uint8_t = 0, TG_AT) const {
    const bool one_packet = max_page_size <= NOC_MAX_BURST_SIZE;
    tilegrid_device::tg().read_set_state(noc_traits_t<Src>::address(src, from, id_), one_packet ? bytes : 0, id_, at);
  }
  template <VcSelection vc = VcSelection::DEFAULT, uint32_t max_page_size = NOC_MAX_BURST_SIZE + 1, class Src, class Dst>
  void async_read_with_state(const Src& src, const Dst& dst, uint32_t bytes,
                             const typename noc_traits_t<Src>::src_args_type& from,
                             const typename noc_traits_t<Dst>::dst_args_type& to, uint8_t = 0, TG_AT) const {
    const auto source = static_cast<uint32_t>(noc_traits_t<Src>::address(src, from, id_));
    const bool one_packet = max_page_size <= NOC_MAX_BURST_SIZE;
    tilegrid_device::tg().read_with_state(source, noc_traits_t<Dst>::target(dst, to), one_packet ? 0 : bytes, id_, at);
  }
  template <ResponseMode response = ResponseMode::NON_POSTED, uint32_t max_page_size = NOC_MAX_BURST_SIZE + 1, class Dst>
  void set_async_write_state(const Dst& dst, uint32_t bytes, const typename noc_traits_t<Dst>::dst_args_type& to,
                             uint8_t = 0, TG_AT) const {
    const uint64_t address = noc_traits_t<Dst>::address(dst, to, id_);
    if constexpr (max_page_size <= NOC_MAX_BURST_SIZE) {
      tilegrid_device::tg().write_set_state(address, bytes, id_, at);
    } else {
      tilegrid_device::tg().write_trid_set_state(address, id_, at);
    }
  }
  template <ResponseMode response = ResponseMode::NON_POSTED, uint32_t max_page_size = NOC_MAX_BURST_SIZE + 1, class Src,
            class Dst>
  void async_write_with_state(const Src& src, const Dst& dst, uint32_t bytes,
                              const typename noc_traits_t<Src>::src_args_type& from,
                              const typename noc_traits_t<Dst>::dst_args_type& to, uint8_t = 0, TG_AT) const {
    const uint32_t l1 = noc_traits_t<Src>::source(src, from);
    const auto target = static_cast<uint32_t>(noc_traits_t<Dst>::address(dst, to, id_));
    if constexpr (max_page_size <= NOC_MAX_BURST_SIZE) return tilegrid_device::tg().write_with_state(l1, target, id_, at);
    for (uint32_t done = 0; done < bytes; done += NOC_MAX_BURST_SIZE) {
      const uint32_t part = bytes - done < NOC_MAX_BURST_SIZE ? bytes - done : NOC_MAX_BURST_SIZE;
      tilegrid_device::tg().write_trid_with_state(l1 + done, target + done, part, 0, id_, at);
    }
  }
  bool is_local_bank(uint32_t x, uint32_t y) const { return x == my_x[id_] && y == my_y[id_]; }
  template <auto... options, class Dst>
  void inline_dw_write(const Dst& dst, uint32_t value, const typename noc_traits_t<Dst>::dst_args_type& to,
                       uint8_t enable = 0xF, uint32_t = 0, TG_AT) const {
    tilegrid_device::tg().write_word(noc_traits_t<Dst>::address(dst, to, id_), value, enable, id_, at);
  }
  template <auto... options>
  void async_read_barrier(uint32_t trid = INVALID_TXN_ID, TG_AT) const {
    tilegrid_device::tg().barrier(0, trid == INVALID_TXN_ID ? -1 : static_cast<int>(trid), id_, at);
  }
  template <auto... options>
  void async_write_barrier(uint32_t trid = INVALID_TXN_ID, TG_AT) const {
    tilegrid_device::tg().barrier(1, trid == INVALID_TXN_ID ? -1 : static_cast<int>(trid), id_, at);
  }
  template <auto... options>
  void async_writes_flushed(uint32_t trid = INVALID_TXN_ID, TG_AT) const {
    tilegrid_device::tg().barrier(2, trid == INVALID_TXN_ID ? -1 : static_cast<int>(trid), id_, at);
  }
  void async_atomic_barrier(TG_AT) const { tilegrid_device::tg().barrier(3, -1, id_, at); }
  void async_full_barrier(TG_AT) const { tilegrid_device::tg().barrier(4, -1, id_, at); }

 private:
  uint8_t id_;
};

template <ProgrammableCoreType type = ProgrammableCoreType::TENSIX>
class Semaphore {
 public:
  explicit Semaphore(uint32_t id, TG_AT) : address_(tilegrid_device::tg().semaphore(id, at)) {}
  uint32_t get_address() const { return address_; }
  void set(uint32_t value, TG_AT) const { tilegrid_device::tg().semaphore_set(word(), value, at); }
  void wait(uint32_t value, TG_AT) const { tilegrid_device::tg().semaphore_wait(word(), value, false, at); }
  void wait_min(uint32_t value, TG_AT) const { tilegrid_device::tg().semaphore_wait(word(), value, true, at); }
  void up(uint32_t value, TG_AT) const { tilegrid_device::tg().semaphore_set(word(), *word() + value, at); }
  void down(uint32_t value, TG_AT) const {
    wait_min(value, at);
    tilegrid_device::tg().semaphore_set(word(), *word() - value, at);
  }
  template <auto... options>
  void up(const Noc& noc, uint32_t x, uint32_t y, uint32_t value, uint8_t = 0, TG_AT) const {
    tilegrid_device::tg().semaphore_inc(get_noc_addr(x, y, address_), value, noc.get_noc_id(), at);
  }
  void inc_multicast(const Noc& noc, uint32_t x_start, uint32_t y_start, uint32_t x_end, uint32_t y_end, uint32_t value,
                     uint32_t destinations, TG_AT) const {
    tilegrid_device::tg().semaphore_inc_multicast(
        get_noc_multicast_addr(x_start, y_start, x_end, y_end, address_, noc.get_noc_id()), value, destinations,
        noc.get_noc_id(), at);
  }
  template <Noc::McastMode mode = Noc::McastMode::EXCLUDE_SRC>
  void set_multicast(const Noc& noc, uint32_t x_start, uint32_t y_start, uint32_t x_end, uint32_t y_end,
                     uint32_t destinations, bool linked = false, TG_AT) const {
    tilegrid_device::tg().semaphore_multicast(address_, get_noc_multicast_addr(x_start, y_start, x_end, y_end, address_),
                                              destinations, mode == Noc::McastMode::INCLUDE_SRC, linked, noc.get_noc_id(),
                                              at);
  }

 private:
  volatile uint32_t* word() const { return reinterpret_cast<volatile uint32_t*>(static_cast<uintptr_t>(address_)); }
  uint32_t address_;
};
Semaphore(uint32_t)->Semaphore<ProgrammableCoreType::TENSIX>;

namespace experimental {
using ::AllocatorBank;
using ::AllocatorBankType;
using ::CircularBuffer;
using ::CoreLocalMem;
using ::DataflowBuffer;
using ::MulticastEndpoint;
using ::Noc;
using ::noc_traits_t;
using ::Semaphore;
using ::UnicastEndpoint;
using ::use;
}  // namespace experimental
