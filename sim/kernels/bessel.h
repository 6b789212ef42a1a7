/* SPDX-License-Identifier: Apache-2.0
 *
 * Modified Bessel functions of the second kind, which the C library lacks.  Relative errors are a
 * few units of rounding for x in [1e-8, 700]. */
#ifndef ETALON_SIM_BESSEL_H
#define ETALON_SIM_BESSEL_H

/* ln K_n(x), n >= 0, x > 0. */
double et__bessel_log_k(unsigned n, double x);
/* x K_(n+1)(x) / K_n(x), which tends to 2 n as x goes to 0. */
double et__bessel_k_ratio(unsigned n, double x);
/* ln K_n(x) by the integral for K_n itself: slow, the reference. */
double et__bessel_log_k_reference(unsigned n, double x);

#endif
