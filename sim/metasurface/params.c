/* SPDX-License-Identifier: Apache-2.0
 *
 * Parameters of the metasurface in a cavity.  The defaults are a flat cavity of 0.5 m x 0.4 m at 5
 * GHz with 32 pixels along its left wall, one transmitter and four receivers. */
#include "metasurface.h"

#define PLACE(what)                                                                                \
    {.name = "x",                                                                                  \
     .kind = ET_PARAM_REAL,                                                                        \
     .min = -1e6,                                                                                  \
     .max = 1e6,                                                                                   \
     .unit = "m",                                                                                  \
     .doc = what " from the left wall."},                                                          \
    {                                                                                              \
        .name = "y", .kind = ET_PARAM_REAL, .min = -1e6, .max = 1e6, .unit = "m",                  \
        .doc = what " from the lower wall."                                                        \
    }

static const struct et_param antenna_place[] = {PLACE("Distance"), {0}};

static const struct et_param surface_params[] = {
    PLACE("Distance of the near corner"),
    {.name = "width",
     .kind = ET_PARAM_REAL,
     .min = 1e-9,
     .max = 1e6,
     .unit = "m",
     .doc = "Extent along x, cut into nx cells with a pixel in the middle of each."},
    {.name = "height",
     .kind = ET_PARAM_REAL,
     .min = 1e-9,
     .max = 1e6,
     .unit = "m",
     .doc = "Extent along y, cut into ny cells."},
    {.name = "nx",
     .kind = ET_PARAM_INT,
     .initial = "1",
     .min = 1,
     .max = 4096,
     .doc = "Pixels along x."},
    {.name = "ny",
     .kind = ET_PARAM_INT,
     .initial = "1",
     .min = 1,
     .max = 4096,
     .doc = "Pixels along y."},
    {0},
};

static const struct et_param walls_params[] = {
    {.name = "closed",
     .kind = ET_PARAM_BOOL,
     .initial = "true",
     .doc = "A fence of conducting posts around the cavity; false = open space."},
    {.name = "spacing",
     .kind = ET_PARAM_REAL,
     .initial = "0",
     .min = 0,
     .max = 1e6,
     .unit = "m",
     .doc = "Distance of the posts; 0 = 1/10 of the shortest wavelength."},
    {.name = "loss",
     .kind = ET_PARAM_REAL,
     .initial = "0.02",
     .min = 0,
     .max = 1000,
     .doc = "Absorption of posts and scatterers over what they scatter."},
    {0},
};

static const struct et_param scatterers_params[] = {
    {.name = "count",
     .kind = ET_PARAM_INT,
     .initial = "6",
     .min = 0,
     .max = 4096,
     .doc = "Conducting posts at random places, which make the cavity irregular."},
    {.name = "radius",
     .kind = ET_PARAM_REAL,
     .initial = "0.005",
     .min = 1e-9,
     .max = 1e6,
     .unit = "m",
     .doc = "Their radius, well below the wavelength."},
    {.name = "seed",
     .kind = ET_PARAM_INT,
     .initial = "-1",
     .min = -1,
     .max = 9007199254740992.0,
     .doc = "Seed of the places; -1 = the seed of the device."},
    {0},
};

#define STRENGTH(value)                                                                            \
    {                                                                                              \
        .name = "strength", .kind = ET_PARAM_REAL, .initial = value, .min = 1e-6, .max = 1e6,      \
        .doc = "s: polarisability at low frequency times (2 pi f0 / c)^2; the relative linewidth " \
               "by radiation is about s / 4."                                                      \
    }
#define LOSS(value)                                                                                \
    {                                                                                              \
        .name = "loss", .kind = ET_PARAM_REAL, .initial = value, .min = 0, .max = 1000,            \
        .doc = "g: relative linewidth by absorption; where it equals s / 4 the dipole absorbs as " \
               "much as it scatters."                                                              \
    }

static const struct et_param antenna_params[] = {STRENGTH("1"), LOSS("0.25"), {0}};

static const struct et_param pixel_params[] = {
    STRENGTH("0.5"),
    LOSS("0.02"),
    {.name = "on",
     .kind = ET_PARAM_REAL,
     .initial = "0",
     .min = 0,
     .max = 1e15,
     .unit = "Hz",
     .doc = "Resonance of a pixel whose input is 1; 0 = the middle of the band."},
    {.name = "off",
     .kind = ET_PARAM_REAL,
     .initial = "0",
     .min = 0,
     .max = 1e15,
     .unit = "Hz",
     .doc = "Resonance of a pixel whose input is 0; 0 = twice the middle of the band."},
    {0},
};

const struct et_param et__metasurface_params[] = {
    {.name = "frequencies",
     .kind = ET_PARAM_REALS,
     .initial = "[4.8e9, 5.0e9, 5.2e9]",
     .min = 1,
     .max = 1e15,
     .unit = "Hz",
     .min_count = 1,
     .max_count = 4096,
     .doc = "Frequencies of the measurement; output = (frequency * receivers + receiver) * "
            "transmitters + transmitter."},
    {.name = "speed",
     .kind = ET_PARAM_REAL,
     .initial = "299792458",
     .min = 1e-3,
     .max = 1e12,
     .unit = "m/s",
     .doc = "Speed of the waves; sound works too."},
    {.name = "width",
     .kind = ET_PARAM_REAL,
     .initial = "0.5",
     .min = 1e-9,
     .max = 1e6,
     .unit = "m",
     .doc = "Extent of the cavity along x."},
    {.name = "height",
     .kind = ET_PARAM_REAL,
     .initial = "0.4",
     .min = 1e-9,
     .max = 1e6,
     .unit = "m",
     .doc = "Extent of the cavity along y."},
    {.name = "surfaces",
     .kind = ET_PARAM_RECORDS,
     .initial = "[{x: 0.01, y: 0.05, width: 0.02, height: 0.3, nx: 1, ny: 32}]",
     .fields = surface_params,
     .min_count = 1,
     .max_count = 4096,
     .doc = "Metasurfaces: rectangles of pixels, the inputs in this order, row by row."},
    {.name = "transmitters",
     .kind = ET_PARAM_RECORDS,
     .initial = "[{x: 0.42, y: 0.08}]",
     .fields = antenna_place,
     .min_count = 1,
     .max_count = 1024,
     .doc = "Antennas that send, one after the other."},
    {.name = "receivers",
     .kind = ET_PARAM_RECORDS,
     .initial = "[{x: 0.40, y: 0.32}, {x: 0.28, y: 0.20}, {x: 0.15, y: 0.34}, {x: 0.22, y: 0.07}]",
     .fields = antenna_place,
     .min_count = 1,
     .max_count = 1024,
     .doc = "Antennas that listen."},
    {.name = "antenna",
     .kind = ET_PARAM_RECORD,
     .initial = "{}",
     .fields = antenna_params,
     .doc = "Resonance of the antennas, in the middle of the band."},
    {.name = "pixel",
     .kind = ET_PARAM_RECORD,
     .initial = "{}",
     .fields = pixel_params,
     .doc = "Resonance of the pixels, moved by the input."},
    {.name = "walls",
     .kind = ET_PARAM_RECORD,
     .initial = "{}",
     .fields = walls_params,
     .doc = "The four walls."},
    {.name = "scatterers",
     .kind = ET_PARAM_RECORD,
     .initial = "{}",
     .fields = scatterers_params,
     .doc = "Irregularities."},
    {.name = "tuning",
     .kind = ET_PARAM_CHOICE,
     .initial = "bit",
     .choices = "bit|grey",
     .doc = "bit: a pixel is on from x = 0.5 on; grey: its resonance moves from off to on as x "
            "goes from 0 to 1."},
    {.name = "detection",
     .kind = ET_PARAM_CHOICE,
     .initial = "intensity",
     .choices = "intensity|quadratures",
     .doc = "Outputs: |H|^2; or the real parts of all H, then the imaginary parts."},
    {.name = "calibrate",
     .kind = ET_PARAM_BOOL,
     .initial = "true",
     .doc = "Divide H by its rms over 64 random inputs; false = by the moment of a transmitter "
            "alone."},
    {.name = "noise",
     .kind = ET_PARAM_REAL,
     .initial = "0",
     .min = 0,
     .max = 1000,
     .doc = "Rms of the receivers' complex Gaussian noise over the rms of H for 64 random inputs."},
    {0},
};
