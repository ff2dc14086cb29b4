// The public face: plain structs in, plain structs out.
#include "base/error.h"
#include "base/threads.h"
#include "hone/hone.h"
#include "pipeline/loaded_model.h"
#include "quantize/quantize.h"
#include "runtime/generate.h"

namespace hone::api {
namespace {

GenerateOptions generate_options(const Options& options) {
  if (options.max_tokens < 1)
    fail(ErrorCode::kInvalidArgument, "max_tokens: got {}, expected at least 1", options.max_tokens);
  GenerateOptions out;
  out.max_tokens = static_cast<size_t>(options.max_tokens);
  out.stop = options.stop;
  out.compute = serving_mode(options.precise);
  SamplingOptions& sampling = out.sampling;
  sampling.temperature = options.temperature;
  sampling.top_k = options.top_k;
  sampling.top_p = options.top_p;
  sampling.min_p = options.min_p;
  sampling.repeat_penalty = options.repeat_penalty;
  sampling.seed = options.seed;
  return out;
}

}  // namespace

const char* version() noexcept {
  return HONE_VERSION;
}

void set_threads(int n) {
  if (n < 0) fail(ErrorCode::kInvalidArgument, "threads: got {}, expected 0 or more", n);
  set_thread_count(n);
}

struct Model::Impl {
  LoadedModel loaded;

  Reply write(const std::vector<TokenId>& prompt, const Options& options, const OnText& on_text) const {
    GenerateResult result =
        generate(loaded.model(), loaded.tokenizer(), prompt, generate_options(options), on_text);
    return {std::move(result.text), std::move(result.finish), std::move(result.tokens),
            result.prompt_tokens,   result.prompt_seconds,    result.decode_seconds};
  }
};

Model::Model(const std::string& model, const std::string& adapter) {
  std::vector<AdapterChoice> adapters;
  if (!adapter.empty()) adapters.push_back(parse_adapter_choice(adapter));
  impl_.reset(new Impl{LoadedModel(model, adapters)});
}
Model::~Model() = default;
Model::Model(Model&&) noexcept = default;
Model& Model::operator=(Model&&) noexcept = default;

Reply Model::complete(const std::string& text, const Options& options, const OnText& on_text) const {
  return impl_->write(impl_->loaded.tokenizer().encode(text), options, on_text);
}

Reply Model::chat(const std::vector<Message>& messages, const Options& options, const OnText& on_text) const {
  nlohmann::ordered_json all = nlohmann::ordered_json::array();
  for (const Message& message : messages)
    all.push_back({{"role", message.role}, {"content", message.content}});
  return impl_->write(encode_prompt(impl_->loaded.codec(), all), options, on_text);
}

std::vector<int32_t> Model::tokenize(const std::string& text) const {
  return impl_->loaded.tokenizer().encode(text);
}

std::string Model::detokenize(const std::vector<int32_t>& tokens) const {
  for (const int32_t id : tokens)
    if (id < 0 || static_cast<size_t>(id) >= vocabulary_size())
      fail(ErrorCode::kInvalidArgument, "token: got {}, expected 0 to {}", id, vocabulary_size() - 1);
  return impl_->loaded.tokenizer().decode(tokens);
}

std::string Model::architecture() const {
  return impl_->loaded.model().config().architecture;
}
size_t Model::context_length() const noexcept {
  return impl_->loaded.model().config().context_length;
}
size_t Model::vocabulary_size() const noexcept {
  return impl_->loaded.tokenizer().vocab_size();
}
uint64_t Model::n_parameters() const noexcept {
  return impl_->loaded.model().n_parameters();
}
uint64_t Model::weight_bytes() const noexcept {
  return impl_->loaded.model().weight_bytes();
}

void quantize(const std::string& model, const std::string& to, const std::string& output) {
  QuantizeOptions options;
  options.target = &mix_named(to);
  const OpenedModel opened = open_model(model);
  quantize_file(*opened.source, output, options);
}

}  // namespace hone::api
