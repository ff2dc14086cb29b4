// Opening a model argument, and the local store; see store.h.
#include "models/store.h"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>

#include "base/atomic_file.h"
#include "base/error.h"
#include "base/interrupt.h"
#include "base/leftovers.h"
#include "base/mapped_file.h"
#include "base/replace.h"
#include "io/gguf.h"
#include "io/tokenizer_io.h"
#include "models/architecture.h"
#include "models/hf_source.h"
#include "models/model.h"

namespace hone {
namespace fs = std::filesystem;
namespace {

constexpr size_t kMaxName = 100;
constexpr size_t kCopyChunk = 8u << 20;

// The files of a Hugging Face folder that make the model; the rest (optimizer states, images) stays behind.
bool belongs_to_model(const fs::path& file) {
  const std::string name = file.filename().string(), extension = file.extension().string();
  return extension == ".safetensors" || extension == ".json" || extension == ".jinja" ||
         name == "README.md" || name.starts_with("LICENSE") || name.starts_with("NOTICE");
}

uint64_t bytes_of(const fs::path& path) {
  std::error_code ignored;
  if (fs::is_regular_file(path, ignored)) return fs::file_size(path, ignored);
  uint64_t total = 0;
  for (const fs::directory_entry& entry : fs::directory_iterator(path, ignored))
    if (entry.is_regular_file(ignored)) total += entry.file_size(ignored);
  return total;
}

void copy_whole(const fs::path& from, const fs::path& to) {
  const MappedFile source(from);
  AtomicFile target(to);
  for (size_t at = 0; at < source.bytes().size(); at += kCopyChunk) {
    throw_if_interrupted("copying into the model store");
    const auto part = source.bytes().subspan(at, std::min(kCopyChunk, source.bytes().size() - at));
    target.write(part);
    source.release(part);
  }
  target.commit();
}

// Copies the folder under a temporary name and puts it in place when it is complete.
void copy_folder(const fs::path& from, const fs::path& to) {
  const fs::path temporary = to.parent_path() / fmt::format(".{}.partial", ::getpid());
  std::error_code error;
  fs::remove_all(temporary, error);
  make_directories(temporary);
  try {
    for (const fs::directory_entry& entry : fs::directory_iterator(from))
      if (entry.is_regular_file() && belongs_to_model(entry.path()))
        copy_whole(entry.path(), temporary / entry.path().filename());
    replace_whole(temporary, to);
  } catch (const fs::filesystem_error& failure) {
    fs::remove_all(temporary, error);
    fail(ErrorCode::kIo, "{}: cannot write: {}", to.string(), failure.what());
  } catch (...) {
    fs::remove_all(temporary, error);
    throw;
  }
}

std::string store_listing() {
  const std::vector<StoredModel> models = stored_models();
  if (models.empty()) return fmt::format("the model store {} is empty", model_store().string());
  std::vector<std::string> names;
  names.reserve(models.size());
  for (const StoredModel& model : models) names.push_back(model.name);
  return fmt::format("the model store {} holds: {}", model_store().string(), fmt::join(names, ", "));
}

constexpr size_t kMostPadding = 65536;  // embedding rows without a token; published models have a thousand

OpenedModel open_path(const fs::path& path) {
  OpenedModel opened;
  opened.path = path;
  if (fs::is_directory(path)) {
    auto source = std::make_unique<HfSource>(path);
    opened.tokenizer = source->tokenizer();
    opened.chat_template = source->chat_template();
    opened.source = std::move(source);
    return opened;
  }
  opened.source = std::make_unique<GgufFile>(path);
  const Metadata& metadata = opened.source->metadata();
  try {
    architecture_named(metadata.string("general.architecture"));
    opened.tokenizer = tokenizer_data(metadata);
    if (const std::optional<size_t> embeddings = opened.source->find("token_embd.weight")) {
      const std::vector<uint64_t>& shape = opened.source->tensors()[*embeddings].shape;
      const size_t n = opened.tokenizer.tokens.size();
      if (shape.size() == 2 && shape[1] > n && shape[1] - n <= kMostPadding)
        pad_vocabulary(opened.tokenizer, shape[1]);
    }
    opened.chat_template = metadata.find_string("tokenizer.chat_template").value_or("");
  } catch (const Error& error) {
    throw Error(error.code(), fmt::format("{}: {}", path.string(), error.what()));
  }
  return opened;
}

}  // namespace

fs::path model_store() {
  const auto variable = [](const char* name) -> std::string {
    const char* value = std::getenv(name);  // NOLINT(concurrency-mt-unsafe): nothing here sets variables
    return value == nullptr ? "" : value;
  };
  if (const std::string home = variable("HONE_HOME"); !home.empty()) return fs::path(home) / "models";
  if (const std::string home = variable("HOME"); !home.empty())
    return fs::path(home) / ".cache" / "hone" / "models";
  fail(ErrorCode::kNotFound, "model store: neither HONE_HOME nor HOME is set; set HONE_HOME to a folder");
}

std::vector<StoredModel> stored_models() {
  std::vector<StoredModel> models;
  std::error_code error;
  for (const fs::directory_entry& entry : fs::directory_iterator(model_store(), error)) {
    const fs::path& path = entry.path();
    if (path.filename().string().starts_with('.')) continue;
    std::error_code ignored;
    const bool is_folder = entry.is_directory(ignored) && fs::exists(path / "config.json", ignored);
    const bool is_file = entry.is_regular_file(ignored) && path.extension() == ".gguf";
    if (!is_folder && !is_file) continue;
    models.push_back(
        {is_file ? path.stem().string() : path.filename().string(), path, bytes_of(path), is_folder});
  }
  std::sort(models.begin(), models.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
  return models;
}

std::string store_name(const std::string& name) {
  std::string out;
  for (const char c : name) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '.' || c == '_' || c == '-';
    out += plain ? c : '-';
  }
  out.erase(0, out.find_first_not_of(".-"));  // no hidden files, nothing that looks like a flag
  if (out.ends_with(".gguf")) out.resize(out.size() - 5);
  if (out.size() > kMaxName) out.resize(kMaxName);
  if (out.empty())
    fail(ErrorCode::kInvalidArgument, "model name: got '{}', expected letters, digits, '.', '_' or '-'",
         name);
  return out;
}

fs::path pull_file(const fs::path& path, const std::string& name) {
  std::error_code ignored;
  if (!fs::exists(path, ignored))
    fail(ErrorCode::kNotFound, "{}: no such file or folder; download the model first, then pull it",
         path.string());
  const bool is_folder = fs::is_directory(path, ignored);
  std::error_code unknown;
  const fs::path own_name = fs::weakly_canonical(path, unknown).filename();
  if (unknown) fail(ErrorCode::kIo, "{}: cannot find its whole path: {}", path.string(), unknown.message());
  const std::string stored = store_name(name.empty() ? own_name.string() : name);
  {  // A file that does not open never gets into the store.
    OpenedModel opened = open_path(path);
    read_config(*opened.source);
  }
  const fs::path file = model_store() / (stored + ".gguf"), folder = model_store() / stored;
  fs::path target = is_folder ? folder : file;
  const fs::path other = is_folder ? file : folder;
  if (fs::exists(other, ignored))
    fail(ErrorCode::kInvalidArgument, "model name '{}': taken by {}; use another --name or remove that one",
         stored, other.string());
  if (fs::equivalent(path, target, ignored)) return target;
  make_directories(model_store());
  remove_leftovers(model_store());
  if (is_folder) {
    copy_folder(path, target);
  } else {
    copy_whole(path, target);
  }
  return target;
}

fs::path find_model(const std::string& argument) {
  std::error_code ignored;
  if (argument.empty()) fail(ErrorCode::kInvalidArgument, "model: got an empty name; {}", store_listing());
  if (fs::exists(argument, ignored)) return argument;
  // Only a plain name is looked up in the store: an argument must not walk out of it.
  if (argument.find('/') == std::string::npos && argument != "." && argument != "..") {
    for (const fs::path& path : {model_store() / (argument + ".gguf"), model_store() / argument})
      if (fs::exists(path, ignored)) return path;
  }
  fail(ErrorCode::kNotFound,
       "model '{}': no such file or folder, and {}; add one with: hone pull FILE --name NAME", argument,
       store_listing());
}

OpenedModel open_model(const std::string& argument) {
  return open_path(find_model(argument));
}

}  // namespace hone
