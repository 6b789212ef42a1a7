/* SPDX-License-Identifier: Apache-2.0
 *
 * JSON on standard output.  Source: RFC 8259. */
#include "json.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

/* Length of the UTF-8 sequence at s, 0 when it is not one (RFC 3629). */
static size_t utf8_length(const unsigned char *s)
{
    if (s[0] < 0x80) return 1;
    size_t n = s[0] >= 0xF0 ? 4 : s[0] >= 0xE0 ? 3 : 2;
    if (s[0] < 0xC2 || s[0] > 0xF4) return 0;
    for (size_t i = 1; i < n; i++)
        if ((s[i] & 0xC0) != 0x80) return 0;
    bool overlong = (s[0] == 0xE0 && s[1] < 0xA0) || (s[0] == 0xF0 && s[1] < 0x90);
    bool surrogate = s[0] == 0xED && s[1] > 0x9F;
    bool beyond = s[0] == 0xF4 && s[1] > 0x8F;
    return overlong || surrogate || beyond ? 0 : n;
}

static void write_string(const char *text)
{
    putchar('"');
    for (const unsigned char *s = (const unsigned char *)text; *s != '\0';) {
        size_t n = utf8_length(s);
        if (n == 0) {
            fputs("\\ufffd", stdout);
            n = 1;
        } else if (*s == '"' || *s == '\\') {
            printf("\\%c", *s);
        } else if (*s == '\n') {
            fputs("\\n", stdout);
        } else if (*s == '\t') {
            fputs("\\t", stdout);
        } else if (*s < 0x20) {
            printf("\\u%04x", *s);
        } else {
            fwrite(s, 1, n, stdout);
        }
        s += n;
    }
    putchar('"');
}

/* What stands in front of any value: comma, line break, key. */
static void open_value(struct json *json, const char *key)
{
    if (json->depth > 0) {
        if (json->filled[json->depth]) putchar(',');
        json->filled[json->depth] = true;
        printf("\n%*s", 2 * json->depth, "");
    }
    if (key != NULL) {
        write_string(key);
        fputs(": ", stdout);
    }
}

void json_begin(struct json *json, const char *key, char bracket)
{
    assert(json->depth + 1 < JSON_DEPTH_MAX);
    open_value(json, key);
    putchar(bracket);
    json->filled[++json->depth] = false;
}

void json_end(struct json *json, char bracket)
{
    assert(json->depth > 0);
    bool filled = json->filled[json->depth--];
    if (filled) printf("\n%*s", 2 * json->depth, "");
    putchar(bracket);
    if (json->depth == 0) putchar('\n');
}

void json_number(struct json *json, const char *key, double value)
{
    open_value(json, key);
    if (!isfinite(value)) {
        fputs("null", stdout);
        return;
    }
    char text[40];
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, value);
        if (strtod(text, NULL) == value) break;
    }
    fputs(text, stdout);
}

void json_integer(struct json *json, const char *key, uint64_t value)
{
    open_value(json, key);
    printf("%" PRIu64, value);
}

void json_bool(struct json *json, const char *key, bool value)
{
    open_value(json, key);
    fputs(value ? "true" : "false", stdout);
}

void json_string(struct json *json, const char *key, const char *value)
{
    open_value(json, key);
    if (value == NULL)
        fputs("null", stdout);
    else
        write_string(value);
}
