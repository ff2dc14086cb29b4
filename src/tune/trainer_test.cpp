// The loop on a tiny model: it learns, it resumes bit for bit, it refuses what it should.
#include "tune/trainer.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <cstring>

#include "base/atomic_file.h"
#include "base/error.h"
#include "base/folder_test_support.h"
#include "base/memory.h"
#include "base/progress.h"
#include "io/safetensors.h"
#include "tune/adapter_files.h"
#include "tune/batch_plan.h"
#include "tune/testing.h"
#include "tune/train_memory.h"

namespace hone {
namespace {

TrainConfig quick_config() {
  TrainConfig config;
  config.adapter = {.rank = 4, .alpha = 8};
  config.steps = 6;
  config.batch = 2;
  config.accumulate = 2;
  config.max_length = 64;
  config.lr = 1e-2;
  config.precise = true;
  return config;
}

struct TuneRun {
  explicit TuneRun(const std::string& format = "f32")
      : source(testing::tiny_llama({.format = format})), model(source) {
    Progress::set_quiet(true);
  }
  TrainResult operator()(const TrainConfig& config, const std::string& output, const TrainHooks& hooks = {}) {
    return train(model, {.train = data, .valid = &valid}, {.name = "tiny", .fingerprint = "abc"}, config,
                 folder.path() / output, hooks);
  }
  std::string adapter_bytes(const std::string& output) const {
    return read_file(folder.path() / output / "peft" / "adapter_model.safetensors");
  }
  ErrorCode error_of(const TrainConfig& config, const std::string& part, const std::string& output = "out") {
    try {
      (*this)(config, output);
    } catch (const Error& error) {
      EXPECT_NE(std::string(error.what()).find(part), std::string::npos) << error.what();
      return error.code();
    }
    ADD_FAILURE() << "trained; expected: " << part;
    return ErrorCode::kInternal;
  }
  TestFolder folder;
  MemorySource source;
  Model model;
  Dataset data = testing::tiny_dataset(20);
  Dataset valid = testing::tiny_dataset(5, 6);
};

TEST(Trainer, LearnsOverFloatAndQuantizedBases) {
  for (const char* format : {"f32", "q4_0", "q8_0"}) {
    TuneRun run(format);
    TrainConfig config = quick_config();
    config.steps = 30;
    const TrainResult result = run(config, "out");
    ASSERT_EQ(result.curve.size(), 30u);
    EXPECT_LT(result.curve.back().train_loss, 0.8 * result.curve.front().train_loss) << format;
    EXPECT_EQ(result.trainable_parameters, 2u * 4 * (128 + 2 * 96 + 128 + 3 * 160));
    EXPECT_GT(result.tok_s, 0);
    EXPECT_TRUE(std::filesystem::exists(run.folder.path() / "out/adapter.gguf"));
    // The model keeps the saved adapter: its loss is the best one measured.
    const double now =
        mean_loss(run.model, plain_rows(run.valid, config.max_length, true), ComputeMode::kPrecise);
    EXPECT_DOUBLE_EQ(now, *result.best_valid_loss);
    EXPECT_FALSE(std::filesystem::exists(resume_path(run.folder.path() / "out")));
  }
}

TEST(Trainer, FirstLossIsTheBasesLoss) {
  TuneRun run;
  TrainConfig config = quick_config();
  config.steps = 1;
  config.batch = 50;
  config.accumulate = 1;
  config.shuffle = false;
  const double base =
      mean_loss(run.model, plain_rows(run.data, config.max_length, true), ComputeMode::kPrecise);
  EXPECT_NEAR(run(config, "out").curve[0].train_loss, base, 1e-6);
}

TEST(Trainer, AccumulationPackingAndCheckpointingGiveTheSameStep) {
  TuneRun run;
  TrainConfig config = quick_config();
  config.steps = 3;
  config.batch = 20;
  config.accumulate = 1;
  config.packing = false;
  config.shuffle = false;
  const TrainResult whole = run(config, "whole");
  config.batch = 3;
  config.accumulate = 7;
  const TrainResult parts = run(config, "parts");
  config.packing = true;
  const TrainResult packed = run(config, "packed");
  config.checkpointing = Checkpointing::kOn;
  const TrainResult recomputed = run(config, "recomputed");
  for (size_t i = 0; i < 3; ++i) {
    EXPECT_NEAR(whole.curve[i].train_loss, parts.curve[i].train_loss, 1e-4) << i;
    EXPECT_NEAR(whole.curve[i].train_loss, packed.curve[i].train_loss, 1e-4) << i;
    EXPECT_EQ(packed.curve[i].train_loss, recomputed.curve[i].train_loss) << i;
    EXPECT_NEAR(whole.curve[i].grad_norm, parts.curve[i].grad_norm, 1e-3 * whole.curve[i].grad_norm) << i;
  }
  EXPECT_EQ(recomputed.recomputed_blocks, recomputed.n_blocks);
}

TEST(Trainer, DropoutIsTheSameWhenRecomputed) {
  TuneRun run;
  TrainConfig config = quick_config();
  config.adapter.dropout = 0.3;
  config.checkpointing = Checkpointing::kOff;
  run(config, "kept");
  config.checkpointing = Checkpointing::kOn;
  run(config, "recomputed");
  EXPECT_EQ(run.adapter_bytes("kept"), run.adapter_bytes("recomputed"));
}

TEST(Trainer, ResumesBitForBit) {
  TuneRun run;
  TrainConfig config = quick_config();
  config.adapter.dropout = 0.1;
  config.eval_every = 2;
  const TrainResult whole = run(config, "whole");
  size_t done = 0;
  const TrainHooks hooks{.on_step = [&](const StepRecord& record) { done = record.step; },
                         .stop = [&] { return done >= 3; }};
  try {
    run(config, "stopped", hooks);
    ADD_FAILURE() << "did not stop";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kCancelled);
  }
  EXPECT_TRUE(std::filesystem::exists(resume_path(run.folder.path() / "stopped")));
  EXPECT_FALSE(std::filesystem::exists(run.folder.path() / "stopped/peft"));
  const TrainResult rest = run(config, "stopped");
  EXPECT_EQ(rest.resumed_from, 3u);
  EXPECT_EQ(run.adapter_bytes("whole"), run.adapter_bytes("stopped"));
  ASSERT_EQ(rest.curve.size(), whole.curve.size());
  for (size_t i = 0; i < whole.curve.size(); ++i) {
    EXPECT_EQ(rest.curve[i].train_loss, whole.curve[i].train_loss);
    EXPECT_EQ(rest.curve[i].valid_loss, whole.curve[i].valid_loss);
    EXPECT_EQ(rest.curve[i].tokens, whole.curve[i].tokens);
  }
  EXPECT_EQ(rest.tokens, whole.tokens);
}

// Stopped at every place in turn where it asks, within steps and within validations, a run ends the same.
TEST(Trainer, StopsAnywhereAndGoesOn) {
  TuneRun run;
  TrainConfig config = quick_config();
  config.steps = 3;
  config.eval_every = 1;
  config.packing = false;
  size_t asked = 0;
  const TrainResult whole = run(config, "whole", {.on_step = {}, .stop = [&] { return ++asked == 0; }});
  const size_t places = asked;
  EXPECT_EQ(places, config.steps * (config.accumulate + run.valid.samples.size()));
  for (size_t place = 1; place <= places; ++place) {
    asked = 0;
    const TrainHooks hooks{.on_step = {}, .stop = [&] { return ++asked == place; }};
    EXPECT_THROW(run(config, "stopped", hooks), Error) << place;
    const TrainResult rest = run(config, "stopped");
    EXPECT_EQ(run.adapter_bytes("whole"), run.adapter_bytes("stopped")) << place;
    ASSERT_EQ(rest.curve.size(), whole.curve.size());
    for (size_t i = 0; i < whole.curve.size(); ++i)
      EXPECT_EQ(rest.curve[i].valid_loss, whole.curve[i].valid_loss) << place;
  }
}

// A full disk, played by a folder that cannot be written: the adapter of an earlier run stays as it was.
TEST(Trainer, FailedSaveLeavesTheEarlierAdapter) {
  TuneRun run;
  TrainConfig config = quick_config();
  run(config, "out");
  const std::filesystem::path out = run.folder.path() / "out";
  const std::string before = run.adapter_bytes("out");
  const std::string gguf = read_file(out / "adapter.gguf");
  config.seed = 7;
  size_t done = 0;
  const TrainHooks hooks{.on_step =
                             [&](const StepRecord& record) {
                               done = record.step;
                               // The name that the files are written under is taken by a file.
                               if (done == config.steps)
                                 write_file(out / fmt::format(".{}.partial", ::getpid()), "in the way");
                             },
                         .stop = {}};
  EXPECT_THROW(run(config, "out", hooks), Error);
  EXPECT_EQ(run.adapter_bytes("out"), before);
  EXPECT_EQ(read_file(out / "adapter.gguf"), gguf);
  for (const auto& entry : std::filesystem::directory_iterator(out))
    EXPECT_FALSE(entry.path().string().ends_with(".partial")) << entry.path();
}

TEST(Trainer, SavesOnTheWayAndRefusesOtherSettings) {
  TuneRun run;
  TrainConfig config = quick_config();
  config.save_every = 2;
  size_t done = 0;
  // A crash after step 3: the state of step 2 is on disk.
  const TrainHooks crash{.on_step =
                             [&](const StepRecord& record) {
                               done = record.step;
                               if (done == 3) throw std::runtime_error("crash");
                             },
                         .stop = {}};
  EXPECT_THROW(run(config, "out", crash), std::runtime_error);
  TrainConfig other = config;
  other.lr = 0.5;
  EXPECT_EQ(run.error_of(other, "'lr'"), ErrorCode::kInvalidArgument);
  other.adapter.rank = 8;  // all that differs is said at once
  EXPECT_EQ(run.error_of(other, "stopped after step 2 had other settings: 'rank' was 4, now 8, 'lr' was"),
            ErrorCode::kInvalidArgument);
  run.data.content_hash = "changed";
  EXPECT_EQ(run.error_of(config, "'train_data'"), ErrorCode::kInvalidArgument);
  run.data = testing::tiny_dataset(20);
  EXPECT_EQ(run(config, "out").resumed_from, 2u);
  run(config, "fresh");
  EXPECT_EQ(run.adapter_bytes("out"), run.adapter_bytes("fresh"));
}

TEST(Trainer, RestartForgetsTheStoppedRun) {
  TuneRun run;
  TrainConfig config = quick_config();
  EXPECT_THROW(run(config, "out", {.on_step = {}, .stop = [] { return true; }}), Error);
  config.lr = 1e-3;
  config.restart = true;
  EXPECT_EQ(run(config, "out").resumed_from, 0u);
}

TEST(Trainer, DamagedStateIsRefused) {
  TuneRun run;
  TrainConfig config = quick_config();
  size_t done = 0;
  const TrainHooks hooks{.on_step = [&](const StepRecord& record) { done = record.step; },
                         .stop = [&] { return done >= 2; }};
  EXPECT_THROW(run(config, "out", hooks), Error);
  const auto path = resume_path(run.folder.path() / "out");
  const std::string whole = read_file(path);
  for (const size_t length : {size_t{0}, size_t{7}, size_t{100}, whole.size() / 2, whole.size() - 1}) {
    write_file(path, whole.substr(0, length));
    EXPECT_THROW(run(config, "out"), Error) << length;
  }
}

TEST(Trainer, KeepsTheBestAndTheLast) {
  TuneRun run;
  TrainConfig config = quick_config();
  config.steps = 5;  // few: after many at such a rate rounding decides which was the best
  config.eval_every = 1;
  config.lr = 0.3;  // far too high: the loss goes up again
  config.schedule = "constant";
  const TrainResult result = run(config, "out");
  double best = 1e9;
  size_t best_step = 0;
  for (const StepRecord& record : result.curve) {
    ASSERT_TRUE(record.valid_loss);
    if (*record.valid_loss < best) best_step = record.step;
    best = std::min(best, *record.valid_loss);
  }
  EXPECT_EQ(result.best_step, best_step);
  EXPECT_EQ(*result.best_valid_loss, best);
  ASSERT_LT(best_step, config.steps) << "the rate should have been too high";
  EXPECT_TRUE(std::filesystem::exists(run.folder.path() / "out/last/adapter_model.safetensors"));
  load_adapter(run.model, run.folder.path() / "out", {.fingerprint = "abc"});
  const double now =
      mean_loss(run.model, plain_rows(run.valid, config.max_length, true), ComputeMode::kPrecise);
  EXPECT_DOUBLE_EQ(now, best);
}

TEST(Trainer, StartsFromAnAdapter) {
  TuneRun run;
  TrainConfig config = quick_config();
  const TrainResult first = run(config, "first");
  config.init_adapter = run.folder.path() / "first";
  const TrainResult second = run(config, "second");
  EXPECT_LT(second.curve[0].train_loss, first.curve[0].train_loss);
}

TEST(Trainer, DivergenceIsAnError) {
  TuneRun run;
  TrainConfig config = quick_config();
  config.steps = 40;
  config.lr = 1e30;
  config.clip = 0;
  config.eval_every = 100;
  EXPECT_EQ(run.error_of(config, "lower --lr"), ErrorCode::kInvalidArgument);
}

TEST(Trainer, BadSettingsAreNamed) {
  TuneRun run;
  const auto bad = [&](auto change, const char* part) {
    TrainConfig config = quick_config();
    change(config);
    EXPECT_EQ(run.error_of(config, part), ErrorCode::kInvalidArgument);
  };
  bad([](TrainConfig& c) { c.epochs = 2; }, "more than one");
  bad([](TrainConfig& c) { c.lr = -1; }, "lr");
  bad([](TrainConfig& c) { c.lr = std::nan(""); }, "lr");
  bad([](TrainConfig& c) { c.batch = 0; }, "batch");
  bad([](TrainConfig& c) { c.schedule = "zigzag"; }, "zigzag");
  bad([](TrainConfig& c) { c.objective = "dpo"; }, "dpo");
  bad([](TrainConfig& c) { c.adapter.kind = "dora"; }, "dora");
  bad([](TrainConfig& c) { c.adapter.targets = {"lm_head"}; }, "lm_head");
  bad([](TrainConfig& c) { c.max_length = 512; }, "context");
  bad([](TrainConfig& c) { c.max_length = 10; }, "max-length");
  run.data.samples.clear();
  bad([](TrainConfig&) {}, "no samples");
}

TEST(BatchPlan, LengthByStepsEpochsAndTokens) {
  const Dataset data = testing::tiny_dataset(10);
  TrainConfig config;
  config.packing = false;
  config.batch = 2;
  config.accumulate = 2;
  EXPECT_EQ(BatchPlan(data, config).total_steps(), 3u);  // one epoch: 4 + 4 + 2 samples
  config.epochs = 2;
  EXPECT_EQ(BatchPlan(data, config).total_steps(), 6u);
  EXPECT_EQ(BatchPlan(data, config).total_tokens(), 2 * data.n_tokens);
  config.epochs = 0;
  config.tokens = data.n_tokens + 1;
  EXPECT_EQ(BatchPlan(data, config).total_steps(), 4u);
  config.tokens = 0;
  config.steps = 7;
  EXPECT_EQ(BatchPlan(data, config).total_steps(), 7u);
}

TEST(BatchPlan, EachEpochSeesEverySampleOnceInItsOwnOrder) {
  const Dataset data = testing::tiny_dataset(11);
  for (const bool packing : {false, true}) {
    TrainConfig config;
    config.packing = packing;
    config.max_length = 64;
    config.batch = 1;
    config.accumulate = 3;
    config.epochs = 2;
    BatchPlan plan(data, config);
    std::vector<std::vector<size_t>> epochs(2);
    for (size_t step = 0; step < plan.total_steps(); ++step) {
      for (const PackedBatch& batch : plan.step(step)) {
        auto& seen = epochs[step * 2 / plan.total_steps()];
        seen.insert(seen.end(), batch.samples.begin(), batch.samples.end());
        EXPECT_EQ(batch.batch.tokens.size(), batch.targets.size());
      }
    }
    EXPECT_NE(epochs[0], epochs[1]);
    for (auto& seen : epochs) {
      std::sort(seen.begin(), seen.end());
      ASSERT_EQ(seen.size(), 11u);
      for (size_t i = 0; i < seen.size(); ++i) EXPECT_EQ(seen[i], i);
    }
    config.shuffle = false;
    if (!packing) {
      EXPECT_EQ(BatchPlan(data, config).step(1)[0].samples, std::vector<size_t>{3});
    }
  }
}

TEST(BatchPlan, RowsLieOneAfterAnother) {
  const Dataset data = testing::tiny_dataset(3);
  const PackedBatch all = concatenate(plain_rows(data, 64, false));
  EXPECT_EQ(all.batch.tokens.size(), data.n_tokens);
  ASSERT_EQ(all.batch.sequences.size(), 3u);
  EXPECT_EQ(all.batch.sequences[1].begin, data.samples[0].tokens.size());
  EXPECT_EQ(all.batch.positions[all.batch.sequences[2].begin], 0);
}

}  // namespace
}  // namespace hone
