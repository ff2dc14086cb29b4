#include "pipeline/run.h"

#include <algorithm>

#include "base/atomic_file.h"
#include "base/error.h"
#include "base/hash.h"
#include "base/memory.h"
#include "base/progress.h"
#include "base/threads.h"
#include "io/gguf.h"
#include "pipeline/findings.h"
#include "pipeline/machine.h"
#include "pipeline/read_back.h"
#include "pipeline/run_report.h"
#include "pipeline/stage_store.h"
#include "pipeline/train_stage.h"
#include "report/report.h"
#include "tune/merge.h"

namespace hone {
namespace {

using Json = nlohmann::ordered_json;
namespace fs = std::filesystem;

// Raise one when that stage's result changes for the same inputs.
constexpr int kMeasureVersion = 2;  // raised with every change of what a model computes
constexpr int kMergeVersion = 1;
constexpr int kQuantizeVersion = 1;

constexpr uint64_t kAdapterDisk = 200u << 20;  // adapter, its resume state, reports

std::string key_of(const Json& json) {
  return hash_text(json.dump());
}

struct BitsPerWeight {
  uint64_t bytes = 0, elements = 0;
  explicit BitsPerWeight(const WeightSource& source) {
    for (const TensorInfo& tensor : source.tensors()) {
      bytes += tensor.n_bytes();
      elements += tensor.n_elements();
    }
  }
  double value() const {
    return elements > 0 ? 8.0 * static_cast<double>(bytes) / static_cast<double>(elements) : 0;
  }
};

class Run {
 public:
  Run(const Recipe& recipe, const RunOptions& options)
      : recipe_(recipe),
        options_(options),
        compute_(options.precise ? ComputeMode::kPrecise : ComputeMode::kFast),
        opened_(open_model(recipe.base)),
        tokenizer_(make_tokenizer(opened_)),
        template_(make_chat_template(opened_, *tokenizer_)),
        store_(recipe.output) {}

  RunOutcome run() {
    prepare();
    check_room();
    measure_base();
    tune();
    measure_tuned();
    merge_adapter();
    for (const std::string& format : recipe_.quantize_to) quantize(format);
    measure_files();
    return finish();
  }

 private:
  // A file made by the run, and the row it gets in the report.
  struct Product {
    StageResult result;
    fs::path path;
    std::string hash;
    bool answers = false;
  };

  const fs::path& folder() const { return store_.folder(); }
  fs::path product_path(const std::string& format) const {
    return folder() / (recipe_.name + "-" + format + ".gguf");
  }

  // Everything that can be wrong with the inputs shows here, before any work.
  void prepare() {
    check_products();
    if (template_ == nullptr)
      fail(ErrorCode::kNotSupported, "{}: this model has no chat template; the recipe needs one",
           opened_.path.string());
    const ChatCodec codec{.tokenizer = *tokenizer_, .chat_template = *template_};
    train_ = load_dataset(recipe_.train, codec, recipe_.max_length);
    if (!recipe_.valid.empty()) valid_ = load_dataset(recipe_.valid, codec, recipe_.max_length);
    items_ = make_items(recipe_, codec);
    say(fmt::format("run {}: base {}, {} training chats ({} tokens), {} held-out chats ({} tokens)",
                    recipe_.name, recipe_.base, train_.samples.size(), train_.n_tokens, items_.n_chats,
                    items_.n_chat_tokens));
    if (train_.n_truncated > 0)
      report_.notes.push_back(fmt::format("{} of {} training chats were cut to {} tokens.",
                                          train_.n_truncated, train_.samples.size(), recipe_.max_length));
    base_hash_ = content_hash(opened_.path);
    report_.base_fingerprint = weights_fingerprint(*opened_.source);
    items_key_ = items_key(recipe_);
    items_key_["compute"] = compute_mode_name(compute_);
  }

  // A base that an earlier run made in this folder would be written over.
  void check_products() const {
    std::vector<std::string> formats = recipe_.quantize_to;
    formats.push_back(recipe_.merge_format);
    std::error_code ignored;
    for (const std::string& format : formats) {
      if (fs::equivalent(opened_.path, product_path(format), ignored))
        fail(ErrorCode::kInvalidArgument,
             "{}: the run would write its own file over this base; give [run] another name or output",
             opened_.path.string());
    }
  }

  // Disk and memory for the largest step, said before the first.
  void check_room() {
    const BitsPerWeight base(*opened_.source);
    uint64_t disk = kAdapterDisk + base.elements * format_named(recipe_.merge_format).block_bytes;
    uint64_t files = base.elements * 2;
    for (const std::string& name : recipe_.quantize_to) {
      const auto bytes = static_cast<uint64_t>(static_cast<double>(base.elements) *
                                               format_of(mix_named(name).base).bits_per_weight() / 8.0 * 1.2);
      disk += bytes;
      files += bytes;
    }
    const uint64_t free = free_disk_bytes(folder());
    // What is there from an earlier run is written over, not added.
    if (!fs::exists(product_path(recipe_.merge_format)) && free < disk)
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
  uint64_t largest_together(uint64_t files) const {
    return files < available_memory_bytes() / 2 ? files : files / (recipe_.quantize_to.size() + 1) * 2;
  }

  Json measure_key(const std::string& model, const std::string& adapter, const std::string& reference,
                   bool answers) {
    return {{"stage", "measure"}, {"version", kMeasureVersion}, {"items", items_key_}, {"model", model},
            {"adapter", adapter}, {"reference", reference},     {"answers", answers}};
  }

  std::optional<Measurement> find_measurement(const std::string& stage, const std::string& key) {
    const std::optional<Json> stored = store_.find("measure-" + stage, key);
    if (!stored) return std::nullopt;
    try {
      return measurement_from_json(*stored);
    } catch (const Json::exception&) {
      return std::nullopt;
    }
  }

  void add_stage(StageResult result, const Measurement& measurement, bool cached) {
    const bool both = cached && result.status != "done";
    result.status = both ? "cached" : "done";
    result.seconds += measurement.seconds;
    if (both) say(fmt::format("{}: cached", result.name));
    stages_.push_back({.result = std::move(result), .measurement = measurement});
  }

  LoadedModel& base() {
    if (base_ == nullptr) base_ = std::make_unique<LoadedModel>(opened_.path.string());
    return *base_;
  }

  void measure_base() {
    const std::string key = key_of(measure_key(base_hash_, "", "", true));
    std::optional<Measurement> found = find_measurement("base", key);
    const bool cached = found.has_value();
    if (!cached) {
      found = measure({{.name = "base", .loaded = &base(), .answers = true}}, nullptr, items_, recipe_,
                      compute_)[0];
      store_.save("measure-base", key, to_json(*found));
    }
    StageResult result;
    result.name = "base";
    result.status = "cached";
    result.what = "the model as it came";
    result.file_bytes = opened_.source->file_bytes();
    result.bits_per_weight = BitsPerWeight(*opened_.source).value();
    add_stage(std::move(result), *found, cached);
  }

  void tune() {
    TrainConfig config = recipe_.tune;
    config.precise = options_.precise;
    config.restart = options_.restart;
    const BaseInfo info{.name = recipe_.base, .fingerprint = report_.base_fingerprint};
    const TrainData data{.train = train_, .valid = recipe_.valid.empty() ? nullptr : &valid_};
    const TrainedAdapter trained = train_stage(
        store_, [&]() -> Model& { return base().model(); }, data, info, config);
    base_.reset();  // training leaves the adapter on it; the tuned stage reads it back from its file
    if (trained.cached) say("tune: cached");
    tune_cached_ = trained.cached;
    tune_seconds_ = trained.seconds;
    adapter_hash_ = trained.hash;
    adapter_bytes_ = trained.file_bytes;
    peak_rss_ = std::max(peak_rss_, trained.peak_rss_bytes);
    report_.train_tokens = trained.tokens;
    report_.train_tok_s = trained.tok_s;
    report_.trainable_parameters = trained.trainable_parameters;
    report_.loss_curve = trained.curve;
  }

  void measure_tuned() {
    const fs::path adapter = folder() / "adapter";
    const std::string key = key_of(measure_key(base_hash_, adapter_hash_, "", true));
    std::optional<Measurement> found = find_measurement("tuned", key);
    const bool cached = found.has_value();
    if (!cached) {
      base_.reset();
      const AdapterChoice choice{.path = adapter};
      const LoadedModel tuned(opened_.path.string(), std::span(&choice, 1));
      found = measure({{.name = "tuned", .loaded = &tuned, .answers = true}}, nullptr, items_, recipe_,
                      compute_)[0];
      store_.save("measure-tuned", key, to_json(*found));
    }
    StageResult result;
    result.name = "tuned";
    result.status = tune_cached_ ? "cached" : "done";
    result.file = "adapter";
    result.what = fmt::format("{} adapter on the base, not merged", recipe_.tune.adapter.kind);
    result.file_bytes = opened_.source->file_bytes() + adapter_bytes_;
    const BitsPerWeight base_bits(*opened_.source);
    result.bits_per_weight =
        8.0 * static_cast<double>(base_bits.bytes + adapter_bytes_) / static_cast<double>(base_bits.elements);
    result.seconds = tune_seconds_;
    add_stage(std::move(result), *found, cached);
  }

  void merge_adapter() {
    Product product;
    product.path = product_path(recipe_.merge_format);
    const std::string key = key_of({{"stage", "merge"},
                                    {"version", kMergeVersion},
                                    {"base", base_hash_},
                                    {"adapter", adapter_hash_},
                                    {"format", recipe_.merge_format}});
    std::optional<Json> stored = store_.find("merge", key);
    product.result.status = stored ? "cached" : "done";
    if (!stored) {
      say(fmt::format("merging the adapter into {}", product.path.string()));
      const auto start = std::chrono::steady_clock::now();
      MergeOptions options;
      options.format = recipe_.merge_format;
      const AdapterChoice adapter{.path = folder() / "adapter"};
      const MergeResult merged =
          merge(*opened_.source, report_.base_fingerprint, std::span(&adapter, 1), product.path, options);
      const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
      stored = Json{{"max_logit_difference", merged.max_logit_difference}, {"seconds", seconds}};
      store_.save("merge", key, *stored, {product.path.filename()});
    }
    product.result.seconds = stored->at("seconds").get<double>();
    product.result.name = "merged";
    product.result.what = fmt::format("the adapter merged into the weights, {}", recipe_.merge_format);
    report_.notes.push_back(fmt::format("Merging changed no logit by more than {:.2g}.",
                                        stored->at("max_logit_difference").get<double>()));
    add_product(std::move(product));
  }

  void quantize(const std::string& format) {
    Product product;
    product.path = product_path(format);
    product.answers = true;
    const std::string& merged_hash = products_.front().hash;
    const std::string key = key_of({{"stage", "quantize"},
                                    {"version", kQuantizeVersion},
                                    {"source", merged_hash},
                                    {"format", format},
                                    {"method", "rtn"}});
    std::optional<Json> stored = store_.find("quantize-" + format, key);
    product.result.status = stored ? "cached" : "done";
    if (!stored) {
      GgufFile source(products_.front().path);
      QuantizeOptions options;
      options.target = &mix_named(format);
      const QuantizeResult made = quantize_file(source, product.path, options);
      read_back(source, product.path, made);
      stored = Json{{"seconds", made.seconds}, {"notes", made.notes}};
      store_.save("quantize-" + format, key, *stored, {product.path.filename()});
    }
    product.result.seconds = stored->at("seconds").get<double>();
    for (const Json& note : stored->at("notes"))
      report_.notes.push_back(format + ": " + note.get<std::string>());
    product.result.name = format;
    product.result.what = fmt::format("the merged model rounded to {}, read back from its file", format);
    add_product(std::move(product));
  }

  void add_product(Product product) {
    product.hash = content_hash(product.path);
    const GgufFile file(product.path);
    product.result.file = product.path.filename().string();
    product.result.file_bytes = file.file_bytes();
    product.result.bits_per_weight = BitsPerWeight(file).value();
    products_.push_back(std::move(product));
  }

  // All files that are not measured yet, against the merged model in f32; together where they fit.
  void measure_files() {
    const std::string reference_hash = products_.front().hash;
    std::vector<std::string> keys;
    std::vector<std::optional<Measurement>> found;
    std::vector<size_t> due;
    for (size_t i = 0; i < products_.size(); ++i) {
      keys.push_back(key_of(measure_key(products_[i].hash, "", reference_hash, products_[i].answers)));
      found.push_back(find_measurement(products_[i].result.name, keys[i]));
      if (!found[i]) due.push_back(i);
    }
    uint64_t bytes = 0;
    for (const size_t i : due) bytes += products_[i].result.file_bytes;
    const size_t together = bytes < available_memory_bytes() / 2 ? due.size() : 1;
    for (size_t begin = 0; begin < due.size(); begin += together) {
      const auto group = std::span(due).subspan(begin, std::min(together, due.size() - begin));
      const std::vector<Measurement> measured = measure_group(group);
      for (size_t j = 0; j < group.size(); ++j) {
        store_.save("measure-" + products_[group[j]].result.name, keys[group[j]], to_json(measured[j]));
        found[group[j]] = measured[j];
      }
    }
    for (size_t i = 0; i < products_.size(); ++i) {
      const bool cached = std::find(due.begin(), due.end(), i) == due.end();
      add_stage(products_[i].result, *found[i], cached);
    }
  }

  std::vector<Measurement> measure_group(std::span<const size_t> group) {
    const LoadedModel reference(products_.front().path.string());
    std::vector<std::unique_ptr<LoadedModel>> loaded;
    std::vector<Subject> subjects;
    for (const size_t i : group) {
      const LoadedModel* model = &reference;
      if (i != 0)
        model = loaded.emplace_back(std::make_unique<LoadedModel>(products_[i].path.string())).get();
      subjects.push_back(
          {.name = products_[i].result.name, .loaded = model, .answers = products_[i].answers});
    }
    return measure(subjects, &reference.model(), items_, recipe_, compute_);
  }

  RunOutcome finish() {
    fill_metrics(stages_, items_, report_);
    report_.name = recipe_.name;
    report_.date = now_text();
    report_.hone_version = options_.hone_version;
    report_.base_model = recipe_.base;
    report_.recipe_path = recipe_.path.string();
    report_.recipe_text = recipe_.text;
    report_.machine = machine_description(thread_pool().size());
    report_.command = options_.command;
    report_.compute_mode = compute_mode_name(compute_);
    report_.perplexity_protocol = perplexity_protocol(recipe_);
    report_.kl_reference = fmt::format(
        "the tuned model before quantization (merged {}), forward in f32, on the held-out answers",
        recipe_.merge_format);
    report_.dataset_note = fmt::format(
        "{} training chats ({} tokens, {} of them learned), {} held-out chats. {}", train_.samples.size(),
        train_.n_tokens, train_.n_supervised, items_.n_chats, recipe_.data_note);
    report_.tuning = tuning_rows(recipe_);
    report_.examples = example_rows(items_, stages_);
    for (const MeasuredStage& stage : stages_) {
      report_.total_seconds += stage.result.seconds;
      report_.stages.push_back(stage.result);
    }
    report_.findings = find_conclusions(report_);
    report_.peak_rss_bytes = std::max(peak_rss_, peak_rss_bytes());
    add_next_commands();
    RunOutcome outcome{.report = std::move(report_),
                       .folder = folder(),
                       .html = folder() / "report.html",
                       .markdown = folder() / "report.md",
                       .json = folder() / "report.json"};
    write_file(outcome.html, render_html(outcome.report));
    write_file(outcome.markdown, render_markdown(outcome.report));
    write_file(outcome.json,
               to_json(outcome.report).dump(1, ' ', false, Json::error_handler_t::replace) + "\n");
    return outcome;
  }

  void add_next_commands() {
    const Product& smallest = products_.size() > 1 ? products_[1] : products_[0];
    std::string question = items_.examples.empty() ? "Hello" : question_text(items_.examples[0]);
    std::replace(question.begin(), question.end(), '\'', ' ');
    std::replace(question.begin(), question.end(), '\n', ' ');
    report_.next_commands = {
        fmt::format("hone generate --model {} --prompt '{}'", smallest.path.string(), question),
        fmt::format("hone eval --model {} --reference {} --chat {}", smallest.path.string(),
                    products_[0].path.string(), recipe_.test.string()),
        fmt::format("hone inspect {}", smallest.path.string()),
    };
  }

  const Recipe& recipe_;
  const RunOptions& options_;
  ComputeMode compute_;
  OpenedModel opened_;
  std::unique_ptr<Tokenizer> tokenizer_;
  std::unique_ptr<ChatTemplate> template_;
  StageStore store_;
  Dataset train_, valid_;
  MeasureItems items_;
  Json items_key_;
  std::string base_hash_, adapter_hash_;
  std::unique_ptr<LoadedModel> base_;
  bool tune_cached_ = false;
  double tune_seconds_ = 0;
  uint64_t adapter_bytes_ = 0;
  uint64_t peak_rss_ = 0;
  std::vector<Product> products_;  // merged first
  std::vector<MeasuredStage> stages_;
  RunReport report_;
};

}  // namespace

RunOutcome run_recipe(const Recipe& recipe, const RunOptions& options) {
  return Run(recipe, options).run();
}

}  // namespace hone
