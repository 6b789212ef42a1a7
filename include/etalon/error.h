/* SPDX-License-Identifier: Apache-2.0
 *
 * Errors: few codes, rich text.
 *
 * A fallible function returns enum et_status.  The first function that fails records WHAT went
 * wrong, with values; its callers add `while ...` lines as the status travels up:
 *
 *     invalid argument: x[2] = 3 V is outside [-1, 1]
 *       while forward call 0 of 'acoustic'
 *       while training epoch 3, batch 17
 *
 * The record is a fixed buffer of the calling thread: the failure path allocates nothing. */
#ifndef ETALON_ERROR_H
#define ETALON_ERROR_H

#ifdef __cplusplus
extern "C" {
#endif

#define ET_API          __attribute__((visibility("default")))
#define ET_CHECKED      __attribute__((warn_unused_result))
#define ET_PRINTF(f, a) __attribute__((format(printf, f, a)))

/* X(name, text): the one list of codes.  The text opens every message of that code. */
/* clang-format off */
#define ET_STATUS_LIST(X)                                    \
    X(OK,          "success")                                \
    X(INVALID,     "invalid argument")                       \
    X(SHAPE,       "shape mismatch")                         \
    X(NOMEM,       "out of memory")                          \
    X(CONFIG,      "configuration error")                    \
    X(IO,          "input/output error")                     \
    X(FORMAT,      "malformed data")                         \
    X(MISSING,     "missing")                                \
    X(UNSUPPORTED, "not supported")                          \
    X(DEVICE,      "device error")                           \
    X(TIMEOUT,     "time-out")                               \
    X(NUMERIC,     "numerical failure")                      \
    X(INTERRUPTED, "interrupted")
/* clang-format on */

enum et_status {
#define X(name, text) ET_##name,
    ET_STATUS_LIST(X)
#undef X
};

enum { ET_ERROR_MESSAGE_MAX = 2048 };

/* A copy of a thread's record, to hand over when an I/O thread is joined. */
struct et_error_record {
    enum et_status status;
    char message[ET_ERROR_MESSAGE_MAX];
};

/* The text of a code, e.g. "shape mismatch"; never NULL. */
ET_API const char *et_status_text(enum et_status status);

/* Starts a new record of the calling thread: "<text of status>: <formatted message>".
 * ET_CONFIG and ET_FORMAT messages that carry their own position ("file:line:col: error: ...")
 * are stored without the leading text.  Returns status. */
ET_API enum et_status et_error_set(enum et_status status, const char *format, ...) ET_PRINTF(2, 3);

/* Appends "\n  while <formatted message>"; what does not fit is cut. */
ET_API void et_error_while(const char *format, ...) ET_PRINTF(1, 2);

/* The calling thread's record.  The message is "" after et_error_clear(). */
ET_API enum et_status et_error_status(void);
ET_API const char *et_error_message(void);
ET_API void et_error_clear(void);

/* Moves the calling thread's record into *record (and clears it), or the other way. */
ET_API void et_error_take(struct et_error_record *record);
ET_API void et_error_put(const struct et_error_record *record);

/* Returns from the calling function when the expression fails. */
#define ET_TRY(expression)                                                                         \
    do {                                                                                           \
        enum et_status et_try_status_ = (expression);                                              \
        if (et_try_status_ != ET_OK) return et_try_status_;                                        \
    } while (0)

/* The same, adding a `while` line: ET_TRY_WHILE(f(), "reading row %zu", row). */
#define ET_TRY_WHILE(expression, ...)                                                              \
    do {                                                                                           \
        enum et_status et_try_status_ = (expression);                                              \
        if (et_try_status_ != ET_OK) {                                                             \
            et_error_while(__VA_ARGS__);                                                           \
            return et_try_status_;                                                                 \
        }                                                                                          \
    } while (0)

#ifdef __cplusplus
}
#endif
#endif
