#include "quant/convert/dot_graph.h"

#include <map>
#include <set>

#include "quant/convert/quantizer_ops.h"

namespace skiff::quant {
namespace {

std::string Quoted(const std::string& text) {
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') quoted += '\\';
    quoted += c;
  }
  return quoted + "\"";
}

}  // namespace

std::string DotGraph(const program::Program& program) {
  std::map<std::string, int> version;
  std::set<std::string> shown;
  std::string dot = "digraph G {\n  node [fontname=\"sans-serif\"]\n";
  const auto variable = [&](const std::string& name) {
    const int v = version[name];
    std::string node = Quoted(name + (v > 1 ? "#" + std::to_string(v - 1) : ""));
    const bool parameter = program.params.contains(name);
    if (shown.insert(node).second && parameter) {
      dot += "  " + node + " [style=filled fillcolor=lightgrey]\n";
    }
    return node;
  };
  const std::vector<program::OpDesc>& ops = program.blocks[0].ops;
  for (size_t i = 0; i < ops.size(); ++i) {
    const std::string node = "op" + std::to_string(i);
    dot += "  " + node + " [shape=box label=" + Quoted(std::to_string(i) + " " + ops[i].type) +
           (IsQuantizer(ops[i]) ? " style=filled fillcolor=khaki]\n" : "]\n");
    for (const program::Argument& argument : ops[i].inputs) {
      for (const std::string& name : argument.names) {
        const std::string from = variable(name);
        dot += "  " + from + " -> " + node + "\n";
      }
    }
    for (const program::Argument& argument : ops[i].outputs) {
      for (const std::string& name : argument.names) {
        ++version[name];
        const std::string to = variable(name);
        dot += "  " + node + " -> " + to + "\n";
      }
    }
  }
  return dot + "}\n";
}

}  // namespace skiff::quant
