// hone inspect: what is in a file of weights, or how two of them differ.
#include "base/error.h"
#include "command.h"
#include "inspect/contents.h"
#include "inspect/diff.h"
#include "inspect_text.h"

namespace hone::cli {
namespace {

struct Arguments {
  std::vector<std::string> files;
  bool all = false, hash = false, diff = false;
};

Outcome inspect(const Arguments& arguments) {
  if (!arguments.diff) {
    if (arguments.files.size() != 1)
      fail(ErrorCode::kInvalidArgument, "inspect: files: got {}, expected one; --diff compares two",
           arguments.files.size());
    const auto contents = open_contents(arguments.files[0]);
    const std::string hash = arguments.hash ? contents->hash() : std::string();
    return {inspect_json(*contents, hash, arguments.all), inspect_text(*contents, hash, arguments.all)};
  }
  if (arguments.files.size() != 2)
    fail(ErrorCode::kInvalidArgument, "inspect --diff: files: got {}, expected two: hone inspect --diff A B",
         arguments.files.size());
  const auto a = open_contents(arguments.files[0]), b = open_contents(arguments.files[1]);
  const Diff diff = compare(*a, *b);
  return {diff_json(*a, *b, diff, arguments.all), diff_text(*a, *b, diff, arguments.all)};
}

Action declare(CLI::App& app) {
  auto arguments = std::make_shared<Arguments>();
  app.add_option("file", arguments->files,
                 "GGUF or safetensors file, Hugging Face or PEFT folder, or a name in the model store")
      ->required()
      ->type_name("FILE");
  CLI::Option* diff = app.add_flag("--diff", arguments->diff,
                                   "compare two files: metadata, tensors, and the values of common tensors");
  app.add_flag("--hash", arguments->hash,
               "also hash the contents, which reads every byte: of a model, what adapters name as their base")
      ->excludes(diff);
  app.add_flag("--all", arguments->all, "long arrays and texts in full; with --diff every tensor");
  return [arguments](const CommonOptions&) { return inspect(*arguments); };
}

}  // namespace

const Command kInspectCommand = {
    .name = "inspect",
    .summary = "what is in a model or adapter file, or how two differ",
    .example = "hone inspect smollm2-135m-instruct\n  hone inspect --diff model-f16.gguf model-q4_0.gguf",
    .declare = declare,
};

}  // namespace hone::cli
