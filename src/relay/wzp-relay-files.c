#include "wzp-relay-files.h"

#include "wzp-fingerprint.h"
#include "wzp-relay-access.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#define NEW_KEY_LEN 32u /* bytes of entropy */

typedef struct {
  char *data;
  gsize len;
} Secret;

static void
secret_free (gpointer data)
{
  Secret *secret = data;

  explicit_bzero (secret->data, secret->len);
  g_free (secret->data);
  g_free (secret);
}

static GBytes *
take_bytes (char *data, gsize len)
{
  Secret *secret = g_new (Secret, 1);

  secret->data = data;
  secret->len = len;
  return g_bytes_new_with_free_func (data, len, secret_free, secret);
}

static gboolean
fail_errno (GError **error, const char *verb, const char *path)
{
  const int code = errno;

  g_set_error (error, G_FILE_ERROR, g_file_error_from_errno (code),
      "Cannot %s %s: %s", verb, path, g_strerror (code));
  return FALSE;
}

static gboolean
is_credential (const char *path)
{
  const char *folder = g_getenv ("CREDENTIALS_DIRECTORY");
  g_autofree char *below = NULL;

  if (folder == NULL || folder[0] != '/')
    return FALSE;
  below = g_strconcat (folder, "/", NULL);
  return g_str_has_prefix (path, below) &&
      strchr (path + strlen (below), '/') == NULL;
}

static gboolean
check_file (int fd, const char *path, gboolean is_secret, GError **error)
{
  const mode_t others =
      is_credential (path) ? S_IRWXO | S_IWGRP | S_IXGRP : S_IRWXG | S_IRWXO;
  struct stat info;

  if (fstat (fd, &info) < 0)
    return fail_errno (error, "examine", path);
  if (!S_ISREG (info.st_mode)) {
    g_set_error (
        error, WZP_ERROR, WZP_ERROR_INVALID, "%s is not a regular file", path);
    return FALSE;
  }
  if (is_secret && (info.st_mode & others) != 0) {
    g_set_error (error, WZP_ERROR, WZP_ERROR_INVALID,
        "%s may be used by others (mode %04o, 0600 is needed)", path,
        (guint) (info.st_mode & 07777));
    return FALSE;
  }
  return TRUE;
}

static gboolean
read_all (int fd, const char *path, char *buf, gsize max_len, gsize *ret_len,
    GError **error)
{
  gsize len = 0;

  for (;;) {
    /* One byte more than allowed, to tell a full file from a huge one. */
    const gssize n = read (fd, buf + len, max_len + 1 - len);

    if (n < 0 && errno == EINTR)
      continue;
    if (n < 0)
      return fail_errno (error, "read", path);
    if (n == 0)
      break;
    len += n;
    if (len > max_len) {
      g_set_error (error, WZP_ERROR, WZP_ERROR_TOO_LARGE,
          "%s is larger than %" G_GSIZE_FORMAT " bytes", path, max_len);
      return FALSE;
    }
  }
  *ret_len = len;
  return TRUE;
}

GBytes *
wzp_relay_file_read (
    const char *path, gsize max_len, gboolean is_secret, GError **error)
{
  /* Not waiting for the writer, should it be a FIFO. */
  const int fd = open (path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
  char *buf;
  gsize len = 0;
  gboolean ok;

  if (fd < 0) {
    fail_errno (error, "open", path);
    return NULL;
  }
  buf = g_malloc0 (max_len + 1);
  ok = check_file (fd, path, is_secret, error) &&
      read_all (fd, path, buf, max_len, &len, error);
  close (fd);
  if (!ok) {
    explicit_bzero (buf, max_len + 1);
    g_free (buf);
    return NULL;
  }
  return take_bytes (buf, len);
}

GBytes *
wzp_relay_token_key_read (const char *path, GError **error)
{
  /* A line end or two may be behind the longest key. */
  g_autoptr (GBytes) all =
      wzp_relay_file_read (path, WZP_TOKEN_MAX_KEY_LEN + 4, TRUE, error);
  const char *data;
  gsize len;

  if (all == NULL)
    return NULL;
  data = g_bytes_get_data (all, &len);
  while (len > 0 && g_ascii_isspace (data[len - 1]))
    len--;
  if (len < WZP_TOKEN_MIN_KEY_LEN || len > WZP_TOKEN_MAX_KEY_LEN) {
    g_set_error (error, WZP_ERROR, WZP_ERROR_INVALID,
        "%s holds a key of %" G_GSIZE_FORMAT " bytes, %u to %u are possible",
        path, len, WZP_TOKEN_MIN_KEY_LEN, WZP_TOKEN_MAX_KEY_LEN);
    return NULL;
  }
  return g_bytes_new_from_bytes (all, 0, len);
}

static gboolean
write_all (int fd, const char *text, gsize len)
{
  while (len > 0) {
    const gssize n = write (fd, text, len);

    if (n < 0 && errno == EINTR)
      continue;
    if (n < 0)
      return FALSE;
    text += n;
    len -= n;
  }
  return fsync (fd) == 0;
}

gboolean
wzp_relay_token_key_create (const char *path, GError **error)
{
  guint8 key[NEW_KEY_LEN];
  char text[2 * NEW_KEY_LEN + 2];
  gboolean ok;
  int fd;

  if (getrandom (key, sizeof key, 0) != (gssize) sizeof key)
    return fail_errno (error, "make a key for", path);
  for (gsize i = 0; i < sizeof key; i++)
    g_snprintf (text + 2 * i, 3, "%02x", key[i]);
  strcpy (text + 2 * sizeof key, "\n");

  fd = open (path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  ok = fd >= 0 && write_all (fd, text, strlen (text));
  if (!ok)
    fail_errno (error, "create", path);
  if (fd >= 0 && !ok)
    unlink (path);
  if (fd >= 0)
    close (fd);
  explicit_bzero (key, sizeof key);
  explicit_bzero (text, sizeof text);
  return ok;
}

/* The first word of a line, when that is not empty or a comment. */
static gboolean
take_line (const char *path, guint number, char *line, GPtrArray *fingerprints,
    GError **error)
{
  WzpFingerprint fp;

  g_strchug (line);
  if (line[0] == '\0' || line[0] == '#')
    return TRUE;
  line[strcspn (line, " \t\r")] = '\0';
  if (!wzp_fingerprint_parse (line, &fp, error)) {
    g_prefix_error (error, "%s:%u: ", path, number);
    return FALSE;
  }
  g_ptr_array_add (fingerprints, g_strdup (line));
  return TRUE;
}

gboolean
wzp_relay_allow_file_read (
    const char *path, GPtrArray *fingerprints, GError **error)
{
  g_autoptr (GBytes) bytes =
      wzp_relay_file_read (path, WZP_ALLOW_FILE_MAX_LEN, FALSE, error);
  g_autofree char *text = NULL;
  guint number = 0;
  const char *data;
  char *line;
  gsize len;

  if (bytes == NULL)
    return FALSE;
  data = g_bytes_get_data (bytes, &len);
  if (memchr (data, '\0', len) != NULL) {
    g_set_error (error, WZP_ERROR, WZP_ERROR_INVALID, "%s is not a text", path);
    return FALSE;
  }
  text = g_strndup (data, len);
  for (line = text; line != NULL;) {
    char *next = strchr (line, '\n');

    if (next != NULL)
      *next++ = '\0';
    if (!take_line (path, ++number, line, fingerprints, error))
      return FALSE;
    line = next;
  }
  return TRUE;
}
