// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tilegrid/compute.h"

// SFPI: the vector unit's own language. A vector has 32 lanes: four rows of a face by its eight even, or its eight odd,
// columns. A condition disables lanes for all that is assigned under it; what is computed is computed in all.

namespace sfpi {
namespace detail {

typedef float Floats __attribute__((vector_size(128)));
typedef int32_t Ints __attribute__((vector_size(128)));
typedef uint32_t Words __attribute__((vector_size(128)));

/// Of the code that runs; of no meaning after a call of the API.
struct State {
  Ints enabled;   ///< all bits of a lane, or none
  uint64_t turn;  ///< of the meter, when the tiles were asked for
  float* tiles[16];
  uint32_t base_tile;    ///< of dst_reg[0]
  uint32_t base_vector;  ///< moves from face to face
  uint32_t offset;       ///< dst_reg++
  uint32_t instructions;
  bool sixteen;  ///< DST keeps BF16
};
static State state TILEGRID_OWN = {};
static bool lanes_are_set TILEGRID_OWN = false;

TILEGRID_UNCOUNTED inline Ints& enabled() {
  if (!lanes_are_set) {
    state.enabled = Ints{} == 0;
    lanes_are_set = true;
  }
  return state.enabled;
}
template <class V>
TILEGRID_UNCOUNTED inline V chosen(Ints mask, V yes, V no) {
  return (V)(((Ints)yes & mask) | ((Ints)no & ~mask));
}
TILEGRID_UNCOUNTED inline void count() { ++state.instructions; }

TILEGRID_UNCOUNTED inline float* tile(uint32_t index) {
  if (state.turn != tilegrid_own_meter.turn) {
    for (float*& pointer : state.tiles) pointer = nullptr;
  }
  float*& pointer = state.tiles[index & 15U];
  if (pointer == nullptr)
    pointer = ::tilegrid_device::tg().dst_values(index, &state.sixteen, ::tilegrid_device::Line::here());
  state.turn = tilegrid_own_meter.turn;
  return pointer;
}

/// The first of a vector's 32 values, which lie two apart, eight to a row of 16.
TILEGRID_UNCOUNTED inline float* vector_at(uint32_t index) {
  const uint32_t all = state.base_tile * 32 + state.base_vector + state.offset + index;
  const uint32_t in_tile = all % 32;
  return tile(all / 32) + in_tile / 8 * 256 + in_tile % 8 / 2 * 64 + in_tile % 2;
}
TILEGRID_UNCOUNTED inline Words load(uint32_t index) {
  count();
  const float* from = vector_at(index);
  Words lanes;
  for (int lane = 0; lane < 32; ++lane) {
    uint32_t bits;
    __builtin_memcpy(&bits, from + lane / 8 * 16 + lane % 8 * 2, sizeof bits);
    lanes[lane] = bits;
  }
  return lanes;
}
/// What DST keeps of 32 bits in 16-bit mode is the upper half (SFPSTORE truncates).
TILEGRID_UNCOUNTED inline void store(uint32_t index, Words lanes, bool is_float) {
  count();
  float* to = vector_at(index);
  const Ints mask = enabled();
  for (int lane = 0; lane < 32; ++lane) {
    if (mask[lane] == 0) continue;
    const uint32_t bits = is_float && state.sixteen ? lanes[lane] & 0xFFFF0000U : lanes[lane];
    __builtin_memcpy(to + lane / 8 * 16 + lane % 8 * 2, &bits, sizeof bits);
  }
}

}  // namespace detail

struct vInt;
struct VConst {
  float value;
};
struct DstSlot;

/// Lanes for which something holds.
struct vBool {
  detail::Ints lanes;
  TILEGRID_UNCOUNTED vBool operator&&(vBool b) const { return {lanes & b.lanes}; }
  TILEGRID_UNCOUNTED vBool operator||(vBool b) const { return {lanes | b.lanes}; }
  TILEGRID_UNCOUNTED vBool operator!() const { return {~lanes}; }
};

struct vFloat {
  detail::Floats v;
  constexpr vFloat() : v{} {}
  TILEGRID_UNCOUNTED vFloat(detail::Floats lanes) : v(lanes) {}
  TILEGRID_UNCOUNTED vFloat(float x) : v(detail::Floats{} + x) {}
  TILEGRID_UNCOUNTED vFloat(double x) : vFloat(static_cast<float>(x)) {}
  TILEGRID_UNCOUNTED vFloat(int x) : vFloat(static_cast<float>(x)) {}
  TILEGRID_UNCOUNTED vFloat(unsigned x) : vFloat(static_cast<float>(x)) {}
  TILEGRID_UNCOUNTED vFloat(VConst c) : vFloat(c.value) {}
  vFloat(const DstSlot& slot);
  TILEGRID_UNCOUNTED vFloat(const vFloat& other) : v(other.v) {}
  TILEGRID_UNCOUNTED vFloat& operator=(const vFloat& other) {
    detail::count();
    v = detail::chosen(detail::enabled(), other.v, v);
    return *this;
  }
  TILEGRID_UNCOUNTED vFloat operator-() const { return vFloat(detail::Floats(-v)); }
  vFloat& operator+=(const vFloat& b);
  vFloat& operator-=(const vFloat& b);
  vFloat& operator*=(const vFloat& b);
};

struct vInt {
  detail::Ints v;
  constexpr vInt() : v{} {}
  TILEGRID_UNCOUNTED vInt(detail::Ints lanes) : v(lanes) {}
  TILEGRID_UNCOUNTED vInt(int x) : v(detail::Ints{} + x) {}
  TILEGRID_UNCOUNTED vInt(unsigned x) : vInt(static_cast<int>(x)) {}
  TILEGRID_UNCOUNTED vInt(long x) : vInt(static_cast<int>(x)) {}
  TILEGRID_UNCOUNTED vInt(unsigned long x) : vInt(static_cast<int>(x)) {}
  vInt(const DstSlot& slot);
  TILEGRID_UNCOUNTED vInt(const vInt& other) : v(other.v) {}
  TILEGRID_UNCOUNTED vInt& operator=(const vInt& other) {
    detail::count();
    v = detail::chosen(detail::enabled(), other.v, v);
    return *this;
  }
  TILEGRID_UNCOUNTED vInt operator~() const { return vInt(detail::Ints(~v)); }
  TILEGRID_UNCOUNTED vInt operator-() const { return vInt(detail::Ints(-v)); }
  TILEGRID_UNCOUNTED operator vBool() const { return {v != 0}; }
};
using vUInt = vInt;

#define TILEGRID_ARITHMETIC(type, op)                                        \
  TILEGRID_UNCOUNTED inline type operator op(const type& a, const type& b) { \
    detail::count();                                                         \
    return type(a.v op b.v);                                                 \
  }
TILEGRID_ARITHMETIC(vFloat, +)
TILEGRID_ARITHMETIC(vFloat, -)
TILEGRID_ARITHMETIC(vFloat, *)
TILEGRID_ARITHMETIC(vInt, +)
TILEGRID_ARITHMETIC(vInt, -)
TILEGRID_ARITHMETIC(vInt, *)
TILEGRID_ARITHMETIC(vInt, &)
TILEGRID_ARITHMETIC(vInt, |)
TILEGRID_ARITHMETIC(vInt, ^)
#undef TILEGRID_ARITHMETIC
TILEGRID_UNCOUNTED inline vInt operator<<(const vInt& a, int places) { return vInt(detail::Ints(a.v << places)); }
TILEGRID_UNCOUNTED inline vInt operator>>(const vInt& a, int places) {
  return vInt(detail::Ints(detail::Words(a.v) >> static_cast<unsigned>(places)));
}
#define TILEGRID_COMPARISON(type, op)                                         \
  TILEGRID_UNCOUNTED inline vBool operator op(const type& a, const type& b) { \
    detail::count();                                                          \
    return {a.v op b.v};                                                      \
  }
TILEGRID_COMPARISON(vFloat, <)
TILEGRID_COMPARISON(vFloat, <=)
TILEGRID_COMPARISON(vFloat, >)
TILEGRID_COMPARISON(vFloat, >=)
TILEGRID_COMPARISON(vFloat, ==)
TILEGRID_COMPARISON(vFloat, !=)
TILEGRID_COMPARISON(vInt, <)
TILEGRID_COMPARISON(vInt, <=)
TILEGRID_COMPARISON(vInt, >)
TILEGRID_COMPARISON(vInt, >=)
TILEGRID_COMPARISON(vInt, ==)
TILEGRID_COMPARISON(vInt, !=)
#undef TILEGRID_COMPARISON
TILEGRID_UNCOUNTED inline vFloat& vFloat::operator+=(const vFloat& b) { return *this = *this + b; }
TILEGRID_UNCOUNTED inline vFloat& vFloat::operator-=(const vFloat& b) { return *this = *this - b; }
TILEGRID_UNCOUNTED inline vFloat& vFloat::operator*=(const vFloat& b) { return *this = *this * b; }
TILEGRID_UNCOUNTED inline vInt& operator+=(vInt& a, const vInt& b) { return a = a + b; }
TILEGRID_UNCOUNTED inline vInt& operator-=(vInt& a, const vInt& b) { return a = a - b; }
TILEGRID_UNCOUNTED inline vInt& operator&=(vInt& a, const vInt& b) { return a = a & b; }
TILEGRID_UNCOUNTED inline vInt& operator|=(vInt& a, const vInt& b) { return a = a | b; }
TILEGRID_UNCOUNTED inline vInt& operator^=(vInt& a, const vInt& b) { return a = a ^ b; }

/// dst_reg[i]
struct DstSlot {
  uint32_t index;
  TILEGRID_UNCOUNTED const DstSlot& operator=(const vFloat& x) const {
    detail::store(index, detail::Words(x.v), true);
    return *this;
  }
  TILEGRID_UNCOUNTED const DstSlot& operator=(const vInt& x) const {
    detail::store(index, detail::Words(x.v), false);
    return *this;
  }
  TILEGRID_UNCOUNTED const DstSlot& operator=(const DstSlot& other) const { return *this = vFloat(other); }
  TILEGRID_UNCOUNTED const DstSlot& operator=(float x) const { return *this = vFloat(x); }
  TILEGRID_UNCOUNTED const DstSlot& operator=(VConst x) const { return *this = vFloat(x); }
  TILEGRID_UNCOUNTED vFloat operator-() const { return -vFloat(*this); }
};
TILEGRID_UNCOUNTED inline vFloat::vFloat(const DstSlot& slot) : v(detail::Floats(detail::load(slot.index))) {}
TILEGRID_UNCOUNTED inline vInt::vInt(const DstSlot& slot) : v(detail::Ints(detail::load(slot.index))) {}
// What is written with dst_reg[i] itself is of floats.
#define TILEGRID_OF_SLOTS(type, op)                                                                                 \
  TILEGRID_UNCOUNTED inline type operator op(const DstSlot& a, const DstSlot& b) { return vFloat(a) op vFloat(b); } \
  TILEGRID_UNCOUNTED inline type operator op(const DstSlot& a, const vFloat& b) { return vFloat(a) op b; }          \
  TILEGRID_UNCOUNTED inline type operator op(const vFloat& a, const DstSlot& b) { return a op vFloat(b); }
TILEGRID_OF_SLOTS(vFloat, +)
TILEGRID_OF_SLOTS(vFloat, -)
TILEGRID_OF_SLOTS(vFloat, *)
TILEGRID_OF_SLOTS(vBool, <)
TILEGRID_OF_SLOTS(vBool, <=)
TILEGRID_OF_SLOTS(vBool, >)
TILEGRID_OF_SLOTS(vBool, >=)
TILEGRID_OF_SLOTS(vBool, ==)
TILEGRID_OF_SLOTS(vBool, !=)
#undef TILEGRID_OF_SLOTS
struct DstRegisters {
  TILEGRID_UNCOUNTED DstSlot operator[](int index) const { return {static_cast<uint32_t>(index)}; }
  TILEGRID_UNCOUNTED void operator++(int) const { ++detail::state.offset; }
  TILEGRID_UNCOUNTED void operator++() const { ++detail::state.offset; }
  TILEGRID_UNCOUNTED void operator+=(int vectors) const { detail::state.offset += static_cast<uint32_t>(vectors); }
};
inline constexpr DstRegisters dst_reg{};

inline constexpr VConst vConst0{0.0F}, vConst1{1.0F}, vConstNeg1{-1.0F}, vConst0p8373{0.8373F};
/// Programmable constants: a core's own, so they are variables of the kernel.
inline vFloat vConstFloatPrgm0, vConstFloatPrgm1, vConstFloatPrgm2;
inline vInt vConstIntPrgm0, vConstIntPrgm1, vConstIntPrgm2;
struct LaneNumbers {
  TILEGRID_UNCOUNTED operator vInt() const {
    vInt lanes;
    for (int lane = 0; lane < 32; ++lane) lanes.v[lane] = 2 * lane;
    return lanes;
  }
};
inline constexpr LaneNumbers vConstTileId{};
TILEGRID_UNCOUNTED inline vBool operator<(LaneNumbers a, int b) { return vInt(a) < vInt(b); }
TILEGRID_UNCOUNTED inline vBool operator>(LaneNumbers a, int b) { return vInt(a) > vInt(b); }
TILEGRID_UNCOUNTED inline vBool operator>=(LaneNumbers a, int b) { return vInt(a) >= vInt(b); }
TILEGRID_UNCOUNTED inline vBool operator<=(LaneNumbers a, int b) { return vInt(a) <= vInt(b); }
TILEGRID_UNCOUNTED inline vBool operator==(LaneNumbers a, int b) { return vInt(a) == vInt(b); }
TILEGRID_UNCOUNTED inline vInt operator&(LaneNumbers a, int b) { return vInt(a) & vInt(b); }
TILEGRID_UNCOUNTED inline vInt operator>>(LaneNumbers a, int b) { return vInt(a) >> b; }

// ---- Conditions
struct Branch {
  detail::Ints outer = detail::enabled(), rest = outer;
  TILEGRID_UNCOUNTED Branch() {}
  TILEGRID_UNCOUNTED ~Branch() { detail::enabled() = outer; }
  TILEGRID_UNCOUNTED void when(vBool c) {
    detail::count();
    detail::enabled() = rest & c.lanes;
    rest &= ~c.lanes;
  }
  TILEGRID_UNCOUNTED void otherwise() {
    detail::count();
    detail::enabled() = rest;
  }
  TILEGRID_UNCOUNTED void also(vBool c) { detail::enabled() &= c.lanes; }
};
#define v_if(...)               \
  {                             \
    ::sfpi::Branch sfpi_branch; \
    sfpi_branch.when(__VA_ARGS__);
#define v_elseif(...) sfpi_branch.when(__VA_ARGS__);
#define v_else sfpi_branch.otherwise();
#define v_endif }
#define v_and(...) sfpi_branch.also(__VA_ARGS__)
#define v_block \
  {             \
    ::sfpi::Branch sfpi_branch;
#define v_endblock }
#define sfpi_inline inline __attribute__((always_inline))
#define sfpi_test_noinline

// ---- Bits and conversions
template <class To, class From>
TILEGRID_UNCOUNTED inline To reinterpret(const From& x) {
  return To(decltype(To::v)(x.v));
}
TILEGRID_UNCOUNTED inline vInt exexp(const vFloat& x) {
  detail::count();
  return vInt(detail::Ints((detail::Words(x.v) >> 23 & 0xFFU)) - 127);
}
TILEGRID_UNCOUNTED inline vInt exexp_nodebias(const vFloat& x) { return exexp(x) + vInt(127); }
/// The mantissa with its hidden bit (exman8), or without (exman9).
TILEGRID_UNCOUNTED inline vInt exman8(const vFloat& x) {
  detail::count();
  return vInt(detail::Ints((detail::Words(x.v) & 0x7FFFFFU) | 0x800000U));
}
TILEGRID_UNCOUNTED inline vInt exman9(const vFloat& x) {
  detail::count();
  return vInt(detail::Ints(detail::Words(x.v) & 0x7FFFFFU));
}
TILEGRID_UNCOUNTED inline vFloat setexp(const vFloat& x, const vInt& e) {
  detail::count();
  return vFloat(detail::Floats((detail::Words(x.v) & 0x807FFFFFU) | (detail::Words(e.v) & 0xFFU) << 23));
}
TILEGRID_UNCOUNTED inline vFloat setman(const vFloat& x, const vInt& m) {
  detail::count();
  return vFloat(detail::Floats((detail::Words(x.v) & 0xFF800000U) | (detail::Words(m.v) & 0x7FFFFFU)));
}
TILEGRID_UNCOUNTED inline vFloat setsgn(const vFloat& x, int sign) {
  detail::count();
  return vFloat(detail::Floats((detail::Words(x.v) & 0x7FFFFFFFU) | (sign != 0 ? 0x80000000U : 0U)));
}
TILEGRID_UNCOUNTED inline vFloat setsgn(const vFloat& x, const vFloat& of) {
  detail::count();
  return vFloat(detail::Floats((detail::Words(x.v) & 0x7FFFFFFFU) | (detail::Words(of.v) & 0x80000000U)));
}
TILEGRID_UNCOUNTED inline vFloat setsgn(const vFloat& x, const vInt& of) { return setsgn(x, reinterpret<vFloat>(of)); }
TILEGRID_UNCOUNTED inline vFloat addexp(const vFloat& x, int amount) { return setexp(x, exexp(x) + vInt(127 + amount)); }
TILEGRID_UNCOUNTED inline vInt setsgn(const vInt& x, int sign) {
  return reinterpret<vInt>(setsgn(reinterpret<vFloat>(x), sign));
}
TILEGRID_UNCOUNTED inline vFloat abs(const vFloat& x) { return setsgn(x, 0); }
TILEGRID_UNCOUNTED inline vInt abs(const vInt& x) { return vInt(x.v < 0 ? -x.v : x.v); }
TILEGRID_UNCOUNTED inline vInt shft(const vInt& x, const vInt& places) {
  detail::count();
  vInt out;
  for (int i = 0; i < 32; ++i) {
    const int n = places.v[i];
    const auto bits = static_cast<uint32_t>(x.v[i]);
    out.v[i] = static_cast<int32_t>(n >= 32 || n <= -32 ? 0U : n >= 0 ? bits << n : bits >> -n);
  }
  return out;
}
TILEGRID_UNCOUNTED inline vInt lz(const vInt& x) {
  detail::count();
  vInt out;
  for (int i = 0; i < 32; ++i) out.v[i] = x.v[i] == 0 ? 32 : __builtin_clz(static_cast<uint32_t>(x.v[i]));
  return out;
}
TILEGRID_UNCOUNTED inline vInt lz(const vFloat& x) { return lz(reinterpret<vInt>(x)); }
TILEGRID_UNCOUNTED inline vFloat int32_to_float(const vInt& x, int = 1) {
  detail::count();
  return vFloat(__builtin_convertvector(x.v, detail::Floats));
}
TILEGRID_UNCOUNTED inline vInt rounded_to(const vFloat& x, float least, float most) {
  detail::count();
  vInt out;
  for (int i = 0; i < 32; ++i) {
    const float value = __builtin_rintf(x.v[i]);
    out.v[i] = static_cast<int32_t>(value < least ? least : value > most ? most : value);
  }
  return out;
}
TILEGRID_UNCOUNTED inline vInt float_to_int16(const vFloat& x, int = 1) { return rounded_to(x, -32767.0F, 32767.0F); }
TILEGRID_UNCOUNTED inline vInt float_to_uint16(const vFloat& x, int = 1) { return rounded_to(abs(x), 0.0F, 65535.0F); }
TILEGRID_UNCOUNTED inline vInt float_to_int8(const vFloat& x, int = 1) { return rounded_to(x, -127.0F, 127.0F); }
TILEGRID_UNCOUNTED inline vInt float_to_uint8(const vFloat& x, int = 1) { return rounded_to(abs(x), 0.0F, 255.0F); }
/// Rounds half up to BF16; the value stays a float.
TILEGRID_UNCOUNTED inline vInt float_to_fp16b(const vFloat& x, int = 0) {
  detail::count();
  return vInt(detail::Ints((detail::Words(x.v) + 0x8000U) & 0xFFFF0000U));
}
TILEGRID_UNCOUNTED inline void vec_min_max(vFloat& low, vFloat& high) {
  const vFloat a = low, b = high;
  const detail::Ints less = a.v < b.v;
  low = vFloat(detail::chosen(less, a.v, b.v));
  high = vFloat(detail::chosen(less, b.v, a.v));
}
TILEGRID_UNCOUNTED inline void vec_swap(vFloat& a, vFloat& b) {
  const vFloat was = a;
  a = b;
  b = was;
}

}  // namespace sfpi

enum class UnpackDestination { SrcRegs, DestReg };
namespace ckernel {
using ::UnpackDestination;

struct p_stall {
  enum : uint32_t {
    STALL_SFPU,
    STALL_CFG,
    STALL_MATH,
    STALL_TDMA,
    STALL_THCON,
    MATH,
    WAIT_SFPU,
    PACK,
    UNPACK,
    THCON,
    SFPU1,
    TRISC_CFG
  };
};
struct p_setrwc {
  enum : uint32_t { CLR_NONE = 0, CLR_A = 1, CLR_B = 2, CLR_AB = 3, SET_D = 4, CR_D = 8, SET_A = 1, SET_B = 2, SET_F = 8 };
};

namespace tilegrid_sfpi {
TILEGRID_UNCOUNTED inline void start(uint32_t tile) {
  sfpi::detail::state.base_tile = tile;
  sfpi::detail::state.base_vector = sfpi::detail::state.offset = sfpi::detail::state.instructions = 0;
  sfpi::detail::lanes_are_set = false;
}
TILEGRID_UNCOUNTED inline void finish() {
  if (sfpi::detail::state.instructions != 0) TG.vector_work(sfpi::detail::state.instructions);
  sfpi::detail::state.base_tile = sfpi::detail::state.base_vector = sfpi::detail::state.offset = 0;
  sfpi::detail::state.instructions = 0;
}
/// The function for each face of a tile that the mode names.
template <class Function, class... Args>
TILEGRID_UNCOUNTED inline void faces(uint32_t tile, VectorMode mode, Function&& function, Args&&... args) {
  start(tile);
  constexpr unsigned all = 0xF;
  const unsigned chosen = mode == VectorMode::R ? 0x3 : mode == VectorMode::C ? 0x5 : mode == VectorMode::RC ? all : 0x1;
  for (unsigned face = 0; face < 4; ++face) {
    if ((chosen >> face & 1U) == 0) continue;
    sfpi::detail::state.base_vector = face * 8;
    sfpi::detail::state.offset = 0;
    function(args...);
  }
  finish();
}
}  // namespace tilegrid_sfpi

namespace math {
template <auto...>
inline void set_dst_write_addr(uint32_t tile) {
  tilegrid_sfpi::start(tile);
}
inline void set_addr_mod_base() {}
inline void clear_addr_mod_base() {}
inline void clear_dst_reg_addr() { tilegrid_sfpi::finish(); }
inline void inc_dst_addr(uint32_t rows) { sfpi::detail::state.base_vector += rows / 2; }
}  // namespace math

namespace sfpu {
using namespace ::sfpi;
/// Truncates.
TILEGRID_UNCOUNTED inline vInt _float_to_int32_(const vFloat& x) {
  sfpi::detail::count();
  vInt out;
  for (int i = 0; i < 32; ++i) {
    const float value = x.v[i];
    out.v[i] = value >= 2147483648.0F ? 0x7FFFFFFF : value <= -2147483648.0F ? -0x7FFFFFFF : static_cast<int32_t>(value);
  }
  return out;
}
/// sin(pi x) and cos(pi x) for |x| up to a half and a bit, by their series.
template <bool approximate>
TILEGRID_UNCOUNTED inline vFloat sfpu_sinpi(const vFloat& x) {
  const vFloat s = x * x;
  return x * (vFloat(3.14159265F) +
              s * (vFloat(-5.16771278F) +
                   s * (vFloat(2.55016404F) +
                        s * (vFloat(-0.59926453F) + s * (vFloat(0.08214589F) + s * vFloat(-0.00737043F))))));
}
template <bool approximate>
TILEGRID_UNCOUNTED inline vFloat sfpu_cospi(const vFloat& x) {
  const vFloat s = x * x;
  return vFloat(1.0F) + s * (vFloat(-4.93480220F) +
                             s * (vFloat(4.05871213F) +
                                  s * (vFloat(-1.33526277F) +
                                       s * (vFloat(0.23533063F) + s * (vFloat(-0.02580689F) + s * vFloat(0.00192957F))))));
}
}  // namespace sfpu
}  // namespace ckernel

#define TTI_STALLWAIT(...) static_cast<void>(0)
#define TTI_NOP static_cast<void>(0)
#define TTI_SFPNOP static_cast<void>(0)
#define TTI_SETC16(...) static_cast<void>(0)
/// The next rows of the tile; only as the vector functions use it.
#define TTI_SETRWC(clear, return_d, d, b, a, set) \
  do {                                            \
    ::sfpi::detail::state.base_vector += (d) / 2; \
    ::sfpi::detail::state.offset = 0;             \
  } while (false)

template <bool approximate = false, class Function, class... Args>
inline void _llk_math_eltwise_unary_sfpu_params_(Function&& function, uint32_t dst, VectorMode mode, Args&&... args) {
  ckernel::tilegrid_sfpi::faces(dst, mode, function, args...);
}
template <bool approximate = false, class Function, class... Args>
inline void _llk_math_eltwise_unary_sfpu_params_(Function&& function, uint32_t dst, int mode, Args&&... args) {
  ckernel::tilegrid_sfpi::faces(dst, static_cast<VectorMode>(mode), function, args...);
}
template <bool approximate = false, class Function>
inline void _llk_math_eltwise_unary_sfpu_params_(Function&& function, uint32_t dst) {
  ckernel::tilegrid_sfpi::faces(dst, VectorMode::RC, function);
}
template <bool approximate = false, class Function>
inline void _llk_math_eltwise_binary_sfpu_params_(Function&& function, uint32_t a, uint32_t b, uint32_t out) {
  ckernel::tilegrid_sfpi::faces(0, VectorMode::RC, function, a, b, out);
}
template <bool approximate = false, class Function, class... Args>
inline void _llk_math_eltwise_binary_sfpu_params_(Function&& function, uint32_t a, uint32_t b, uint32_t out, VectorMode mode,
                                                  Args&&... args) {
  ckernel::tilegrid_sfpi::faces(0, mode, function, a, b, out, args...);
}
template <bool approximate = false, class Function, class... Args>
inline void _llk_math_eltwise_binary_sfpu_params_(Function&& function, uint32_t a, uint32_t b, uint32_t out, int mode,
                                                  Args&&... args) {
  ckernel::tilegrid_sfpi::faces(0, static_cast<VectorMode>(mode), function, a, b, out, args...);
}
/// The first form: the function works on tile `a` and is told how many tiles behind it the other is.
template <bool approximate = false, class Function, class... Args>
inline void _llk_math_eltwise_binary_sfpu_params_(Function&& function, uint32_t a, uint32_t b, VectorMode mode,
                                                  Args&&... args) {
  ckernel::tilegrid_sfpi::faces(a < b ? a : b, mode, function, a < b ? b - a : a - b, args...);
}
template <bool approximate = false, class Function, class... Args>
inline void _llk_math_eltwise_ternary_sfpu_params_(Function&& function, uint32_t a, uint32_t b, uint32_t c, uint32_t out,
                                                   VectorMode mode = VectorMode::RC, Args&&... args) {
  ckernel::tilegrid_sfpi::faces(0, mode, function, a, b, c, out, args...);
}
template <bool approximate = false, class Function, class... Args>
inline void _llk_math_eltwise_ternary_sfpu_params_(Function&& function, uint32_t a, uint32_t b, uint32_t c, uint32_t out,
                                                   int mode, Args&&... args) {
  ckernel::tilegrid_sfpi::faces(0, static_cast<VectorMode>(mode), function, a, b, c, out, args...);
}
#define llk_math_eltwise_unary_sfpu_params _llk_math_eltwise_unary_sfpu_params_
#define llk_math_eltwise_binary_sfpu_params _llk_math_eltwise_binary_sfpu_params_
#define llk_math_eltwise_ternary_sfpu_params _llk_math_eltwise_ternary_sfpu_params_
enum class SfpuType { unused = 0 };
template <auto... options>
inline void llk_math_eltwise_unary_sfpu_init(...) {}
template <auto... options>
inline void _llk_math_eltwise_unary_sfpu_init_(...) {}
template <auto... options>
inline void llk_math_eltwise_binary_sfpu_init(...) {}
template <auto... options>
inline void _llk_math_eltwise_binary_sfpu_init_(...) {}
template <auto... options>
inline void llk_math_eltwise_ternary_sfpu_init(...) {}
template <auto... options>
inline void _llk_math_eltwise_ternary_sfpu_init_(...) {}
using namespace sfpi;
