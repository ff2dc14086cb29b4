// The local model store: $HONE_HOME/models (default ~/.cache/hone/models) with one NAME.gguf, or one folder
// NAME in Hugging Face layout, per model. open_model() in model.h looks names up here.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace hone {

struct StoredModel {
  std::string name;
  std::filesystem::path path;
  uint64_t bytes = 0;
  bool is_folder = false;
};

// Sorted by name; empty when there is no store yet.
std::vector<StoredModel> stored_models();

// Letters, digits, '.', '_' and '-'; everything else becomes '-'. Throws kInvalidArgument when nothing is
// left.
std::string store_name(const std::string& name);

// Copies a GGUF file or a Hugging Face folder into the store under this name ("" = the file's own name),
// whole or not at all, after checking that it opens. Replaces a model of that name. Returns where it lies.
std::filesystem::path pull_file(const std::filesystem::path& path, const std::string& name);

// The file or folder that a model argument names: itself, or in the store. Throws kNotFound naming what was
// looked for and what the store holds.
std::filesystem::path find_model(const std::string& argument);

}  // namespace hone
