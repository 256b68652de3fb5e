// SPDX-License-Identifier: Apache-2.0
#include "runtime/agreement.h"

#include <elf.h>
#include <fmt/format.h>
#include <link.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <map>
#include <string_view>
#include <vector>

#include "core/ids.h"
#include "runtime/revision.h"

namespace tilegrid {
namespace {

// The first line of every statement, of all builds to come: a build that states something else has another one.
constexpr std::string_view first_line = "tilegrid statement 1";
constexpr std::size_t longest_name = 100;

/// The GNU build id of the running program, empty where the linker made none.
std::string build_id() {
  std::string id;
  dl_iterate_phdr(
      [](dl_phdr_info* program, std::size_t, void* result) {
        for (int i = 0; i < program->dlpi_phnum; ++i) {
          const ElfW(Phdr)& part = program->dlpi_phdr[i];
          if (part.p_type != PT_NOTE) continue;
          const auto* at = reinterpret_cast<const char*>(program->dlpi_addr + part.p_vaddr);
          for (const char* end = at + part.p_memsz; at + sizeof(ElfW(Nhdr)) <= end;) {
            ElfW(Nhdr) note;
            std::memcpy(&note, at, sizeof note);
            const auto padded = [](std::size_t bytes) { return (bytes + 3) / 4 * 4; };
            const char* name = at + sizeof note;
            const char* value = name + padded(note.n_namesz);
            if (note.n_type == NT_GNU_BUILD_ID && note.n_namesz == 4 && std::memcmp(name, "GNU", 4) == 0) {
              auto& text = *static_cast<std::string*>(result);
              for (const char* byte = value; byte < value + note.n_descsz; ++byte) {
                text += fmt::format("{:02x}", static_cast<unsigned char>(*byte));
              }
              return 1;
            }
            at = value + padded(note.n_descsz);
          }
        }
        return 1;  // the first one is the program itself
      },
      &id);
  return id.substr(0, 16);
}

/// One line of at most so many bytes.
std::string field(std::string text, std::size_t most) {
  std::replace(text.begin(), text.end(), '\n', ' ');
  if (text.size() > most) text = text.substr(0, most - 3) + "...";
  return text;
}

std::string others_text(std::size_t others) {
  if (others == 0) return {};
  return fmt::format(" (and {} other{})", others, others == 1 ? "" : "s");
}

/// The build that most ranks have; that of rank 0 among equals.
std::string usual_build(std::span<const Statement> statements) {
  std::map<std::string, std::size_t> ranks;
  for (const Statement& one : statements) ++ranks[one.build];
  std::string usual = statements.front().build;
  for (const auto& [build, count] : ranks) {
    if (count > ranks[usual]) usual = build;
  }
  return usual;
}

Verdict judge_builds(std::span<const Statement> statements) {
  const std::string usual = usual_build(statements);
  const auto differs = [&](const Statement& one) { return one.build != usual; };
  const auto other = std::find_if(statements.begin(), statements.end(), differs);
  if (other == statements.end()) return {};
  const std::size_t others = std::count_if(statements.begin(), statements.end(), differs);
  const auto same = std::find_if_not(statements.begin(), statements.end(), differs);
  return {ExitCode::usage,
          fmt::format("{}{} runs another build of tilegrid, {}, than {}, {}: all ranks need the same one",
                      name_of_rank(static_cast<int>(other - statements.begin()), other->host), others_text(others - 1),
                      other->build, name_of_rank(static_cast<int>(same - statements.begin()), same->host), same->build)};
}

Verdict judge_failures(std::span<const Statement> statements) {
  const auto failed = [](const Statement& one) { return one.kind == Statement::Kind::fail; };
  const auto first = std::find_if(statements.begin(), statements.end(), failed);
  if (first == statements.end()) return {};
  const ExitCode code = first->code == ExitCode::ok ? ExitCode::usage : first->code;
  if (first == statements.begin()) return {code, first->text};
  const std::size_t others = std::count_if(first + 1, statements.end(), failed);
  return {code, fmt::format("{}{}: {}", name_of_rank(static_cast<int>(first - statements.begin()), first->host),
                            others_text(others), first->text)};
}

std::string purpose_of(const Statement& statement) {
  return statement.kind == Statement::Kind::leave ? "has nothing more to do" : "goes on with " + statement.text;
}

Verdict judge_purposes(std::span<const Statement> statements) {
  const Statement& host = statements.front();
  for (std::size_t rank = 1; rank < statements.size(); ++rank) {
    const Statement& one = statements[rank];
    const std::string name = name_of_rank(static_cast<int>(rank), one.host);
    if (one.kind != host.kind || one.text != host.text) {
      return {ExitCode::usage, fmt::format("{} {}, {} {}: all ranks need the same command line", name, purpose_of(one),
                                           name_of_rank(0, host.host), purpose_of(host))};
    }
    if (one.settings != host.settings) {
      return {ExitCode::usage, fmt::format("{} {} with other settings than {}: all ranks need the same command line", name,
                                           purpose_of(one), name_of_rank(0, host.host))};
    }
  }
  return {};
}

}  // namespace

const std::string& own_build() {
  static const std::string build = [] {
    const std::string revision = source_revision();
    const bool whole = revision != "unknown" && !revision.ends_with("-dirty");
    const std::string id = whole ? std::string() : build_id();
    return fmt::format("{} ({}{}, {}-endian)", TILEGRID_VERSION, revision, id.empty() ? "" : " build " + id,
                       std::endian::native == std::endian::little ? "little" : "big");
  }();
  return build;
}

std::string to_text(Statement statement) {
  statement.build = own_build();
  std::string text = fmt::format("{}\n{}\n{}\n{} {}\n{}\n", first_line, field(statement.build, longest_name),
                                 field(statement.host, longest_name), static_cast<char>(statement.kind),
                                 to_underlying(statement.code), field(statement.settings, longest_name));
  return text + field(statement.text, statement_bytes - text.size());
}

Statement statement_of(const std::string& text) {
  std::vector<std::string> lines;
  for (std::size_t at = 0; at <= text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    lines.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  lines.resize(std::max<std::size_t>(lines.size(), 6));
  Statement statement;
  statement.build = lines[1];
  statement.host = lines[2];
  if (lines[0] != first_line || lines[3].empty()) {
    statement.build = fmt::format("of another kind ('{}')", field(lines[0], longest_name));
    return statement;
  }
  statement.kind = static_cast<Statement::Kind>(lines[3].front());
  statement.code = static_cast<ExitCode>(lines[3].back() - '0');
  statement.settings = lines[4];
  statement.text = lines[5];
  return statement;
}

Verdict judge(std::span<const Statement> statements) {
  for (const auto& one : {judge_builds, judge_failures, judge_purposes}) {
    if (Verdict verdict = one(statements); verdict.code != ExitCode::ok) return verdict;
  }
  return {};
}

std::string name_of_rank(int rank, const std::string& host) {
  return host.empty() ? fmt::format("rank {}", rank) : fmt::format("rank {} on {}", rank, host);
}

std::uint64_t fingerprint(std::span<const std::byte> bytes) {
  std::uint64_t hash = 0xCBF2'9CE4'8422'2325U;  // FNV-1a
  for (const std::byte one : bytes) hash = (hash ^ static_cast<std::uint64_t>(one)) * 0x100'0000'01B3U;
  return hash;
}

}  // namespace tilegrid
