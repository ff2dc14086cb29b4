// Several adapters on one model at once, each with a scale that may be changed at any time between forwards;
// the base's weights are never touched. Low-rank changes add up to one of the summed rank, so adapters of
// different ranks and targets mix freely.
#pragma once

#include <deque>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "tune/adapter_files.h"

namespace hone {

// An adapter as asked for: a path (adapter_files.h) and how much of its change is added.
struct AdapterChoice {
  std::filesystem::path path;
  double scale = 1;
};
// "PATH" or "PATH:SCALE", SCALE any finite number; a path that exists as it stands is never taken apart.
// Throws kInvalidArgument.
AdapterChoice parse_adapter_choice(const std::string& text);
std::string to_text(const AdapterChoice& choice);

class AdapterStack {
 public:
  // Empty; earlier adapters of the model are taken off. The model must outlive the stack.
  explicit AdapterStack(Model& model);
  ~AdapterStack();
  AdapterStack(const AdapterStack&) = delete;
  AdapterStack& operator=(const AdapterStack&) = delete;

  // Loads an adapter on top of those there, and returns its papers and notes; its index is size() - 1. Throws
  // what load_adapter() throws; the stack is then as it was.
  const LoadedAdapter& add(const AdapterChoice& choice, const LoadAdapterOptions& options);

  size_t size() const noexcept { return parts_.size(); }
  const AdapterChoice& choice(size_t index) const { return parts_.at(index).choice; }
  // One scale for each adapter, in order of add(); 0 turns it off: without any, the base computes its own
  // bits. A single adapter of scale 1 computes as if loaded alone. Not while a forward runs.
  void set_scales(std::span<const double> scales);
  void set_scale(size_t index, double scale);

 private:
  struct Part {
    AdapterChoice choice;
    LoadedAdapter loaded;
  };
  void apply();

  Model* model_;
  std::deque<Part> parts_;
};

}  // namespace hone
