/* SPDX-License-Identifier: Apache-2.0
 *
 * JSON on standard output.
 *
 *     json_begin(&json, NULL, '{');
 *     json_number(&json, "mean", 0.5);
 *     json_end(&json, '}');
 *
 * key is NULL inside an array and for the outermost value. */
#ifndef ETALON_CLI_JSON_H
#define ETALON_CLI_JSON_H

#include <stdbool.h>
#include <stdint.h>

enum { JSON_DEPTH_MAX = 32 };

struct json {
    int depth;
    bool filled[JSON_DEPTH_MAX]; /* has the value at this depth a member already? */
};

/* Opens an object '{' or an array '['; the outermost end writes a newline. */
void json_begin(struct json *json, const char *key, char bracket);
void json_end(struct json *json, char bracket);

/* The shortest decimal that reads back as the same double; null when not finite. */
void json_number(struct json *json, const char *key, double value);
void json_integer(struct json *json, const char *key, uint64_t value);
void json_bool(struct json *json, const char *key, bool value);
/* NULL gives null.  Bytes that are not valid UTF-8 become U+FFFD. */
void json_string(struct json *json, const char *key, const char *value);

#endif
