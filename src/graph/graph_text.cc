// The verifier and the text dump of a Graph.
#include <set>
#include <sstream>

#include "graph/graph.h"

namespace skiff::graph {
namespace {

Status CheckValue(const Value& value) {
  // An 8-bit tensor of the model itself (an index, say) needs no grid.
  if (!value.grid) return OkStatus();
  if (!IsInt8(value.dtype)) return Internal("value " + value.name + " has a grid but is float");
  if (value.grid->step.empty()) return Internal("value " + value.name + " has an empty grid");
  if (value.grid->is_unsigned != (value.dtype == DType::kUInt8)) {
    return Internal("value " + value.name + ": signedness of grid and type differ");
  }
  return OkStatus();
}

bool HasUse(const Value& value, const Use& use) {
  for (const Use& u : value.uses) {
    if (u == use) return true;
  }
  return false;
}

Status CheckInputs(const Node& node, const std::set<const Value*>& defined) {
  for (size_t s = 0; s < node.inputs.size(); ++s) {
    for (size_t e = 0; e < node.inputs[s].edges.size(); ++e) {
      const Value* value = node.inputs[s].edges[e].value;
      if (value == nullptr) return Internal("node " + node.name + " has a null input");
      if (!value->constant && !defined.contains(value)) {
        return Internal("node " + node.name + " reads " + value->name + " before it is written");
      }
      if (!HasUse(*value, {const_cast<Node*>(&node), static_cast<int>(s), static_cast<int>(e)})) {
        return Internal("value " + value->name + " does not know its reader " + node.name);
      }
    }
  }
  return OkStatus();
}

void PrintGrid(std::ostream& os, const Grid& grid) {
  os << (grid.is_unsigned ? "u" : "s") << grid.max_code << "*" << grid.step.at(0);
  if (grid.step.size() > 1) os << "..x" << grid.step.size() << "@" << grid.axis;
  if (grid.round == RoundMode::kHalfAway) os << ",away";
}

void PrintValue(std::ostream& os, const Value& value) {
  os << "%" << value.id << " " << value.name << ":" << Name(value.dtype);
  if (value.layout == Layout::kNhwc) os << ":nhwc";
  if (value.constant) os << ":const";
  if (value.grid) {
    os << "[";
    PrintGrid(os, *value.grid);
    os << "]";
  }
}

void PrintNode(std::ostream& os, const Node& node) {
  const char* comma = "";
  for (const OutSlot& slot : node.outputs) {
    for (const Value* value : slot.values) {
      os << comma << slot.name << "=";
      PrintValue(os, *value);
      comma = ", ";
    }
  }
  os << " = " << node.type << "(";
  comma = "";
  for (const InSlot& slot : node.inputs) {
    for (const Edge& edge : slot.edges) {
      os << comma << slot.name << "=";
      PrintValue(os, *edge.value);
      if (edge.grid) {
        os << " rounded ";
        PrintGrid(os, *edge.grid);
      }
      comma = ", ";
    }
  }
  os << ")";
}

}  // namespace

Status Graph::Verify() const {
  std::set<const Value*> defined(inputs.begin(), inputs.end());
  for (const Value& value : values_) SKIFF_RETURN_IF_ERROR(CheckValue(value));
  for (const Node& node : nodes_) {
    SKIFF_RETURN_IF_ERROR(CheckInputs(node, defined));
    for (const OutSlot& slot : node.outputs) {
      for (const Value* value : slot.values) {
        if (value->producer != &node) {
          return Internal("value " + value->name + " does not know its producer " + node.name);
        }
        if (!defined.insert(value).second) {
          return Internal("value " + value->name + " is written twice");
        }
      }
    }
  }
  for (const Value* value : outputs) {
    if (!value->constant && !defined.contains(value)) {
      return Internal("output " + value->name + " is never written");
    }
  }
  return OkStatus();
}

std::string Graph::ToString() const {
  std::ostringstream os;
  for (const Node& node : nodes_) {
    PrintNode(os, node);
    os << "\n";
  }
  return os.str();
}

}  // namespace skiff::graph
