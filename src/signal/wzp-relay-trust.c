#include "wzp-relay-trust.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define SHA256_LEN 32u

/* Host name (RFC 1035, 2.3.4), brackets, colon, port, blank, fingerprint. */
#define MAX_HOST_LEN  255u
#define MAX_LINE_LEN  512u
#define MAX_FILE_SIZE (WZP_KNOWN_RELAYS_MAX * MAX_LINE_LEN) /* bytes */

gboolean
wzp_relay_fingerprint_parse (
    const char *text, guint8 ret_sha256[32], GError **error)
{
  guint8 bytes[SHA256_LEN];
  const char *pos = text;
  gboolean has_colons;
  guint n = 0;

  g_return_val_if_fail (text != NULL, FALSE);

  has_colons = strchr (text, ':') != NULL;
  while (n < SHA256_LEN && g_ascii_isxdigit (pos[0]) &&
      g_ascii_isxdigit (pos[1])) {
    bytes[n++] = (guint8) (g_ascii_xdigit_value (pos[0]) << 4 |
        g_ascii_xdigit_value (pos[1]));
    pos += 2;
    if (has_colons && n < SHA256_LEN && *pos++ != ':')
      break;
  }
  if (n < SHA256_LEN || *pos != '\0') {
    g_set_error (error, WZP_ERROR, WZP_ERROR_INVALID,
        "\"%.100s\" is not a relay's fingerprint (%u hexadecimal bytes)", text,
        SHA256_LEN);
    return FALSE;
  }
  memcpy (ret_sha256, bytes, SHA256_LEN);
  return TRUE;
}

char *
wzp_relay_fingerprint_to_string (const guint8 sha256[32])
{
  GString *text = g_string_sized_new (WZP_RELAY_FINGERPRINT_STRLEN);

  for (guint i = 0; i < SHA256_LEN; i++)
    g_string_append_printf (text, i == 0 ? "%02x" : ":%02x", sha256[i]);
  return g_string_free (text, FALSE);
}

char *
wzp_known_relays_default_path (void)
{
  return g_build_filename (
      g_get_user_config_dir (), "gst-wzp", "known_relays", NULL);
}

/* "host:port" as it stands in the file. NULL: not a host that can stand
 * there. */
static char *
make_key (const char *host, guint16 port)
{
  g_autofree char *lower = NULL;
  char buf[WZP_ADDR_MAX_STRLEN];
  WzpAddr addr;

  /* One address has one spelling. */
  if (wzp_addr_parse_ip (host, port, &addr, NULL))
    return g_strdup (wzp_addr_to_string (&addr, buf));
  if (host[0] == '\0' || host[0] == '#' || strlen (host) > MAX_HOST_LEN)
    return NULL;
  for (const char *c = host; *c != '\0'; c++)
    if (!g_ascii_isgraph (*c) && (guchar) *c < 0x80)
      return NULL;
  lower = g_ascii_strdown (host, -1);
  return strchr (lower, ':') != NULL ? g_strdup_printf ("[%s]:%u", lower, port)
                                     : g_strdup_printf ("%s:%u", lower, port);
}

static gboolean
fail_errno (GError **error, const char *what, const char *path)
{
  int saved = errno;

  g_set_error (error, G_FILE_ERROR, g_file_error_from_errno (saved),
      "Cannot %s %s: %s", what, path, g_strerror (saved));
  return FALSE;
}

/* Appends what is behind @fd to @text, at most MAX_FILE_SIZE bytes. */
static gboolean
read_all (int fd, const char *path, GString *text, GError **error)
{
  char buf[4096];
  gssize n;

  while ((n = read (fd, buf, sizeof buf)) != 0) {
    if (n < 0 && errno == EINTR)
      continue;
    if (n < 0)
      return fail_errno (error, "read", path);
    g_string_append_len (text, buf, n);
    if (text->len > MAX_FILE_SIZE) {
      g_set_error (error, WZP_ERROR, WZP_ERROR_TOO_LARGE,
          "%s is larger than %u bytes", path, MAX_FILE_SIZE);
      return FALSE;
    }
  }
  return TRUE;
}

/* The whole file, empty when there is none. */
static GString *
load (const char *path, GError **error)
{
  g_autoptr (GString) text = g_string_new (NULL);
  struct stat info;
  gboolean ok;
  /* Not waiting for the writer, should it be a FIFO. */
  int fd = open (path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);

  if (fd < 0 && errno == ENOENT)
    return g_steal_pointer (&text);
  if (fd < 0) {
    fail_errno (error, "open", path);
    return NULL;
  }
  ok = fstat (fd, &info) == 0;
  if (!ok) {
    fail_errno (error, "open", path);
  } else if (!S_ISREG (info.st_mode)) {
    ok = FALSE;
    g_set_error (error, G_FILE_ERROR, G_FILE_ERROR_INVAL,
        "%s is not a regular file", path);
  } else {
    ok = read_all (fd, path, text, error);
  }
  close (fd);
  return ok ? g_steal_pointer (&text) : NULL;
}

typedef enum {
  LOOKUP_UNKNOWN,
  LOOKUP_EQUAL,
  LOOKUP_FAILED, /* the error is set */
} Lookup;

/* What the line of this relay says; @value is what stands behind the key. */
static Lookup
compare_line (const char *path, guint number, const char *key,
    const char *value, const guint8 sha256[32], GError **error)
{
  g_autofree char *text = g_strstrip (g_strdup (value));
  g_autofree char *known_text = NULL;
  g_autofree char *got_text = NULL;
  guint8 known[SHA256_LEN];

  if (!wzp_relay_fingerprint_parse (text, known, NULL)) {
    g_set_error (error, WZP_ERROR, WZP_ERROR_INVALID,
        "%s, line %u: no fingerprint behind %s", path, number, key);
    return LOOKUP_FAILED;
  }
  if (memcmp (known, sha256, SHA256_LEN) == 0)
    return LOOKUP_EQUAL;

  known_text = wzp_relay_fingerprint_to_string (known);
  got_text = wzp_relay_fingerprint_to_string (sha256);
  g_set_error (error, WZP_ERROR, WZP_ERROR_IDENTITY,
      "The relay %s has another key than before: %s, it was %s; if that is "
      "right, delete line %u of %s",
      key, got_text, known_text, number, path);
  return LOOKUP_FAILED;
}

static Lookup
look_up (const char *path, GString *text, const char *key,
    const guint8 sha256[32], GError **error)
{
  gsize key_len = strlen (key);
  char *line = text->str;
  guint number = 0;

  while (*line != '\0') {
    gsize len = strcspn (line, "\n");
    char *next = line + len + (line[len] == '\n');

    if (++number > WZP_KNOWN_RELAYS_MAX) {
      g_set_error (error, WZP_ERROR, WZP_ERROR_TOO_LARGE,
          "%s has more than %u lines", path, WZP_KNOWN_RELAYS_MAX);
      return LOOKUP_FAILED;
    }
    line[len] = '\0';
    if (g_ascii_strncasecmp (line, key, key_len) == 0 &&
        (line[key_len] == '\0' || g_ascii_isspace (line[key_len])))
      return compare_line (path, number, key, line + key_len, sha256, error);
    line = next;
  }
  if (number == WZP_KNOWN_RELAYS_MAX) {
    g_set_error (error, WZP_ERROR, WZP_ERROR_TOO_LARGE,
        "%s is full (%u lines), %s cannot be remembered", path,
        WZP_KNOWN_RELAYS_MAX, key);
    return LOOKUP_FAILED;
  }
  return LOOKUP_UNKNOWN;
}

/* The file is replaced as a whole, so a crash leaves the old or the new one. */
static gboolean
append (const char *path, GString *text, const char *key,
    const guint8 sha256[32], GError **error)
{
  g_autofree char *fingerprint = wzp_relay_fingerprint_to_string (sha256);

  if (text->len > 0 && text->str[text->len - 1] != '\n')
    g_string_append_c (text, '\n');
  g_string_append_printf (text, "%s %s\n", key, fingerprint);
  return g_file_set_contents_full (path, text->str, (gssize) text->len,
      G_FILE_SET_CONTENTS_CONSISTENT, 0600, error);
}

static gboolean
check_locked (const char *path, const char *key, const guint8 sha256[32],
    gboolean *ret_is_new, GError **error)
{
  g_autoptr (GString) text = load (path, error);
  g_autoptr (GString) scratch = NULL;

  if (text == NULL)
    return FALSE;
  if (memchr (text->str, '\0', text->len) != NULL) {
    g_set_error (
        error, WZP_ERROR, WZP_ERROR_INVALID, "%s is not a text file", path);
    return FALSE;
  }
  scratch = g_string_new_len (text->str, (gssize) text->len);
  switch (look_up (path, scratch, key, sha256, error)) {
    case LOOKUP_EQUAL:
      return TRUE;
    case LOOKUP_FAILED:
      return FALSE;
    case LOOKUP_UNKNOWN:
      break;
  }
  if (!append (path, text, key, sha256, error))
    return FALSE;
  if (ret_is_new != NULL)
    *ret_is_new = TRUE;
  return TRUE;
}

/* The folder is what is locked: the file itself is replaced. -1: @error. */
static int
lock_folder (const char *folder, GError **error)
{
  int fd;

  if (g_mkdir_with_parents (folder, 0700) != 0) {
    fail_errno (error, "create", folder);
    return -1;
  }
  fd = open (folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) {
    fail_errno (error, "open", folder);
    return -1;
  }
  while (flock (fd, LOCK_EX) != 0)
    if (errno != EINTR) {
      fail_errno (error, "lock", folder);
      close (fd);
      return -1;
    }
  return fd;
}

gboolean
wzp_known_relays_check (const char *path, const char *host, guint16 port,
    const guint8 sha256[32], gboolean *ret_is_new, GError **error)
{
  g_autofree char *key = NULL;
  g_autofree char *folder = NULL;
  gboolean ok;
  int lock;

  g_return_val_if_fail (path != NULL, FALSE);
  g_return_val_if_fail (host != NULL, FALSE);
  g_return_val_if_fail (sha256 != NULL, FALSE);

  if (ret_is_new != NULL)
    *ret_is_new = FALSE;
  key = make_key (host, port);
  if (key == NULL) {
    g_set_error (error, WZP_ERROR, WZP_ERROR_INVALID,
        "\"%.100s\" is not a host name", host);
    return FALSE;
  }
  folder = g_path_get_dirname (path);
  lock = lock_folder (folder, error);
  if (lock < 0)
    return FALSE;
  ok = check_locked (path, key, sha256, ret_is_new, error);
  close (lock);
  return ok;
}
