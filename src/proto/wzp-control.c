#include "wzp-control.h"

#include <string.h>

#include "wzp-error.h"

#define MAX_FIXED 64u /* bytes: the type and the numbers of any message */

/* Replaces what must not reach a terminal or a log by spaces. */
static char *
dup_printable (const char *text, gsize len)
{
  char *copy = g_strndup (text, len);

  for (char *p = copy; *p != '\0'; p++)
    if (g_ascii_iscntrl (*p))
      *p = ' ';
  return copy;
}

/* A length and that many bytes of UTF-8 without a NUL. Points into the
 * input. */
static const char *
read_text (WzpReader *r, gsize max_len, gsize *ret_len)
{
  const guint64 len = wzp_reader_varint (r);
  const guint8 *bytes;

  *ret_len = 0;
  if (len > max_len) {
    r->failed = TRUE;
    return "";
  }
  bytes = wzp_reader_bytes (r, (gsize) len);
  if (bytes == NULL ||
      !g_utf8_validate_len ((const char *) bytes, (gsize) len, NULL)) {
    r->failed = TRUE;
    return "";
  }
  *ret_len = (gsize) len;
  return (const char *) bytes;
}

/* NULL when it is empty. */
static char *
read_optional_text (WzpReader *r)
{
  gsize len;
  const char *text = read_text (r, WZP_CONTROL_MAX_MESSAGE, &len);

  return len > 0 ? g_strndup (text, len) : NULL;
}

static guint64
read_bounded (WzpReader *r, guint64 min, guint64 max)
{
  const guint64 value = wzp_reader_varint (r);

  if (value < min || value > max) {
    r->failed = TRUE;
    return 0;
  }
  return value;
}

static guint32
read_u32 (WzpReader *r)
{
  return (guint32) read_bounded (r, 0, G_MAXUINT32);
}

static guint32
read_flow (WzpReader *r)
{
  return (guint32) read_bounded (r, 1, WZP_FLOW_ID_MAX);
}

static WzpPath
read_path (WzpReader *r)
{
  return (WzpPath) read_bounded (r, WZP_PATH_RELAY, WZP_PATH_DIRECT);
}

static void
read_flow_open (WzpReader *r, WzpControl *control)
{
  const char *text;
  gsize len;

  control->flow = read_flow (r);
  control->generation = read_u32 (r);
  text = read_text (r, WZP_FLOW_NAME_MAX, &len);
  control->name = dup_printable (text, len);
  text = read_text (r, WZP_CONTROL_MAX_MESSAGE, &len);
  control->caps = g_strndup (text, len);
  control->tags = read_optional_text (r);
}

static void
read_padding (WzpReader *r, WzpControl *control)
{
  const gsize len = wzp_reader_left (r);
  const guint8 *zeros = wzp_reader_bytes (r, len);

  for (gsize i = 0; zeros != NULL && i < len; i++)
    if (zeros[i] != 0)
      r->failed = TRUE;
  control->padding = (guint32) len;
}

static void
read_bye (WzpReader *r, WzpControl *control)
{
  const char *text;
  gsize len;

  control->reason = read_u32 (r);
  text = read_text (r, WZP_CONTROL_MAX_MESSAGE, &len);
  if (len > 0)
    control->text = dup_printable (text, len);
}

static void
read_fields (WzpReader *r, WzpControl *control)
{
  switch (control->type) {
    case WZP_CONTROL_HELLO:
      control->version = read_u32 (r);
      control->window = read_u32 (r);
      control->latency_ms = read_u32 (r);
      break;
    case WZP_CONTROL_FLOW_OPEN:
      read_flow_open (r, control);
      break;
    case WZP_CONTROL_FLOW_EOS:
      control->flow = read_flow (r);
      control->frame = wzp_reader_varint (r);
      break;
    case WZP_CONTROL_FLOW_CLOSE:
    case WZP_CONTROL_KEY_REQUEST:
      control->flow = read_flow (r);
      break;
    case WZP_CONTROL_NOMINATE:
      control->epoch = wzp_reader_varint (r);
      control->n = wzp_reader_varint (r);
      control->path = read_path (r);
      break;
    case WZP_CONTROL_NOMINATE_ACK:
      control->epoch = wzp_reader_varint (r);
      control->n = wzp_reader_varint (r);
      break;
    case WZP_CONTROL_SUSPECT:
      control->path = read_path (r);
      break;
    case WZP_CONTROL_REPORT:
      control->flow = read_flow (r);
      control->received = wzp_reader_varint (r);
      control->lost = wzp_reader_varint (r);
      control->dropped = wzp_reader_varint (r);
      break;
    case WZP_CONTROL_BYE:
      read_bye (r, control);
      break;
    case WZP_CONTROL_FLOW_LATENCY:
      control->flow = read_flow (r);
      control->latency_ms = read_u32 (r);
      break;
    case WZP_CONTROL_PORTS:
      control->port = (guint32) read_bounded (r, 1, G_MAXUINT16);
      control->step = read_u32 (r);
      control->is_exact = read_bounded (r, 0, 1) == 1;
      break;
    case WZP_CONTROL_PROBE:
    case WZP_CONTROL_PROBE_ACK:
      control->path = read_path (r);
      control->seq = wzp_reader_varint (r);
      read_padding (r, control);
      break;
    case WZP_CONTROL_FEEDBACK:
      control->seq = wzp_reader_varint (r);
      control->received = wzp_reader_varint (r);
      break;
    case WZP_CONTROL_GO:
      control->n = wzp_reader_varint (r);
      break;
  }
}

static gsize
text_len (const char *text)
{
  return text != NULL ? strlen (text) : 0;
}

static void
write_text (WzpWriter *w, const char *text)
{
  wzp_writer_varint (w, text_len (text));
  wzp_writer_bytes (w, text, text_len (text));
}

/* @w is large enough, so only a number over WZP_VARINT_MAX fails. */
static void
write_fields (WzpWriter *w, const WzpControl *control)
{
  switch (control->type) {
    case WZP_CONTROL_HELLO:
      wzp_writer_varint (w, control->version);
      wzp_writer_varint (w, control->window);
      wzp_writer_varint (w, control->latency_ms);
      break;
    case WZP_CONTROL_FLOW_OPEN:
      wzp_writer_varint (w, control->flow);
      wzp_writer_varint (w, control->generation);
      write_text (w, control->name);
      write_text (w, control->caps);
      write_text (w, control->tags);
      break;
    case WZP_CONTROL_FLOW_EOS:
      wzp_writer_varint (w, control->flow);
      wzp_writer_varint (w, control->frame);
      break;
    case WZP_CONTROL_FLOW_CLOSE:
    case WZP_CONTROL_KEY_REQUEST:
      wzp_writer_varint (w, control->flow);
      break;
    case WZP_CONTROL_NOMINATE:
      wzp_writer_varint (w, control->epoch);
      wzp_writer_varint (w, control->n);
      wzp_writer_varint (w, control->path);
      break;
    case WZP_CONTROL_NOMINATE_ACK:
      wzp_writer_varint (w, control->epoch);
      wzp_writer_varint (w, control->n);
      break;
    case WZP_CONTROL_SUSPECT:
      wzp_writer_varint (w, control->path);
      break;
    case WZP_CONTROL_REPORT:
      wzp_writer_varint (w, control->flow);
      wzp_writer_varint (w, control->received);
      wzp_writer_varint (w, control->lost);
      wzp_writer_varint (w, control->dropped);
      break;
    case WZP_CONTROL_BYE:
      wzp_writer_varint (w, control->reason);
      write_text (w, control->text);
      break;
    case WZP_CONTROL_FLOW_LATENCY:
      wzp_writer_varint (w, control->flow);
      wzp_writer_varint (w, control->latency_ms);
      break;
    case WZP_CONTROL_FEEDBACK:
      wzp_writer_varint (w, control->seq);
      wzp_writer_varint (w, control->received);
      break;
    case WZP_CONTROL_GO:
      wzp_writer_varint (w, control->n);
      break;
    case WZP_CONTROL_PORTS:
      wzp_writer_varint (w, control->port);
      wzp_writer_varint (w, control->step);
      wzp_writer_varint (w, control->is_exact ? 1 : 0);
      break;
    case WZP_CONTROL_PROBE:
    case WZP_CONTROL_PROBE_ACK:
      wzp_writer_varint (w, control->path);
      wzp_writer_varint (w, control->seq);
      break;
  }
}

const char *
wzp_path_to_string (WzpPath path)
{
  switch (path) {
    case WZP_PATH_NONE:
      return "none";
    case WZP_PATH_RELAY:
      return "relay";
    case WZP_PATH_DIRECT:
      return "direct";
  }
  g_return_val_if_reached ("none");
}

void
wzp_control_clear (WzpControl *control)
{
  g_clear_pointer (&control->name, g_free);
  g_clear_pointer (&control->caps, g_free);
  g_clear_pointer (&control->tags, g_free);
  g_clear_pointer (&control->text, g_free);
}

GBytes *
wzp_control_write (const WzpControl *control, GError **error)
{
  const gboolean is_padded = control->type == WZP_CONTROL_PROBE ||
      control->type == WZP_CONTROL_PROBE_ACK;
  const gsize padding = is_padded ? control->padding : 0;
  const gsize size = MAX_FIXED + text_len (control->name) +
      text_len (control->caps) + text_len (control->tags) +
      text_len (control->text);
  g_autofree guint8 *buf = g_malloc0 (size);
  WzpWriter w;
  gsize len;

  wzp_writer_init (&w, buf, size);
  wzp_writer_varint (&w, (guint64) control->type);
  write_fields (&w, control);
  len = (gsize) (w.pos - buf);
  if (w.failed || len > WZP_CONTROL_MAX_MESSAGE ||
      padding > WZP_CONTROL_MAX_MESSAGE - len ||
      text_len (control->name) > WZP_FLOW_NAME_MAX) {
    g_set_error (error, WZP_ERROR, WZP_ERROR_TOO_LARGE,
        "Control message of type %d is over a limit (%u bytes in all, %u of "
        "the flow's name)",
        (int) control->type, WZP_CONTROL_MAX_MESSAGE, WZP_FLOW_NAME_MAX);
    return NULL;
  }

  if (padding > size - len)
    buf = g_realloc (buf, len + padding);
  memset (buf + len, 0, padding);
  return g_bytes_new_take (g_steal_pointer (&buf), len + padding);
}

gboolean
wzp_control_parse (
    const guint8 *data, gsize len, WzpControl *ret_control, GError **error)
{
  g_auto (WzpControl) control = { 0 };
  guint64 type;
  WzpReader r;

  wzp_reader_init (&r, data, len);
  type = wzp_reader_varint (&r);
  control.type = (WzpControlType) MIN (type, G_MAXINT);
  if (len > WZP_CONTROL_MAX_MESSAGE)
    r.failed = TRUE;
  if (!r.failed)
    read_fields (&r, &control);
  if (r.failed) {
    g_set_error (error, WZP_ERROR, WZP_ERROR_PROTOCOL,
        "Malformed control message of type %d, %" G_GSIZE_FORMAT " bytes",
        (int) control.type, len);
    return FALSE;
  }

  *ret_control = control;
  memset (&control, 0, sizeof control);
  return TRUE;
}
