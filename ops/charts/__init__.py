"""Charts as SVG and as tables: numbers and labels in, the same bytes out each time.

Nothing here knows what is drawn, in which language, or when: whoever draws gives the labels, the
ticks of the horizontal axis and how a number is written. No meaning hangs on colour alone: lines
differ in their dashes, bars in their hatching, days in their marks, so that a print in grey says
the same. Each chart also gives its numbers as a table, for those who do not see it.
"""
