// What a training leaves in its output folder.
#pragma once

#include <filesystem>
#include <vector>

#include "tune/adapter_files.h"

namespace hone {

// Disk for everything that a run may leave, asked for before it starts rather than when it ends. Throws
// kResourceExhausted.
void check_disk(const std::filesystem::path& output, uint64_t n_parameters);

// Writes peft/ and, when the kind has that form, adapter.gguf. With `best` (values as of
// AdapterSet::snapshot()) those are the best ones, which are then on the adapters, and last/ holds what was
// on them. What earlier runs left gives way only when all that is new is written, each in one step
// (base/replace.h) and in the order peft/, adapter.gguf, last/: killed between two of them, every one is
// whole, some the earlier and some the new. On failure the adapters hold what they held.
void place_adapters(AdapterSet& adapters, const AdapterPapers& papers, const std::vector<Tensor>& best,
                    const std::filesystem::path& output);

}  // namespace hone
