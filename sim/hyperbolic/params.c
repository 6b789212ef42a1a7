/* SPDX-License-Identifier: Apache-2.0
 *
 * Parameters of the hyperbolic network. */
#include "hyperbolic/hyperbolic.h"

/* clang-format off */
static const struct et_param input_params[] = {
    {.name = "n", .kind = ET_PARAM_INT, .initial = "0", .min = 0, .max = 1000000,
     .doc = "Numbers of a vector; 0 = an image."},
    {.name = "channels", .kind = ET_PARAM_INT, .initial = "1", .min = 1, .max = 65536,
     .doc = "Numbers of a pixel, which lie side by side."},
    {.name = "height", .kind = ET_PARAM_INT, .initial = "0", .min = 0, .max = 4096,
     .unit = "pixels", .doc = "Rows of an image."},
    {.name = "width", .kind = ET_PARAM_INT, .initial = "0", .min = 0, .max = 4096,
     .unit = "pixels", .doc = "Columns of an image."},
    {0},
};

static const struct et_param layer_params[] = {
    {.name = "kind", .kind = ET_PARAM_CHOICE,
     .choices = "fc|conv|norm|relu|pool|block|resnet|mlr|prototypes|embedding",
     .doc = "fc: fully connected.  conv: convolution.  norm: midpoint batch norm.  pool: over "
            "windows.  block: two convolutions and a sum with the input.  resnet: a convolution "
            "and blocks.  mlr: signed distances to hyperplanes.  prototypes: distances to points.  "
            "embedding: a point for each whole number."},
    {.name = "n", .kind = ET_PARAM_INT, .initial = "0", .min = 0, .max = 1000000,
     .doc = "fc, mlr, prototypes: outputs.  embedding: points."},
    {.name = "dim", .kind = ET_PARAM_INT, .initial = "2", .min = 1, .max = 65536,
     .doc = "embedding: coordinates of a point."},
    {.name = "channels", .kind = ET_PARAM_INT, .initial = "0", .min = 0, .max = 65536,
     .doc = "conv, block: channels of the result."},
    {.name = "size", .kind = ET_PARAM_INT, .initial = "0", .min = 0, .max = 4096,
     .unit = "pixels", .doc = "conv, pool: side of the window; 0 = 3 of conv, all of pool."},
    {.name = "stride", .kind = ET_PARAM_INT, .initial = "0", .min = 0, .max = 4096,
     .unit = "pixels", .doc = "conv, pool, block: distance of windows; 0 = 1, the size of pool."},
    {.name = "padding", .kind = ET_PARAM_INT, .initial = "-1", .min = -1, .max = 4096,
     .unit = "pixels", .doc = "conv: zeros around the image; -1 = half the size, rounded down."},
    {.name = "pooling", .kind = ET_PARAM_CHOICE, .initial = "average", .choices = "average|max",
     .doc = "pool: what becomes of a window."},
    {.name = "init", .kind = ET_PARAM_CHOICE, .initial = "identity", .choices = "identity|normal",
     .doc = "fc, conv, mlr, block, resnet: begin as the identity (further outputs: random), or "
            "with random normals of variance 1/(2 inputs outputs)."},
    {.name = "rate", .kind = ET_PARAM_REAL, .initial = "0.1", .min = 0, .max = 1,
     .doc = "norm, block, resnet: weight of a batch in the running statistics."},
    {.name = "measure", .kind = ET_PARAM_CHOICE, .initial = "square", .choices = "square|distance",
     .doc = "prototypes: outputs are minus the squared distances, or minus the distances."},
    {.name = "spread", .kind = ET_PARAM_REAL, .initial = "0.1", .min = 0, .max = 10,
     .doc = "prototypes, embedding: points begin as exp0 of normal numbers with this deviation."},
    {.name = "depth", .kind = ET_PARAM_INT, .initial = "20", .min = 4, .max = 1000,
     .doc = "resnet: layers with weights, 2 + 2 widths blocks; 6 n + 2 of three widths."},
    {.name = "widths", .kind = ET_PARAM_REALS, .initial = "[8, 16, 32]", .min = 1, .max = 65536,
     .min_count = 1, .max_count = 16,
     .doc = "resnet: channels of its groups of blocks; each but the first halves the image."},
    {0},
};

const struct et_param et__hyperbolic_params[] = {
    {.name = "geometry", .kind = ET_PARAM_CHOICE, .initial = "poincare",
     .choices = "poincare|euclidean",
     .doc = "The Poincare ball, or flat space: its limit c -> 0, for comparison."},
    {.name = "curvature", .kind = ET_PARAM_REAL, .initial = "0.1", .min = 1e-6, .max = 1000,
     .doc = "c: the ball has curvature -c and radius 1/sqrt(c)."},
    {.name = "learn_curvature", .kind = ET_PARAM_BOOL, .initial = "false",
     .doc = "Make ln c the last knob."},
    {.name = "input", .kind = ET_PARAM_RECORD, .fields = input_params,
     .doc = "Shape of a sample: a vector, or an image."},
    {.name = "layers", .kind = ET_PARAM_RECORDS, .fields = layer_params, .min_count = 1,
     .max_count = 1000, .doc = "The layers, first to last."},
    {0},
};
/* clang-format on */
