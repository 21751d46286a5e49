/* wzp-json: JSON text of a stranger into a tree.
 *
 * json-glib recurses as deep as the text nests, cuts strings at \u0000, makes
 * invalid UTF-8 of lone surrogates, wraps large numbers and takes comments and
 * hexadecimal. So the text is first checked, strictly by RFC 8259 and with a
 * bounded depth; json-glib then only builds the tree. Pure. */
#pragma once

#include <json-glib/json-glib.h>

G_BEGIN_DECLS

#define WZP_JSON_MAX_DEPTH 16u          /* arrays and objects in each other */
#define WZP_JSON_MAX_LEN   (64u * 1024u) /* bytes */

/* The tree (transfer full). WZP_ERROR_PROTOCOL when the text is not JSON, not
 * UTF-8, nests too deep, has a NUL in a string or an integer below -2^63;
 * WZP_ERROR_TOO_LARGE over WZP_JSON_MAX_LEN. Integers over 2^63 - 1 are
 * negative in the tree, as json-glib has no unsigned ones. */
JsonNode *wzp_json_parse (const char *text, gsize len, GError **error);

G_END_DECLS
