// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace tilegrid::report {

struct Member;
class Value;
/// Members in the order of their making.
using Object = std::vector<Member>;
using Array = std::vector<Value>;

/// A figure of a report, a list of figures, or figures by name: what text and JSON are drawn from. Members whose name begins
/// with a dot are for the text alone.
class Value {
 public:
  Value();  ///< null
  Value(const Value& other);
  Value(Value&& other) noexcept;
  Value& operator=(const Value& other);
  Value& operator=(Value&& other) noexcept;
  ~Value();
  Value(bool value);
  template <std::integral T>
  Value(T value);
  Value(double value);
  Value(const char* text);
  Value(std::string text);
  Value(std::string_view text);
  Value(Array list);
  Value(Object members);
  /// {{"name", value}, ...}
  Value(std::initializer_list<Member> members);
  template <class T>
  Value(const std::optional<T>& value) : Value() {
    if (value) *this = Value(*value);
  }

  [[nodiscard]] bool is_null() const { return std::holds_alternative<std::monostate>(value_); }
  [[nodiscard]] bool is_object() const { return std::holds_alternative<Object>(value_); }
  [[nodiscard]] bool is_text() const { return std::holds_alternative<std::string>(value_); }
  [[nodiscard]] bool is_real() const { return std::holds_alternative<double>(value_); }
  /// 0 for what is no number, true is 1.
  [[nodiscard]] double number() const;
  [[nodiscard]] std::uint64_t count() const { return static_cast<std::uint64_t>(number()); }
  /// A text as it is; empty for what is none.
  [[nodiscard]] const std::string& text() const;
  [[nodiscard]] bool truth() const { return number() != 0; }
  /// Elements and members; none for what has none.
  [[nodiscard]] const Array& list() const;
  [[nodiscard]] const Object& members() const;
  /// A member; null when there is none of that name.
  [[nodiscard]] const Value& operator[](std::string_view name) const;
  /// The member of that name; it is made, as is the object of a null, when it is not there.
  Value& operator[](std::string_view name);
  void push(Value value);
  /// Takes over the members of another value, in the place of those that have their names.
  void add(const Value& other);
  template <class Visitor>
  auto visit(Visitor&& visitor) const {
    return std::visit(std::forward<Visitor>(visitor), value_);
  }

 private:
  std::variant<std::monostate, bool, std::int64_t, std::uint64_t, double, std::string, Array, Object> value_;
};

struct Member {
  std::string name;
  Value value;
};

// What makes or destroys a value stands here, where the variant knows how large a Member is.
inline Value::Value() = default;
inline Value::Value(const Value& other) = default;
inline Value::Value(Value&& other) noexcept = default;
inline Value& Value::operator=(const Value& other) = default;
inline Value& Value::operator=(Value&& other) noexcept = default;
inline Value::~Value() = default;
inline Value::Value(bool value) : value_(value) {}
template <std::integral T>
inline Value::Value(T value) {
  if constexpr (std::is_signed_v<T>) {
    value_ = std::int64_t{value};
  } else {
    value_ = std::uint64_t{value};
  }
}
inline Value::Value(double value) : value_(value) {}
inline Value::Value(const char* text) : value_(std::string(text)) {}
inline Value::Value(std::string text) : value_(std::move(text)) {}
inline Value::Value(std::string_view text) : value_(std::string(text)) {}
inline Value::Value(Array list) : value_(std::move(list)) {}

/// Null for an empty text.
[[nodiscard]] Value text_or_null(const std::string& text);

/// JSON with two spaces for each level and a line's end. What is not finite is null; bytes that are no UTF-8 become U+FFFD.
[[nodiscard]] std::string to_json(const Value& value);
/// All on one line.
[[nodiscard]] std::string to_json_line(const Value& value);
/// The reverse. Throws UsageError for what is no JSON.
[[nodiscard]] Value from_json(const std::string& text);

}  // namespace tilegrid::report
