// What can be said on the command line: verbs, and the flags of each. CLI11 reads it, behind this
// header, because it takes long to compile.
//
// Values that flags are bound to must outlive the Verbs. Used by one thread.
#pragma once

#include <charconv>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/status.h"

namespace skiff::cli {

struct Flag {
  std::string name;  // "--threads"; without dashes for words that stand alone
  std::string type;  // what the help page calls its value
  std::string help;
  bool required = false;
  std::string excludes = {};  // a flag, added before, that cannot be said with this one
};

using Action = std::function<Status()>;
using Setter = std::function<Status(const std::string& text)>;

// The number that all of `text` is, within bounds.
template <typename T>
Result<T> ParseNumber(const std::string& text, T least, T most) {
  T value{};
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || stop != text.data() + text.size()) {
    return InvalidArgument("\"" + text + "\" is not a number that can be used here");
  }
  if (!(value >= least && value <= most)) {
    return InvalidArgument(text + " is not between " + std::to_string(least) + " and " +
                           std::to_string(most));
  }
  return value;
}

class Verb {
 public:
  struct Impl;
  explicit Verb(std::unique_ptr<Impl> impl);
  ~Verb();

  // `initial` is the default that the help page shows; empty: none.
  void Custom(const Flag& flag, Setter set, const std::string& initial = "");
  void Text(const Flag& flag, std::string& value);
  // As often as the flag is said, or every word when it is named without dashes.
  void Texts(const Flag& flag, std::vector<std::string>& values);
  void Switch(const Flag& flag, bool& value);

  template <typename T>
  void Number(const Flag& flag, T& value, T least, T most, bool show_initial = true) {
    Custom(
        flag,
        [&value, least, most](const std::string& text) {
          Result<T> number = ParseNumber(text, least, most);
          if (number.ok()) value = *number;
          return number.status();
        },
        show_initial ? ShortText(value) : "");
  }

  template <typename T>
  void Number(const Flag& flag, std::optional<T>& value, T least, T most) {
    Parsed(flag, value,
           [least, most](const std::string& text) { return ParseNumber(text, least, most); });
  }

  // `parse` gives a Result<T>.
  template <typename T, typename Parse>
  void Parsed(const Flag& flag, std::optional<T>& value, Parse parse) {
    Custom(flag, [&value, parse](const std::string& text) {
      SKIFF_ASSIGN_OR_RETURN(value, parse(text));
      return OkStatus();
    });
  }

  // Flags that are added from now on stand under this heading of the help page.
  void Group(const std::string& title);

  // When the verb was said: `check` tells whether its flags make sense together, and `action` is
  // then the program.
  void OnUse(Action check, Action action);

 private:
  template <typename T>
  static std::string ShortText(T value) {
    char text[32];
    return {text, std::to_chars(text, text + sizeof(text), value).ptr};
  }

  std::unique_ptr<Impl> impl_;
};

class Verbs {
 public:
  Verbs(const std::string& name, const std::string& version, const std::string& help);
  ~Verbs();
  Verbs(const Verbs&) = delete;
  Verbs& operator=(const Verbs&) = delete;

  Verb& Add(const std::string& name, const std::string& help);

  // Reads the command line and does what it says. Returns the exit code: 0, 1 when that failed, 2
  // when the command line makes no sense, 130 after Ctrl-C; the reason is on standard error. Once
  // only.
  int Main(int argc, const char* const* argv);
  // The first half of Main, which touches no file: nothing when there is something to do, else the
  // exit code.
  std::optional<int> Parse(int argc, const char* const* argv);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace skiff::cli
