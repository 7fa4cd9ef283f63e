// The verbs of `skiff`, one file each.
#pragma once

#include <string_view>

#include "cli/flags.h"

namespace skiff::cli {

void AddRun(Verbs& verbs);
void AddBench(Verbs& verbs);
void AddEval(Verbs& verbs);
void AddInspect(Verbs& verbs);
void AddExplain(Verbs& verbs);
void AddCompare(Verbs& verbs);
void AddQuantize(Verbs& verbs);
void AddConvert(Verbs& verbs);
void AddQuantizeDynamic(Verbs& verbs);
void AddQuantizeEmbedding(Verbs& verbs);
void AddMakeData(Verbs& verbs);
void AddAnalyze(Verbs& verbs);
void AddTune(Verbs& verbs);
void AddDoctor(Verbs& verbs);

struct VerbEntry {
  std::string_view name;
  void (*add)(Verbs& verbs);
};

// In the order of --help.
inline constexpr VerbEntry kVerbs[] = {
    {"quantize", AddQuantize},
    {"convert", AddConvert},
    {"quantize_dynamic", AddQuantizeDynamic},
    {"quantize_embedding", AddQuantizeEmbedding},
    {"make_data", AddMakeData},
    {"analyze", AddAnalyze},
    {"tune", AddTune},
    {"run", AddRun},
    {"bench", AddBench},
    {"eval", AddEval},
    {"inspect", AddInspect},
    {"explain", AddExplain},
    {"compare", AddCompare},
    {"doctor", AddDoctor},
};

}  // namespace skiff::cli
