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

/* What a type in brackets stands for. */
typedef struct {
  Kind kind;
  GType gtype; /* G_TYPE_INVALID of an unknown one */
} Type;

static const struct {
  const char *name, *gtype_name;
  Kind kind;
} types[] = {
  { "int", "gint", KIND_WORD },
  { "uint", "guint", KIND_WORD },
  { "gint64", "gint64", KIND_WORD },
  { "guint64", "guint64", KIND_WORD },
  { "float", "gfloat", KIND_WORD },
  { "double", "gdouble", KIND_WORD },
  { "boolean", "gboolean", KIND_WORD },
  { "bitmask", "GstBitmask", KIND_WORD },
  { "date", "GDate", KIND_WORD },
  { "datetime", "GstDateTime", KIND_WORD },
  { "GstDateTime", "GstDateTime", KIND_WORD },
  { "fraction", "GstFraction", KIND_FRACTION },
  { "buffer", "GstBuffer", KIND_HEX },
  { "string", "gchararray", KIND_TEXT },
  { "GstValueArray", "GstValueArray", KIND_ARRAY },
};

static Type
type_from_name (const char *name)
{
  const GType gtype = g_type_from_name (name);

  for (guint i = 0; i < G_N_ELEMENTS (types); i++) {
    if (g_str_equal (types[i].name, name))
      return (Type){ types[i].kind, g_type_from_name (types[i].gtype_name) };
  }
  /* Of a library that may or may not be loaded here, such as
   * GstVideoMultiviewFlagsSet. */
  if (g_type_is_a (gtype, GST_TYPE_FLAG_SET) || G_TYPE_IS_ENUM (gtype) ||
      G_TYPE_IS_FLAGS (gtype))
    return (Type){ KIND_WORD, gtype };
  return (Type){ KIND_UNKNOWN, G_TYPE_INVALID };
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

/* A value alone. An array that breaks off at one which cannot be read leaks the
 * others in GStreamer 1.22. */
static gboolean
reads_as (GType gtype, const char *text)
{
  GValue value = G_VALUE_INIT;
  gboolean ok;

  g_value_init (&value, gtype);
  ok = gst_value_deserialize (&value, text);
  g_value_unset (&value);
  return ok;
}

static gboolean
take_simple (Scanner *s, Type type)
{
  g_autofree char *text = NULL;
  const char *begin;

  skip_space (s);
  begin = s->p;
  if (*begin == '"') {
    if ((type.kind != KIND_TEXT && type.kind != KIND_UNKNOWN) ||
        !take_quoted (s))
      return FALSE;
    text = g_strndup (begin, (gsize) (s->p - begin));
  } else {
    text = take_word (s);
  }
  if (text == NULL || type.kind == KIND_ARRAY ||
      (type.kind == KIND_HEX && !is_hex (text)) ||
      (type.kind == KIND_FRACTION && !is_fraction (text)))
    return FALSE;
  return type.kind == KIND_UNKNOWN || reads_as (type.gtype, text);
}

/* "(type)"; FALSE: something else is there. */
static gboolean
take_type (Scanner *s, Type *ret_type)
{
  g_autofree char *name = NULL;

  if (!take (s, '(') || (name = take_word (s)) == NULL || !take (s, ')'))
    return FALSE;
  *ret_type = type_from_name (name);
  return TRUE;
}

static gboolean take_value (Scanner *s, Type type, guint depth);

static gboolean
take_items (Scanner *s, char close, Type type, guint depth)
{
  if (depth == GST_WZP_SCAN_MAX_DEPTH)
    return FALSE;
  if (take (s, close))
    return TRUE;
  do {
    Type item = type;

    skip_space (s);
    if (*s->p == '(' && (!take_type (s, &item) || item.kind == KIND_UNKNOWN))
      return FALSE;
    if (!take_value (s, item, depth + 1))
      return FALSE;
  } while (take (s, ','));
  return take (s, close);
}

static gboolean
take_value (Scanner *s, Type type, guint depth)
{
  if (take (s, '<'))
    return take_items (s, '>', type, depth);
  if (s->with_lists && take (s, '{'))
    return take_items (s, '}', type, depth);
  return take_simple (s, type);
}

static gboolean
take_field (Scanner *s, GString *out)
{
  const char *begin;
  Type type;

  skip_space (s);
  begin = s->p;
  if (!take_name (s) || !take (s, '=') || !take_type (s, &type) ||
      !take_value (s, type, 0))
    return FALSE;
  if (type.kind != KIND_UNKNOWN) {
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
