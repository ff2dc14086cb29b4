// Round to nearest: each block alone, by the format's own scale rule. Needs no data. For the formats of 32
// weights what llama.cpp does without an importance matrix, byte for byte.
#include "quantize/rounder_list.h"

namespace hone {
namespace {

void round_to_nearest(const RoundRequest& request) {
  request.format.from_float(request.rows, request.out, request.n_rows * request.cols);
}

}  // namespace

constinit const Rounder kRounderRtn{
    .name = "rtn",
    .summary = "round to nearest, without data",
    .needs_calibration = false,
    .round = round_to_nearest,
};

}  // namespace hone
