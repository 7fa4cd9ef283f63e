#include "cli/flags.h"

#include <fmt/core.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <cstdlib>
#include <list>

#include "cli/interrupt.h"

namespace skiff::cli {
namespace {

constexpr int kFailed = 1;
constexpr int kUsage = 2;
constexpr int kInterrupted = 130;  // 128 + SIGINT, as shells have it

int Fail(int code, std::string_view message) {
  fmt::print(stderr, "skiff: {}\n", message);
  return code;
}

}  // namespace

struct Verb::Impl {
  CLI::App* app;
  Action* chosen;
  std::string group = "Options";

  void Finish(CLI::Option* option, const Flag& flag) const {
    option->group(group)->required(flag.required);
    if (!flag.type.empty()) option->type_name(flag.type);
    if (!flag.excludes.empty()) option->excludes(app->get_option(flag.excludes));
  }
};

Verb::Verb(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Verb::~Verb() = default;

void Verb::Custom(const Flag& flag, Setter set, const std::string& initial) {
  // The setter is the check: what it refuses is a usage error with the flag's name.
  const auto accept = [set = std::move(set), name = flag.name](const std::string& text) {
    const Status status = set(text);
    if (!status.ok()) throw CLI::ValidationError(name, std::string(status.message()));
  };
  CLI::Option* option = impl_->app->add_option_function<std::string>(flag.name, accept, flag.help);
  option->default_str(initial);
  impl_->Finish(option, flag);
}

void Verb::Text(const Flag& flag, std::string& value) {
  impl_->Finish(impl_->app->add_option(flag.name, value, flag.help), flag);
}

void Verb::Texts(const Flag& flag, std::vector<std::string>& values) {
  CLI::Option* option = impl_->app->add_option(flag.name, values, flag.help);
  if (flag.name.starts_with('-')) option->allow_extra_args(false);
  impl_->Finish(option, flag);
}

void Verb::Switch(const Flag& flag, bool& value) {
  impl_->Finish(impl_->app->add_flag(flag.name, value, flag.help), flag);
}

void Verb::Group(const std::string& title) { impl_->group = title; }

void Verb::OnUse(Action check, Action action) {
  impl_->app->callback([this, check = std::move(check), action = std::move(action)] {
    const Status status = check();
    if (!status.ok()) {
      throw CLI::ValidationError(impl_->app->get_name(), std::string(status.message()));
    }
    *impl_->chosen = action;
  });
}

struct Verbs::Impl {
  CLI::App app;
  std::list<Verb> verbs;
  Action chosen;
  std::string topic;  // of the verb "help"

  // Null when there is no such verb.
  [[nodiscard]] const CLI::App* Find(const std::string& verb) const {
    const CLI::App& all = app;
    const auto named = [&verb](const CLI::App* a) { return a->get_name() == verb; };
    const auto found = all.get_subcommands(named);
    return found.empty() ? nullptr : found.front();
  }

  void AddHelp() {
    CLI::App* help = app.add_subcommand("help", "Show this page, or that of a verb");
    help->add_option("verb", topic, "The verb to explain");
    help->callback([this] {
      const CLI::App* page = topic.empty() ? &app : Find(topic);
      if (page == nullptr) throw CLI::ValidationError("help", "there is no verb " + topic);
      chosen = [this, page] {
        // App::help would explain the verb that was said, which is "help".
        const std::string name = page == &app ? app.get_name() : app.get_name() + " " + topic;
        const auto mode = CLI::AppFormatMode::Normal;
        fmt::print("{}", page->get_formatter()->make_help(page, name, mode));
        return OkStatus();
      };
    });
  }

  int OnParseError(const CLI::ParseError& error) const {
    // Requests for help and for the version come as exceptions too.
    if (error.get_exit_code() == 0) return app.exit(error);
    const auto said = app.get_subcommands();
    const std::string verb = said.empty() ? "" : said.front()->get_name() + " ";
    Fail(kUsage, error.what());
    fmt::print(stderr, "`skiff {}--help` shows what can be said.\n", verb);
    return kUsage;
  }
};

Verbs::Verbs(const std::string& name, const std::string& version, const std::string& help)
    : impl_(std::make_unique<Impl>()) {
  impl_->app.name(name);
  impl_->app.description(help);
  impl_->app.set_version_flag("--version", name + " " + version);
  impl_->app.require_subcommand(0, 1);  // that there is one is checked later, with a better message
}

Verbs::~Verbs() = default;

Verb& Verbs::Add(const std::string& name, const std::string& help) {
  CLI::App* verb = impl_->app.add_subcommand(name, help);
  return impl_->verbs.emplace_back(std::make_unique<Verb::Impl>(Verb::Impl{verb, &impl_->chosen}));
}

std::optional<int> Verbs::Parse(int argc, const char* const* argv) {
  impl_->AddHelp();
  try {
    impl_->app.parse(argc, argv);
    if (!impl_->chosen) throw CLI::ValidationError("skiff", "a verb is needed, such as run");
  } catch (const CLI::ParseError& error) {
    return impl_->OnParseError(error);
  }
  return std::nullopt;
}

int Verbs::Main(int argc, const char* const* argv) {
  if (const std::optional<int> code = Parse(argc, argv)) return *code;
  const Status status = impl_->chosen();
  const bool written = std::fflush(stdout) == 0 && std::ferror(stdout) == 0;
  if (!status.ok() && Interrupted()) return Fail(kInterrupted, status.message());
  if (!status.ok()) return Fail(kFailed, status.ToString());
  if (!written) return Fail(kFailed, "the answer could not be written to standard output");
  return EXIT_SUCCESS;
}

}  // namespace skiff::cli
