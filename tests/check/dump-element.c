/* dump-element FACTORY: what an element class offers, as text: as
 * gst-inspect-1.0 does, but the same with every version of GStreamer, and of
 * the base classes only what the element changes. */
#include <gst/gst.h>

static void
print_enum (GType type)
{
  GEnumClass *klass = g_type_class_ref (type);

  for (guint i = 0; i < klass->n_values; i++)
    g_print ("      %d %s: %s\n", klass->values[i].value,
        klass->values[i].value_nick, klass->values[i].value_name);
  g_type_class_unref (klass);
}

static void
print_range (GParamSpec *pspec)
{
  if (G_IS_PARAM_SPEC_UINT (pspec)) {
    GParamSpecUInt *range = G_PARAM_SPEC_UINT (pspec);

    g_print (", %u to %u", range->minimum, range->maximum);
  } else if (G_IS_PARAM_SPEC_INT (pspec)) {
    GParamSpecInt *range = G_PARAM_SPEC_INT (pspec);

    g_print (", %d to %d", range->minimum, range->maximum);
  } else if (G_IS_PARAM_SPEC_DOUBLE (pspec)) {
    GParamSpecDouble *range = G_PARAM_SPEC_DOUBLE (pspec);

    g_print (", %g to %g", range->minimum, range->maximum);
  }
}

static void
print_default (GstElement *element, GParamSpec *pspec)
{
  GValue value = G_VALUE_INIT;
  g_autofree char *text = NULL;

  if (!(pspec->flags & G_PARAM_READABLE))
    return;
  g_value_init (&value, pspec->value_type);
  g_object_get_property (G_OBJECT (element), pspec->name, &value);
  if (G_VALUE_HOLDS_STRING (&value))
    text = g_value_dup_string (&value);
  else if (!G_VALUE_HOLDS (&value, GST_TYPE_STRUCTURE))
    text = gst_value_serialize (&value);
  g_print (", default %s", text != NULL ? text : "none");
  g_value_unset (&value);
}

static const char *
mutability (GParamFlags flags)
{
  if (!(flags & G_PARAM_WRITABLE))
    return "read only";
  if (flags & GST_PARAM_MUTABLE_PLAYING)
    return "any time";
  return flags & GST_PARAM_MUTABLE_READY ? "in NULL or READY" : "unknown";
}

static void
print_property (GstElement *element, GParamSpec *pspec)
{
  g_print ("  %s: %s\n", pspec->name, g_param_spec_get_blurb (pspec));
  g_print ("    %s", g_type_name (pspec->value_type));
  print_range (pspec);
  print_default (element, pspec);
  g_print (", %s%s\n", mutability (pspec->flags),
      pspec->flags & G_PARAM_READABLE ? "" : ", write only");
  if (G_IS_PARAM_SPEC_ENUM (pspec))
    print_enum (pspec->value_type);
}

static int
compare_pspecs (gconstpointer a, gconstpointer b)
{
  return g_strcmp0 (
      (*(GParamSpec *const *) a)->name, (*(GParamSpec *const *) b)->name);
}

static void
print_properties (GstElement *element)
{
  guint n;
  g_autofree GParamSpec **pspecs =
      g_object_class_list_properties (G_OBJECT_GET_CLASS (element), &n);

  qsort (pspecs, n, sizeof *pspecs, compare_pspecs);
  g_print ("\nProperties\n");
  for (guint i = 0; i < n; i++) {
    if (pspecs[i]->owner_type == G_OBJECT_TYPE (element))
      print_property (element, pspecs[i]);
  }
}

static void
print_signals (GstElement *element)
{
  guint n;
  g_autofree guint *ids = g_signal_list_ids (G_OBJECT_TYPE (element), &n);

  g_print ("\nSignals\n");
  for (guint i = 0; i < n; i++) {
    GSignalQuery query;

    g_signal_query (ids[i], &query);
    g_print ("  %s%s (", query.signal_flags & G_SIGNAL_ACTION ? "action " : "",
        query.signal_name);
    for (guint j = 0; j < query.n_params; j++)
      g_print ("%s%s", j > 0 ? ", " : "", g_type_name (query.param_types[j]));
    g_print (") -> %s\n", g_type_name (query.return_type));
  }
}

static void
print_factory (GstElementFactory *factory, GstElement *element)
{
  static const char *const keys[] = { GST_ELEMENT_METADATA_LONGNAME,
    GST_ELEMENT_METADATA_KLASS, GST_ELEMENT_METADATA_DESCRIPTION };
  const char *const *protocols =
      gst_element_factory_get_uri_protocols (factory);

  for (guint i = 0; i < G_N_ELEMENTS (keys); i++)
    g_print ("%s: %s\n", keys[i],
        gst_element_factory_get_metadata (factory, keys[i]));
  g_print ("rank: %u\nparent: %s\n",
      gst_plugin_feature_get_rank (GST_PLUGIN_FEATURE (factory)),
      g_type_name (g_type_parent (G_OBJECT_TYPE (element))));
  for (; protocols != NULL && *protocols != NULL; protocols++)
    g_print ("uri: %s (%s)\n", *protocols,
        gst_element_factory_get_uri_type (factory) == GST_URI_SINK ? "sink"
                                                                   : "source");
  for (const GList *l = gst_element_factory_get_static_pad_templates (factory);
       l != NULL; l = l->next) {
    const GstStaticPadTemplate *pad = l->data;

    g_print ("pad: %s, %s\n", pad->name_template, pad->static_caps.string);
  }
}

int
main (int argc, char **argv)
{
  g_autoptr (GstElementFactory) factory = NULL;
  GstElement *element;

  gst_init (&argc, &argv);
  if (argc != 2 || (factory = gst_element_factory_find (argv[1])) == NULL) {
    g_printerr ("usage: dump-element FACTORY\n");
    return 1;
  }
  element = gst_element_factory_create (factory, NULL);
  g_print ("%s\n\n", argv[1]);
  print_factory (factory, element);
  print_properties (element);
  print_signals (element);
  gst_object_unref (element);
  return 0;
}
