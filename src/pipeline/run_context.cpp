#include "pipeline/run_context.h"

#include <algorithm>

#include "base/error.h"
#include "base/memory.h"
#include "base/progress.h"
#include "pipeline/machine.h"
#include "quantize/mix_list.h"

namespace hone {

namespace fs = std::filesystem;

namespace {

constexpr uint64_t kAdapterDisk = 200u << 20;  // adapter, its resume state, reports

TaskSet validation_tasks(const Recipe& recipe) {
  std::vector<RecipeTask> entries;
  for (const RecipeTask& task : recipe.eval.tasks) {
    if (task.valid.empty()) continue;
    entries.push_back(task);
    entries.back().data = task.valid;
  }
  return TaskSet(std::move(entries), recipe.seed);
}

}  // namespace

BitsPerWeight::BitsPerWeight(const WeightSource& source) {
  for (const TensorInfo& tensor : source.tensors()) {
    bytes += tensor.n_bytes();
    elements += tensor.n_elements();
  }
}

RunContext::RunContext(const Recipe& given_recipe, const RunOptions& given_options)
    : recipe(given_recipe),
      options(given_options),
      compute(serving_mode(given_options.precise)),
      opened(open_model(given_recipe.base)),
      tokenizer(make_tokenizer(opened)),
      chat_template(make_chat_template(opened, *tokenizer)),
      store(given_recipe.output) {}

fs::path RunContext::product_path(const std::string& format) const {
  return folder() / (recipe.name + "-" + format + ".gguf");
}

void RunContext::prepare() {
  check_products();
  if (chat_template == nullptr)
    fail(ErrorCode::kNotSupported, "{}: this model has no chat template; the recipe needs one",
         opened.path.string());
  if (!recipe.rival.model.empty()) open_model(recipe.rival.model);  // not there: said before any work
  tasks = TaskSet(recipe);
  if (recipe.gates.repair) valid_tasks = validation_tasks(recipe);
  const ChatCodec codec{.tokenizer = *tokenizer, .chat_template = *chat_template};
  train = load_dataset(recipe.train, codec, recipe.max_length);
  if (!recipe.valid.empty()) valid = load_dataset(recipe.valid, codec, recipe.max_length);
  items = make_items(recipe, codec);
  items.counts = count_tokens(*tokenizer, train);
  items.key["counts"] = train.content_hash;
  say(fmt::format("run {}: base {}, {} training chats ({} tokens), {} held-out chats ({} tokens)",
                  recipe.name, recipe.base, train.samples.size(), train.n_tokens, items.n_chats,
                  items.n_chat_tokens));
  if (train.n_truncated > 0)
    notes.push_back(fmt::format("{} of {} training chats were cut to {} tokens.", train.n_truncated,
                                train.samples.size(), recipe.max_length));
  base_hash = content_hash(opened.path);
  base_fingerprint = weights_fingerprint(*opened.source);
  check_room();
}

// A base that an earlier run made in this folder would be written over.
void RunContext::check_products() const {
  std::vector<std::string> formats = recipe.quantize_to;
  formats.push_back(recipe.merge_format);
  std::error_code ignored;
  for (const std::string& format : formats) {
    if (fs::equivalent(opened.path, product_path(format), ignored))
      fail(ErrorCode::kInvalidArgument,
           "{}: the run would write its own file over this base; give [run] another name or output",
           opened.path.string());
  }
}

void RunContext::check_room() const {
  const BitsPerWeight base(*opened.source);
  uint64_t disk = kAdapterDisk + base.elements * format_named(recipe.merge_format).block_bytes;
  uint64_t files = base.elements * 2;
  for (const std::string& name : recipe.quantize_to) {
    const auto bytes = static_cast<uint64_t>(static_cast<double>(base.elements) *
                                             format_of(mix_named(name).base).bits_per_weight() / 8.0 * 1.2);
    disk += bytes;
    files += bytes;
  }
  const uint64_t free = free_disk_bytes(folder());
  // What is there from an earlier run is written over, not added.
  if (!fs::exists(product_path(recipe.merge_format)) && free < disk)
    fail(ErrorCode::kResourceExhausted,
         "{}: disk: got {} free, expected {} for the run's files; free some space", folder().string(),
         format_bytes(free), format_bytes(disk));
  const uint64_t memory = std::max(base.bytes * 2, largest_together(files));
  if (available_memory_bytes() < memory)
    fail(ErrorCode::kResourceExhausted,
         "memory: got {} available, expected at least {} for this model; close other programs or take a "
         "smaller one",
         format_bytes(available_memory_bytes()), format_bytes(memory));
}

// The files are measured in lock-step when they fit into half the memory together, else one by one.
uint64_t RunContext::largest_together(uint64_t files) const {
  return files < available_memory_bytes() / 2 ? files : files / (recipe.quantize_to.size() + 1) * 2;
}

MeasureItems validation_items(const RunContext& run) {
  Recipe other = run.recipe;
  other.eval.general = run.recipe.eval.general_valid;
  other.eval.speed = false;
  MeasureItems items = general_items(other, *run.tokenizer);
  items.chats = chat_items(run.valid);
  items.n_chats = run.valid.samples.size();
  items.n_chat_tokens = run.valid.n_tokens;
  items.key = run.items.key;
  items.key["test"] = content_hash(run.recipe.valid);
  items.key["limit"] = 0;
  items.key["general"] = other.eval.general.empty() ? "" : content_hash(other.eval.general);
  // As they are rendered: a template may write today's date.
  items.key["chats"] = items_hash(items.chats);
  items.key["texts"] = items_hash(items.general);
  for (const char* unused : {"speed", "examples", "example_tokens", "counts"}) items.key.erase(unused);
  return items;
}

}  // namespace hone
