"""Minutes of a drill: verdict, tables, output."""
