// SPDX-License-Identifier: Apache-2.0
// What the host API does without a device.
#include <gtest/gtest.h>
#include <cmath>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <numeric>
#include <tt-metalium/bfloat16.hpp>
#include <tt-metalium/bfloat8.hpp>
#include <tt-metalium/core_coord.hpp>
#include <tt-metalium/logger.hpp>
#include <tt-metalium/magic_enum.hpp>
#include <tt-metalium/multi_device.hpp>
#include <tt-metalium/program_descriptors.hpp>
#include <tt-metalium/small_types.hpp>
#include <tt-metalium/tilize_utils.hpp>
#include <tt-metalium/work_split.hpp>

#include "core/error.h"
#include "runtime/metalium/heap.h"
#include "runtime/metalium/program_parts.h"
#include "runtime/metalium/settings.h"
#include "tests/support/error_of.h"

namespace tilegrid::metalium {
namespace {

namespace fs = std::filesystem;
using test::error_of;
using tt::tt_metal::CoreCoord;
using tt::tt_metal::CoreRange;
using tt::tt_metal::CoreRangeSet;

TEST(Cores, OfARangeComeRowByRow) {
  std::vector<CoreCoord> cores;
  for (const CoreCoord& core : CoreRange({1, 2}, {2, 3})) cores.push_back(core);
  EXPECT_EQ(cores, (std::vector<CoreCoord>{{1, 2}, {2, 2}, {1, 3}, {2, 3}}));
  EXPECT_EQ(error_of<std::runtime_error>([] {
              CoreRange({2, 0}, {1, 0});
            }),
            "CoreRange: (x=1,y=0) is not at or beyond (x=2,y=0) in both directions");
}

TEST(Cores, SetsDoNotOverlapAndMerge) {
  EXPECT_THROW(CoreRangeSet(std::vector<CoreRange>{CoreRange({0, 0}, {1, 1}), CoreRange({1, 1}, {2, 2})}),
               std::runtime_error);
  const CoreRangeSet rows(
      std::vector<CoreRange>{CoreRange({0, 0}, {3, 0}), CoreRange({0, 1}, {3, 1}), CoreRange({5, 0}, {5, 0})});
  const CoreRangeSet merged = rows.merge_ranges();
  EXPECT_EQ(merged.size(), 2U);
  EXPECT_EQ(merged.num_cores(), 9U);
  EXPECT_EQ(merged.subtract(CoreRangeSet(CoreRange({0, 0}, {3, 1}))).ranges().front(), CoreRange({5, 0}, {5, 0}));
  EXPECT_EQ(rows.bounding_box(), CoreRange({0, 0}, {5, 1}));
  EXPECT_EQ(CoreRangeSet({{{0, 0}, {3, 1}}}).num_cores(), 8U);
  EXPECT_EQ(CoreRangeSet({CoreCoord{0, 1}}).num_cores(), 1U);
}

TEST(Work, IsSharedColumnByColumnAndEverythingIsDone) {
  for (const std::uint32_t units : {1U, 7U, 12U, 13U, 100U}) {
    const auto [cores, all, more, fewer, units_more, units_fewer] =
        tt::tt_metal::split_work_to_cores(CoreCoord{3, 4}, units);
    EXPECT_EQ(cores, std::min(units, 12U));
    EXPECT_EQ(all.num_cores(), cores);
    EXPECT_EQ(more.num_cores() * units_more + fewer.num_cores() * units_fewer, units);
    EXPECT_FALSE(more.intersects(fewer));
    EXPECT_TRUE(all.contains(CoreCoord(0, std::min(units - 1, 3U)))) << "the first column first";
  }
  const CoreRangeSet five = tt::tt_metal::num_cores_to_corerangeset(5, {3, 4}, true);
  EXPECT_EQ(five.num_cores(), 5U);
  EXPECT_TRUE(five.contains(CoreCoord{1, 1}));
  EXPECT_FALSE(five.contains(CoreCoord{2, 1}));
  EXPECT_THROW(static_cast<void>(tt::tt_metal::num_cores_to_corerangeset(13, {3, 4})), std::runtime_error);
}

TEST(Bfloat16, RoundsToNearestAndKeepsBits) {
  EXPECT_EQ(bfloat16(1.0F).to_uint16(), 0x3F80);
  EXPECT_EQ(bfloat16(1.00390625F).to_uint16(), 0x3F80) << "a tie goes to even";
  EXPECT_EQ(bfloat16(1.01171875F).to_uint16(), 0x3F82);
  EXPECT_EQ(bfloat16::truncate(1.01171875F).to_uint16(), 0x3F81);
  EXPECT_EQ(bfloat16(std::uint16_t{0xC040}).to_float(), -3.0F) << "a 16-bit word is bits";
  EXPECT_EQ(bfloat16(3).to_float(), 3.0F) << "any other number is a value";
  const std::vector<bfloat16> values = create_random_vector_of_bfloat16_native(64, 1.0F, 5);
  EXPECT_EQ(unpack_uint32_vec_into_bfloat16_vec(pack_bfloat16_vec_into_uint32_vec(values)), values);
  EXPECT_EQ(create_constant_vector_of_bfloat16(8, 2.0F), (std::vector<std::uint32_t>{0x40004000, 0x40004000}));
}

TEST(Tiles, FacesAreWhereTheHardwareHasThem) {
  std::vector<std::uint32_t> matrix(64 * 96);
  std::iota(matrix.begin(), matrix.end(), 0);
  const std::vector<std::uint32_t> tiled = tilize_nfaces(matrix, 64, 96);
  EXPECT_EQ(tiled[1], 1U);
  EXPECT_EQ(tiled[16], 96U) << "the second row of the first face";
  EXPECT_EQ(tiled[256], 16U) << "the second face";
  EXPECT_EQ(tiled[512], 16U * 96U) << "the third face";
  EXPECT_EQ(tiled[1024], 32U) << "the second tile";
  EXPECT_EQ(tiled[3072], 32U * 96U) << "the second row of tiles";
  EXPECT_EQ(untilize_nfaces(tiled, 64, 96), matrix);
  EXPECT_THROW(static_cast<void>(tilize_nfaces(matrix, 64, 95)), std::runtime_error);
}

TEST(BlockFloats, GoThereAndBack) {
  std::vector<float> values(2048);
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(static_cast<int>(i % 64) - 32) / 32.0F;
  const auto tiles = pack_fp32_vec_as_bfp8_tiles(values, true, false);
  EXPECT_EQ(tiles.size() * 4, 2 * 1088U);
  EXPECT_EQ(unpack_bfp8_tiles_into_float_vec(tiles, true, false), values);
  EXPECT_THROW(static_cast<void>(pack_fp32_vec_as_bfp8_tiles(values, true, true)), std::runtime_error);
  for (float& value : values) value = std::round(value * 4.0F) / 4.0F;  // steps that three bits have, up to 1
  const auto narrow = pack_fp32_vec_as_bfp4_tiles(values, true, false);
  EXPECT_EQ(narrow.size() * 4, 2 * 576U);
  EXPECT_EQ(unpack_bfp4_tiles_into_float_vec(narrow, true, false), values);
}

TEST(Heap, TakesTheFirstGapFromEitherEnd) {
  Heap heap(1024, 2048, 32);
  EXPECT_EQ(heap.take(100, true), 1024U);
  EXPECT_EQ(heap.take(1, true), 1152U);
  EXPECT_EQ(heap.take(64, false), 1984U);
  heap.give_back(1024);
  EXPECT_EQ(heap.take(129, true), 1184U) << "the gap is too small";
  EXPECT_EQ(heap.take(128, true), 1024U);
  EXPECT_EQ(heap.take(1000, true), std::nullopt);
  EXPECT_EQ(heap.largest_gap(), 1984U - 1344U);
  EXPECT_EQ(heap.lowest(), 1024U);
  EXPECT_EQ(heap.highest(), 2048U);
}

TEST(Settings, OfAFileGoBehindThoseOfTheEnvironment) {
  const fs::path file = fs::path(testing::TempDir()) / "settings.conf";
  std::ofstream(file) << "# of a project\ngrid = 4x4\ncheck = race=off # quick\n\n";
  setenv("TILEGRID_SETTINGS", file.c_str(), 1);
  setenv("TILEGRID_GRID", "2x3", 1);
  const Settings settings = settings_of_environment();
  EXPECT_EQ(settings.grid, "2x3");
  EXPECT_EQ(settings.check, "race=off");
  EXPECT_EQ(settings.report, "summary");
  EXPECT_EQ(Settings::from_text(settings.to_text(), "text").to_text(), settings.to_text());
  std::ofstream(file) << "gird = 4x4\n";
  EXPECT_EQ(error_of<UsageError>([] { static_cast<void>(settings_of_environment()); }),
            file.string() +
                ":1: there is no setting gird; there are grid, arch, set, check, report, log, shake, numerics, "
                "known_faults, time, print_cores, print_riscs, print_file, watch, trace, trace_cores, noc_trace, npeviz, "
                "profiler_csv");
  unsetenv("TILEGRID_SETTINGS");
  unsetenv("TILEGRID_GRID");
  setenv("TILEGRID_TIME", "perhaps", 1);
  EXPECT_EQ(error_of<UsageError>([] { static_cast<void>(settings_of_environment()); }),
            "TILEGRID_TIME: \"perhaps\" is neither on nor off");
  unsetenv("TILEGRID_TIME");
}

TEST(KernelFiles, AreFoundByTheLongestTail) {
  const fs::path root = fs::path(testing::TempDir()) / "kernel_files";
  fs::remove_all(root);
  fs::create_directories(root / "project/examples/kernels/deep");
  fs::create_directories(root / "home/kernels");
  std::ofstream(root / "project/examples/kernels/a.cpp") << "a";
  std::ofstream(root / "project/examples/kernels/deep/a.cpp") << "deep";
  std::ofstream(root / "home/kernels/b.cpp") << "b";
  const fs::path caller = root / "project/examples/main.cpp";
  EXPECT_EQ(find_kernel_file("somebody/there/examples/kernels/deep/a.cpp", caller),
            root / "project/examples/kernels/deep/a.cpp");
  EXPECT_EQ(find_kernel_file("/somebody/there/kernels/a.cpp", caller), root / "project/examples/kernels/a.cpp");
  EXPECT_EQ(find_kernel_file(root / "home/kernels/b.cpp", caller), root / "home/kernels/b.cpp");
  setenv("TT_METAL_KERNEL_PATH", (root / "home").c_str(), 1);
  EXPECT_EQ(find_kernel_file("kernels/b.cpp", caller), root / "home/kernels/b.cpp");
  const std::string error = error_of<UsageError>([&] { static_cast<void>(find_kernel_file("kernels/c.cpp", caller)); });
  EXPECT_NE(error.find("kernel file kernels/c.cpp: it is not there. Searched: " + fs::current_path().string() + ", " +
                       (root / "home").string()),
            std::string::npos)
      << error;
  unsetenv("TT_METAL_KERNEL_PATH");
}

TEST(Programs, AreMadeOfDescriptors) {
  const CoreRangeSet cores(CoreRange({0, 0}, {1, 0}));
  tt::tt_metal::KernelDescriptor kernel{.kernel_source = "void kernel_main() {}",
                                        .source_type = tt::tt_metal::KernelDescriptor::SourceType::SOURCE_CODE,
                                        .core_ranges = cores};
  kernel.compile_time_args = {7, 8};
  kernel.defines = {{"A", "1"}};
  kernel.common_runtime_args = {9};
  kernel.config = tt::tt_metal::WriterConfigDescriptor{};
  tt::tt_metal::ProgramDescriptor descriptor;
  descriptor.kernels = {kernel};
  descriptor.semaphores = {{.id = 3, .core_ranges = cores, .initial_value = 5}};
  descriptor.cbs = {
      {.total_size = 4096,
       .core_ranges = cores,
       .format_descriptors = {{.buffer_index = 2, .data_format = tt::DataFormat::Float16_b, .page_size = 2048}}}};
  const tt::tt_metal::Program program(descriptor);
  const ProgramParts& parts = program.parts();
  ASSERT_EQ(parts.kernels.size(), 1U);
  EXPECT_EQ(risc_of(parts.kernels[0]), Risc::brisc);
  EXPECT_EQ(parts.kernels[0].common_args, std::vector<std::uint32_t>{9});
  const auto& config = std::get<tt::tt_metal::DataMovementConfig>(parts.kernels[0].config);
  EXPECT_EQ(config.compile_args, (std::vector<std::uint32_t>{7, 8}));
  EXPECT_EQ(config.defines.at("A"), "1");
  ASSERT_EQ(parts.semaphores.size(), 1U);
  EXPECT_EQ(parts.semaphores[0].id, 3);
  EXPECT_EQ(parts.semaphores[0].initial, 5U);
  ASSERT_EQ(parts.buffers.size(), 1U);
  EXPECT_EQ(parts.buffers[0].config.indices().at(2).page_size, 2048U);
  descriptor.semaphores[0].id = 16;
  EXPECT_EQ(error_of<std::runtime_error>([&] { const tt::tt_metal::Program refused(descriptor); }),
            "SemaphoreDescriptor: id 16: there are 16");
}

TEST(CoreRanges, AreSelectedFrom) {
  const CoreRangeSet cores(std::set<CoreRange>{CoreRange({0, 0}, {2, 1}), CoreRange({4, 0}, {5, 2})});
  EXPECT_EQ(corerange_to_cores(select_from_corerangeset(cores, 2, 3, true)), (std::vector<CoreCoord>{{2, 0}, {0, 1}}));
  EXPECT_EQ(error_of<std::runtime_error>([&] { static_cast<void>(select_from_corerangeset(cores, 3, 12)); }),
            "select_from_corerangeset: cores 3 to 12 of 12");
  EXPECT_EQ(select_contiguous_range_from_corerangeset(cores, 2, 3), CoreRange({4, 0}, {5, 2}));
  EXPECT_EQ(select_contiguous_range_from_corerangeset(cores, 4, 1), std::nullopt);
  const std::vector<CoreCoord> all = grid_to_cores_with_noop(1, 2, 2, 2);
  ASSERT_EQ(all.size(), 4U);
  EXPECT_EQ(all[1], CoreCoord(0, 1));
  EXPECT_EQ(tt::merge_num_sticks_to_read(12, 64, 300), 3U);
  EXPECT_EQ(tt::merge_num_sticks_to_read(7, 64, 300), 7U);
}

TEST(SeveralDevices, AreNamed) {
  tt::tt_fabric::SetFabricConfig(tt::tt_fabric::FabricConfig::DISABLED);
  EXPECT_EQ(error_of<std::runtime_error>([] { tt::tt_fabric::SetFabricConfig(tt::tt_fabric::FabricConfig::FABRIC_1D); }),
            "SetFabricConfig: one chip is emulated, without Ethernet");
  namespace distributed = tt::tt_metal::distributed;
  EXPECT_EQ(error_of<std::runtime_error>([] { const distributed::MeshSocket socket(nullptr, {}); }),
            "MeshSocket: one chip is emulated, without Ethernet");
  EXPECT_EQ(error_of<std::runtime_error>(
                [] { static_cast<void>(tt::tt_metal::experimental::CreateGlobalCircularBuffer(nullptr, {}, 2048)); }),
            "GlobalCircularBuffer: there are no circular buffers of several cores; kernels move pages by noc_async_write");
}

TEST(SmallTypes, RunAtTheEndStayForeverAndCompareWithoutCase) {
  int ended = 0;
  {
    const auto end = ttsl::make_cleanup([&] { ++ended; });
    auto none = ttsl::make_cleanup([&] { ended += 10; });
    none.cancel();
    EXPECT_EQ(ended, 0);
  }
  EXPECT_EQ(ended, 1);
  const ttsl::Indestructible<std::string> kept(3, 'x');
  EXPECT_EQ(kept.get(), "xxx");
  EXPECT_TRUE(ttsl::ascii_caseless_comp("Tile-A", "tILE-a"));
  EXPECT_FALSE(ttsl::ascii_caseless_comp("tile", "tiles"));
}

TEST(Tensors, AddressesAreRowMajor) {
  const TensAddr addresses({2, 3, 4, 5});
  EXPECT_EQ(addresses.numel(), 120U);
  EXPECT_EQ(addresses.offs(1, 2, 3, 4), 119U);
  EXPECT_EQ(addresses.offs(0, 1, 0, 2), 22U);
  std::vector<std::uint16_t> matrices(std::size_t{2} * 3 * 32 * 32);
  std::iota(matrices.begin(), matrices.end(), std::uint16_t{0});
  const std::vector<std::uint32_t> shape{2, 3, 32, 32};
  const auto faces =
      convert_layout<std::uint16_t>(matrices, shape, TensorLayoutType::LIN_ROW_MAJOR, TensorLayoutType::TILED_NFACES);
  EXPECT_EQ(faces[1024 + 256], 1024 + 16);  // the second face of the second matrix
  const tt::stl::Span<const std::uint16_t> whole(matrices);
  EXPECT_EQ(faces, convert_layout(whole, {32U, 32U}, TensorLayoutType::LIN_ROW_MAJOR, TensorLayoutType::TILED_NFACES));
  EXPECT_THROW(static_cast<void>(addresses.offs(0, 3, 0, 0)), std::out_of_range);
}

enum class Fruit : std::uint8_t { apple, pear = 3 };
TEST(MagicEnum, KnowsNamesAndValues) {
  EXPECT_EQ(magic_enum::enum_name(Fruit::pear), "pear");
  EXPECT_EQ(magic_enum::enum_values<Fruit>(), (std::array{Fruit::apple, Fruit::pear}));
}

}  // namespace
}  // namespace tilegrid::metalium
