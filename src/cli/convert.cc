// skiff convert: a quantised model of any of PaddleSlim's forms in, the model to deploy out. Its
// flags are those of Paddle's save_quant_model.py.
#include "skiff/convert.h"

#include <fmt/format.h>

#include "cli/options.h"
#include "cli/text.h"
#include "cli/verb.h"

namespace skiff::cli {
namespace {

struct ConvertFlags {
  ModelSource source;
  ConvertOptions options;
  std::string out;
  std::string ops;
  std::string ids;
  bool json = false;
};

void Print(const ConvertFlags& flags, const ConvertReport& report) {
  Table table({Align::kRight, Align::kLeft, Align::kLeft, Align::kLeft});
  table.Add({"id", "operator", "name", "why not"});
  size_t quantized = 0;
  for (const ConvertedOperator& row : report.operators) {
    quantized += row.why_float.empty();
    table.Add({fmt::format("{}", row.id), row.op, Shorten(row.name, 40), row.why_float});
  }
  if (!report.operators.empty()) {
    table.Print();
    fmt::print("\n{} of {} operators in INT8, read as {}\n", quantized, report.operators.size(),
               report.representation);
  }
  fmt::print("Success! INT8 model obtained from the Quant model can be found at {}\n", flags.out);
}

Json ToJson(const ConvertFlags& flags, const ConvertReport& report) {
  Json operators = Json::array();
  for (const ConvertedOperator& row : report.operators) {
    operators.push_back(
        {{"id", row.id}, {"op", row.op}, {"name", row.name}, {"why_float", row.why_float}});
  }
  return {{"model", flags.source.model_dir},
          {"out", flags.out},
          {"representation", report.representation},
          {"operators", operators}};
}

Status Run(ConvertFlags& flags) {
  if (!flags.ops.empty()) flags.options.ops_to_quantize = Split(flags.ops, ',');
  const Result<ConvertReport> report = Convert(flags.source, flags.options, flags.out);
  if (!report.ok()) return report.status();
  if (flags.json) {
    PrintJson(ToJson(flags, *report));
  } else {
    Print(flags, *report);
  }
  return OkStatus();
}

Status ParseIds(const std::string& text, std::vector<int64_t>& ids) {
  ids.clear();
  if (text.empty()) return OkStatus();
  for (const std::string& word : Split(text, ',')) {
    SKIFF_ASSIGN_OR_RETURN(const int64_t id, ParseNumber(word, int64_t{0}, int64_t{1} << 31));
    ids.push_back(id);
  }
  return OkStatus();
}

}  // namespace

void AddConvert(Verbs& verbs) {
  Verb& verb = verbs.Add("convert", "Make the model to deploy from one that PaddleSlim quantised");
  auto flags = std::make_shared<ConvertFlags>();
  Flag in{"--quant_model_path", "DIR", "Folder of the quantised model"};
  in.required = true;
  verb.Text(in, flags->source.model_dir);
  verb.Text({"--quant_model_filename", "FILE", "Its program, where the folder holds several"},
            flags->source.model_file);
  verb.Text({"--quant_params_filename", "FILE", "Its parameters"}, flags->source.params_file);
  Flag out{"--int8_model_save_path", "DIR", "Folder for the converted model"};
  out.required = true;
  verb.Text(out, flags->out);
  verb.Text({"--save_model_filename", "FILE", "Name of the program"},
            flags->options.save_model_filename);
  verb.Text({"--save_params_filename", "FILE",
             "Name of the parameters; without it, a file for each beside __model__"},
            flags->options.save_params_filename);
  verb.Group("Which operators");
  verb.Text({"--ops_to_quantize", "LIST", "Types that stay in INT8, separated by commas; all"},
            flags->ops);
  verb.Text({"--op_ids_to_skip", "LIST", "Operators to put to float, by the ids of --debug"},
            flags->ids);
  verb.Switch({"--debug", "", "Write graphs for Graphviz, *.dot, beside the model"},
              flags->options.debug);
  AddJsonFlag(verb, flags->json);
  verb.OnUse([flags] { return ParseIds(flags->ids, flags->options.op_ids_to_skip); },
             [flags] { return Run(*flags); });
}

}  // namespace skiff::cli
