#include "gstwzpscan.h"

#include <gst/gst.h>
#include <string.h>

#define SYSTEM_MEMORY "(" GST_CAPS_FEATURE_MEMORY_SYSTEM_MEMORY ")"

typedef enum {
  KIND_UNKNOWN, /* left out */
  KIND_WORD,    /* numbers, booleans, enums, flags, dates */
  KIND_FRACTION,
  KIND_HEX,   /* a buffer */
  KIND_TEXT,  /* may be in quotes */
  KIND_ARRAY, /* of nothing: others are named after what they hold */
} Kind;

typedef struct {
  const char *p; /* what is next */
  gboolean with_lists;
} Scanner;

static const struct {
  const char *type;
  Kind kind;
} types[] = {
  { "int", KIND_WORD },
  { "uint", KIND_WORD },
  { "gint64", KIND_WORD },
  { "guint64", KIND_WORD },
  { "float", KIND_WORD },
  { "double", KIND_WORD },
  { "boolean", KIND_WORD },
  { "bitmask", KIND_WORD },
  { "date", KIND_WORD },
  { "datetime", KIND_WORD },
  { "GstDateTime", KIND_WORD },
  { "fraction", KIND_FRACTION },
  { "buffer", KIND_HEX },
  { "string", KIND_TEXT },
  { "GstValueArray", KIND_ARRAY },
};

static Kind
kind_of_type (const char *type)
{
  const GType gtype = g_type_from_name (type);

  for (guint i = 0; i < G_N_ELEMENTS (types); i++) {
    if (g_str_equal (types[i].type, type))
      return types[i].kind;
  }
  /* Of a library that may or may not be loaded here, such as
   * GstVideoMultiviewFlagsSet. */
  return g_type_is_a (gtype, GST_TYPE_FLAG_SET) || G_TYPE_IS_ENUM (gtype) ||
          G_TYPE_IS_FLAGS (gtype)
      ? KIND_WORD
      : KIND_UNKNOWN;
}

static void
skip_space (Scanner *s)
{
  while (*s->p == ' ')
    s->p++;
}

static gboolean
take (Scanner *s, char c)
{
  skip_space (s);
  if (*s->p != c)
    return FALSE;
  s->p++;
  return TRUE;
}

/* What GStreamer writes without quotes. */
static gboolean
is_word_char (char c)
{
  return g_ascii_isalnum (c) || (c != '\0' && strchr ("_-+/:.", c) != NULL);
}

/* A new string, NULL for an empty one. */
static char *
take_word (Scanner *s)
{
  const char *begin;

  skip_space (s);
  begin = s->p;
  while (is_word_char (*s->p))
    s->p++;
  return s->p > begin ? g_strndup (begin, (gsize) (s->p - begin)) : NULL;
}

static gboolean
take_name (Scanner *s)
{
  g_autofree char *name = take_word (s);

  return name != NULL && g_ascii_isalpha (name[0]);
}

static gboolean
take_quoted (Scanner *s)
{
  while (*++s->p != '"') {
    if (*s->p == '\\')
      s->p++;
    if (*s->p == '\0')
      return FALSE;
  }
  s->p++;
  return TRUE;
}

static gboolean
is_hex (const char *word)
{
  return strlen (word) % 2 == 0 &&
      strspn (word, "0123456789abcdefABCDEF") == strlen (word);
}

static gboolean
is_fraction (const char *word)
{
  g_auto (GStrv) parts = g_strsplit (word, "/", 3);

  return g_strv_length (parts) == 2 &&
      g_ascii_string_to_signed (
          parts[0], 10, -G_MAXINT, G_MAXINT, NULL, NULL) &&
      g_ascii_string_to_signed (parts[1], 10, 1, G_MAXINT, NULL, NULL);
}

static gboolean
take_simple (Scanner *s, Kind kind)
{
  g_autofree char *word = NULL;

  skip_space (s);
  if (*s->p == '"')
    return (kind == KIND_TEXT || kind == KIND_UNKNOWN) && take_quoted (s);
  word = take_word (s);
  if (word == NULL || kind == KIND_ARRAY)
    return FALSE;
  if (kind == KIND_HEX)
    return is_hex (word);
  return kind != KIND_FRACTION || is_fraction (word);
}

/* "(type)"; FALSE: something else is there. */
static gboolean
take_type (Scanner *s, Kind *ret_kind)
{
  g_autofree char *type = NULL;

  if (!take (s, '(') || (type = take_word (s)) == NULL || !take (s, ')'))
    return FALSE;
  *ret_kind = kind_of_type (type);
  return TRUE;
}

static gboolean take_value (Scanner *s, Kind kind, guint depth);

static gboolean
take_items (Scanner *s, char close, Kind kind, guint depth)
{
  if (depth == GST_WZP_SCAN_MAX_DEPTH)
    return FALSE;
  if (take (s, close))
    return TRUE;
  do {
    Kind item = kind;

    skip_space (s);
    if (*s->p == '(' && (!take_type (s, &item) || item == KIND_UNKNOWN))
      return FALSE;
    if (!take_value (s, item, depth + 1))
      return FALSE;
  } while (take (s, ','));
  return take (s, close);
}

static gboolean
take_value (Scanner *s, Kind kind, guint depth)
{
  if (take (s, '<'))
    return take_items (s, '>', kind, depth);
  if (s->with_lists && take (s, '{'))
    return take_items (s, '}', kind, depth);
  return take_simple (s, kind);
}

static gboolean
take_field (Scanner *s, GString *out)
{
  const char *begin;
  Kind kind;

  skip_space (s);
  begin = s->p;
  if (!take_name (s) || !take (s, '=') || !take_type (s, &kind) ||
      !take_value (s, kind, 0))
    return FALSE;
  if (kind != KIND_UNKNOWN) {
    g_string_append (out, ", ");
    g_string_append_len (out, begin, s->p - begin);
  }
  return TRUE;
}

char *
gst_wzp_scan (const char *text, gboolean with_lists)
{
  Scanner s = { .p = text, .with_lists = with_lists };
  g_autoptr (GString) out = g_string_new (NULL);

  skip_space (&s);
  text = s.p;
  if (!take_name (&s))
    return NULL;
  g_string_append_len (out, text, s.p - text);
  if (g_str_has_prefix (s.p, SYSTEM_MEMORY))
    s.p += strlen (SYSTEM_MEMORY);
  while (take (&s, ',')) {
    if (!take_field (&s, out))
      return NULL;
  }
  take (&s, ';');
  skip_space (&s);
  if (*s.p != '\0')
    return NULL;
  return g_string_free (g_steal_pointer (&out), FALSE);
}
