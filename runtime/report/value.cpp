// SPDX-License-Identifier: Apache-2.0
#include "runtime/report/value.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <type_traits>

#include "core/error.h"

namespace tilegrid::report {
namespace {

using Json = nlohmann::ordered_json;

Json json_of(const Value& value) {
  return value.visit([](const auto& held) -> Json {
    using T = std::decay_t<decltype(held)>;
    if constexpr (std::is_same_v<T, std::monostate>) {
      return nullptr;
    } else if constexpr (std::is_same_v<T, Array>) {
      Json list = Json::array();
      for (const Value& one : held) list.push_back(json_of(one));
      return list;
    } else if constexpr (std::is_same_v<T, Object>) {
      Json object = Json::object();
      for (const Member& one : held) {
        if (!one.name.starts_with('.')) object[one.name] = json_of(one.value);
      }
      return object;
    } else {
      return held;
    }
  });
}

Value value_of(const Json& json) {
  switch (json.type()) {
    case Json::value_t::boolean:
      return json.get<bool>();
    case Json::value_t::number_integer:
      return json.get<std::int64_t>();
    case Json::value_t::number_unsigned:
      return json.get<std::uint64_t>();
    case Json::value_t::number_float:
      return json.get<double>();
    case Json::value_t::string:
      return json.get<std::string>();
    case Json::value_t::array: {
      Array list;
      for (const Json& one : json) list.push_back(value_of(one));
      return list;
    }
    case Json::value_t::object: {
      Object object;
      for (const auto& [name, one] : json.items()) object.push_back({name, value_of(one)});
      return object;
    }
    default:
      return {};
  }
}

}  // namespace

Value::Value(Object members) : value_(std::move(members)) {}
Value::Value(std::initializer_list<Member> members) : value_(Object(members)) {}

double Value::number() const {
  return visit([](const auto& held) -> double {
    if constexpr (std::is_arithmetic_v<std::decay_t<decltype(held)>>) return static_cast<double>(held);
    return 0;
  });
}

const std::string& Value::text() const {
  static const std::string none;
  const auto* text = std::get_if<std::string>(&value_);
  return text != nullptr ? *text : none;
}

const Array& Value::list() const {
  static const Array none;
  const auto* list = std::get_if<Array>(&value_);
  return list != nullptr ? *list : none;
}

const Object& Value::members() const {
  static const Object none;
  const auto* object = std::get_if<Object>(&value_);
  return object != nullptr ? *object : none;
}

const Value& Value::operator[](std::string_view name) const {
  static const Value none;
  const Object& all = members();
  const auto found = std::find_if(all.begin(), all.end(), [=](const Member& one) { return one.name == name; });
  return found != all.end() ? found->value : none;
}

Value& Value::operator[](std::string_view name) {
  if (is_null()) value_ = Object();
  auto& all = std::get<Object>(value_);
  const auto found = std::find_if(all.begin(), all.end(), [=](const Member& one) { return one.name == name; });
  if (found != all.end()) return found->value;
  return all.emplace_back(Member{std::string(name), {}}).value;
}

void Value::push(Value value) {
  if (is_null()) value_ = Array();
  std::get<Array>(value_).push_back(std::move(value));
}

void Value::add(const Value& other) {
  for (const Member& one : other.members()) (*this)[one.name] = one.value;
}

Value text_or_null(const std::string& text) { return text.empty() ? Value() : Value(text); }

std::string to_json(const Value& value) { return json_of(value).dump(2, ' ', false, Json::error_handler_t::replace) + "\n"; }

std::string to_json_line(const Value& value) { return json_of(value).dump(-1, ' ', false, Json::error_handler_t::replace); }

Value from_json(const std::string& text) {
  try {
    return value_of(Json::parse(text));
  } catch (const Json::parse_error& error) {
    throw UsageError(error.what());
  }
}

}  // namespace tilegrid::report
