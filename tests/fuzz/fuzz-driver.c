/* Runs a fuzz target without libFuzzer: over every file of a corpus folder,
 * and over a number of random mutations of them, the same each time.
 *
 *   fuzz-x CORPUS [RUNS [SEED]]
 *
 * A failure is found again with the RUNS and SEED that it printed. */
#include "fuzz.h"

#include <stdlib.h>
#include <string.h>

#define DEFAULT_RUNS  20000u
#define DEFAULT_SEED  1u
#define MAX_MUTATIONS 6u            /* of one input */
#define MAX_SIZE      (70u * 1024u) /* bytes; over the limits of the formats */
#define MAX_INSERTED  40u           /* bytes at once */

static const guint8 interesting[] = { 0x00, 0x01, 0x3f, 0x40, 0x7f, 0x80, 0xbf,
  0xc0, 0xfe, 0xff, '"', '\\', '{', '}', '[', ']', ':', '.', '%', '/', '0', '9',
  'e', '-' };

static guint
below (GRand *rand, guint n)
{
  return n == 0 ? 0 : g_rand_int (rand) % n;
}

static guint8
any_byte (GRand *rand)
{
  if (g_rand_boolean (rand))
    return interesting[below (rand, G_N_ELEMENTS (interesting))];
  return (guint8) g_rand_int (rand);
}

static void
insert (GByteArray *input, guint at, const guint8 *data, guint len)
{
  const guint behind = input->len - at;

  g_byte_array_set_size (input, input->len + len);
  memmove (input->data + at + len, input->data + at, behind);
  memcpy (input->data + at, data, len);
}

static void
mutate (GRand *rand, GByteArray *input, GPtrArray *corpus)
{
  const guint at = below (rand, input->len);
  const GBytes *other = corpus->pdata[below (rand, corpus->len)];
  guint8 chunk[MAX_INSERTED];
  guint len = 1 + below (rand, MAX_INSERTED);
  gsize other_len;
  const guint8 *other_data = g_bytes_get_data ((GBytes *) other, &other_len);

  switch (below (rand, 6)) {
    case 0:
      if (input->len > 0)
        input->data[at] = any_byte (rand);
      break;
    case 1:
      if (input->len > 0)
        input->data[at] ^= (guint8) (1u << below (rand, 8));
      break;
    case 2: /* insert */
      for (guint i = 0; i < len; i++)
        chunk[i] = any_byte (rand);
      insert (input, at, chunk, len);
      break;
    case 3: /* repeat */
      len = MIN (len, input->len - at);
      memcpy (chunk, input->data + at, len);
      insert (input, at, chunk, len);
      break;
    case 4: /* remove */
      len = MIN (len, input->len - at);
      if (len > 0)
        g_byte_array_remove_range (input, at, len);
      break;
    case 5: /* go on as another file does */
      g_byte_array_set_size (input, at);
      len = below (rand, (guint) other_len);
      if (other_len > 0)
        g_byte_array_append (input, other_data + len, (guint) other_len - len);
      break;
  }
  if (input->len > MAX_SIZE)
    g_byte_array_set_size (input, MAX_SIZE);
}

static void
run (const guint8 *data, gsize size)
{
  /* Of the exact size, so that a sanitizer sees a step too far. */
  g_autofree guint8 *copy = g_malloc (size > 0 ? size : 1);

  if (size > 0)
    memcpy (copy, data, size);
  LLVMFuzzerTestOneInput (copy, size);
}

static int
compare_names (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const char *const *) a, *(const char *const *) b);
}

/* The files of @folder (of GBytes), in the order of their names. */
static GPtrArray *
load_corpus (const char *folder)
{
  GPtrArray *corpus =
      g_ptr_array_new_with_free_func ((GDestroyNotify) g_bytes_unref);
  g_autoptr (GPtrArray) names = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GError) error = NULL;
  g_autoptr (GDir) dir = g_dir_open (folder, 0, &error);
  const char *name;

  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    g_ptr_array_add (names, g_build_filename (folder, name, NULL));
  g_ptr_array_sort (names, compare_names);
  for (guint i = 0; error == NULL && i < names->len; i++) {
    char *data;
    gsize len;

    if (g_file_get_contents (names->pdata[i], &data, &len, &error))
      g_ptr_array_add (corpus, g_bytes_new_take (data, len));
  }
  if (error != NULL || corpus->len == 0)
    g_error (
        "No corpus in %s: %s", folder, error ? error->message : "it is empty");
  return corpus;
}

int
main (int argc, char **argv)
{
  const char *slower = g_getenv ("WZP_TEST_SLOWER");
  guint runs = argc > 2 ? (guint) atoi (argv[2]) : DEFAULT_RUNS;
  const guint32 seed = argc > 3 ? (guint32) atoi (argv[3]) : DEFAULT_SEED;
  g_autoptr (GRand) rand = g_rand_new_with_seed (seed);
  g_autoptr (GByteArray) input = g_byte_array_new ();
  g_autoptr (GPtrArray) corpus = NULL;

  if (argc < 2) {
    g_printerr ("Usage: %s CORPUS [RUNS [SEED]]\n", argv[0]);
    return 2;
  }
  /* Under valgrind: that many times slower. */
  if (argc <= 2 && slower != NULL && atoi (slower) > 1)
    runs /= (guint) atoi (slower);

  corpus = load_corpus (argv[1]);
  g_print ("%u files, %u mutations, seed %u\n", corpus->len, runs, seed);
  for (guint i = 0; i < corpus->len; i++)
    run (g_bytes_get_data (corpus->pdata[i], NULL),
        g_bytes_get_size (corpus->pdata[i]));

  for (guint i = 0; i < runs; i++) {
    GBytes *file = corpus->pdata[below (rand, corpus->len)];

    g_byte_array_set_size (input, 0);
    if (g_bytes_get_size (file) > 0)
      g_byte_array_append (input, g_bytes_get_data (file, NULL),
          (guint) g_bytes_get_size (file));
    for (guint n = 1 + below (rand, MAX_MUTATIONS); n > 0; n--)
      mutate (rand, input, corpus);
    run (input->data, input->len);
  }
  return 0;
}
