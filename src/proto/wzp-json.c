#include "wzp-json.h"

#include <string.h>

#include "wzp-error.h"

/* Where the check stands. A step that fails returns FALSE and has set `why`
 * and left `pos` near the fault. */
typedef struct {
  const char *pos;
  const char *end;
  const char *why; /* static string */
  guint depth;     /* arrays and objects that are open */
} Check;

static gboolean check_value (Check *c);

static gboolean
fail (Check *c, const char *why)
{
  c->why = why;
  return FALSE;
}

/* The next byte, 0 at the end (the text has no NUL). */
static char
peek (const Check *c)
{
  return c->pos < c->end ? *c->pos : '\0';
}

static gboolean
skip (Check *c, char byte)
{
  if (peek (c) != byte)
    return FALSE;
  c->pos++;
  return TRUE;
}

static void
skip_space (Check *c)
{
  while (peek (c) != '\0' && strchr (" \t\r\n", peek (c)) != NULL)
    c->pos++;
}

static gsize
skip_digits (Check *c)
{
  const char *begin = c->pos;

  while (g_ascii_isdigit (peek (c)))
    c->pos++;
  return (gsize) (c->pos - begin);
}

/* Four hex digits of a \u escape. */
static gboolean
check_code_unit (Check *c, guint *ret_unit)
{
  *ret_unit = 0;
  for (guint i = 0; i < 4; i++, c->pos++) {
    if (!g_ascii_isxdigit (peek (c)))
      return fail (c, "bad \\u escape");
    *ret_unit = *ret_unit << 4 | (guint) g_ascii_xdigit_value (peek (c));
  }
  return TRUE;
}

static gboolean
check_escape (Check *c)
{
  guint unit, low;

  if (peek (c) != '\0' && strchr ("\"\\/bfnrt", peek (c)) != NULL) {
    c->pos++;
    return TRUE;
  }
  if (!skip (c, 'u'))
    return fail (c, "unknown escape");
  if (!check_code_unit (c, &unit))
    return FALSE;
  if (unit == 0)
    return fail (c, "NUL in a string");
  if (unit < 0xd800 || unit > 0xdfff)
    return TRUE;

  /* A surrogate comes as a pair, the high one first. */
  if (unit > 0xdbff || !skip (c, '\\') || !skip (c, 'u'))
    return fail (c, "lone surrogate");
  if (!check_code_unit (c, &low))
    return FALSE;
  return (low >= 0xdc00 && low <= 0xdfff) || fail (c, "lone surrogate");
}

static gboolean
check_string (Check *c)
{
  if (!skip (c, '"'))
    return fail (c, "a string is missing");
  while (!skip (c, '"')) {
    if (c->pos == c->end)
      return fail (c, "unterminated string");
    if ((guchar) *c->pos < 0x20)
      return fail (c, "control character in a string");
    if (*c->pos++ == '\\' && !check_escape (c))
      return FALSE;
  }
  return TRUE;
}

static gboolean
check_number (Check *c)
{
  const gboolean is_negative = skip (c, '-');
  const char *digits = c->pos;
  const gsize n = skip_digits (c);
  gboolean is_integer = TRUE;

  if (n == 0)
    return fail (c, "bad value");
  if (n > 1 && digits[0] == '0')
    return fail (c, "number with a leading zero");
  if (skip (c, '.')) {
    is_integer = FALSE;
    if (skip_digits (c) == 0)
      return fail (c, "bad fraction");
  }
  if (skip (c, 'e') || skip (c, 'E')) {
    is_integer = FALSE;
    if (!skip (c, '-'))
      skip (c, '+');
    if (skip_digits (c) == 0)
      return fail (c, "bad exponent");
  }
  /* json-glib would negate what wrapped, and make it a positive number. */
  if (is_integer && is_negative &&
      (n > 19 || (n == 19 && strncmp (digits, "9223372036854775808", n) > 0)))
    return fail (c, "integer out of range");
  return TRUE;
}

static gboolean
check_word (Check *c, const char *word)
{
  const gsize len = strlen (word);

  if ((gsize) (c->end - c->pos) < len || strncmp (c->pos, word, len) != 0)
    return fail (c, "bad value");
  c->pos += len;
  return TRUE;
}

static gboolean
check_member (Check *c)
{
  skip_space (c);
  if (!check_string (c))
    return FALSE;
  skip_space (c);
  return skip (c, ':') ? check_value (c) : fail (c, "a colon is missing");
}

/* What stands between the brackets that @closing ends, and that. */
static gboolean
check_container (Check *c, char closing)
{
  if (++c->depth > WZP_JSON_MAX_DEPTH)
    return fail (c, "nested too deep");
  skip_space (c);
  if (!skip (c, closing)) {
    do {
      if (!(closing == '}' ? check_member (c) : check_value (c)))
        return FALSE;
    } while (skip (c, ','));
    if (!skip (c, closing))
      return fail (c, "unterminated array or object");
  }
  c->depth--;
  return TRUE;
}

/* A value and the space around it. */
static gboolean
check_value (Check *c)
{
  gboolean ok;

  skip_space (c);
  switch (peek (c)) {
    case '{':
      c->pos++;
      ok = check_container (c, '}');
      break;
    case '[':
      c->pos++;
      ok = check_container (c, ']');
      break;
    case '"':
      ok = check_string (c);
      break;
    case 't':
      ok = check_word (c, "true");
      break;
    case 'f':
      ok = check_word (c, "false");
      break;
    case 'n':
      ok = check_word (c, "null");
      break;
    default:
      ok = check_number (c);
      break;
  }
  if (ok)
    skip_space (c);
  return ok;
}

JsonNode *
wzp_json_parse (const char *text, gsize len, GError **error)
{
  Check check = { .pos = text, .end = text + len };
  g_autoptr (JsonParser) parser = NULL;
  g_autoptr (GError) local_error = NULL;
  JsonNode *root = NULL;

  g_return_val_if_fail (text != NULL, NULL);

  if (len > WZP_JSON_MAX_LEN) {
    g_set_error (error, WZP_ERROR, WZP_ERROR_TOO_LARGE,
        "JSON of %" G_GSIZE_FORMAT " bytes, at most %u are allowed", len,
        WZP_JSON_MAX_LEN);
    return NULL;
  }
  /* Also refuses NUL bytes. */
  if (!g_utf8_validate_len (text, len, &check.pos)) {
    g_set_error (error, WZP_ERROR, WZP_ERROR_PROTOCOL,
        "JSON is not UTF-8 at byte %d", (int) (check.pos - text));
    return NULL;
  }

  check.pos = text;
  if (!check_value (&check) ||
      (check.pos != check.end && !fail (&check, "text behind the value"))) {
    g_set_error (error, WZP_ERROR, WZP_ERROR_PROTOCOL,
        "Malformed JSON at byte %d: %s", (int) (check.pos - text), check.why);
    return NULL;
  }

  parser = json_parser_new ();
  if (json_parser_load_from_data (parser, text, (gssize) len, &local_error))
    root = json_parser_steal_root (parser);
  if (root == NULL)
    g_set_error (error, WZP_ERROR, WZP_ERROR_PROTOCOL, "Malformed JSON: %s",
        local_error != NULL ? local_error->message : "empty");
  return root;
}
