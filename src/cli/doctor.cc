// skiff doctor: what this machine has, and what Skiff will use of it.
#include <fmt/format.h>

#include "base/cpu_count.h"
#include "base/isa.h"
#include "cli/machine.h"
#include "cli/options.h"
#include "cli/text.h"
#include "cli/verb.h"
#include "onednn/isa_cap.h"

namespace skiff::cli {
namespace {

std::string Expectation(Isa isa) {
  switch (isa) {
    case Isa::kScalar:
      return "no vector instructions: right answers, but slow; INT8 gains nothing over float";
    case Isa::kAvx2:
      return "INT8 by maddubs: two to three times float speed where convolutions dominate";
    case Isa::kAvxVnni: return "INT8 dot products in one instruction, 256 bits wide";
    case Isa::kAvx512bw: return "INT8 by maddubs, 512 bits wide";
    case Isa::kAvx512Vnni: return "INT8 dot products in one instruction, 512 bits wide";
    case Isa::kAmx: return "INT8 by matrix tiles";
  }
  return "";
}

Json Machine() {
  Json supported = Json::array();
  for (Isa isa : SupportedIsas()) supported.push_back(Name(isa));
  const Memory memory = ReadMemory();
  const double quota = CpuQuota();
  return {{"version", SKIFF_VERSION},
          {"cpu", CpuName()},
          {"supported_isas", supported},
          {"amx_refused", AmxRefused()},
          {"isa", nullptr},
          {"onednn", onednn::Version()},
          {"onednn_isa", nullptr},
          {"bfloat16", false},
          {"processors", AffinityCpus()},
          {"quota_processors", quota > 0 ? Json(quota) : Json(nullptr)},
          {"recommended_threads", AvailableCpus()},
          {"memory_bytes", memory.total_bytes},
          {"available_bytes", memory.available_bytes},
          {"memory_limit_bytes", memory.limit_bytes ? Json(*memory.limit_bytes) : Json(nullptr)},
          {"expect", nullptr}};
}

std::string Gib(const Json& bytes) {
  return fmt::format("{:.1f} GiB", bytes.get<double>() / (int64_t{1} << 30));
}

void Print(const Json& m) {
  std::vector<std::string> supported;
  for (const Json& name : m["supported_isas"]) supported.push_back(name.get<std::string>());
  Table table({Align::kLeft, Align::kLeft});
  table.Add({"skiff", m["version"].get<std::string>()});
  table.Add({"processor", m["cpu"].get<std::string>()});
  table.Add({"instruction sets", fmt::format("{}", fmt::join(supported, ", "))});
  if (m["amx_refused"].get<bool>()) {
    table.Add({"", "the processor has AMX, but the operating system refuses its use"});
  }
  table.Add({"in use",
             fmt::format("{} (SKIFF_ISA=NAME takes a lower one)", m["isa"].get<std::string>())});
  table.Add({"oneDNN", fmt::format("{}, {}", m["onednn"].get<std::string>(),
                                   m["onednn_isa"].get<std::string>())});
  table.Add({"bfloat16", m["bfloat16"].get<bool>()
                             ? "multiplied: --precision bf16"
                             : "not multiplied by this instruction set: bf16 runs in fp32"});
  table.Add({"processors", fmt::format("{} in the affinity mask, {}", m["processors"].get<int>(),
                                       m["quota_processors"].is_null()
                                           ? "no quota"
                                           : fmt::format("a quota of {:.2f}",
                                                         m["quota_processors"].get<double>()))});
  table.Add({"threads", fmt::format("up to --threads {}", m["recommended_threads"].get<int>())});
  table.Add({"memory",
             fmt::format("{}, {} available{}", Gib(m["memory_bytes"]), Gib(m["available_bytes"]),
                         m["memory_limit_bytes"].is_null()
                             ? ""
                             : ", limited to " + Gib(m["memory_limit_bytes"]))});
  table.Add({"expect", m["expect"].get<std::string>()});
  table.Print();
}

Status Doctor(bool json) {
  SKIFF_ASSIGN_OR_RETURN(const Isa isa, SelectIsa());
  onednn::CapIsa(isa);
  Json machine = Machine();
  machine["isa"] = Name(isa);
  machine["onednn_isa"] = onednn::EffectiveIsa();
  machine["bfloat16"] = onednn::MultipliesBfloat16();
  machine["expect"] = Expectation(isa);
  if (json) {
    PrintJson(machine);
  } else {
    Print(machine);
  }
  return OkStatus();
}

}  // namespace

void AddDoctor(Verbs& verbs) {
  Verb& verb = verbs.Add("doctor", "What this machine has and what Skiff uses of it");
  auto json = std::make_shared<bool>(false);
  AddJsonFlag(verb, *json);
  verb.OnUse([] { return OkStatus(); }, [json] { return Doctor(*json); });
}

}  // namespace skiff::cli
