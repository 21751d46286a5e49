#include "flow-test.h"
#include "wzp-item-queue.h"

typedef struct {
  int kind;
  WzpFrame *frame;
  char *caps, *tags;
  guint64 mark; /* more than a WzpItem */
} Item;

WZP_ITEM_ASSERT (Item);

static void
push_frame (WzpItemQueue *queue, guint64 mark, gsize size)
{
  Item item = { .kind = WZP_ITEM_FRAME,
    .frame = flow_test_frame ((guint32) mark, size),
    .mark = mark };

  wzp_item_queue_push (queue, &item);
}

static void
push_text (WzpItemQueue *queue, guint64 mark, const char *caps)
{
  Item item = { .kind = WZP_ITEM_DESCRIPTION,
    .caps = g_strdup (caps),
    .tags = g_strdup ("t"),
    .mark = mark };

  wzp_item_queue_push (queue, &item);
}

static void
push_end (WzpItemQueue *queue, guint64 mark, int kind)
{
  Item item = { .kind = kind, .mark = mark };

  wzp_item_queue_push (queue, &item);
}

/* "f1 d2 e3": what is in the queue, by its kind and mark; empties it. */
static char *
spell (WzpItemQueue *queue)
{
  g_autoptr (GString) text = g_string_new (NULL);
  Item item;

  while (wzp_item_queue_pop (queue, &item)) {
    g_string_append_printf (text, "%s%c%" G_GUINT64_FORMAT,
        text->len > 0 ? " " : "", "fdeE"[item.kind], item.mark);
    if (item.kind == WZP_ITEM_FRAME)
      flow_test_assert_frame (item.frame, (guint32) item.mark, 3);
    wzp_item_clear (&item);
  }
  g_assert_cmpuint (queue->len, ==, 0);
  g_assert_cmpuint (queue->frames, ==, 0);
  g_assert_cmpuint (queue->bytes, ==, 0);
  g_assert_cmpuint (queue->text_bytes, ==, 0);
  return g_string_free (g_steal_pointer (&text), FALSE);
}

static void
assert_spells (WzpItemQueue *queue, const char *expected)
{
  g_autofree char *text = spell (queue);

  g_assert_cmpstr (text, ==, expected);
}

/* Fills @queue as @text says: "f1 d2 e3", E another sort of end. */
static void
fill (WzpItemQueue *queue, const char *text)
{
  g_auto (GStrv) words = g_strsplit (text, " ", -1);

  for (guint i = 0; words[i] != NULL; i++) {
    guint64 mark = g_ascii_strtoull (words[i] + 1, NULL, 10);

    if (words[i][0] == 'f')
      push_frame (queue, mark, 3);
    else if (words[i][0] == 'd')
      push_text (queue, mark, "c");
    else
      push_end (queue, mark, WZP_ITEM_END + (words[i][0] == 'E'));
  }
}

static void
test_supersede (void)
{
  static const struct {
    const char *pushed, *kept;
  } cases[] = {
    { "f1 f2 f3", "f1 f2 f3" },
    { "d1 d2", "d2" },
    { "e1 e2", "e2" },
    { "e1 E2", "E2" },
    { "d1 e2 d3", "e2 d3" },
    { "e1 d2 e3", "d2 e3" },
    { "e1 d2 E3 d4 e5 d6", "e5 d6" },
    { "d1 f2 d3 f4 d5", "d1 f2 d3 f4 d5" },
    { "d1 f2 d3 d4 f5 e6 e7 f8", "d1 f2 d4 f5 e7 f8" },
  };
  WzpItemQueue queue;

  g_test_summary ("Behind a frame only the newest description and end stay");
  wzp_item_queue_init (&queue, sizeof (Item));
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    fill (&queue, cases[i].pushed);
    assert_spells (&queue, cases[i].kept);
  }
  wzp_item_queue_clear (&queue);
}

static void
test_drop (void)
{
  static const struct {
    const char *pushed, *kept;
    guint64 dropped;
  } cases[] = {
    { "f1", "", 1 },
    { "f1 f2", "f2", 1 },
    { "d1 f2 f3", "d1 f3", 2 },
    { "d1 f2 d3 f4", "d3 f4", 2 },
    { "d1 e2 f3 f4", "d1 e2 f4", 3 },
    { "d1 e2 f3 d4 f5", "e2 d4 f5", 3 },
    { "e1 d2 f3 e4 d5 f6 d7", "e4 d5 f6 d7", 3 },
    { "d1 f2 e3 d4 f5", "e3 d4 f5", 2 },
  };
  WzpItemQueue queue;
  Item item;

  g_test_summary ("A frame is taken out from behind what is not one");
  wzp_item_queue_init (&queue, sizeof (Item));
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    fill (&queue, cases[i].pushed);
    g_assert_true (wzp_item_queue_drop_frame (&queue, &item));
    g_assert_cmpuint (item.mark, ==, cases[i].dropped);
    wzp_item_clear (&item);
    assert_spells (&queue, cases[i].kept);
  }
  fill (&queue, "d1 e2");
  g_assert_null (wzp_item_queue_peek_frame (&queue));
  g_assert_false (wzp_item_queue_drop_frame (&queue, &item));
  assert_spells (&queue, "d1 e2");
  g_assert_null (wzp_item_queue_peek (&queue));
  wzp_item_queue_clear (&queue);
}

static void
test_flush (void)
{
  static const struct {
    const char *pushed, *without_ends, *with_ends;
  } cases[] = {
    { "f1 f2", "", "" },
    { "d1 f2 e3", "d1", "d1 e3" },
    { "d1 f2 d3 f4 e5 f6", "d3", "d3 e5" },
    { "e1 f2 d3 f4 E5 d6", "d6", "E5 d6" },
  };
  WzpItemQueue queue, rest;

  g_test_summary ("A flush takes the frames and keeps the last of the others");
  wzp_item_queue_init (&queue, sizeof (Item));
  for (guint i = 0; i < G_N_ELEMENTS (cases) * 2; i++) {
    gboolean with_ends = i % 2 == 1;

    fill (&queue, cases[i / 2].pushed);
    wzp_item_queue_flush (&queue, with_ends, &rest);
    g_assert_cmpuint (rest.frames, ==, rest.len);
    g_assert_cmpuint (rest.bytes, ==, rest.len * 3);
    wzp_item_queue_clear (&rest);
    assert_spells (
        &queue, with_ends ? cases[i / 2].with_ends : cases[i / 2].without_ends);
  }
  wzp_item_queue_clear (&queue);
}

/* The same in a GQueue, done the long way. */
static void
model_tidy (GQueue *model)
{
  gboolean again = TRUE;

  while (again) {
    again = FALSE;
    for (GList *l = model->head; l != NULL && !again; l = l->next) {
      for (GList *m = l->next; m != NULL && !again; m = m->next) {
        const Item *a = l->data, *b = m->data;

        if (b->kind == WZP_ITEM_FRAME || a->kind == WZP_ITEM_FRAME)
          break;
        if ((a->kind == WZP_ITEM_DESCRIPTION) ==
            (b->kind == WZP_ITEM_DESCRIPTION)) {
          g_free (l->data);
          g_queue_delete_link (model, l);
          again = TRUE;
        }
      }
    }
  }
}

static void
model_push (GQueue *model, int kind, guint64 mark)
{
  Item *item = g_new0 (Item, 1);

  item->kind = kind;
  item->mark = mark;
  g_queue_push_tail (model, item);
  model_tidy (model);
}

static void
model_drop (GQueue *model)
{
  for (GList *l = model->head; l != NULL; l = l->next) {
    if (((Item *) l->data)->kind != WZP_ITEM_FRAME)
      continue;
    g_free (l->data);
    g_queue_delete_link (model, l);
    model_tidy (model);
    return;
  }
}

static void
step_both (WzpItemQueue *queue, GQueue *model, guint action, guint64 mark)
{
  Item item = { 0 };
  Item *expected;

  switch (action) {
    case 0:
      push_text (queue, mark, "abc");
      model_push (model, WZP_ITEM_DESCRIPTION, mark);
      break;
    case 1:
      push_end (queue, mark, WZP_ITEM_END + 1);
      model_push (model, WZP_ITEM_END + 1, mark);
      break;
    case 2:
      wzp_item_queue_drop_frame (queue, &item);
      model_drop (model);
      break;
    case 3:
    case 4:
      expected = g_queue_pop_head (model);
      g_assert_cmpint (wzp_item_queue_pop (queue, &item), ==, expected != NULL);
      if (expected != NULL) {
        g_assert_cmpint (item.kind, ==, expected->kind);
        g_assert_cmpuint (item.mark, ==, expected->mark);
      }
      g_free (expected);
      break;
    default:
      push_frame (queue, mark, mark % 7);
      model_push (model, WZP_ITEM_FRAME, mark);
      break;
  }
  wzp_item_clear (&item);
}

static void
test_random (void)
{
  GRand *rand = wzp_test_rand_new ();
  WzpItemQueue queue;
  GQueue model = G_QUEUE_INIT;

  g_test_summary ("20000 random steps agree with the plain way");
  wzp_item_queue_init (&queue, sizeof (Item));
  for (guint i = 0; i < 20000; i++) {
    gsize bytes = 0;
    guint frames = 0;

    /* Filling and emptying by turns, so that the ring grows and wraps. */
    step_both (&queue, &model,
        g_rand_int_range (rand, 0, i / 500 % 2 == 0 ? 9 : 6), i);
    g_assert_cmpuint (queue.len, ==, model.length);
    for (GList *l = model.head; l != NULL; l = l->next) {
      const Item *item = l->data;

      frames += item->kind == WZP_ITEM_FRAME;
      bytes += item->kind == WZP_ITEM_FRAME ? item->mark % 7 : 0;
    }
    g_assert_cmpuint (queue.frames, ==, frames);
    g_assert_cmpuint (queue.bytes, ==, bytes);
    g_assert_cmpuint (queue.len, <=, 3 * queue.frames + 2);
  }
  wzp_item_queue_clear (&queue);
  g_queue_clear_full (&model, g_free);
  g_rand_free (rand);
}

int
main (int argc, char **argv)
{
  wzp_test_init (&argc, &argv);
  g_test_add_func ("/item-queue/supersede", test_supersede);
  g_test_add_func ("/item-queue/drop", test_drop);
  g_test_add_func ("/item-queue/flush", test_flush);
  g_test_add_func ("/item-queue/random", test_random);
  return wzp_test_run ();
}
