#include "pipeline/rival.h"

#include <algorithm>

#include "base/error.h"
#include "models/architecture.h"

namespace hone {
namespace {

using Json = nlohmann::ordered_json;

bool is_role(const Json& message, const char* role) {
  return message.value("role", "") == role;
}

// What stands before every question: the system prompt, and solved examples as turns.
Json opening(const Recipe& recipe) {
  Json out = Json::array();
  if (!recipe.rival.system.empty()) out.push_back({{"role", "system"}, {"content", recipe.rival.system}});
  if (recipe.rival.shots == 0) return out;
  const std::vector<ChatRecord> train = read_chats(recipe.train);
  if (train.size() < recipe.rival.shots)
    fail(ErrorCode::kInvalidArgument, "{}: [rival] shots: got {}, expected at most the {} chats of {}",
         recipe.path.filename().string(), recipe.rival.shots, train.size(), recipe.train.string());
  for (size_t i = 0; i < recipe.rival.shots; ++i)
    for (const Json& message : train[i].messages)
      if (!is_role(message, "system")) out.push_back(message);
  return out;
}

ChatRecord behind(const Json& before, const ChatRecord& record) {
  ChatRecord out{.messages = before, .line = record.line, .tools = record.tools, .n_given = before.size()};
  const bool replaced = !before.empty() && is_role(before[0], "system");
  for (size_t i = 0; i < record.messages.size(); ++i) {
    if (replaced && is_role(record.messages[i], "system")) continue;
    out.messages.push_back(record.messages[i]);
    out.n_given += i < record.n_given ? 1 : 0;
  }
  return out;
}

size_t count_targets(const std::vector<int32_t>& targets) {
  return static_cast<size_t>(std::count_if(targets.begin(), targets.end(), [](int32_t t) { return t >= 0; }));
}

ScoreItem prompted_item(const Recipe& recipe, const Json& before, const ChatRecord& record,
                        const ScoreItem& plain, const ChatCodec& codec, size_t context) {
  const std::string where = fmt::format("{}:{}", recipe.test.string(), record.line);
  Sample sample = encode_chat(codec, behind(before, record), 0, where);
  // The plain item may have been cut: the same tokens count here.
  size_t wanted = count_targets(plain.targets), length = 0;
  for (; length < sample.tokens.size() && wanted > 0; ++length) wanted -= sample.supervised[length];
  if (wanted > 0)
    fail(ErrorCode::kNotSupported,
         "{}: [rival]: the chat template renders this answer otherwise behind a system prompt or examples; "
         "it cannot be compared token by token",
         where);
  if (context > 0 && length > context)
    fail(ErrorCode::kInvalidArgument,
         "{}: [rival]: got {} tokens with system prompt and examples, expected at most the model's context "
         "of {}; take fewer shots",
         where, length, context);
  sample.tokens.resize(length);
  sample.supervised.resize(length);
  PackedBatch batch = single_batch(sample);
  return {.batch = std::move(batch.batch), .targets = std::move(batch.targets), .document = plain.document};
}

// Tasks with the rival's number of examples, where it is larger and there are right answers to show.
Recipe with_shots(const RunContext& run) {
  Recipe recipe = run.recipe;
  for (size_t t = 0; t < run.tasks.size(); ++t) {
    const std::vector<TaskItem>& items = run.tasks.file(t).items;
    const bool solved = !items[0].choices.empty() && items[0].messages.is_null();
    RecipeTask& task = recipe.eval.tasks[t];
    if (solved && items.size() > recipe.rival.shots) task.shots = std::max(task.shots, recipe.rival.shots);
  }
  return recipe;
}

RivalStage rival_stage(RunContext& run, const Exam& exam, const StageModel& model, const WeightSource& source,
                       std::string what) {
  RivalStage out;
  out.measured = measure_stage(run, exam, model);
  out.result.name = model.stage;
  out.result.role = "rival";
  out.result.status = "cached";
  out.result.what = std::move(what);
  out.result.file_bytes = model.bytes;
  out.result.bits_per_weight = BitsPerWeight(source).value();
  return out;
}

RivalStage measure_prompted(RunContext& run) {
  const ChatCodec codec{.tokenizer = *run.tokenizer, .chat_template = *run.chat_template};
  const Metadata& metadata = run.opened.source->metadata();
  const size_t context =
      architecture_named(metadata.string("general.architecture")).config_from_gguf(metadata).context_length;
  const MeasureItems items = prompted_items(run.recipe, run.items, codec, context);
  const TaskSet tasks(with_shots(run));
  const StageModel model{.stage = "prompted",
                         .model = run.opened.path.string(),
                         .adapter = {},
                         .model_hash = run.base_hash,
                         .adapter_hash = {},
                         .bytes = run.opened.source->file_bytes(),
                         .answers = true};
  return rival_stage(
      run, {.items = items, .tasks = tasks}, model, *run.opened.source,
      fmt::format(
          "the base, not tuned, told what is wanted: {}{}{}",
          run.recipe.rival.system.empty() ? "" : "a system prompt",
          run.recipe.rival.system.empty() || run.recipe.rival.shots == 0 ? "" : " and ",
          run.recipe.rival.shots == 0 ? "" : fmt::format("{} solved examples", run.recipe.rival.shots)));
}

RivalStage measure_other(RunContext& run) {
  const OpenedModel opened = open_model(run.recipe.rival.model);
  const std::unique_ptr<Tokenizer> tokenizer = make_tokenizer(opened);
  const std::unique_ptr<ChatTemplate> chat_template = make_chat_template(opened, *tokenizer);
  MeasureItems items;
  if (chat_template != nullptr)
    items = make_items(run.recipe, {.tokenizer = *tokenizer, .chat_template = *chat_template});
  // A loss per token says nothing across vocabularies: only the same tokens are compared.
  if (items_hash(items.chats) != items_hash(run.items.chats)) items.chats.clear();
  if (items_hash(items.general) != items_hash(run.items.general)) items.general.clear();
  items.key["compared"] = {items_hash(items.chats), items_hash(items.general)};  // depends on the base
  if (items.chats.empty() && run.tasks.size() == 0)
    fail(ErrorCode::kInvalidArgument,
         "{}: [rival] model: its tokens differ from the base's, so that losses cannot be compared; give a "
         "task "
         "that both can answer in [[eval.tasks]]",
         opened.path.string());
  if (items.chats.empty())
    run.notes.push_back("rival: its tokens differ from the base's; only tasks are compared with it.");
  const StageModel model{.stage = "rival",
                         .model = opened.path.string(),
                         .adapter = {},
                         .model_hash = content_hash(opened.path),
                         .adapter_hash = {},
                         .bytes = opened.source->file_bytes(),
                         .answers = chat_template != nullptr};
  return rival_stage(run, {.items = items, .tasks = run.tasks}, model, *opened.source,
                     fmt::format("another model as it came: {}", run.recipe.rival.model));
}

}  // namespace

MeasureItems prompted_items(const Recipe& recipe, const MeasureItems& plain, const ChatCodec& codec,
                            size_t context) {
  MeasureItems out = plain;
  out.speed_text.clear();
  out.speed_prompt.clear();  // it is the base, and slower by its longer prompt
  out.general.clear();       // a prompt for questions says nothing about other text
  const Json before = opening(recipe);
  std::vector<ChatRecord> records = read_chats(recipe.test);
  HONE_CHECK(records.size() >= plain.chats.size());
  for (size_t i = 0; i < plain.chats.size(); ++i)
    out.chats[i] = prompted_item(recipe, before, records[i], plain.chats[i], codec, context);
  for (ChatRecord& record : out.examples) record = behind(before, record);
  out.key["rival_system"] = recipe.rival.system;
  out.key["rival_shots"] = recipe.rival.shots;
  if (recipe.rival.shots > 0) out.key["rival_train"] = content_hash(recipe.train);
  return out;
}

std::vector<RivalStage> measure_rivals(RunContext& run) {
  std::vector<RivalStage> out;
  if (run.recipe.rival.prompts()) out.push_back(measure_prompted(run));
  if (!run.recipe.rival.model.empty()) out.push_back(measure_other(run));
  return out;
}

}  // namespace hone
