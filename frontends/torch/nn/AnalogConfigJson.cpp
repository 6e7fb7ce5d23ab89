// AnalogConfig as JSON.
#include "frontends/torch/nn/ConfigFields.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <limits>
#include <set>
#include <stdexcept>

namespace mho::nn {
namespace {

using Json = nlohmann::ordered_json;

/// Reads one field from the object, if it is there.
struct FieldReader {
  const Json &object;
  [[noreturn]] void wrongType(const char *key, const std::string &expected) const {
    throw std::invalid_argument(
        textOf("analog config: ", key, " = ", object[key].dump(), " is impossible; expected ", expected));
  }
  void operator()(const char *key, bool &field, Range) const {
    if (!object.contains(key))
      return;
    if (!object[key].is_boolean())
      wrongType(key, "true or false");
    field = object[key].get<bool>();
  }
  void operator()(const char *key, double &field, Range) const {
    if (!object.contains(key))
      return;
    if (!object[key].is_number())
      wrongType(key, "a number");
    field = object[key].get<double>();
  }
  void operator()(const char *key, int64_t &field, Range range) const {
    if (!object.contains(key))
      return;
    const Json &value = object[key];
    if (!value.is_number_integer())
      wrongType(key, "a whole number");
    if (value.is_number_unsigned() && value.get<uint64_t>() > uint64_t(std::numeric_limits<int64_t>::max()))
      throw std::invalid_argument("analog config: " + rangeProblem(key, value.dump(), range)); // no int64_t holds it
    field = value.get<int64_t>();
  }
  template <class Enum> void operator()(const char *key, Enum &field, const Names &names) const {
    if (!object.contains(key))
      return;
    for (size_t i = 0; i < names.size(); ++i)
      if (object[key] == names[i]) {
        field = Enum(i);
        return;
      }
    wrongType(key, "one of " + listOf(names));
  }
};

/// Number of letters to change, add or remove to get from a to b.
size_t editDistance(const std::string &a, const std::string &b) {
  std::vector<size_t> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j)
    row[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      size_t changed = diagonal + (a[i - 1] != b[j - 1]);
      diagonal = row[j];
      row[j] = std::min({changed, row[j] + 1, row[j - 1] + 1});
    }
  }
  return row.back();
}

void rejectUnknownKeys(const Json &object) {
  AnalogConfig config;
  std::vector<std::string> known;
  visitFields(config, [&](const char *key, auto &, const auto &) { known.push_back(key); });
  for (const auto &[key, value] : object.items()) {
    const std::string &name = key;
    auto nearer = [&](const std::string &a, const std::string &b) {
      return editDistance(name, a) < editDistance(name, b);
    };
    if (std::find(known.begin(), known.end(), name) == known.end())
      throw std::invalid_argument("analog config: unknown key '" + name + "'; did you mean '" +
                                  *std::min_element(known.begin(), known.end(), nearer) + "'?");
  }
}

/// The object that a text holds. Throws for a text that is no JSON or no object, and for a key given twice: one of the
/// two values would be lost in silence.
Json parseObject(const std::string &text) {
  std::set<std::string> seen;
  auto refuseDuplicates = [&](int depth, Json::parse_event_t event, Json &parsed) {
    if (event == Json::parse_event_t::key && depth == 1 && !seen.insert(parsed.get<std::string>()).second)
      throw std::invalid_argument("analog config: the key '" + parsed.get<std::string>() +
                                  "' is given twice; keep one of them");
    return true;
  };
  Json object;
  try {
    object = Json::parse(text, refuseDuplicates);
  } catch (const Json::parse_error &error) {
    throw std::invalid_argument(textOf("analog config: malformed JSON at byte ", error.byte, ": ", error.what()));
  } catch (const Json::out_of_range &error) { // a number that no double holds
    throw std::invalid_argument(textOf("analog config: ", error.what(), "; keep numbers within the range of a double"));
  }
  if (!object.is_object())
    throw std::invalid_argument("analog config: expected a JSON object, got '" + text.substr(0, 60) + "'");
  return object;
}

/// Every field's name and value.
Json fieldsOf(const AnalogConfig &config) {
  Json object;
  visitFields(config, [&](const char *key, const auto &field, const auto &allowed) {
    if constexpr (std::is_same_v<std::decay_t<decltype(allowed)>, Names>)
      object[key] = allowed[size_t(field)];
    else
      object[key] = field;
  });
  return object;
}

} // namespace

std::string AnalogConfig::toJson() const { return fieldsOf(*this).dump(2); }

std::string AnalogConfig::summary() const {
  Json fields = fieldsOf(*this), usual = fieldsOf(AnalogConfig());
  std::string text;
  for (const auto &[key, value] : fields.items())
    if (value != usual[key])
      text += (text.empty() ? "" : ", ") + key + "=" + (value.is_string() ? value.get<std::string>() : value.dump());
  return text;
}

std::optional<Clip> clipNamed(const std::string &name) {
  auto it = std::find(kClips.begin(), kClips.end(), name);
  return it == kClips.end() ? std::nullopt : std::optional(Clip(it - kClips.begin()));
}

std::string clipNames() { return listOf(kClips); }

AnalogConfig AnalogConfig::fromJson(const std::string &text) {
  Json object = parseObject(text);
  rejectUnknownKeys(object);
  AnalogConfig config;
  visitFields(config, FieldReader{object});
  config.validate();
  return config;
}

} // namespace mho::nn
