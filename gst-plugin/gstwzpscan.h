/* gstwzpscan: looks at the text of a GstStructure from a peer before GStreamer
 * reads it. Its parsers (1.22) recurse per bracket until the stack is full, use
 * a freed buffer on bad hex, and have assertions on zero denominators and odd
 * names: what is left after this scan has none of those. Pure.
 *
 *   text    = name ["(memory:SystemMemory)"] { "," field "=" typed } [";"]
 *   typed   = "(" type ")" value
 *   value   = word | quoted | "<" [ item { "," item } ] ">"
 *   item    = [ "(" type ")" ] value
 *
 * Lists, `{ }`, are like `< >` where they are allowed. A field whose type is not
 * known here is left out. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define GST_WZP_SCAN_MAX_DEPTH 4u /* brackets in brackets */

/* A copy of @text with the fields that can be read, NULL when it is anything
 * else than above. @with_lists: for tags; caps with one are not fixed. */
char *gst_wzp_scan (const char *text, gboolean with_lists);

G_END_DECLS
