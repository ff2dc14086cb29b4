#include "tune/trainer.h"

#include <algorithm>
#include <chrono>
#include <cmath>

#include "base/atomic_file.h"
#include "base/error.h"
#include "base/folder_lock.h"
#include "base/interrupt.h"
#include "base/memory.h"
#include "base/progress.h"
#include "tune/adapter_files.h"
#include "tune/batch_plan.h"
#include "tune/objectives/objective.h"
#include "tune/schedule.h"
#include "tune/train_files.h"
#include "tune/train_memory.h"

namespace hone {
namespace {

using Clock = std::chrono::steady_clock;
using nlohmann::ordered_json;

constexpr size_t kEvaluationsPerRun = 5;
// Without --save-every: at most so much is lost to a crash, and at most a twentieth of the time goes into
// saving.
constexpr double kSaveSeconds = 60, kSaveShare = 0.05;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

AdapterSet make_adapters(Model& model, const BaseInfo& base, const TrainConfig& config) {
  if (config.init_adapter.empty()) return AdapterSet::create(model, config.adapter);
  return load_adapter(model, config.init_adapter,
                      {.fingerprint = base.fingerprint, .ignore_base = config.ignore_base})
      .adapters;
}

class TrainRun {
 public:
  TrainRun(Model& model, const TrainData& data, const BaseInfo& base, const TrainConfig& config,
           const std::filesystem::path& output, const TrainHooks& hooks)
      : model_(model),
        base_(base),
        config_(config),
        output_(output),
        hooks_(hooks),
        objective_(objective_named(config.objective)),
        schedule_(schedule_named(config.schedule)),
        compute_(training_mode(config.precise)),
        plan_(data.train, config),
        adapters_(make_adapters(model, base, config)),
        optimizer_(adapters_.parameters(), {.weight_decay = config.weight_decay}) {
    if (config.max_length > model.config().context_length)
      fail(ErrorCode::kInvalidArgument,
           "tune: max-length: got {}, expected at most the model's context of {}", config.max_length,
           model.config().context_length);
    if (data.valid != nullptr) valid_rows_ = plain_rows(*data.valid, config.max_length, config.packing);
    TrainConfig actual = config;
    actual.adapter = adapters_.settings();  // of a loaded adapter: its own
    settings_ = settings_json(actual);
    settings_["compute"] = compute_mode_name(compute_);
    if (!config.init_adapter.empty())
      settings_["init_adapter_weights"] = adapter_file_hash(config.init_adapter);
    settings_["train_data"] = data.train.content_hash;
    settings_["valid_data"] = data.valid != nullptr ? data.valid->content_hash : "";
    settings_["base"] = base.fingerprint;
    rates_ = {.peak = config.lr,
              .warmup_steps = config.warmup_steps != 0
                                  ? config.warmup_steps
                                  : static_cast<size_t>(std::ceil(config.warmup_ratio *
                                                                  static_cast<double>(plan_.total_steps()))),
              .total_steps = plan_.total_steps(),
              .min_ratio = config.min_lr_ratio};
    eval_every_ =
        config.eval_every != 0
            ? config.eval_every
            : std::max<size_t>(1, (plan_.total_steps() + kEvaluationsPerRun - 1) / kEvaluationsPerRun);
  }

  ~TrainRun() { limit_tensor_memory(0); }
  TrainRun(const TrainRun&) = delete;
  TrainRun& operator=(const TrainRun&) = delete;

  TrainResult run();

 private:
  void prepare();
  StepRecord do_step(size_t step);
  bool validation_due() const;
  void validate_now();
  void stop_if_asked();
  bool save_due(const StepRecord& record) const;
  void save_state();
  void write_results(TrainResult& result);
  void keep_training() noexcept;
  ordered_json summary(const TrainResult& result) const;

  Model& model_;
  const BaseInfo& base_;
  const TrainConfig& config_;
  const std::filesystem::path& output_;
  const TrainHooks& hooks_;
  const Objective& objective_;
  const Schedule& schedule_;
  ComputeMode compute_;
  BatchPlan plan_;
  AdapterSet adapters_;
  AdamW optimizer_;
  std::vector<PackedBatch> valid_rows_;
  ordered_json settings_;
  ScheduleSettings rates_;
  size_t eval_every_ = 1;
  ResumeState state_;
  std::optional<FolderLock> lock_;
  Clock::time_point start_ = Clock::now(), saved_ = start_;
  double earlier_seconds_ = 0, save_seconds_ = 0;
};

void TrainRun::prepare() {
  size_t tokens = plan_.max_micro_batch_tokens();
  for (const PackedBatch& row : valid_rows_) tokens = std::max(tokens, row.batch.tokens.size());
  const TrainMemory memory =
      plan_memory(model_, adapters_.n_parameters(), tokens, config_.checkpointing,
                  memory_budget(config_.memory_limit, adapters_.n_parameters()), compute_);
  model_.set_recomputed_blocks(memory.recomputed_blocks);
  if (config_.memory_limit != 0) limit_tensor_memory(memory.available);
  say(fmt::format("{} of {} blocks recomputed; memory: {} beside the weights' {}", memory.recomputed_blocks,
                  model_.config().n_layers, format_bytes(memory.needed()), format_bytes(memory.weights)));
  make_directories(output_);
  lock_.emplace(output_, "wait for it, or choose another output");
  check_disk(output_, adapters_.n_parameters());
  const std::filesystem::path path = resume_path(output_);
  if (config_.restart) {
    std::error_code ignored;
    std::filesystem::remove(path, ignored);
  }
  if (auto earlier = load_resume_state(path, settings_, adapters_, optimizer_)) {
    state_ = std::move(*earlier);
    earlier_seconds_ = state_.seconds;
    say(fmt::format("going on after step {} of {}", state_.steps_done, plan_.total_steps()));
  }
}

bool TrainRun::save_due(const StepRecord& record) const {
  if (record.step == plan_.total_steps()) return false;
  if (config_.save_every != 0) return record.step % config_.save_every == 0;
  return seconds_since(saved_) >= std::max(kSaveSeconds, save_seconds_ / kSaveShare);
}

void TrainRun::save_state() {
  const auto begin = Clock::now();
  state_.seconds = earlier_seconds_ + seconds_since(start_);
  save_resume_state(resume_path(output_), settings_, adapters_, optimizer_, state_);
  saved_ = Clock::now();
  save_seconds_ = seconds_since(begin);
}

void TrainRun::stop_if_asked() {
  if (!(hooks_.stop ? hooks_.stop() : interrupted())) return;
  save_state();
  fail(ErrorCode::kCancelled, "tune: stopped after step {} of {}", state_.steps_done, plan_.total_steps());
}

StepRecord TrainRun::do_step(size_t step) {
  const std::vector<PackedBatch> micro_batches = plan_.step(step);
  size_t n_targets = 0;
  uint64_t n_tokens = 0;
  for (const PackedBatch& batch : micro_batches) {
    n_targets += batch.n_targets;
    n_tokens += batch.batch.tokens.size();
  }
  if (n_targets == 0)
    fail(ErrorCode::kInvalidArgument, "tune: step {}: its samples have no supervised tokens", step + 1);
  double sum = 0;
  optimizer_.zero_grad();
  for (size_t i = 0; i < micro_batches.size(); ++i) {
    stop_if_asked();
    adapters_.phase() = {.training = true, .micro_batch = uint64_t{step} * config_.accumulate + i};
    Tape tape;
    OpContext ctx{.tape = &tape, .compute = compute_};
    sum += objective_.run(model_, ctx, micro_batches[i], 1.0f / static_cast<float>(n_targets));
  }
  adapters_.phase().training = false;
  StepRecord record{.step = step + 1,
                    .tokens = state_.tokens + n_tokens,
                    .train_loss = sum / static_cast<double>(n_targets),
                    .lr = learning_rate(schedule_, rates_, step)};
  record.grad_norm = clip_gradients(optimizer_.parameters(), config_.clip);
  if (!std::isfinite(record.train_loss) || !std::isfinite(record.grad_norm))
    fail(ErrorCode::kInvalidArgument,
         "tune: step {}: loss {} and gradient norm {} are not both finite at learning rate {}; lower --lr, "
         "or raise "
         "--warmup-ratio",
         record.step, record.train_loss, record.grad_norm, record.lr);
  optimizer_.step(record.lr);
  return record;
}

// True also after a stop in the middle of it: then the step is done and its validation is not.
bool TrainRun::validation_due() const {
  if (valid_rows_.empty() || state_.history.empty() || state_.history.back().valid_loss) return false;
  return state_.steps_done == plan_.total_steps() || state_.steps_done % eval_every_ == 0;
}

void TrainRun::validate_now() {
  const auto start = Clock::now();
  StepRecord& record = state_.history.back();
  // As the adapter will be served.
  const ComputeMode served = serving_mode(config_.precise);
  record.valid_loss = mean_loss(model_, valid_rows_, served, [&] { stop_if_asked(); });
  state_.validation_seconds += seconds_since(start);
  if (state_.best_loss && *record.valid_loss >= *state_.best_loss) return;
  state_.best_loss = record.valid_loss;
  state_.best_step = record.step;
  state_.best = adapters_.snapshot();
}

TrainResult TrainRun::run() {
  prepare();
  TrainResult result;
  result.resumed_from = state_.steps_done;
  const uint64_t tokens_before = state_.tokens;
  Progress progress("tune", plan_.total_tokens() - tokens_before, "tok");
  start_ = saved_ = Clock::now();
  if (validation_due()) validate_now();
  for (size_t step = state_.steps_done; step < plan_.total_steps(); ++step) {
    state_.history.push_back(do_step(step));
    state_.steps_done = state_.history.back().step;
    state_.tokens = state_.history.back().tokens;
    if (validation_due()) validate_now();
    const StepRecord& record = state_.history.back();
    progress.update(state_.tokens - tokens_before,
                    state_.best_loss
                        ? fmt::format("loss {:.4f}, best valid {:.4f}", record.train_loss, *state_.best_loss)
                        : fmt::format("loss {:.4f}", record.train_loss));
    if (hooks_.on_step) hooks_.on_step(record);
    if (save_due(record)) save_state();
  }
  progress.finish();
  result.seconds = earlier_seconds_ + seconds_since(start_);
  result.tok_s =
      static_cast<double>(state_.tokens) / std::max(1e-9, result.seconds - state_.validation_seconds);
  write_results(result);
  return result;
}

void TrainRun::write_results(TrainResult& result) {
  result.steps = state_.steps_done;
  result.tokens = state_.tokens;
  result.curve = state_.history;
  result.best_valid_loss = state_.best_loss;
  result.best_step = state_.best_loss ? state_.best_step : state_.steps_done;
  result.trainable_parameters = adapters_.n_parameters();
  result.peak_rss_bytes = peak_rss_bytes();
  result.recomputed_blocks = model_.recomputed_blocks();
  result.n_blocks = model_.config().n_layers;
  const AdapterPapers papers{
      .base_name = base_.name, .base_fingerprint = base_.fingerprint, .training = summary(result)};
  const bool other_is_best = state_.best_loss && state_.best_step != state_.steps_done;
  try {
    place_adapters(adapters_, papers, other_is_best ? state_.best : std::vector<Tensor>{}, output_);
  } catch (...) {
    keep_training();
    throw;
  }
  std::error_code ignored;
  std::filesystem::remove(resume_path(output_), ignored);
}

// The adapter could not be written, most likely for want of space. The state of the last step often still
// can: then the same command only has to write the adapter. If not, the last saved one is there.
void TrainRun::keep_training() noexcept {
  try {
    save_state();
  } catch (const std::exception&) {
    return;  // the error that led here is the one to tell
  }
}

ordered_json TrainRun::summary(const TrainResult& result) const {
  ordered_json summary = settings_;
  summary["steps_done"] = result.steps;
  summary["tokens_done"] = result.tokens;
  summary["saved_step"] = result.best_step;
  if (result.best_valid_loss) summary["valid_loss"] = *result.best_valid_loss;
  if (!result.curve.empty()) summary["train_loss"] = result.curve.back().train_loss;
  summary["compute"] = compute_mode_name(compute_);
  return summary;
}

}  // namespace

TrainResult train(Model& model, const TrainData& data, const BaseInfo& base, const TrainConfig& config,
                  const std::filesystem::path& output, const TrainHooks& hooks) {
  validate(config);
  return TrainRun(model, data, base, config, output, hooks).run();
}

double mean_loss(const Model& model, const std::vector<PackedBatch>& rows, ComputeMode compute,
                 const std::function<void()>& before_row) {
  double sum = 0;
  size_t n = 0;
  for (const PackedBatch& row : rows) {
    if (before_row) before_row();
    OpContext ctx{.compute = compute};
    sum += model.loss(ctx, row.batch, row.targets, 0.0f).sum_nll;
    n += row.n_targets;
  }
  if (n == 0)
    fail(ErrorCode::kInvalidArgument, "validation data: has no supervised tokens, expected at least one");
  return sum / static_cast<double>(n);
}

}  // namespace hone
