/* message-text: messages as JSON texts in which $I, $E and $S stand for the
 * arrays of the identity, the ephemeral key and the signature. */
#pragma once

#include "wzp-message.h"

G_BEGIN_DECLS

/* The fingerprints of all samples: the caller's and the target's. */
#define FP1 "0101:0101:0101:0101:0101:0101:0101:0101"
#define FP2 "0202:0202:0202:0202:0202:0202:0202:0202"

/* [value,value,...] with @n entries; transfer full. */
char *text_bytes (guint n, guint value);
/* @json with $I, $E and $S in their places; transfer full. */
char *text_expand (const char *json);
/* wzp_message_parse() of @json as it stands. */
WzpMessage *text_parse (const char *json, GError **error);
/* Expanded and parsed; fails the test if it is refused. Transfer full. */
WzpMessage *text_parse_ok (const char *json);
/* Expanded, it is no message, and the error's text contains @why. */
void text_assert_refused (const char *json, const char *why);
/* Every member is the same. */
void text_assert_equal (const WzpMessage *a, const WzpMessage *b);

G_END_DECLS
