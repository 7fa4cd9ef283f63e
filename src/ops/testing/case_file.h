// Reads an operator folder's cases.txt: one case per line, "<name> key=value key=v,v,v flag ...";
// lines that start with # are comments.
#pragma once

#include <cstdint>
#include <fstream>
#include <map>
#include <ostream>
#include <sstream>
#include <string>
#include <vector>

#include "base/dims.h"

namespace skiff::ops::testing {

struct CaseLine {
  std::string name;  // by convention the operator's type
  std::string text;  // the whole line, for messages
  std::map<std::string, std::string> values;

  [[nodiscard]] bool Has(const std::string& key) const { return values.count(key) != 0; }
  [[nodiscard]] std::string Text(const std::string& key, const std::string& fallback = "") const {
    return Has(key) ? values.at(key) : fallback;
  }
  [[nodiscard]] std::vector<int32_t> Ints(const std::string& key,
                                          std::vector<int32_t> fallback = {}) const {
    if (!Has(key)) return fallback;
    std::vector<int32_t> list;
    std::stringstream in(values.at(key));
    for (std::string item; std::getline(in, item, ',');) list.push_back(std::stoi(item));
    return list;
  }
  [[nodiscard]] int Int(const std::string& key, int fallback) const {
    return Has(key) ? std::stoi(values.at(key)) : fallback;
  }
  [[nodiscard]] float Float(const std::string& key, float fallback) const {
    return Has(key) ? std::stof(values.at(key)) : fallback;
  }
  [[nodiscard]] Dims Extents(const std::string& key) const {
    Dims dims;
    for (int32_t d : Ints(key)) dims.push_back(d);
    return dims;
  }
  friend std::ostream& operator<<(std::ostream& out, const CaseLine& c) { return out << c.text; }
};

// An unreadable or empty file gives a single case whose name says so, which then fails.
inline std::vector<CaseLine> ReadCases(const std::string& path) {
  std::vector<CaseLine> cases;
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    if (line.empty() || line[0] == '#') continue;
    CaseLine c;
    c.text = line;
    std::stringstream words(line);
    words >> c.name;
    for (std::string word; words >> word;) {
      const size_t equals = word.find('=');
      c.values[word.substr(0, equals)] = equals == std::string::npos ? "" : word.substr(equals + 1);
    }
    cases.push_back(c);
  }
  if (cases.empty()) cases.push_back({"no cases in " + path, "no cases in " + path, {}});
  return cases;
}

}  // namespace skiff::ops::testing
