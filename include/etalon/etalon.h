/* SPDX-License-Identifier: Apache-2.0
 *
 * Etalon: co-design of neural networks and the physical hardware that computes them.
 *
 * The headers in the order in which a newcomer reads them: */
#ifndef ETALON_ETALON_H
#define ETALON_ETALON_H

#include <etalon/error.h>       /* what a function returns when it cannot do its job */
#include <etalon/log.h>         /* where lines for a person go */
#include <etalon/array.h>       /* memory, views, arrays, matrix product */
#include <etalon/rng.h>         /* random numbers as pure functions */
#include <etalon/parallel.h>    /* loops over a batch */
#include <etalon/config.h>      /* YAML checked against tables of parameters */
#include <etalon/store.h>       /* HDF5 files, written atomically */
#include <etalon/system.h>      /* THE interface: y = f(x; knobs) */
#include <etalon/transport.h>   /* how bytes reach a device */
#include <etalon/accelerator.h> /* packed bits: layers, compiler, device */
#include <etalon/dataset.h>     /* labelled data, splits, scaling */
#include <etalon/method.h>      /* networks, local objectives, training methods */
#include <etalon/experiment.h>  /* experiment file in, run file out */

#endif
