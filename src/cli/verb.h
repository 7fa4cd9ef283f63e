// The verbs of `skiff`, one file each.
#pragma once

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

}  // namespace skiff::cli
